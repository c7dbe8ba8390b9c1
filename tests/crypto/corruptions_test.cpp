#include "tests/crypto/corruptions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "crypto/group/ristretto.h"
#include "crypto/parallel.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "tests/crypto/plain_shuffle.h"
#include "tests/crypto/shuffle_fixture.h"

// The verifiers that fold, batch and stream, against verifiers that check one equation after the other and
// take one element at a time, on proofs and statements that are changed at random: one verdict, with one
// name. Those of one_of_many.h are compared in one_of_many_test.cpp. PSEPHOS_CORRUPTIONS says how many
// changes are tried.
namespace psephos {
namespace {

using namespace sigma_test;
using G = Ristretto;
using Point = G::Point;
using Scalar = G::Scalar;

/// Counts verdicts by name, from any thread, so that a test can say that it has seen them all.
class Tally {
 public:
  void count(const std::string& verdict) {
    const std::lock_guard lock(mutex_);
    ++seen_[verdict];
  }
  std::size_t of(const std::string& verdict) const {
    const auto it = seen_.find(verdict);
    return it == seen_.end() ? 0 : it->second;
  }
  std::string text() const {
    std::string out;
    for (const auto& [verdict, times] : seen_) out += verdict + ": " + std::to_string(times) + "\n";
    return out;
  }
  /// Every one of these was met, if so many trials were made that missing one would be a wonder: a thousand
  /// for what is frequent, twenty thousand for the rest.
  void expect(std::size_t trials, const std::vector<std::string>& frequent,
              const std::vector<std::string>& rare) const {
    const auto met = [&](const std::string& verdict) {
      EXPECT_GT(of(verdict), 0U) << verdict << "\n" << text();
    };
    if (trials >= 1000) std::ranges::for_each(frequent, met);
    if (trials >= 20'000) std::ranges::for_each(rare, met);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::size_t> seen_;
};

// ---- Proof of shuffle.

/// A statement, its proof and the group it is made for, in values; what is judged are their bytes.
struct ShuffleTrial {
  Point Y;
  CiphertextList<G> input, output;
  ShuffleProof<G> proof;
  std::string group;
  ShuffleStatement<G> statement() const { return {Y, input, output}; }
};

/// Y, lists and proof out of their bytes by the decoders of single elements; nullopt with the elements that
/// are none.
struct Unreadable {
  Fault fault;
  ShufflePart part;
  std::uint64_t index;
  friend auto operator<=>(const Unreadable&, const Unreadable&) = default;
};
std::set<Unreadable> unreadable_points(ByteView bytes, std::size_t n, ShufflePart part) {
  std::set<Unreadable> out;
  for (std::size_t i = 0; i < n; ++i)
    if (const auto p = Point::decode(bytes.subspan(32 * i, 32)); !p) out.insert({p.error(), part, i});
  return out;
}
CiphertextList<G> list_of(ByteView bytes, std::size_t width) {
  CiphertextList<G> out{width, {}};
  for (std::size_t at = 0; at < bytes.size(); at += 64)
    out.items.push_back(
        {Point::decode(bytes.subspan(at, 32)).value(), Point::decode(bytes.subspan(at + 32, 32)).value()});
  return out;
}

std::set<Unreadable> unreadable(const EncodedShuffle<G>& x) {
  std::set<Unreadable> out = unreadable_points(x.proof, x.at_k_A(), ShufflePart::kProof);
  out.merge(unreadable_points(x.input, x.input.size() / 32, ShufflePart::kInput));
  out.merge(unreadable_points(x.output, x.output.size() / 32, ShufflePart::kOutput));
  for (std::size_t i = x.at_k_A(); i < x.proof.size() / 32; ++i)
    if (const auto s = Scalar::decode(x.elements(i, 1)); !s) out.insert({s.error(), ShufflePart::kProof, i});
  return out;
}

/// verify_shuffle_vartime in its plain form: SPEC §6.3, Order of checks. Where elements do not decode, any of
/// them may be named: `allowed` then holds them all.
Result<void, ShuffleRejection> plain_verdict(const EncodedShuffle<G>& x, const std::string& group,
                                             const ShuffleGenerators<G>& generators,
                                             std::set<Unreadable>& allowed) {
  const std::size_t N = x.rows(), W = x.width;
  const auto refuse = [](Fault fault) { return std::unexpected(ShuffleRejection{fault}); };
  if (x.Y.is_identity()) return refuse(Fault::kPointIdentity);
  if (const auto ok = check_generators<G>(generators.all(), N, x.Y); !ok) return refuse(ok.error());
  for (std::size_t i = 0; i < x.at_k_A(); ++i)
    if (equal(x.elements(i, 1), Point::identity().encode())) return refuse(Fault::kShuffleDegenerate);
  allowed = unreadable(x);
  if (!allowed.empty()) return refuse(allowed.begin()->fault);

  const CiphertextList<G> input = list_of(x.input, W), output = list_of(x.output, W);
  const ShuffleProof<G> proof = decode_proof<G>(x.proof, N, W).value();
  const ShuffleStatement<G> st{x.Y, input, output};
  OmittingTranscript t({kSuite, fingerprint("election A"), kShuffleLabel, "mixer", 1}, {});
  t.append("group", bytes_of(group));
  append_statement(t, st, generators);
  t.append_points("u", std::span<const Point>(proof.u));
  const std::vector<Scalar> e = t.challenge_vector<G>("e", N);
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (e[i] == e[j]) return refuse(Fault::kShuffleDegenerate);
  shuffle_detail::append_commitments(t, proof);
  const Scalar v = t.challenge_scalar<G>("v");
  if (const auto failing =
          shuffle_test::first_false_equation_plainly<G>(st, proof, generators.all().first(N), e, v))
    return std::unexpected(*failing);
  for (std::size_t k = 0; k < W; ++k)
    for (std::size_t l = k + 1; l < W; ++l)
      for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j)
          if (output.row(i)[l].alpha - output.row(i)[k].alpha ==
              input.row(j)[l].alpha - input.row(j)[k].alpha)
            return std::unexpected(ShuffleRejection{Fault::kMixOffsetReused, ShuffleEquation::kNone, i});
  return {};
}

std::string name_of_verdict(const Result<void, ShuffleRejection>& verdict) {
  if (verdict) return "accepted";
  ShuffleRejection without_place = verdict.error();
  without_place.index = 0;
  return describe(without_place);
}

/// The honest proofs that are changed, with their challenges.
struct ShuffleOriginal {
  shuffle_test::Mix mix;
  std::vector<Scalar> e;
  Scalar v;

  ShuffleOriginal(std::size_t N, std::size_t W) : mix(N, W, "original") {
    Transcript t = shuffle_test::group_transcript();
    append_statement(t, mix.statement(), mix.generators);
    t.append_points("u", std::span<const Point>(mix.proof.u));
    e = t.challenge_vector<G>("e", N);
    shuffle_detail::append_commitments(t, mix.proof);
    v = t.challenge_scalar<G>("v");
  }
};

/// One change: of an element, of several that belong together, of a list or of what is proved.
void change(ShuffleTrial& x, Rng& rng) {
  ShuffleProof<G>& p = x.proof;
  const std::size_t N = x.input.rows(), W = x.input.width;
  const std::size_t i = below(rng, N), j = below(rng, N), k = below(rng, W);
  const Scalar d = scalar<G>(1 + below(rng, 1000));
  const auto times_d = [&](const Point& base) { return G::mul_vartime(d, base); };
  Elements<G> elements;
  switch (below(rng, 16)) {
    case 0:  // a response and its commitment: for a given challenge the equation stays true
      p.B1[i] = p.B1[i] + times_d(Point::generator());
      p.k_B[i] = p.k_B[i] + d;
      return;
    case 1:
      p.C1 = p.C1 + times_d(Point::generator());
      p.k_C = p.k_C + d;
      return;
    case 2:
      p.F1[k] = {p.F1[k].alpha - times_d(Point::generator()), p.F1[k].beta - times_d(x.Y)};
      p.k_F[k] = p.k_F[k] + d;
      return;
    case 3:  // two links whose errors cancel in a sum without weights
      p.k_B[i] = p.k_B[i] + d;
      p.k_B[j] = p.k_B[j] - d;
      return;
    case 4:
      p.B1[i] = p.B1[i] + times_d(x.Y);
      p.B1[j] = p.B1[j] - times_d(x.Y);
      return;
    case 5:  // rows and columns of a list
      std::swap(x.output.items[i * W + k], x.output.items[j * W + k]);
      return;
    case 6:
      std::swap(x.input.items[i * W + k], x.input.items[j * W + below(rng, W)]);
      return;
    case 7: {
      Ciphertext<G>& c = x.output.items[i * W + k];
      c = re_encrypt<G>(x.Y, c, G::SecretScalar::of(d));
      return;
    }
    case 8:
      x.output.items[i * W + k].beta = x.output.items[i * W + k].beta + times_d(Point::generator());
      return;
    case 9:
      x.Y = below(rng, 4) == 0 ? Point::identity() : x.Y + times_d(Point::generator());
      return;
    case 10:
      x.group += '.';
      return;
    case 11:
    case 12: {  // responses alone: the challenges stay, so every equation is met
      for (auto* one : {&p.k_A, &p.k_C, &p.k_D}) elements.add(*one);
      elements.add(p.k_B), elements.add(p.k_E), elements.add(p.k_F);
      Scalar& s = *elements.scalars[below(rng, elements.scalars.size())];
      s = s + d;
      return;
    }
    default:
      for (auto* list : {&p.u, &p.B, &p.B1}) elements.add(*list);
      for (auto* one : {&p.A1, &p.C1, &p.D1}) elements.add(*one);
      elements.add(p.F1);
      elements.add(x.input.items), elements.add(x.output.items);
      for (auto* one : {&p.k_A, &p.k_C, &p.k_D}) elements.add(*one);
      elements.add(p.k_B), elements.add(p.k_E), elements.add(p.k_F);
      change_one(elements, rng);
  }
}

TEST(Corruptions, ShuffleFoldedAndStreamedAgainstOneByOne) {
  const Corruptions corruptions("shuffle");
  const std::vector<std::pair<std::size_t, std::size_t>> shapes{{1, 1}, {2, 1}, {3, 1}, {2, 2}};
  std::vector<ShuffleOriginal> originals;
  for (const auto& [N, W] : shapes) originals.emplace_back(N, W);
  Tally whole, algebra;
  parallel_for(corruptions.count, 4, [&](std::size_t trial) {
    SeededRng rng = corruptions.rng(trial);
    const ShuffleOriginal& original = originals[trial % originals.size()];
    const auto& mix = original.mix;
    ShuffleTrial x{mix.Y, mix.input, mix.output, mix.proof, "mayor, unit 1"};
    const std::size_t changes = below(rng, 16) == 0 ? 0 : 1 + below(rng, 3);
    for (std::size_t n = 0; n < changes; ++n) change(x, rng);
    Bytes input = encode_list(x.input), output = encode_list(x.output), proof = encode_proof(x.proof);
    const bool as_bytes = below(rng, 8) == 0;
    if (as_bytes) flip_bit<G>(*std::array{&input, &output, &proof}[below(rng, 3)], rng);
    const EncodedShuffle<G> encoded{x.Y, x.input.width, input, output, proof};

    Transcript t = shuffle_test::group_transcript("election A", 1, x.group);
    const auto fast = verify_shuffle_vartime(encoded, t, mix.generators);
    std::set<Unreadable> allowed;
    const auto plain = plain_verdict(encoded, x.group, mix.generators, allowed);
    whole.count(name_of_verdict(fast));
    if (allowed.empty()) {
      EXPECT_EQ(fast, plain) << "trial " << trial;
    } else {
      EXPECT_TRUE(!fast && allowed.contains({fast.error().fault, fast.error().part, fast.error().index}))
          << "trial " << trial << ": " << name_of_verdict(fast);
    }
    // As one stage of a cascade, whose input has been decoded before and whose output is kept.
    if (unreadable_points(input, input.size() / 32, ShufflePart::kInput).empty()) {
      DecodedList<G> before{x.input.width, {}}, after;
      for (std::size_t k = 0; k < x.input.width; ++k)
        for (const Part part : {Part::kAlpha, Part::kBeta})
          before.parts.push_back(
              std::move(*decode_column<G>(input, x.input.width, k, part, 0, x.input.rows())));
      EncodedShuffle<G> in_cascade = encoded;
      in_cascade.decoded_input = &before;
      in_cascade.keep_output = &after;
      Transcript again = shuffle_test::group_transcript("election A", 1, x.group);
      EXPECT_EQ(verify_shuffle_vartime(in_cascade, again, mix.generators).has_value(), fast.has_value())
          << "trial " << trial;
    }
    // By what the verifier saw: a flipped bit can undo a change.
    const bool untouched = x.Y == mix.Y && x.group == "mayor, unit 1" &&
                           equal(input, encode_list(mix.input)) && equal(output, encode_list(mix.output)) &&
                           equal(proof, encode_proof(mix.proof));
    EXPECT_EQ(fast.has_value(), untouched) << "trial " << trial;

    // The equations by themselves, under the challenges of the honest proof: then each can be the first to
    // fail.
    if (!unreadable(encoded).empty()) return;
    std::vector<Scalar> weights;
    for (std::size_t i = 0; i < x.input.rows(); ++i) {
      ByteArray<16> weight{};
      rng.fill(weight);
      weights.push_back(Scalar::from_wide(weight));
    }
    const auto h = mix.generators.all();
    const auto folded =
        first_failing_equation_vartime<G>(encoded, mix.generators, original.e, original.v, weights);
    const CiphertextList<G> read_input = list_of(input, x.input.width),
                            read_output = list_of(output, x.input.width);
    const auto singly = shuffle_test::first_false_equation_plainly<G>(
        {x.Y, read_input, read_output}, decode_proof<G>(proof, x.input.rows(), x.input.width).value(), h,
        original.e, original.v);
    EXPECT_EQ(folded, singly) << "trial " << trial;
    algebra.count(folded ? name_of_verdict(std::unexpected(*folded)) : "accepted");
  });
  whole.expect(corruptions.count,
               {"accepted", "POINT_IDENTITY", "SHUFFLE_PROOF_INVALID (equation A)",
                "SHUFFLE_PROOF_INVALID (equation B_0)"},
               {"SHUFFLE_DEGENERATE", "POINT_INVALID (element 0)", "POINT_INVALID (input, element 0)",
                "POINT_INVALID (output, element 0)", "POINT_NONCANONICAL (element 0)",
                "POINT_NONCANONICAL (input, element 0)", "POINT_NONCANONICAL (output, element 0)",
                "SCALAR_NONCANONICAL (element 0)", "SHUFFLE_PROOF_INVALID (equation C)",
                "SHUFFLE_PROOF_INVALID (equation D)", "SHUFFLE_PROOF_INVALID (equation F_0, alpha)"});
  algebra.expect(corruptions.count,
                 {"accepted", "SHUFFLE_PROOF_INVALID (equation A)", "SHUFFLE_PROOF_INVALID (equation B_0)",
                  "SHUFFLE_PROOF_INVALID (equation F_0, beta)"},
                 {"SHUFFLE_PROOF_INVALID (equation C)", "SHUFFLE_PROOF_INVALID (equation D)",
                  "SHUFFLE_PROOF_INVALID (equation F_0, alpha)"});
}

// ---- Equality of discrete logarithms, and decryption shares.

/// Shares of one trustee with their proof: what a decryption's verifier judges.
struct ShareTrial {
  Point Y_j;
  std::vector<Ciphertext<G>> ciphertexts;
  std::vector<Point> shares;
  DecryptionProof<G> proof;
  BoundContext context;
};

struct ShareOriginal : ShareTrial {
  G::SecretScalar x;
  explicit ShareOriginal(std::size_t n) {
    SeededRng rng("shares " + std::to_string(n));
    x = G::SecretScalar::random(rng);
    Y_j = G::mul_base(x);
    const Point Y = G::mul_base(G::SecretScalar::random(rng));
    for (std::size_t i = 0; i < n; ++i)
      ciphertexts.push_back(encrypt<G>(Y, multiple<G>(i), G::SecretScalar::random(rng)));
    shares = decryption_shares<G>(x, ciphertexts);
    context.proof = kDecryptionLabel;
    context.role = "trustee";
    Transcript t = context.begin<Transcript>();
    proof = prove_decryption_shares<G>({Y_j, ciphertexts, shares}, x, t, rng);
  }
};

void change(ShareTrial& x, Rng& rng) {
  const std::size_t n = x.shares.size();
  const std::size_t i = below(rng, n), j = below(rng, n);
  const Point P = multiple<G>(1 + below(rng, 1000));
  Elements<G> elements;
  switch (below(rng, 8)) {
    case 0:  // errors that cancel in a sum without weights
      x.shares[i] = x.shares[i] + P;
      x.shares[j] = x.shares[j] - P;
      return;
    case 1:
      std::swap(x.ciphertexts[i], x.ciphertexts[j]);
      std::swap(x.shares[i], x.shares[j]);
      return;
    case 2:
      std::swap(x.shares[i], x.shares[j]);
      return;
    case 3: {
      const auto fields = context_fields(x.context);
      x.context = fields[below(rng, fields.size())].changed;
      return;
    }
    case 4:
      x.Y_j = below(rng, 4) == 0 ? Point::identity() : x.Y_j + P;
      return;
    default:
      elements.add(x.ciphertexts);
      elements.add(x.shares);
      elements.add(x.proof.c), elements.add(x.proof.s);
      change_one(elements, rng);
  }
}

/// The composites and the challenge of (6.2d) and (6.2b), one product after the other, hashed by the second
/// implementation of the transcript, which already holds what comes before the batched proof's own frames.
bool plainly_proved(OmittingTranscript t, const Point& A, std::span<const Point> inputs,
                    std::span<const Point> outputs, const BatchedDleqProof<G>& proof) {
  t.append_value("A", A);
  t.append_points("inputs", inputs);
  t.append_points("outputs", outputs);
  const auto d = t.challenge_vector<G>("weights", inputs.size());
  Point M, Z;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    M = M + G::mul_vartime(d[i], inputs[i]);
    Z = Z + G::mul_vartime(d[i], outputs[i]);
  }
  t.append_value("U", G::mul_vartime(proof.s, Point::generator()) + G::mul_vartime(proof.c, A));
  t.append_value("V", G::mul_vartime(proof.s, M) + G::mul_vartime(proof.c, Z));
  return t.challenge_scalar<G>("challenge") == proof.c;
}

std::string name_of_verdict(const Result<void, DecryptionRejection>& verdict) {
  return verdict ? "accepted" : std::string(name_of(verdict.error().fault));
}

TEST(Corruptions, DecryptionSharesStreamedAgainstOneByOne) {
  const Corruptions corruptions("decryption shares");
  using List = DecryptionRejection::List;
  std::vector<ShareOriginal> originals;
  for (const std::size_t n : {1U, 2U, 5U}) originals.emplace_back(n);
  Tally verdicts, batched_verdicts;
  parallel_for(corruptions.count, 4, [&](std::size_t trial) {
    SeededRng rng = corruptions.rng(trial);
    const ShareOriginal& original = originals[trial % originals.size()];
    ShareTrial x = original;
    const std::size_t changes = below(rng, 16) == 0 ? 0 : 1 + below(rng, 3);
    for (std::size_t n = 0; n < changes; ++n) change(x, rng);
    Bytes ciphertexts = encode_all(std::span<const Ciphertext<G>>(x.ciphertexts));
    Bytes shares = encode_all(std::span<const Point>(x.shares));
    if (below(rng, 8) == 0) flip_bit<G>(below(rng, 2) == 0 ? ciphertexts : shares, rng);

    Transcript t = x.context.begin<Transcript>();
    const auto fast =
        verify_decryption_shares_vartime(EncodedDecryption<G>{x.Y_j, ciphertexts, shares}, x.proof, t);
    // SPEC §6.4: identities, elements that are none (a beta is hashed and not computed with), the proof.
    const std::size_t n = x.shares.size();
    const auto plain = [&]() -> Result<void, DecryptionRejection> {
      const auto refuse = [](Fault fault, List list = List::kNone, std::uint64_t element = 0) {
        return std::unexpected(DecryptionRejection{fault, list, element});
      };
      if (x.Y_j.is_identity()) return refuse(Fault::kPointIdentity);
      std::vector<Point> alphas, read_shares;
      for (std::size_t i = 0; i < n; ++i)
        if (equal(ByteView(ciphertexts).subspan(64 * i, 32), Point::identity().encode()))
          return refuse(Fault::kPointIdentity, List::kCiphertexts, 2 * i);
      for (std::size_t i = 0; i < n; ++i) {
        const auto alpha = Point::decode(ByteView(ciphertexts).subspan(64 * i, 32));
        if (!alpha) return refuse(alpha.error(), List::kCiphertexts, 2 * i);
        alphas.push_back(*alpha);
      }
      for (std::size_t i = 0; i < n; ++i) {
        const auto share = Point::decode(ByteView(shares).subspan(32 * i, 32));
        if (!share) return refuse(share.error(), List::kShares, i);
        read_shares.push_back(*share);
      }
      OmittingTranscript begun = x.context.begin<OmittingTranscript>(std::vector<std::string_view>{});
      begun.append("ciphertexts", ciphertexts);
      if (!plainly_proved(begun, x.Y_j, alphas, read_shares, x.proof))
        return refuse(Fault::kShareProofInvalid);
      return {};
    }();
    EXPECT_EQ(fast, plain) << "trial " << trial;
    verdicts.count(name_of_verdict(fast));
    // What is accepted is the truth: this test knows x_j.
    for (std::size_t i = 0; fast && i < n; ++i)
      EXPECT_EQ(Point::decode(ByteView(shares).subspan(32 * i, 32)).value(),
                original.x * Point::decode(ByteView(ciphertexts).subspan(64 * i, 32)).value())
          << "trial " << trial;

    // The batched proof without the ciphertexts around it.
    std::vector<Point> alphas;
    for (const auto& c : x.ciphertexts) alphas.push_back(c.alpha);
    const BatchedDleqStatement<G> batched{x.Y_j, alphas, x.shares};
    BoundContext own = x.context;
    own.proof = kBatchedDleqLabel;
    BatchedDleqProof<G> proof = x.proof;
    if (below(rng, 2) == 0) {  // an honest one of what may be false
      Transcript prover = own.begin<Transcript>();
      proof = prove_batched_dleq(batched, original.x, prover, rng);
    }
    Transcript verifier = own.begin<Transcript>();
    const auto in_bulk = verify_batched_dleq_vartime(batched, proof, verifier);
    const auto one_by_one = [&]() -> Result<void, Fault> {
      if (x.Y_j.is_identity()) return std::unexpected(Fault::kPointIdentity);
      for (const Point& alpha : alphas)
        if (alpha.is_identity()) return std::unexpected(Fault::kPointIdentity);
      if (!plainly_proved(own.begin<OmittingTranscript>(std::vector<std::string_view>{}), x.Y_j, alphas,
                          x.shares, proof))
        return std::unexpected(Fault::kProofChallengeMismatch);
      return {};
    }();
    EXPECT_EQ(in_bulk, one_by_one) << "trial " << trial;
    batched_verdicts.count(in_bulk ? "accepted" : std::string(name_of(in_bulk.error())));
    bool is_true = x.Y_j == original.Y_j;
    for (std::size_t i = 0; i < n; ++i) is_true = is_true && x.shares[i] == original.x * alphas[i];
    EXPECT_TRUE(!in_bulk || is_true) << "trial " << trial;
  });
  verdicts.expect(corruptions.count, {"accepted", "POINT_IDENTITY", "SHARE_PROOF_INVALID"},
                  {"POINT_NONCANONICAL", "POINT_INVALID"});
  batched_verdicts.expect(corruptions.count, {"accepted", "POINT_IDENTITY", "PROOF_CHALLENGE_MISMATCH"}, {});
}

TEST(Corruptions, SingleEqualityOfLogarithms) {
  const Corruptions corruptions("equality of logarithms");
  SeededRng made("single");
  const G::SecretScalar x = G::SecretScalar::random(made);
  const Point H = G::mul_base(G::SecretScalar::random(made));
  BoundContext context;
  context.proof = kDleqLabel;
  const DleqStatement<G> honest{G::mul_base(x), H, x * H};
  Transcript prover = context.begin<Transcript>();
  const DleqProof<G> honest_proof = prove_dleq(honest, x, prover, made);
  Tally verdicts;
  parallel_for(corruptions.count, 4, [&](std::size_t trial) {
    SeededRng rng = corruptions.rng(trial);
    DleqStatement<G> st = honest;
    DleqProof<G> proof = honest_proof;
    Elements<G> elements;
    for (auto* point : {&st.A, &st.H, &st.B}) elements.add(*point);
    elements.add(proof.c), elements.add(proof.s);
    if (below(rng, 16) != 0)
      for (std::size_t n = 1 + below(rng, 3); n > 0; --n) change_one(elements, rng);
    if (below(rng, 4) == 0) {
      Transcript again = context.begin<Transcript>();
      proof = prove_dleq(st, x, again, rng);
    }
    Transcript verifier = context.begin<Transcript>();
    const auto fast = verify_dleq_vartime(st, proof, verifier);
    const auto plain = [&]() -> Result<void, Fault> {
      if (st.A.is_identity() || st.H.is_identity()) return std::unexpected(Fault::kPointIdentity);
      auto t = context.begin<OmittingTranscript>(std::vector<std::string_view>{});
      t.append_value("A", st.A);
      t.append_value("H", st.H);
      t.append_value("B", st.B);
      t.append_value("U", G::mul_vartime(proof.s, Point::generator()) + G::mul_vartime(proof.c, st.A));
      t.append_value("V", G::mul_vartime(proof.s, st.H) + G::mul_vartime(proof.c, st.B));
      if (t.challenge_scalar<G>("challenge") != proof.c)
        return std::unexpected(Fault::kProofChallengeMismatch);
      return {};
    }();
    EXPECT_EQ(fast, plain) << "trial " << trial;
    EXPECT_TRUE(!fast || (st.A == G::mul_base(x) && st.B == x * st.H)) << "trial " << trial;
    verdicts.count(fast ? "accepted" : std::string(name_of(fast.error())));
  });
  verdicts.expect(corruptions.count, {"accepted", "PROOF_CHALLENGE_MISMATCH"}, {"POINT_IDENTITY"});
}

// ---- Combination.

TEST(Corruptions, CombinationAtOnceAgainstRowByRow) {
  const Corruptions corruptions("combination");
  const Quorum quorum{2, 3};
  struct Original {
    std::vector<Ciphertext<G>> ciphertexts;
    std::array<std::vector<Point>, 3> shares;
    std::vector<Point> plaintexts;
  };
  std::vector<Original> originals;
  for (const std::size_t n : {1U, 2U, 6U}) {
    SeededRng rng("combination " + std::to_string(n));
    const G::SecretScalar a = G::SecretScalar::random(rng), b = G::SecretScalar::random(rng);
    Original one;
    for (std::size_t i = 0; i < n; ++i) {
      one.plaintexts.push_back(multiple<G>(10 + i % 3));
      one.ciphertexts.push_back(encrypt<G>(G::mul_base(a), one.plaintexts[i], G::SecretScalar::random(rng)));
    }
    for (std::uint64_t j = 1; j <= 3; ++j)
      one.shares[j - 1] = decryption_shares<G>(a + b * scalar<G>(j), one.ciphertexts);
    originals.push_back(std::move(one));
  }
  Tally verdicts;
  parallel_for(corruptions.count, 4, [&](std::size_t trial) {
    SeededRng rng = corruptions.rng(trial);
    Original x = originals[trial % originals.size()];
    std::vector<std::uint32_t> trustees{1, 2, 3};
    trustees.erase(trustees.begin() + static_cast<long>(below(rng, 3)));
    if (below(rng, 2) == 0) std::swap(trustees[0], trustees[1]);
    const std::size_t n = x.plaintexts.size();
    for (std::size_t left = below(rng, 16) == 0 ? 0 : 1 + below(rng, 3); left > 0; --left) {
      const std::size_t i = below(rng, n), j = below(rng, n);
      const Point P = multiple<G>(1 + below(rng, 1000));
      Elements<G> elements;
      Scalar unused;
      switch (below(rng, 10)) {
        case 0:
          x.plaintexts[i] = x.plaintexts[i] + P;  // errors that cancel in a sum without weights
          x.plaintexts[j] = x.plaintexts[j] - P;
          break;
        case 1:
          std::swap(x.plaintexts[i], x.plaintexts[j]);
          break;
        case 2:
          x.shares[below(rng, 3)][i] = x.shares[below(rng, 3)][j];
          break;
        case 3:  // a plaintext that is moved with its ciphertext
          x.ciphertexts[i].beta = x.ciphertexts[i].beta + P;
          x.plaintexts[i] = x.plaintexts[i] + P;
          break;
        case 4:  // a mix of ballots that are all for one
          for (Point& plaintext : x.plaintexts) plaintext = P;
          break;
        case 5:
          trustees[below(rng, trustees.size())] = static_cast<std::uint32_t>(below(rng, 5));
          break;
        case 6:
          if (below(rng, 2) == 0)
            trustees.pop_back();
          else
            trustees.push_back(3);
          if (trustees.empty()) trustees.push_back(2);
          break;
        default:
          elements.add(x.ciphertexts), elements.add(x.plaintexts);
          for (auto& of_one : x.shares) elements.add(of_one);
          elements.add(unused);
          change_one(elements, rng);
      }
    }
    if (below(rng, 64) == 0) x.shares[0].pop_back();
    if (below(rng, 64) == 0) x.plaintexts.pop_back();
    std::vector<TrusteeShares<G>> given;
    for (const std::uint32_t j : trustees) given.push_back({j, x.shares[(j + 2) % 3]});

    Transcript t = transcript_for(kCombinationLabel, "election A", "auditor");
    const auto at_once = check_combination_vartime<G>(x.ciphertexts, given, quorum, x.plaintexts, t);
    const auto combined = combine_vartime<G>(x.ciphertexts, given, quorum);
    using Verdict = Result<void, Fault>;
    if (!combined) {
      EXPECT_EQ(at_once, Verdict(std::unexpected(combined.error()))) << "trial " << trial;
    } else if (x.plaintexts.size() != combined->size()) {
      EXPECT_EQ(at_once, Verdict(std::unexpected(Fault::kShareProofMissing))) << "trial " << trial;
    } else {
      const Verdict refused = std::unexpected(Fault::kShareProofInvalid);
      EXPECT_EQ(at_once, *combined == x.plaintexts ? Verdict() : refused) << "trial " << trial;
      // And row by row in the plainest form: (6.4b).
      const std::vector<std::uint32_t> used(trustees.begin(), trustees.begin() + 2);
      const auto lambda = lagrange_at_zero<G>(std::span(used));
      for (std::size_t i = 0; i < x.ciphertexts.size(); ++i)
        EXPECT_EQ((*combined)[i], x.ciphertexts[i].beta - G::mul_vartime(lambda[0], given[0].shares[i]) -
                                      G::mul_vartime(lambda[1], given[1].shares[i]))
            << "trial " << trial;
    }
    verdicts.count(at_once ? "accepted" : std::string(name_of(at_once.error())));
  });
  verdicts.expect(corruptions.count,
                  {"accepted", "SHARE_PROOF_INVALID", "SHARE_TRUSTEE", "TALLY_INSUFFICIENT_SHARES"},
                  {"SHARE_PROOF_MISSING"});
}

}  // namespace
}  // namespace psephos
