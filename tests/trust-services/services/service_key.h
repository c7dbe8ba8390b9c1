#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>

#include "crypto/invariant.h"
#include "protocol/eid/openssl_pointers.h"
#include "tests/trust-services/test_ca/ca.h"

namespace psephos::openssl {

using X509Certificate = std::unique_ptr<X509, Free<X509_free>>;

/// The DER encoding of an object of OpenSSL.
template <auto kEncode, class T>
Bytes encoded(T* object) {
  unsigned char* at = nullptr;
  const int size = kEncode(object, &at);
  invariant(size > 0, "OpenSSL encodes what it made");
  Bytes der(at, at + size);
  OPENSSL_free(at);
  return der;
}

}  // namespace psephos::openssl

namespace psephos::trust {

enum class ServiceKey : std::uint8_t { kP256, kP384, kRsa2048 };

/// A new key, made with OpenSSL's own randomness.
openssl::Key make_service_key(ServiceKey kind);
openssl::Key openssl_key(const EcKey& key);
/// What the key signs with: SHA-384 on P-384, else SHA-256.
const EVP_MD* digest_of(EVP_PKEY* key);
/// @pre a certificate, which the test's authority made.
openssl::X509Certificate certificate_from(ByteView der);

/// Certificate of a service with the given key, valid from an hour before to five years after `now_unix_s`;
/// extensions: basicConstraints, not a CA, and digitalSignature. The caller adds what the service is for.
CertificateFields service_fields(std::string_view common_name, EVP_PKEY* key, std::int64_t now_unix_s);
/// Turns the validity of such a certificate into one that ended half an hour before `now_unix_s`.
void expire(CertificateFields& fields, std::int64_t now_unix_s);

/// For OpenSSL's command line.
std::string pem_of(EVP_PKEY* key);
std::string pem_of_certificate(ByteView der);

}  // namespace psephos::trust
