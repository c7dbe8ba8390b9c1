#include "collector/tls_certificate.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>

#include "crypto/invariant.h"

namespace psephos::collector {

namespace {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    free_function(pointer);
  }
};
template <class T, auto free_function>
using Owned = std::unique_ptr<T, Free<free_function>>;

void require(bool made) {
  invariant(made, "OpenSSL can make a P-256 certificate");
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

TlsIdentity make_tls_identity(std::string_view host, std::int64_t now_s) {
  const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  const Owned<X509, X509_free> certificate(X509_new());
  require(certificate != nullptr);
  X509* x = certificate.get();

  std::uint8_t serial[16] = {};
  require(RAND_bytes(serial, sizeof serial) == 1);
  serial[0] &= 0x7f;
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(serial, sizeof serial, nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x)) != nullptr);
  constexpr std::int64_t kDay = 86'400;
  require(X509_set_version(x, X509_VERSION_3) == 1);
  require(ASN1_TIME_set(X509_getm_notBefore(x), now_s - kDay) != nullptr);
  require(ASN1_TIME_set(X509_getm_notAfter(x), now_s + 3 * 365 * kDay) != nullptr);
  X509_NAME* name = X509_get_subject_name(x);
  // A common name has at most 64 characters; the host itself is in the extension.
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, bytes_of("psephos collector").data(), -1, -1,
                                     0) == 1);
  require(X509_set_issuer_name(x, name) == 1);
  require(X509_set_pubkey(x, key.get()) == 1);
  add_extension(x, NID_subject_alt_name, "DNS:" + std::string(host));
  add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, NID_key_usage, "critical,digitalSignature");
  add_extension(x, NID_ext_key_usage, "serverAuth");
  require(X509_sign(x, key.get(), EVP_sha256()) > 0);

  std::uint8_t* der = nullptr;
  const int length = i2d_X509(x, &der);
  require(length > 0);
  TlsIdentity identity{.key_der = SecretBuffer(0), .certificate_der = Bytes(der, der + length)};
  OPENSSL_free(der);

  const Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> pkcs8(EVP_PKEY2PKCS8(key.get()));
  std::uint8_t* secret = nullptr;
  const int secret_length = pkcs8 ? i2d_PKCS8_PRIV_KEY_INFO(pkcs8.get(), &secret) : 0;
  require(secret_length > 0);
  identity.key_der = SecretBuffer(static_cast<std::size_t>(secret_length));
  std::copy_n(secret, secret_length, identity.key_der.expose_mutable().begin());
  OPENSSL_clear_free(secret, static_cast<std::size_t>(secret_length));
  return identity;
}

}  // namespace psephos::collector
