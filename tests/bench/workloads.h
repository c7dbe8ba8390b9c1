#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bulk_random.h"
#include "crypto/elgamal.h"
#include "crypto/group/group.h"
#include "crypto/group/hash_to_group.h"
#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/random.h"
#include "crypto/shuffle/proof.h"
#include "crypto/shuffle/shuffle.h"
#include "crypto/threshold/decryption.h"
#include "tests/bench/measure.h"

/// What is measured, as templates over the group, so that the very same work is timed over ristretto255 and
/// counted over CountingGroup. The constructor prepares for n items and is not timed; the call is.
namespace psephos::bench {

inline constexpr std::string_view kGeneratorTag = "psephos-1/generator";

inline Digest256 bench_fingerprint() {
  return sha256(bytes_of("benchmark"));
}

template <Group G>
std::vector<typename G::SecretScalar> random_secrets(std::size_t n, Rng& rng) {
  std::vector<typename G::SecretScalar> out;
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) out.push_back(G::SecretScalar::random(rng));
  return out;
}

template <Group G>
std::vector<typename G::Scalar> random_scalars(std::size_t n, std::size_t bits, Rng& rng) {
  Bytes wide(bits == 128 ? 16 : 64);
  std::vector<typename G::Scalar> out;
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    rng.fill(wide);
    out.push_back(G::Scalar::from_wide(wide));
  }
  return out;
}

template <Group G>
Bytes random_point_bytes(std::size_t n, Rng& rng) {
  return encode_all<typename G::Point>(G::mul_batch(random_secrets<G>(n, rng), G::Point::generator()));
}

/// As a reader has them who decoded a file.
template <Group G>
std::vector<typename G::Point> random_points(std::size_t n, Rng& rng) {
  auto points = G::decode_batch(random_point_bytes<G>(n, rng));
  invariant(points.has_value(), "they were encoded just now");
  return std::move(*points);
}

/// Of points that are decoded already: decoding has a row of its own.
template <Group G, std::size_t Bits>
struct Msm {
  SystemRng rng;
  typename G::Points points;
  std::vector<typename G::Scalar> scalars;
  explicit Msm(std::size_t n)
      : points(G::points_of(random_points<G>(n, rng))), scalars(random_scalars<G>(n, Bits, rng)) {}
  void operator()() {
    const std::array lists{&points};
    keep(G::msm_vartime(scalars, lists));
  }
};
template <Group G>
using Msm253 = Msm<G, 253>;
template <Group G>
using Msm128 = Msm<G, 128>;

template <Group G>
struct DecodeBatch {
  SystemRng rng;
  Bytes bytes;
  explicit DecodeBatch(std::size_t n) : bytes(random_point_bytes<G>(n, rng)) {}
  void operator()() {
    const auto points = G::decode_points(bytes);
    invariant(points.has_value(), "they are encodings of points");
  }
};

template <Group G>
struct FixedBaseBatch {
  SystemRng rng;
  std::vector<typename G::SecretScalar> secrets;
  explicit FixedBaseBatch(std::size_t n) : secrets(random_secrets<G>(n, rng)) {}
  void operator()() { keep(G::mul_batch(secrets, G::Point::generator())); }
};

/// One secret for every point, as a trustee has it; to encodings.
template <Group G>
struct VariableBaseBatch {
  SystemRng rng;
  typename G::Points points;
  typename G::SecretScalar secret = G::SecretScalar::random(rng);
  explicit VariableBaseBatch(std::size_t n) : points(G::points_of(random_points<G>(n, rng))) {}
  void operator()() { keep(G::mul_each(secret, points)); }
};

template <Group G>
struct DeriveGenerators {
  std::size_t n;
  explicit DeriveGenerators(std::size_t count) : n(count) {}
  void operator()() { keep(derive_generators<G>(kGeneratorTag, bench_fingerprint(), n)); }
};

/// Proofs of n ballots, each of one selection among 138.
template <Group G>
class BallotProofs {
 public:
  static constexpr std::size_t kChoices = 138, kBatch = 1000;
  explicit BallotProofs(std::size_t n) : table_(random_points<G>(kChoices, rng_)) {
    const auto randomness = random_secrets<G>(n, rng_);
    for (std::size_t i = 0; i < n; ++i) {
      const auto c = encrypt<G>(Y_, table_[i % kChoices], randomness[i]);
      claims_.push_back({{Y_, c.alpha, c.beta, table_}, {}, context(kOneOfManyLabel)});
      randomness_.push_back(randomness[i].clone());
    }
    parallel_for(n, 1, [&](std::size_t i) { prove(i); });
  }
  void make() {
    for (std::size_t i = 0; i < claims_.size(); ++i) prove(i);
  }
  void verify_singly() {
    for (const OneOfManyClaim<G>& claim : claims_) {
      Transcript transcript = claim.transcript;
      const auto verdict =
          verify_one_of_many_vartime<G>(claim.statement, claim.proof, transcript, generators_);
      invariant(verdict.has_value(), "an honest proof verifies");
    }
  }
  void verify_in_batches() {
    for (std::size_t first = 0; first < claims_.size(); first += kBatch) {
      const std::size_t n = std::min(kBatch, claims_.size() - first);
      Transcript transcript = context(kOneOfManyBatchLabel);
      const std::span<const OneOfManyClaim<G>> claims = claims_;
      for (const auto& refused :
           verify_one_of_many_batch_vartime<G>(claims.subspan(first, n), transcript, generators_))
        invariant(!refused, "honest proofs verify");
    }
  }

 private:
  static Transcript context(std::string_view label) {
    return Transcript({"psephos-1", bench_fingerprint(), label, "voter", 0});
  }
  void prove(std::size_t i) {
    SystemRng rng;
    Transcript transcript = claims_[i].transcript;
    claims_[i].proof = prove_one_of_many<G>(claims_[i].statement, i % kChoices, randomness_[i], transcript,
                                            generators_, rng);
  }

  SystemRng rng_;
  typename G::Point Y_ = G::mul_base(G::SecretScalar::random(rng_));
  ChoiceTable<G> table_;
  DigitGenerators<G> generators_ =
      DigitGenerators<G>::derive("psephos-1/digit-generator", bench_fingerprint(), kChoices, Y_).value();
  std::vector<typename G::SecretScalar> randomness_;
  std::vector<OneOfManyClaim<G>> claims_;
};

/// One list of n ballots of one selection each, a mix of it, and one trustee's shares of the output. Each
/// step leaves behind what the next one needs, and may be repeated.
template <Group G>
class MixedList {
 public:
  using Point = typename G::Point;

  /// Encrypts n of `kChoices` choices and derives the generators. `advance(n)`: n more ballots are encrypted.
  template <class Advance>
  MixedList(std::size_t n, Advance&& advance)
      : x_(G::SecretScalar::random(rng_)),
        Y_(G::mul_base(x_)),
        generators_(ShuffleGenerators<G>::derive(kGeneratorTag, bench_fingerprint(), n)) {
    const std::vector<Point> choices = random_points<G>(kChoices, rng_);
    input_bytes_.reserve(n * Ciphertext<G>::kWidth);
    for (std::size_t begin = 0; begin < n; begin += kPiece) {
      const std::size_t count = std::min(kPiece, n - begin);
      const auto r = random_secrets<G>(count, rng_);
      const auto alpha = G::mul_batch(r, Point::generator());
      const auto rY = G::mul_batch(r, Y_);
      for (std::size_t i = 0; i < count; ++i)
        append(input_bytes_, Ciphertext<G>{alpha[i], choices[(begin + i) % kChoices] + rY[i]}.encode());
      advance(count);
    }
    input_ = decode_list(input_bytes_);
  }
  explicit MixedList(std::size_t n) : MixedList(n, [](std::size_t) {}) {}

  /// Re-encrypts, permutes and proves: from a decoded list to the bytes of output and proof.
  void prove() {
    BulkRng rng(rng_);  // as mixers draw theirs
    const ShuffleResult<G> mixed = shuffle<G>(Y_, input_, rng);
    Transcript transcript = transcript_of(kShuffleLabel, "mixer");
    const ShuffleStatement<G> statement{Y_, input_, mixed.output};
    const auto proof = prove_shuffle(statement, mixed.witness, transcript, generators_, rng_);
    output_bytes_.clear();
    output_bytes_.reserve(input_bytes_.size());
    for (const Ciphertext<G>& c : mixed.output.items) append(output_bytes_, c.encode());
    proof_bytes_ = encode_proof(proof);
  }
  /// Verifies from the bytes of both lists and of the proof. The generators are derived already: once an
  /// election. @pre prove.
  void verify() {
    Transcript transcript = transcript_of(kShuffleLabel, "mixer");
    const EncodedShuffle<G> shuffle{Y_, 1, input_bytes_, output_bytes_, proof_bytes_};
    const auto verdict = verify_shuffle_vartime(shuffle, transcript, generators_);
    invariant(verdict.has_value(), "an honest proof verifies");
  }
  /// What a trustee has before its shares: the output, decoded. @pre prove.
  void decode_output() {
    decrypted_bytes_ = output_bytes_;
    output_ = decode_list(decrypted_bytes_);
  }
  /// Makes the shares, proves them, encodes both. @pre decode_output.
  void make_shares() {
    const auto shares = decryption_shares<G>(x_, output_.items);
    Transcript transcript = transcript_of(kDecryptionLabel, "trustee");
    const auto proof =
        prove_decryption_shares(DecryptionStatement<G>{Y_, output_.items, shares}, x_, transcript, rng_);
    share_bytes_ = encode_all<Point>(shares);
    append(share_bytes_, proof.encode());
  }
  /// Verifies from the bytes of ciphertexts, shares and proof. @pre make_shares.
  void verify_shares() {
    const ByteView bytes = share_bytes_;
    const std::size_t proof_at = output_.items.size() * Point::kWidth;
    const auto proof = decode_decryption_proof<G>(bytes.subspan(proof_at));
    invariant(proof.has_value(), "an honest proof decodes");
    Transcript transcript = transcript_of(kDecryptionLabel, "trustee");
    const auto verdict = verify_decryption_shares_vartime(
        EncodedDecryption<G>{Y_, decrypted_bytes_, bytes.first(proof_at)}, *proof, transcript);
    invariant(verdict.has_value(), "honest shares verify");
  }
  /// Frees what `prove` alone needs, for measuring the memory of `verify`.
  void forget_input() { input_ = {}; }

 private:
  static constexpr std::size_t kChoices = 138;
  static constexpr std::size_t kPiece = 4096;

  static Transcript transcript_of(std::string_view label, std::string_view role) {
    return Transcript({"psephos-1", bench_fingerprint(), label, role, 1});
  }
  static CiphertextList<G> decode_list(ByteView bytes) {
    const auto points = G::decode_batch(bytes);
    invariant(points.has_value(), "honest lists decode");
    CiphertextList<G> list{1, {}};
    list.items.reserve(points->size() / 2);
    for (std::size_t i = 0; i < points->size(); i += 2)
      list.items.push_back({(*points)[i], (*points)[i + 1]});
    return list;
  }

  SystemRng rng_;
  typename G::SecretScalar x_;
  Point Y_;
  ShuffleGenerators<G> generators_;
  CiphertextList<G> input_, output_;
  Bytes input_bytes_, output_bytes_, proof_bytes_, decrypted_bytes_, share_bytes_;
};

}  // namespace psephos::bench
