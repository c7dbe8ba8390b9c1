#include "voter-client/pkcs11_signer.h"

#include <openssl/evp.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/eid/certificate.h"
#include "voter-client/pkcs11_module.h"

namespace psephos {
namespace {

using pkcs11::attribute;
using pkcs11::Module;
using pkcs11::Session;

constexpr CK_ULONG kCertificate = CKO_CERTIFICATE;
constexpr CK_ULONG kX509 = CKC_X_509;
constexpr CK_ULONG kPrivateKey = CKO_PRIVATE_KEY;

/// A certificate found in a token, and what leads to its key.
struct Slot {
  CK_SLOT_ID slot;
  std::string label, serial_number;  // of the token
  Bytes key_id;                      // CKA_ID, which certificate and key share
  Bytes certificate;
  std::int64_t not_before_unix_s;
  EcCurve curve;
  Person person;
  KeyUse use;
};

/// All voters' certificates in all tokens.
Result<std::vector<Slot>, SignerError> scan(const std::shared_ptr<Module>& module) {
  const auto slots = module->slots();
  if (!slots) return std::unexpected(slots.error());
  std::vector<Slot> found;
  for (const CK_SLOT_ID slot : *slots) {
    const auto info = module->token_info(slot);
    if (!info || (info->flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    const auto session = Session::open(module, slot);
    if (!session) continue;
    const auto objects =
        session->find({attribute(CKA_CLASS, kCertificate), attribute(CKA_CERTIFICATE_TYPE, kX509)});
    if (!objects) continue;
    for (const CK_OBJECT_HANDLE object : *objects) {
      const auto der = session->read(object, CKA_VALUE);
      const auto key_id = session->read(object, CKA_ID);
      if (!der || !key_id) continue;
      const auto certificate = parse_certificate(*der);
      const auto person = certificate ? person_of(*certificate) : std::unexpected(certificate.error());
      if (!person) continue;
      for (const KeyUse use : {KeyUse::kAuthentication, KeyUse::kSigning})
        if (certificate->curve && check_voter_profile(*certificate, use))
          found.push_back({slot, pkcs11::trimmed(info->label), pkcs11::trimmed(info->serialNumber), *key_id,
                           *der, certificate->not_before_unix_s, *certificate->curve, *person, use});
    }
  }
  return found;
}

}  // namespace

struct Pkcs11Signer::State {
  std::shared_ptr<Module> module;
  PinSource& pins;
  std::array<Slot, 2> card;  // authentication, signing

  const Slot& of(KeyUse use) const { return card[use == KeyUse::kAuthentication ? 0 : 1]; }
};

Pkcs11Signer::Pkcs11Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Signer::~Pkcs11Signer() = default;

const Person& Pkcs11Signer::person() const {
  return state_->card[0].person;
}

Result<std::unique_ptr<Pkcs11Signer>, SignerError> Pkcs11Signer::open(const std::string& module_path,
                                                                      std::string_view national_id,
                                                                      PinSource& pins) {
  auto module = Module::load(module_path);
  if (!module) return std::unexpected(module.error());
  auto found = scan(*module);
  if (!found) return std::unexpected(found.error());
  std::array<std::optional<Slot>, 2> card;
  std::string whose(national_id);
  for (Slot& slot : *found) {
    if (whose.empty()) whose = slot.person.national_id;
    if (slot.person.national_id != whose) {
      if (national_id.empty()) return std::unexpected(SignerError::kCardAmbiguous);
      continue;
    }
    // A renewed certificate beside its predecessor: the later one.
    auto& place = card[slot.use == KeyUse::kAuthentication ? 0 : 1];
    if (!place || place->not_before_unix_s < slot.not_before_unix_s) place = std::move(slot);
  }
  if (!card[0] && !card[1]) return std::unexpected(SignerError::kTokenNotPresent);
  if (!card[0] || !card[1]) return std::unexpected(SignerError::kCardIncomplete);
  return std::unique_ptr<Pkcs11Signer>(new Pkcs11Signer(std::unique_ptr<State>(
      new State{std::move(*module), pins, {std::move(*card[0]), std::move(*card[1])}})));
}

Result<Bytes, SignerError> Pkcs11Signer::certificate(KeyUse use) {
  return state_->of(use).certificate;
}

Result<Bytes, SignerError> Pkcs11Signer::sign(KeyUse use, ByteView message) {
  const Slot& slot = state_->of(use);
  Module& module = *state_->module;
  const auto info = module.token_info(slot.slot);
  if (!info) return std::unexpected(info.error());
  if (pkcs11::trimmed(info->serialNumber) != slot.serial_number)
    return std::unexpected(SignerError::kTokenNotPresent);
  if ((info->flags & CKF_USER_PIN_LOCKED) != 0) return std::unexpected(SignerError::kPinLocked);

  std::optional<Pin> pin;  // none: the reader has a key pad of its own
  if ((info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0) {
    const PinTries tries = (info->flags & CKF_USER_PIN_FINAL_TRY) != 0   ? PinTries::kLast
                           : (info->flags & CKF_USER_PIN_COUNT_LOW) != 0 ? PinTries::kFew
                                                                         : PinTries::kMany;
    auto entered = state_->pins.pin({use, slot.label, tries});
    if (!entered) return std::unexpected(entered.error());
    pin = std::move(*entered);
  }
  const Pin* const entered = pin ? &*pin : nullptr;

  auto session = Session::open(state_->module, slot.slot);
  if (!session) return std::unexpected(session.error());
  if (const auto in = session->log_in(CKU_USER, entered); !in) return std::unexpected(in.error());
  const auto keys =
      session->find({attribute(CKA_CLASS, kPrivateKey), attribute(CKA_ID, ByteView(slot.key_id))});
  if (!keys) return std::unexpected(keys.error());
  if (keys->size() != 1) return std::unexpected(SignerError::kCardIncomplete);

  const bool p384 = slot.curve == EcCurve::kP384;
  ByteArray<EVP_MAX_MD_SIZE> digest{};
  std::size_t digest_size = 0;
  if (EVP_Q_digest(nullptr, p384 ? "SHA2-384" : "SHA2-256", nullptr, message.data(), message.size(),
                   digest.data(), &digest_size) != 1)
    return std::unexpected(SignerError::kDeviceError);
  CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
  if (const CK_RV status = module->C_SignInit(session->handle(), &mechanism, keys->front()); status != CKR_OK)
    return std::unexpected(pkcs11::error_of(status));
  const auto always = session->read(keys->front(), CKA_ALWAYS_AUTHENTICATE);
  if (always && always->size() == 1 && always->front() == CK_TRUE)
    if (const auto in = session->log_in(CKU_CONTEXT_SPECIFIC, entered); !in)
      return std::unexpected(in.error());
  Bytes signature(p384 ? 96 : 64);
  CK_ULONG size = signature.size();
  if (const CK_RV status =
          module->C_Sign(session->handle(), digest.data(), digest_size, signature.data(), &size);
      status != CKR_OK)
    return std::unexpected(pkcs11::error_of(status));
  if (size != signature.size()) return std::unexpected(SignerError::kDeviceError);
  return signature;
}

}  // namespace psephos
