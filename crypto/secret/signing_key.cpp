#include "crypto/secret/signing_key.h"

#include "crypto/invariant.h"
#include "crypto/secret/declassify.h"

namespace psephos {

SigningKey SigningKey::generate(Rng& rng) {
  return from_seed(SecretBytes<32>::random(rng));
}

SigningKey SigningKey::from_seed(const SecretBytes<32>& seed) {
  SecretBytes<64> key;
  ByteArray<32> public_key{};
  crypto_sign_ed25519_seed_keypair(public_key.data(), key.expose_mutable().data(), seed.expose().data());
  const auto verify_key = VerifyKey::decode(published(public_key));
  // A clamped scalar is a multiple of the cofactor between 2^254 and 2^255, and never one of the order.
  invariant(verify_key.has_value(), "a derived public key generates the prime-order subgroup");
  return {std::move(key), *verify_key};
}

SecretBytes<32> SigningKey::seed() const {
  return SecretBytes<32>::copy_from(key_.expose().first<32>());
}

Signature SigningKey::sign(ByteView message) const {
  Signature out{};
  crypto_sign_ed25519_detached(out.data(), nullptr, message.data(), message.size(), key_.expose().data());
  return published(out);
}

Signature SigningKey::sign_labelled(std::string_view label, ByteView body) const {
  return sign(signed_bytes(label, body));
}

}  // namespace psephos
