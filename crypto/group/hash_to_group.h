#pragma once
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
  std::vector<typename G::Point> out(n);
  parallel_for(n, 64, [&](std::size_t i) {
    Bytes message = copy_of(fingerprint);
    append(message, u64be(i));
    out[i] = hash_to_group<G>(dst, message);
  });
  return out;
}

}  // namespace psephos
