#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/group/group.h"
#include "crypto/hash.h"
#include "crypto/parallel.h"
#include "crypto/random.h"
#include "crypto/secret/secret_bytes.h"

namespace psephos {

/// What a proof is made for. Every proof begins its transcript with all of it (SPEC §5.1).
struct ProofContext {
  std::string_view suite;   ///< the suite's fixed name
  Digest256 fingerprint;    ///< of the election; of the definition during the key ceremony
  std::string_view label;   ///< which statement, e.g. "shuffle/v1"
  std::string_view role;    ///< who proves, e.g. "mixer"
  std::uint64_t index = 0;  ///< which of them, 0 where there is one only
};

/// Fiat–Shamir transcript (SPEC §5.1): SHA-512 over frames  u32(|label|) ‖ label ‖ u64(|data|) ‖ data.  No
/// proof function exists without one, and challenges are always recomputed from it. Not thread-safe;
/// copyable, so that a batch can share a prefix.
class Transcript {
 public:
  explicit Transcript(const ProofContext& context);

  void append(std::string_view label, ByteView data);
  void append_u64(std::string_view label, std::uint64_t value);
  template <class Encodable>
  void append_value(std::string_view label, const Encodable& value) {
    append(label, value.encode());
  }
  /// One frame holding all encodings of points (or scalars, or ciphertexts), its length known beforehand, so
  /// that lists of any size are hashed as they stream.
  template <class Encodable>
  void append_points(std::string_view label, std::span<const Encodable> points) {
    begin_frame(label, points.size() * Encodable::kWidth);
    // The hash is a fifth faster on many blocks at once.
    constexpr std::size_t kTogether = 64;
    ByteArray<kTogether * Encodable::kWidth> buffer;
    for (std::size_t i = 0; i < points.size(); i += kTogether) {
      const auto some = points.subspan(i, std::min(kTogether, points.size() - i));
      auto end = buffer.begin();
      for (const Encodable& p : some) end = std::ranges::copy(p.encode(), end).out;
      hash_.update(ByteView(buffer).first(some.size() * Encodable::kWidth));
    }
  }
  /// One frame of the `width` bytes that stand at `offset`, offset + stride, … of `bytes`: one part of every
  /// item of a list that lies in memory or in a mapped file.
  /// @pre whole items: bytes.size() is a multiple of stride, offset + width ≤ stride.
  void append_every(std::string_view label, ByteView bytes, std::size_t offset, std::size_t width,
                    std::size_t stride);

  /// 64 bytes: SHA-512 of everything before and the frame (label, empty); then absorbed itself under the same
  /// label.
  Digest512 challenge_bytes(std::string_view label);
  /// challenge_bytes reduced modulo the group order (512 bits, so without bias for ristretto255).
  template <Group G>
  typename G::Scalar challenge_scalar(std::string_view label) {
    return G::Scalar::from_wide(challenge_bytes(label));
  }
  /// n scalars of 128 bits: with s = challenge_bytes(label), the i-th is bytes 16·(i mod 4) to 16·(i mod
  /// 4)+15, little-endian, of SHA-512(s ‖ u64(i div 4)). SPEC §5.2.
  template <Group G>
  std::vector<typename G::Scalar> challenge_vector(std::string_view label, std::size_t n) {
    return expand_challenge_vector<G>(challenge_bytes(label), n);
  }
  /// The n scalars that follow from s. On all cores where n is large.
  template <Group G>
  static std::vector<typename G::Scalar> expand_challenge_vector(const Digest512& s, std::size_t n) {
    constexpr std::size_t kPiece = 1024;
    std::vector<typename G::Scalar> out(n);
    parallel_for((n + kPiece - 1) / kPiece, 1, [&](std::size_t piece) {
      const std::size_t first = piece * kPiece;
      expand_challenges<G>(s, first, std::span(out).subspan(first, std::min(kPiece, n - first)));
    });
    return out;
  }
  /// The elements first, first + 1, … of that vector, as many as `out` holds: for verifiers that read their
  /// input in pieces. Cost: a hash for four.
  template <Group G>
  static void expand_challenges(const Digest512& s, std::size_t first, std::span<typename G::Scalar> out) {
    Digest512 block{};
    for (std::size_t k = 0; k < out.size(); ++k) {
      const std::size_t i = first + k;
      if (k == 0 || i % 4 == 0) block = Sha512().update(s).update(u64be(i / 4)).finish();
      out[k] = G::Scalar::from_wide(ByteView(block).subspan(16 * (i % 4), 16));
    }
  }
  /// Element i alone.
  template <Group G>
  static typename G::Scalar expand_challenge(const Digest512& s, std::size_t i) {
    typename G::Scalar out;
    expand_challenges<G>(s, i, std::span(&out, 1));
    return out;
  }
  /// A proof nonce hedged against a repeating generator (A18): SHA-512 of this transcript so far, the
  /// prover's secret and 64 fresh bytes. The transcript itself is not changed. Uniform if either the fresh
  /// bytes or the secret are unknown.
  template <Group G>
  typename G::SecretScalar hedged_nonce(std::string_view label, ByteView secret, Rng& rng) const {
    const SecretBytes<64> wide = hedged_seed(label, secret, rng);
    return G::SecretScalar::from_wide(wide.expose());
  }
  /// The same for a secret that is one scalar.
  template <Group G>
  typename G::SecretScalar hedged_nonce(std::string_view label, const typename G::SecretScalar& secret,
                                        Rng& rng) const {
    return hedged_nonce<G>(label, secret.seal_bytes().expose(), rng);
  }
  /// The 64 bytes behind hedged_nonce, for a proof that expands many nonces from one seed.
  SecretBytes<64> hedged_seed(std::string_view label, ByteView secret, Rng& rng) const;

 private:
  void begin_frame(std::string_view label, std::uint64_t size);
  Sha512 hash_;
};

}  // namespace psephos
