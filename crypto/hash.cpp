#include "crypto/hash.h"

#include "crypto/invariant.h"

namespace psephos {

Bytes expand_message_xmd_sha512(ByteView message, ByteView dst, std::size_t length) {
  constexpr std::size_t kDigest = 64;
  constexpr std::size_t kBlock = 128;
  const std::size_t blocks = (length + kDigest - 1) / kDigest;
  invariant(!dst.empty() && dst.size() <= 255 && blocks <= 255 && length <= 65535, "RFC 9380 5.3.1 limits");
  const std::uint8_t dst_length[1] = {static_cast<std::uint8_t>(dst.size())};
  const ByteArray<kBlock> z_pad{};
  const std::uint8_t l_i_b[3] = {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length),
                                 0};
  const Digest512 b0 =
      Sha512().update(z_pad).update(message).update(l_i_b).update(dst).update(dst_length).finish();
  Bytes out;
  out.reserve(blocks * kDigest);
  Digest512 previous{};
  for (std::size_t i = 1; i <= blocks; ++i) {
    Digest512 mixed = b0;
    for (std::size_t k = 0; k < kDigest; ++k) mixed[k] = static_cast<std::uint8_t>(mixed[k] ^ previous[k]);
    const std::uint8_t counter[1] = {static_cast<std::uint8_t>(i)};
    previous = Sha512().update(mixed).update(counter).update(dst).update(dst_length).finish();
    append(out, previous);
  }
  out.resize(length);
  return out;
}

}  // namespace psephos
