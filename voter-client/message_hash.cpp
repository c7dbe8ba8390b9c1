#include "voter-client/message_hash.h"

#include <openssl/evp.h>

#include "crypto/invariant.h"

namespace psephos {

Bytes message_hash(SignatureScheme scheme, ByteView message) {
  const DigestAlgorithm digest = digest_of(scheme);
  const char* const name = digest == DigestAlgorithm::kSha256   ? "SHA2-256"
                           : digest == DigestAlgorithm::kSha384 ? "SHA2-384"
                                                                : "SHA2-512";
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  invariant(EVP_Q_digest(nullptr, name, nullptr, message.data(), message.size(), out.data(), &size) == 1,
            "OpenSSL hashes");
  out.resize(size);
  return out;
}

}  // namespace psephos
