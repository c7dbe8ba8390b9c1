#include "voter-client/pkcs11_signer.h"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/eid/certificate.h"
#include "voter-client/message_hash.h"
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
  SignatureScheme scheme;
  std::size_t signature_bytes;
  Person person;
  KeyUse use;
};

/// Bytes of r‖s, or of the modulus.
std::size_t signature_bytes(const Certificate& certificate) {
  if (!certificate.curve) return (rsa_bits(certificate) + 7) / 8;
  return *certificate.curve == EcCurve::kP384 ? 96 : 64;
}

/// What a card's C_Sign takes: the hash, in a DigestInfo if the key is RSA's (RFC 8017 §9.2, note 1).
Bytes input_of(const Slot& slot, ByteView message) {
  constexpr ByteArray<19> kSha256Info = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                         0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  Bytes input;
  if (slot.scheme == SignatureScheme::kRsaSha256) append(input, kSha256Info);
  append(input, message_hash(slot.scheme, message));
  return input;
}

PinTries tries_of(const CK_TOKEN_INFO& info) {
  if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0) return PinTries::kLast;
  return (info.flags & CKF_USER_PIN_COUNT_LOW) != 0 ? PinTries::kFew : PinTries::kMany;
}

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
      const auto scheme = voter_scheme(*certificate);
      if (!scheme) continue;
      for (const KeyUse use : {KeyUse::kAuthentication, KeyUse::kSigning})
        if (check_voter_profile(*certificate, use))
          found.push_back({slot, pkcs11::trimmed(info->label), pkcs11::trimmed(info->serialNumber), *key_id,
                           *der, certificate->not_before_unix_s, *scheme, signature_bytes(*certificate),
                           *person, use});
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

Result<std::vector<PresentCard>, SignerError> present_cards(const std::string& module_path) {
  const auto module = Module::load(module_path);
  if (!module) return std::unexpected(module.error());
  const auto found = scan(*module);
  if (!found) return std::unexpected(found.error());
  struct Halves {
    Person person;
    std::set<std::string> readers;
    std::set<KeyUse> uses;
  };
  std::map<std::string, Halves> cards;  // by national id
  for (const Slot& slot : *found) {
    Halves& card = cards[slot.person.national_id];
    card.person = slot.person;
    card.readers.insert((**module).reader(slot.slot));
    card.uses.insert(slot.use);
  }
  std::vector<PresentCard> out;
  for (const auto& [id, card] : cards)
    out.push_back({card.person, {card.readers.begin(), card.readers.end()}, card.uses.size() == 2});
  return out;
}

Result<Bytes, Rejection> Pkcs11Signer::signing_certificate() {
  return state_->of(KeyUse::kSigning).certificate;
}

Result<Signed, Rejection> Pkcs11Signer::sign(KeyUse use, ByteView message) {
  auto made = signature(use, message);
  if (!made) return card_refused(made.error(), use);
  return Signed{state_->of(use).certificate, std::move(*made)};
}

Result<Bytes, SignerError> Pkcs11Signer::signature(KeyUse use, ByteView message) {
  const Slot& slot = state_->of(use);
  Module& module = *state_->module;
  const auto info = module.token_info(slot.slot);
  if (!info) return std::unexpected(info.error());
  if (pkcs11::trimmed(info->serialNumber) != slot.serial_number)
    return std::unexpected(SignerError::kTokenNotPresent);
  if ((info->flags & CKF_USER_PIN_LOCKED) != 0) return std::unexpected(SignerError::kPinLocked);

  const bool key_pad = (info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
  const PinRequest request{use, slot.label, tries_of(*info)};
  std::optional<Pin> pin;
  if (!key_pad) {
    auto entered = state_->pins.pin(request);
    if (!entered) return std::unexpected(entered.error());
    pin = std::move(*entered);
  }
  auto session = Session::open(state_->module, slot.slot);
  if (!session) return std::unexpected(session.error());
  const auto log_in = [&](CK_USER_TYPE user) -> Result<void, SignerError> {
    if (key_pad) state_->pins.pin_on_reader(request);
    auto in = session->log_in(user, pin ? &*pin : nullptr);
    if (in || in.error() != SignerError::kPinWrong) return in;
    const auto after = module.token_info(slot.slot);
    if (!after) return std::unexpected(after.error());
    if ((after->flags & CKF_USER_PIN_LOCKED) != 0) return std::unexpected(SignerError::kPinLocked);
    state_->pins.pin_wrong({use, slot.label, tries_of(*after)});
    return in;
  };
  if (const auto in = log_in(CKU_USER); !in) return std::unexpected(in.error());
  const auto keys =
      session->find({attribute(CKA_CLASS, kPrivateKey), attribute(CKA_ID, ByteView(slot.key_id))});
  if (!keys) return std::unexpected(keys.error());
  if (keys->size() != 1) return std::unexpected(SignerError::kCardIncomplete);

  Bytes input = input_of(slot, message);
  CK_MECHANISM mechanism{slot.scheme == SignatureScheme::kRsaSha256 ? CKM_RSA_PKCS : CKM_ECDSA, nullptr, 0};
  if (const CK_RV status = module->C_SignInit(session->handle(), &mechanism, keys->front()); status != CKR_OK)
    return std::unexpected(pkcs11::error_of(status));
  const auto always = session->read(keys->front(), CKA_ALWAYS_AUTHENTICATE);
  if (always && always->size() == 1 && always->front() == CK_TRUE)
    if (const auto in = log_in(CKU_CONTEXT_SPECIFIC); !in) return std::unexpected(in.error());
  Bytes signature(slot.signature_bytes);
  CK_ULONG size = signature.size();
  if (const CK_RV status =
          module->C_Sign(session->handle(), input.data(), input.size(), signature.data(), &size);
      status != CKR_OK)
    return std::unexpected(pkcs11::error_of(status));
  if (size != signature.size()) return std::unexpected(SignerError::kDeviceError);
  return signature;
}

}  // namespace psephos
