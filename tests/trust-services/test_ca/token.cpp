#include "tests/trust-services/test_ca/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "protocol/eid/der.h"
#include "tests/trust-services/test_ca/der_writer.h"

namespace psephos::trust {
namespace {

using pkcs11::attribute;

constexpr std::string_view kOfficerPin = "12345678";  // of the security officer, who can reset a test card
constexpr CK_BBOOL kTrue = CK_TRUE;
constexpr CK_BBOOL kFalse = CK_FALSE;

std::unexpected<std::string> failed(std::string_view what, CK_RV status) {
  return std::unexpected(fmt::format("{} failed: PKCS#11 error {:#x}", what, status));
}

/// 32 bytes padded with blanks: the name, cut where a character ends, and the PIN.
std::array<unsigned char, 32> token_label(const Person& person, KeyUse use) {
  const std::string_view pin = use == KeyUse::kAuthentication ? " (PIN1)" : " (PIN2)";
  std::string name = person.surname + "," + person.given_name + "," +
                     person.national_id.substr(person.national_id.find('-') + 1);
  std::size_t room = 32 - pin.size();
  if (name.size() > room) {
    while ((static_cast<unsigned char>(name[room]) & 0xc0) == 0x80) --room;
    name.resize(room);
  }
  name += pin;
  std::array<unsigned char, 32> label{};
  label.fill(' ');
  std::copy(name.begin(), name.end(), label.begin());
  return label;
}

Result<void, std::string> issue_half(const std::shared_ptr<pkcs11::Module>& module, const TestCa& ca,
                                     const Person& person, KeyUse use, std::string_view pin_text,
                                     std::int64_t now_unix_s, Rng& rng, TokenKeys keys) {
  pkcs11::Module& p11 = *module;
  const Pin officer = Pin::copy_from(bytes_of(kOfficerPin));
  const Pin pin = Pin::copy_from(bytes_of(pin_text));
  const auto pin_pointer = [](const Pin& of) { return const_cast<unsigned char*>(of.expose().data()); };

  // A free slot, a token in it, its PINs.
  const auto slots = p11.slots();
  if (!slots) return std::unexpected(std::string("the module lists no slots"));
  const auto free_slot = std::find_if(slots->begin(), slots->end(), [&](CK_SLOT_ID slot) {
    const auto info = p11.token_info(slot);
    return info && (info->flags & CKF_TOKEN_INITIALIZED) == 0;
  });
  if (free_slot == slots->end())
    return std::unexpected(std::string("the module has no free slot for a token"));
  auto label = token_label(person, use);
  if (const CK_RV status =
          p11->C_InitToken(*free_slot, pin_pointer(officer), officer.expose().size(), label.data());
      status != CKR_OK)
    return failed("C_InitToken", status);
  auto session = pkcs11::Session::open(module, *free_slot, CKF_RW_SESSION);
  if (!session) return std::unexpected(std::string("the new token opens no session"));
  if (!session->log_in(CKU_SO, &officer))
    return std::unexpected(std::string("the new token refuses its officer"));
  if (const CK_RV status = p11->C_InitPIN(session->handle(), pin_pointer(pin), pin.expose().size());
      status != CKR_OK)
    return failed("C_InitPIN", status);
  p11->C_Logout(session->handle());
  if (!session->log_in(CKU_USER, &pin)) return std::unexpected(std::string("the new token refuses its PIN"));

  // The key pair, made inside.
  const CK_ULONG public_class = CKO_PUBLIC_KEY;
  const CK_ULONG private_class = CKO_PRIVATE_KEY;
  const CK_ULONG certificate_class = CKO_CERTIFICATE;
  const CK_ULONG x509 = CKC_X_509;
  const bool rsa = keys == TokenKeys::kRsa2048;
  const CK_ULONG key_type = rsa ? CKK_RSA : CKK_EC;
  const CK_ULONG modulus_bits = 2048;
  const ByteArray<3> exponent = {1, 0, 1};
  const Bytes id = {static_cast<std::uint8_t>(use == KeyUse::kAuthentication ? 1 : 2)};
  const Bytes p384 = der::oid("1.3.132.0.34");
  const CK_BBOOL& always = use == KeyUse::kSigning ? kTrue : kFalse;
  std::vector<CK_ATTRIBUTE> public_template = {attribute(CKA_CLASS, public_class),
                                               attribute(CKA_KEY_TYPE, key_type), attribute(CKA_TOKEN, kTrue),
                                               attribute(CKA_VERIFY, kTrue), attribute(CKA_ID, id)};
  if (rsa) {
    public_template.push_back(attribute(CKA_MODULUS_BITS, modulus_bits));
    public_template.push_back(attribute(CKA_PUBLIC_EXPONENT, exponent));
  } else {
    public_template.push_back(attribute(CKA_EC_PARAMS, p384));
  }
  std::vector<CK_ATTRIBUTE> private_template = {attribute(CKA_CLASS, private_class),
                                                attribute(CKA_KEY_TYPE, key_type),
                                                attribute(CKA_TOKEN, kTrue),
                                                attribute(CKA_PRIVATE, kTrue),
                                                attribute(CKA_SENSITIVE, kTrue),
                                                attribute(CKA_EXTRACTABLE, kFalse),
                                                attribute(CKA_DECRYPT, kFalse),
                                                attribute(CKA_UNWRAP, kFalse),
                                                attribute(CKA_SIGN, kTrue),
                                                attribute(CKA_ID, id),
                                                attribute(CKA_ALWAYS_AUTHENTICATE, always)};
  CK_MECHANISM mechanism{rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  CK_OBJECT_HANDLE public_key = 0;
  CK_OBJECT_HANDLE private_key = 0;
  if (const CK_RV status = p11->C_GenerateKeyPair(session->handle(), &mechanism, public_template.data(),
                                                  public_template.size(), private_template.data(),
                                                  private_template.size(), &public_key, &private_key);
      status != CKR_OK)
    return failed("C_GenerateKeyPair", status);

  // Its certificate.
  CertificateFields fields;
  if (rsa) {
    const auto modulus = session->read(public_key, CKA_MODULUS);
    if (!modulus) return std::unexpected(std::string("the token shows no public key"));
    fields = card_fields(person, use, {}, now_unix_s);
    fields.public_key_info = rsa_public_key_info(*modulus, exponent);
  } else {
    const auto wrapped = session->read(public_key, CKA_EC_POINT);  // the point in an OCTET STRING
    const auto point = wrapped ? psephos::der::only(*wrapped, psephos::der::kOctetString) : std::nullopt;
    if (!point || point->size() != 97) return std::unexpected(std::string("the token shows no public key"));
    fields = card_fields(person, use, *point, now_unix_s);
  }
  const Bytes certificate = ca.issue(fields, rng);
  std::vector<CK_ATTRIBUTE> certificate_template = {attribute(CKA_CLASS, certificate_class),
                                                    attribute(CKA_CERTIFICATE_TYPE, x509),
                                                    attribute(CKA_TOKEN, kTrue),
                                                    attribute(CKA_PRIVATE, kFalse),
                                                    attribute(CKA_ID, id),
                                                    attribute(CKA_SUBJECT, fields.subject),
                                                    attribute(CKA_VALUE, certificate)};
  CK_OBJECT_HANDLE object = 0;
  if (const CK_RV status = p11->C_CreateObject(session->handle(), certificate_template.data(),
                                               certificate_template.size(), &object);
      status != CKR_OK)
    return failed("C_CreateObject", status);
  return {};
}

}  // namespace

Result<void, std::string> prepare_softhsm() {
  const char* const variable = std::getenv("SOFTHSM2_CONF");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  if (variable == nullptr || *variable == '\0')
    return std::unexpected(
        std::string("SOFTHSM2_CONF is not set: it names the SoftHSM configuration of the test cards; a file "
                    "that does not exist is made"));
  const std::filesystem::path file = std::filesystem::absolute(variable);
  std::error_code error;
  if (std::filesystem::exists(file, error)) return {};
  const auto tokens = file.parent_path() / "tokens";
  std::filesystem::create_directories(tokens, error);
  std::ofstream out(file);
  out << "directories.tokendir = " << tokens.string() << "\nobjectstore.backend = file\nlog.level = ERROR\n";
  if (error || !out.flush()) return std::unexpected(fmt::format("cannot write {}", file.string()));
  return {};
}

Result<void, std::string> issue_token(const std::shared_ptr<pkcs11::Module>& module, const TestCa& ca,
                                      const Person& person, const TokenPins& pins, std::int64_t now_unix_s,
                                      Rng& rng, TokenKeys keys) {
  for (const std::string* pin : {&pins.pin1, &pins.pin2})
    if (pin->size() < 4 || pin->size() > 12) return std::unexpected(std::string("a PIN has 4 to 12 digits"));
  if (const auto done =
          issue_half(module, ca, person, KeyUse::kAuthentication, pins.pin1, now_unix_s, rng, keys);
      !done)
    return done;
  return issue_half(module, ca, person, KeyUse::kSigning, pins.pin2, now_unix_s, rng, keys);
}

}  // namespace psephos::trust
