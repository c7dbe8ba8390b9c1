#pragma once
#include <cstdint>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/result.h"

namespace psephos {

using Signature = ByteArray<64>;

/// An Ed25519 public key (RFC 8032 §5.1.5): the one encoding of a curve point that is not of small order, so
/// that no signature verifies under it for every message. The default is no key: nothing verifies under it.
class VerifyKey {
 public:
  static constexpr std::size_t kWidth = 32;
  VerifyKey() = default;
  /// @return kWireLength for another width, kPointNoncanonical for a coordinate not reduced modulo 2^255 −
  /// 19, kPointInvalid for no point, a point of small order, or one that libsodium sees outside the
  /// prime-order subgroup. Variable time.
  static Result<VerifyKey, Fault> decode(ByteView bytes);
  const ByteArray<32>& encode() const { return bytes_; }
  friend auto operator<=>(const VerifyKey&, const VerifyKey&) = default;

 private:
  explicit VerifyKey(const ByteArray<32>& bytes) : bytes_(bytes) {}
  ByteArray<32> bytes_{};  // y = 0 is of order 4: refused by decode and by every verification
};

/// What a protocol signature signs: label ‖ 0x00 ‖ body (SPEC §3). No label holds a zero byte, so two labels
/// never give the same bytes; and no signed note holds one, so log signatures are a domain of their own.
/// @pre label is not empty, printable ASCII.
Bytes signed_bytes(std::string_view label, ByteView body);

/// The holder of `key` signed exactly `message` (RFC 8032 Ed25519, without prehash or context).
/// Strict, as libsodium: S reduced modulo the order, R not of small order, the equation without cofactor.
/// @return kSigInvalid (another width included), nothing else. Variable time: public inputs.
[[nodiscard]] Result<void, Fault> verify_signature(const VerifyKey& key, ByteView message,
                                                   ByteView signature);

/// verify_signature over signed_bytes(label, body).
[[nodiscard]] Result<void, Fault> verify_labelled(const VerifyKey& key, std::string_view label, ByteView body,
                                                  ByteView signature);

}  // namespace psephos
