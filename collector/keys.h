#pragma once
#include <filesystem>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/secret/secret_buffer.h"
#include "crypto/secret/signing_key.h"
#include "protocol/files/keys.h"

namespace psephos::collector {

/// The collector's secrets: the keys that sign checkpoints, and tickets, receipts and refusals; and the TLS
/// key of the pinned certificate.
struct CollectorKeys {
  SigningKey log_key;
  SigningKey service_key;
  SecretBuffer tls_key_der;  ///< PKCS#8
  Bytes certificate_der;
  Digest256 certificate_sha256() const;
};

/// Makes new keys and a self-signed certificate for `origin`, and keeps them in `directory`: keys.sealed
/// (under the passphrase) and certificate.der.
/// @return kUsage if `origin` is no host name, kStoreKeyExists if there are keys already, kFileUnreadable.
Result<CollectorKeys, Rejection> create_keys(const std::filesystem::path& directory, std::string_view origin,
                                             const Passphrase& passphrase, const SealCost& cost, Rng& rng);
/// @return kSecretUnreadable, kFileUnreadable.
Result<CollectorKeys, Rejection> load_keys(const std::filesystem::path& directory,
                                           const Passphrase& passphrase);

}  // namespace psephos::collector
