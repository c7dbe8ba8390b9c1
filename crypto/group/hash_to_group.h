#pragma once
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/group/group.h"
#include "crypto/hash.h"
#include "crypto/parallel.h"

namespace psephos {

/// hash_to_group (RFC 9380 section 3, encoding of appendix B for ristretto255): the one-way map of 64 bytes
/// of expand_message_xmd(SHA-512). `dst` separates uses; nobody knows a discrete logarithm of the result.
/// SPEC §5.3.
template <Group G>
typename G::Point hash_to_group(std::string_view dst, ByteView message) {
  return G::Point::from_uniform(expand_message_xmd_sha512(message, bytes_of(dst), 64));
}

/// Generators h_0 … h_(n−1) of the permutation commitment: hash_to_group(dst, fingerprint ‖ u64(i)). A prefix
/// does not depend on n. Every verifier derives them itself; no format has a place for them (A114). SPEC
/// §5.3.
template <Group G>
std::vector<typename G::Point> derive_generators(std::string_view dst, ByteView fingerprint, std::size_t n) {
  std::vector<typename G::Point> out;
  out.reserve(n);
  constexpr std::size_t kPiece = 1 << 16;
  Bytes uniform;
  for (std::size_t first = 0; first < n; first += kPiece) {
    const std::size_t here = std::min(kPiece, n - first);
    uniform.resize(64 * here);
    parallel_for(here, 256, [&](std::size_t i) {
      Bytes message = copy_of(fingerprint);
      append(message, u64be(first + i));
      std::ranges::copy(expand_message_xmd_sha512(message, bytes_of(dst), 64),
                        uniform.begin() + static_cast<std::ptrdiff_t>(64 * i));
    });
    const auto points = G::from_uniform_batch(uniform);
    out.insert(out.end(), points.begin(), points.end());
  }
  return out;
}

}  // namespace psephos
