#include "crypto/signature.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/invariant.h"

namespace psephos {

Result<VerifyKey, Fault> VerifyKey::decode(ByteView bytes) {
  if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
  ByteArray<32> own{};
  std::ranges::copy(bytes, own.begin());
  // y < p = 2^255 − 19, compared from the top; the top bit is the sign of x.
  ByteArray<32> p{};
  p.fill(0xff);
  p[0] = 0xed;
  p[31] = 0x7f;
  ByteArray<32> y = own;
  y[31] &= 0x7f;
  if (!std::lexicographical_compare(y.rbegin(), y.rend(), p.rbegin(), p.rend()))
    return std::unexpected(Fault::kPointNoncanonical);
  // Of libsodium's functions this one decompresses and refuses small order (x = 0 with it, so the sign bit is
  // canonical too); the Montgomery point itself is of no use here.
  ByteArray<32> montgomery{};
  if (crypto_sign_ed25519_pk_to_curve25519(montgomery.data(), own.data()) != 0)
    return std::unexpected(Fault::kPointInvalid);
  return VerifyKey(own);
}

Bytes signed_bytes(std::string_view label, ByteView body) {
  invariant(!label.empty() && std::ranges::all_of(label, [](char c) { return c >= 0x20 && c < 0x7f; }),
            "labels are fixed printable texts");
  Bytes out = copy_of(bytes_of(label));
  out.push_back(0);
  append(out, body);
  return out;
}

Result<void, Fault> verify_signature(const VerifyKey& key, ByteView message, ByteView signature) {
  if (signature.size() != sizeof(Signature) ||
      crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                          key.encode().data()) != 0)
    return std::unexpected(Fault::kSigInvalid);
  return {};
}

Result<void, Fault> verify_labelled(const VerifyKey& key, std::string_view label, ByteView body,
                                    ByteView signature) {
  return verify_signature(key, signed_bytes(label, body), signature);
}

}  // namespace psephos
