#include "protocol/eid/public_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <array>
#include <utility>

#include "crypto/invariant.h"

namespace psephos {
namespace {

using openssl::Digest;
using openssl::EcdsaSignature;
using openssl::Key;
using openssl::KeyContext;
using openssl::Number;
using openssl::ParameterBuilder;
using openssl::Parameters;

Key make_key(const char* kind, const OSSL_PARAM* parameters) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  invariant(context && EVP_PKEY_fromdata_init(context.get()) == 1, "OpenSSL has this kind of key");
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(parameters)) != 1)
    ERR_clear_error();
  return Key(key);
}

/// Null if the point is not on the curve.
Key make_ec_key(EcCurve curve, ByteView point) {
  const char* group = curve == EcCurve::kP256 ? "P-256" : curve == EcCurve::kP384 ? "P-384" : "P-521";
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::uint8_t*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_end()};
  return make_key("EC", parameters.data());
}

Key make_rsa_key(ByteView modulus, ByteView exponent) {
  const Number n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const Number e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  invariant(n && e && builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
            "memory for a key");
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  return make_key("RSA", parameters.get());
}

struct Scheme {
  bool rsa;
  const EVP_MD* digest;
};
Scheme scheme_parts(SignatureScheme scheme) {
  // Fetched once and kept: OpenSSL looks a digest up by name otherwise, for each signature.
  static const std::array<Digest, 3> kDigests = {Digest(EVP_MD_fetch(nullptr, "SHA2-256", nullptr)),
                                                 Digest(EVP_MD_fetch(nullptr, "SHA2-384", nullptr)),
                                                 Digest(EVP_MD_fetch(nullptr, "SHA2-512", nullptr))};
  const auto number = static_cast<unsigned>(scheme) - static_cast<unsigned>(SignatureScheme::kEcdsaSha256);
  return {number >= 3, kDigests[number % 3].get()};
}

/// Ecdsa-Sig-Value of r‖s. @pre two halves of equal width.
Bytes der_of_raw(ByteView raw) {
  const EcdsaSignature signature(ECDSA_SIG_new());
  const int half = static_cast<int>(raw.size() / 2);
  BIGNUM* r = BN_bin2bn(raw.data(), half, nullptr);
  BIGNUM* s = BN_bin2bn(raw.data() + half, half, nullptr);
  invariant(signature && r != nullptr && s != nullptr && ECDSA_SIG_set0(signature.get(), r, s) == 1,
            "memory for a signature");
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
  unsigned char* out = der.data();
  i2d_ECDSA_SIG(signature.get(), &out);
  return der;
}

std::size_t width_bytes(EcCurve curve) {
  return curve == EcCurve::kP256 ? 32 : curve == EcCurve::kP384 ? 48 : 66;
}

}  // namespace

std::optional<PublicKey> PublicKey::of(const Certificate& certificate) {
  Key key = certificate.curve ? make_ec_key(*certificate.curve, certificate.public_point)
            : certificate.rsa_modulus.empty()
                ? nullptr
                : make_rsa_key(certificate.rsa_modulus, certificate.rsa_exponent);
  if (!key) return std::nullopt;
  return PublicKey(std::move(key), certificate.curve);
}

std::optional<PublicKey> PublicKey::of_many(const Certificate& certificate) {
  auto key = of(certificate);
  if (key && certificate.curve == EcCurve::kP384) key->table_ = P384Table::of(certificate.public_point);
  return key;
}

bool PublicKey::verifies(SignatureScheme scheme, ByteView message, ByteView signature) const {
  const Scheme parts = scheme_parts(scheme);
  if (parts.rsa == curve_.has_value()) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned int size = 0;
  invariant(EVP_Digest(message.data(), message.size(), value.data(), &size, parts.digest, nullptr) == 1,
            "OpenSSL hashes");
  if (table_) return table_->verifies(ByteView(value).first(size), signature);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  invariant(context && EVP_PKEY_verify_init(context.get()) == 1, "OpenSSL verifies signatures");
  if (parts.rsa)
    invariant(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_signature_md(context.get(), parts.digest) == 1,
              "OpenSSL verifies PKCS #1 signatures");
  const bool good =
      EVP_PKEY_verify(context.get(), signature.data(), signature.size(), value.data(), size) == 1;
  if (!good) ERR_clear_error();
  return good;
}

bool PublicKey::verifies_raw(SignatureScheme scheme, ByteView message, ByteView signature) const {
  if (!curve_ || signature.size() != 2 * width_bytes(*curve_)) return false;
  return verifies(scheme, message, der_of_raw(signature));
}

}  // namespace psephos
