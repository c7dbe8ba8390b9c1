#pragma once
#include <string_view>

#include "crypto/random.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/signature.h"

namespace psephos {

/// An Ed25519 signing key (RFC 8032 §5.1.5). Move-only and wiped, as its parts are. Signatures are
/// deterministic and constant time in the key (libsodium).
class SigningKey {
 public:
  static SigningKey generate(Rng& rng);
  /// The key whose private key, in the words of RFC 8032, is `seed`.
  static SigningKey from_seed(const SecretBytes<32>& seed);

  const VerifyKey& verify_key() const { return verify_key_; }
  /// The 32 bytes to seal (crypto/secret/sealed.h); `from_seed` takes them back.
  SecretBytes<32> seed() const;
  /// Signs exactly these bytes. For formats with a domain of their own (signed notes); protocol messages are
  /// signed with sign_labelled.
  Signature sign(ByteView message) const;
  /// Signs signed_bytes(label, body).
  Signature sign_labelled(std::string_view label, ByteView body) const;

 private:
  SigningKey(SecretBytes<64> key, const VerifyKey& verify_key)
      : key_(std::move(key)), verify_key_(verify_key) {}
  SecretBytes<64> key_;  // libsodium's form: seed ‖ public key
  VerifyKey verify_key_;
};

}  // namespace psephos
