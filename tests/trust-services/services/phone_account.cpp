#include "tests/trust-services/services/phone_account.h"

#include <openssl/rsa.h>

#include <utility>

#include "crypto/invariant.h"
#include "protocol/eid/openssl_pointers.h"

namespace psephos::trust {
namespace {

Bytes raw_signature(const EcKey& key, ByteView digest, Rng& rng) {
  const Bytes der = sign(key, digest, rng);
  const std::uint8_t* at = der.data();
  const openssl::EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  invariant(signature != nullptr, "a signature is in DER");
  const std::size_t width = scalar_bytes(key.curve);
  Bytes out(2 * width);
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), static_cast<int>(width));
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + width, static_cast<int>(width));
  return out;
}

Bytes pkcs1_signature(const RsaKey& key, const HashToSign& hash) {
  const openssl::KeyContext context(EVP_PKEY_CTX_new(key.key.get(), nullptr));
  const EVP_MD* digest = hash.kind == PhoneHash::kSha384 ? EVP_sha384() : EVP_sha256();
  Bytes out(key.modulus.size());
  std::size_t size = out.size();
  invariant(context && EVP_PKEY_sign_init(context.get()) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context.get(), digest) == 1 &&
                EVP_PKEY_sign(context.get(), out.data(), &size, hash.value.data(), hash.value.size()) == 1 &&
                size == out.size(),
            "OpenSSL signs");
  return out;
}

PhoneSigner make_signer(const TestCa& ca, const Person& person, KeyUse use, PhoneKey kind,
                        std::int64_t now_unix_s, Rng& rng) {
  if (kind == PhoneKey::kRsa2048) {
    RsaKey key = generate_rsa(2048);
    CertificateFields fields = card_fields(person, use, {}, now_unix_s);
    fields.public_key_info = rsa_public_key_info(key.modulus, key.exponent);
    return {.key = std::move(key), .certificate = ca.issue(fields, rng)};
  }
  EcKey key = generate_key(kind == PhoneKey::kP384 ? EcCurve::kP384 : EcCurve::kP256, rng);
  Bytes certificate = ca.issue(card_fields(person, use, key.point, now_unix_s), rng);
  return {.key = std::move(key), .certificate = std::move(certificate)};
}

}  // namespace

Bytes PhoneSigner::sign(const HashToSign& hash, Rng& rng) const {
  if (const auto* rsa = std::get_if<RsaKey>(&key)) return pkcs1_signature(*rsa, hash);
  return raw_signature(std::get<EcKey>(key), hash.value, rng);
}

PhoneAccount make_phone_account(const TestCa& ca, const Person& person, std::string phone_number,
                                PhoneKey kind, std::int64_t now_unix_s, Rng& rng) {
  const PhoneKey authentication = kind == PhoneKey::kP384 ? PhoneKey::kP256 : kind;
  return {.person = person,
          .phone_number = std::move(phone_number),
          .authentication = make_signer(ca, person, KeyUse::kAuthentication, authentication, now_unix_s, rng),
          .signing = make_signer(ca, person, KeyUse::kSigning, kind, now_unix_s, rng)};
}

}  // namespace psephos::trust
