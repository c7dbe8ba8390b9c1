#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/invariant.h"
#include "crypto/result.h"
#include "crypto/secret/secret_bytes.h"
#include "protocol/eid.h"
#include "protocol/rejection.h"
#include "protocol/signed.h"

namespace psephos {

/// Why a card or its driver does not serve: the reasons of SPEC §12 that these give.
enum class SignerError : std::uint16_t {
  kModuleMissing = static_cast<std::uint16_t>(Reason::kModuleMissing),
  kTokenNotPresent = static_cast<std::uint16_t>(Reason::kTokenNotPresent),
  kCardIncomplete = static_cast<std::uint16_t>(Reason::kCardIncomplete),
  kCardAmbiguous = static_cast<std::uint16_t>(Reason::kCardAmbiguous),
  kPinWrong = static_cast<std::uint16_t>(Reason::kPinWrong),
  kPinLocked = static_cast<std::uint16_t>(Reason::kPinLocked),
  kPinCancelled = static_cast<std::uint16_t>(Reason::kPinCancelled),
  kCardFileUnreadable = static_cast<std::uint16_t>(Reason::kCardFileUnreadable),
  kCardUnknown = static_cast<std::uint16_t>(Reason::kCardUnknown),
  kTestModeForbidden = static_cast<std::uint16_t>(Reason::kTestModeForbidden),
  kDeviceError = static_cast<std::uint16_t>(Reason::kDeviceError),
};
constexpr Reason reason_of(SignerError error) {
  return static_cast<Reason>(error);
}
constexpr std::string_view name_of(SignerError error) {
  return name_of(reason_of(error));
}
/// The refusal of a card in use.
inline std::unexpected<Rejection> card_refused(SignerError error, KeyUse use) {
  return reject(reason_of(error), use == KeyUse::kAuthentication ? "PIN1" : "PIN2");
}

/// A PIN in secret memory, wiped when it goes.
class Pin {
 public:
  static constexpr std::size_t kMaxBytes = 64;
  /// Copies from memory that the caller wipes. @pre at most kMaxBytes.
  static Pin copy_from(ByteView digits) {
    invariant(digits.size() <= kMaxBytes, "callers bound what they read as a PIN");
    Pin pin;
    std::copy(digits.begin(), digits.end(), pin.bytes_.expose_mutable().begin());
    pin.size_bytes_ = digits.size();
    return pin;
  }
  ByteView expose() const { return bytes_.expose().first(size_bytes_); }

 private:
  SecretBytes<kMaxBytes> bytes_;
  std::size_t size_bytes_ = 0;
};

/// How many wrong PINs the card still forgives, as far as it says.
enum class PinTries : std::uint8_t { kMany, kFew, kLast };

/// What the voter is asked. Which PIN follows from `use`: PIN1 to authenticate, PIN2 to sign.
struct PinRequest {
  KeyUse use;
  std::string card;  ///< the card's label, e.g. "TAMM,MARI,38001085718 (PIN2)"
  PinTries tries;
};

/// Asks the voter for a PIN, once for each signature, and tells what became of it.
class PinSource {
 public:
  virtual ~PinSource() = default;
  /// @return kPinCancelled if the voter gave none.
  virtual Result<Pin, SignerError> pin(const PinRequest& request) = 0;
  /// The reader has keys of its own and now waits for the PIN there; `pin` is not asked. A key that wants its
  /// PIN once more for its one signature makes this come twice.
  virtual void pin_on_reader(const PinRequest& request) { static_cast<void>(request); }
  /// The card took the PIN for wrong; `request.tries` is what it still forgives.
  virtual void pin_wrong(const PinRequest& request) { static_cast<void>(request); }
};

/// A signature, and the certificate of the key that made it.
struct Signed {
  Bytes certificate;  ///< DER
  Bytes signature;    ///< in the form that EidVerifier takes
};

/// One person's eID: two certificates and the keys that go with them. For one thread. Refusals name a card's
/// or a phone's reason.
class Signer {
 public:
  virtual ~Signer() = default;
  /// Which certificate `sign` will use for KeyUse::kSigning: a ballot's signature speaks of it. Asks for no
  /// PIN.
  virtual Result<Bytes, Rejection> signing_certificate() = 0;
  /// A signature over `message`, hashed as the key demands (SPEC §9.8). One PIN entry yields one signature.
  virtual Result<Signed, Rejection> sign(KeyUse use, ByteView message) = 0;
  /// The collector gave this cast ticket for an authentication signed here. Of use to those who sign by way
  /// of the collector.
  virtual void authorised(const ServiceSigned& ticket) { static_cast<void>(ticket); }
};

}  // namespace psephos
