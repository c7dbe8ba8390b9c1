#pragma once
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

namespace psephos {

/// Why an eID card did not sign: the reasons of SPEC §12 that a card or its driver gives.
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

/// Asks the voter for a PIN; called once for each signature.
class PinSource {
 public:
  virtual ~PinSource() = default;
  /// @return kPinCancelled if the voter gave none.
  virtual Result<Pin, SignerError> pin(const PinRequest& request) = 0;
};

/// One person's eID: two certificates and the keys that go with them. For one thread.
class Signer {
 public:
  virtual ~Signer() = default;
  /// The card's certificate in DER. Asks for no PIN.
  virtual Result<Bytes, SignerError> certificate(KeyUse use) = 0;
  /// ECDSA over `message` in the form that EidVerifier takes: r‖s, SHA-384 on P-384, SHA-256 on P-256. One
  /// PIN entry yields one signature.
  virtual Result<Bytes, SignerError> sign(KeyUse use, ByteView message) = 0;
};

}  // namespace psephos
