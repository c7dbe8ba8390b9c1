#include "tests/trust-services/services/service_key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "protocol/eid/certificate.h"

namespace psephos::trust {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kYear = 365 * 24 * kHour;

using Bio = std::unique_ptr<BIO, openssl::Free<BIO_free>>;

std::string text_in(BIO* bio) {
  char* at = nullptr;
  const long size = BIO_get_mem_data(bio, &at);
  return {at, static_cast<std::size_t>(size)};
}

}  // namespace

openssl::Key make_service_key(ServiceKey kind) {
  openssl::Key key;
  switch (kind) {
    case ServiceKey::kP256:
      key.reset(EVP_EC_gen("P-256"));
      break;
    case ServiceKey::kP384:
      key.reset(EVP_EC_gen("P-384"));
      break;
    case ServiceKey::kRsa2048:
      key.reset(EVP_RSA_gen(2048));
      break;
  }
  invariant(key != nullptr, "OpenSSL makes keys");
  return key;
}

openssl::Key openssl_key(const EcKey& key) {
  const openssl::Number scalar(BN_bin2bn(key.scalar.data(), static_cast<int>(key.scalar.size()), nullptr));
  const openssl::ParameterBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                  key.curve == EcCurve::kP256 ? "P-256" : "P-384", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, key.point.data(),
                                   key.point.size());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
  const openssl::Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* made = nullptr;
  invariant(EVP_PKEY_fromdata_init(context.get()) == 1 &&
                EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, parameters.get()) == 1,
            "the authority's key is a key");
  return openssl::Key(made);
}

const EVP_MD* digest_of(EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) == 384 ? EVP_sha384() : EVP_sha256();
}

openssl::X509Certificate certificate_from(ByteView der) {
  const std::uint8_t* at = der.data();
  openssl::X509Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  invariant(certificate != nullptr, "OpenSSL reads the test's certificates");
  return certificate;
}

CertificateFields service_fields(std::string_view common_name, EVP_PKEY* key, std::int64_t now_unix_s) {
  CertificateFields fields;
  fields.subject = authority_name(common_name);
  fields.public_key_info = openssl::encoded<i2d_PUBKEY>(key);
  fields.not_before_unix_s = now_unix_s - kHour;
  fields.not_after_unix_s = now_unix_s + 5 * kYear;
  fields.extensions = {basic_constraints(false), key_usage(kUsageDigitalSignature)};
  return fields;
}

void expire(CertificateFields& fields, std::int64_t now_unix_s) {
  fields.not_after_unix_s = now_unix_s - kHour / 2;
}

std::string pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  invariant(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "OpenSSL writes keys");
  return text_in(bio.get());
}

std::string pem_of_certificate(ByteView der) {
  const Bio bio(BIO_new(BIO_s_mem()));
  invariant(PEM_write_bio_X509(bio.get(), certificate_from(der).get()) == 1, "OpenSSL writes certificates");
  return text_in(bio.get());
}

}  // namespace psephos::trust
