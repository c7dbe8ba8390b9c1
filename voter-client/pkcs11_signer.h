#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "voter-client/signer.h"

namespace psephos {

/// Whose card is present, and where.
struct PresentCard {
  Person person;
  std::vector<std::string> readers;  ///< as the driver calls them; several where she has several cards, or
                                     ///< each half of a card has a reader of its own
  bool complete = false;             ///< both certificates are there
};
/// The eID cards that the module sees, one entry a person, by national id. Asks for no PIN.
/// @return kModuleMissing or kDeviceError; none present is an empty list.
Result<std::vector<PresentCard>, SignerError> present_cards(const std::string& module_path);

/// An eID card behind a PKCS#11 module. Its two keys may lie in two tokens (PIN1, PIN2) or in one. The card
/// is known by its certificates, which follow the voters' profile (protocol/eid/certificate.h), not by
/// labels, and signs with ECDSA or, if its keys are RSA's, PKCS #1 v1.5 (SPEC §9.8). Every signature logs in,
/// with the PIN fresh from `pins` or entered on the reader's own keys, and out again; a key that demands it
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
  Result<Bytes, Rejection> signing_certificate() override;
  /// @return PIN_CANCELLED; PIN_WRONG, of which `pins` is told first; PIN_LOCKED, also when this wrong PIN
  /// locked it; TOKEN_NOT_PRESENT if the card was taken out, before or while it signed, or exchanged;
  /// CARD_INCOMPLETE if the certificate's key is missing; DEVICE_ERROR. The object is "PIN1" or "PIN2".
  Result<Signed, Rejection> sign(KeyUse use, ByteView message) override;

 private:
  Result<Bytes, SignerError> signature(KeyUse use, ByteView message);
  struct State;
  explicit Pkcs11Signer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos
