#include "tests/trust-services/test_ca/rsa_key.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/invariant.h"

namespace psephos::trust {
namespace {

Bytes magnitude(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  invariant(EVP_PKEY_get_bn_param(key, name, &number) == 1, "an RSA key has its numbers");
  const openssl::Number owner(number);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, out.data());
  return out;
}

}  // namespace

RsaKey generate_rsa(unsigned bits) {
  RsaKey out;
  out.key.reset(EVP_RSA_gen(bits));
  invariant(out.key != nullptr, "OpenSSL makes RSA keys");
  out.modulus = magnitude(out.key.get(), OSSL_PKEY_PARAM_RSA_N);
  out.exponent = magnitude(out.key.get(), OSSL_PKEY_PARAM_RSA_E);
  return out;
}

Bytes sign(const RsaKey& key, ByteView message, const char* digest) {
  const openssl::DigestContext context(EVP_MD_CTX_new());
  Bytes out(key.modulus.size());
  std::size_t size = out.size();
  invariant(context &&
                EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key.key.get(),
                                      nullptr) == 1 &&
                EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1 &&
                size == out.size(),
            "OpenSSL signs");
  return out;
}

}  // namespace psephos::trust
