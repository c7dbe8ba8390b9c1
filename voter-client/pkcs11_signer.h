#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "voter-client/signer.h"

namespace psephos {

/// An eID card behind a PKCS#11 module. Its two keys may lie in two tokens (PIN1, PIN2) or in one. The card
/// is known by its certificates, which follow the voters' profile (protocol/eid/certificate.h), not by
/// labels. Every signature logs in, with the PIN fresh from `pins`, and out again; a key that demands it
/// (CKA_ALWAYS_AUTHENTICATE) gets the PIN once more for its one signature.
class Pkcs11Signer final : public Signer {
 public:
  /// Finds the card of `national_id`, or, if that is empty, of the one person whose card is present. Asks for
  /// no PIN. `pins` must outlive the signer.
  /// @return kModuleMissing, kTokenNotPresent, kCardAmbiguous, kCardIncomplete or kDeviceError.
  static Result<std::unique_ptr<Pkcs11Signer>, SignerError> open(const std::string& module_path,
                                                                 std::string_view national_id,
                                                                 PinSource& pins);
  ~Pkcs11Signer() override;

  const Person& person() const;
  Result<Bytes, SignerError> certificate(KeyUse use) override;
  /// @return kPinCancelled, kPinWrong, kPinLocked; kTokenNotPresent if the card was taken out or exchanged;
  /// kCardIncomplete if the certificate's key is missing; kDeviceError.
  Result<Bytes, SignerError> sign(KeyUse use, ByteView message) override;

 private:
  struct State;
  explicit Pkcs11Signer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos
