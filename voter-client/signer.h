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

/// Why an eID card did not sign. X(enumerator, NAME, sentence for the voter)
#define PSEPHOS_SIGNER_ERRORS(X)                                                                   \
  X(kModuleMissing, "MODULE_MISSING", "the card driver (PKCS#11 module) cannot be loaded")         \
  X(kTokenNotPresent, "TOKEN_NOT_PRESENT", "no eID card of that person is in the reader")          \
  X(kCardIncomplete, "CARD_INCOMPLETE", "the card lacks one of its two certificates or keys")      \
  X(kCardAmbiguous, "CARD_AMBIGUOUS", "cards of several persons are present; name the one to use") \
  X(kPinWrong, "PIN_WRONG", "the PIN is wrong")                                                    \
  X(kPinLocked, "PIN_LOCKED", "the PIN is locked; unlock it with the PUK code")                    \
  X(kPinCancelled, "PIN_CANCELLED", "no PIN was entered")                                          \
  X(kCardFileUnreadable, "CARD_FILE_UNREADABLE", "the file of software cards cannot be read")      \
  X(kCardUnknown, "CARD_UNKNOWN", "the file of software cards has no card of that person")         \
  X(kTestModeForbidden, "TEST_MODE_FORBIDDEN",                                                     \
    "software cards are refused outside an election in test mode")                                 \
  X(kDeviceError, "DEVICE_ERROR", "the card or its driver failed; take it out, put it back, try again")

namespace psephos {

enum class SignerError : std::uint8_t {
#define PSEPHOS_X(enumerator, name, sentence) enumerator,
  PSEPHOS_SIGNER_ERRORS(PSEPHOS_X)
#undef PSEPHOS_X
};

struct SignerErrorText {
  std::string_view name;
  std::string_view sentence;
};
constexpr SignerErrorText describe(SignerError error) {
  switch (error) {
#define PSEPHOS_X(enumerator, name, sentence) \
  case SignerError::enumerator:               \
    return {name, sentence};
    PSEPHOS_SIGNER_ERRORS(PSEPHOS_X)
#undef PSEPHOS_X
  }
  return {"UNKNOWN", ""};
}
constexpr std::string_view name_of(SignerError error) {
  return describe(error).name;
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
