#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/shuffle/generators.h"
#include "crypto/shuffle/scalars.h"
#include "crypto/shuffle/shuffle.h"
#include "crypto/transcript.h"

namespace psephos {

/// Label of the ProofContext of a proof of shuffle (SPEC §6.3).
inline constexpr std::string_view kShuffleLabel = "shuffle/v1";

/// "`output` is `input`, rows permuted and every ciphertext re-encrypted under Y." Refers to the lists, which
/// must outlive it.
template <Group G>
struct ShuffleStatement {
  const typename G::Point& Y;
  const CiphertextList<G>& input;   ///< w
  const CiphertextList<G>& output;  ///< w'
};

/// Proof of shuffle over N rows of W columns. Letters, equations and encoding: SPEC §6.3.
template <Group G>
struct ShuffleProof {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  std::vector<Point> u;           ///< u_i = r_π(i)·G + h_π(i): commits to π before e is known
  std::vector<Point> B;           ///< B_i = b_i·G + e'_i·B_(i−1): commits to the product of e'
  Point A1;                       ///< A' = α·G + Σ ε_i·h_i
  std::vector<Point> B1;          ///< B'_i = β_i·G + ε_i·B_(i−1)
  Point C1;                       ///< C' = γ·G
  Point D1;                       ///< D' = δ·G
  std::vector<Ciphertext<G>> F1;  ///< F'_k = −φ_k·(G, Y) + Σ ε_i·w'_(i,k)
  Scalar k_A;                     ///< v·a + α
  std::vector<Scalar> k_B;        ///< v·b_i + β_i
  Scalar k_C;                     ///< v·c + γ
  Scalar k_D;                     ///< v·d + δ
  std::vector<Scalar> k_E;        ///< v·e'_i + ε_i
  std::vector<Scalar> k_F;        ///< v·f_k + φ_k
  friend bool operator==(const ShuffleProof&, const ShuffleProof&) = default;
};

/// Which equation of (6.3.5) fails; index is the row for B, the column for F.
enum class ShuffleEquation : std::uint8_t { kNone, kA, kB, kC, kD, kFAlpha, kFBeta };

struct ShuffleRejection {
  Fault fault;
  ShuffleEquation equation = ShuffleEquation::kNone;  ///< with kShuffleProofInvalid
  std::uint64_t index = 0;  ///< of the row or column; while decoding, of the element
  friend bool operator==(const ShuffleRejection&, const ShuffleRejection&) = default;
};

/// "SHUFFLE_PROOF_INVALID (equation B_17)", for reports.
inline std::string describe(const ShuffleRejection& rejection) {
  const std::string index = std::to_string(rejection.index);
  const std::string name(name_of(rejection.fault));
  switch (rejection.equation) {
    case ShuffleEquation::kNone:
      return name;
    case ShuffleEquation::kA:
      return name + " (equation A)";
    case ShuffleEquation::kB:
      return name + " (equation B_" + index + ")";
    case ShuffleEquation::kC:
      return name + " (equation C)";
    case ShuffleEquation::kD:
      return name + " (equation D)";
    case ShuffleEquation::kFAlpha:
      return name + " (equation F_" + index + ", alpha)";
    case ShuffleEquation::kFBeta:
      return name + " (equation F_" + index + ", beta)";
  }
  return name;
}

/// The prover's one-time secrets (SPEC §6.3, Nonces).
template <Group G>
struct ShuffleNonces {
  using Secret = typename G::SecretScalar;
  std::vector<Secret> r, b, beta, epsilon;  ///< N each
  std::vector<Secret> phi;                  ///< one a column
  Secret alpha, gamma, delta;

  /// Nonce i of kind j is SHA-512(seed ‖ u64(j) ‖ u64(i)) reduced.
  static ShuffleNonces expand(const SecretBytes<64>& seed, std::size_t N, std::size_t W) {
    const auto one = [&](std::uint64_t kind, std::uint64_t i) {
      Sha512 hash;
      Digest512 digest = hash.update(seed.expose()).update(u64be(kind)).update(u64be(i)).finish();
      Secret out = Secret::from_wide(digest);
      sodium_memzero(digest.data(), digest.size());
      sodium_memzero(&hash, sizeof hash);
      return out;
    };
    const auto many = [&](std::uint64_t kind, std::size_t n) {
      std::vector<Secret> out(n);
      parallel_for(n, 1024, [&](std::size_t i) { out[i] = one(kind, i); });
      return out;
    };
    return {many(1, N), many(2, N), many(4, N), many(7, N), many(8, W), one(3, 0), one(5, 0), one(6, 0)};
  }
};

namespace shuffle_detail {

/// All alphas or betas of a list, row after row; or of its column k alone.
template <Group G>
std::vector<typename G::Point> parts(const CiphertextList<G>& list, typename G::Point Ciphertext<G>::* part) {
  std::vector<typename G::Point> out;
  out.reserve(list.items.size());
  for (const Ciphertext<G>& c : list.items) out.push_back(c.*part);
  return out;
}
template <Group G>
std::vector<typename G::Point> column(const CiphertextList<G>& list, std::size_t k,
                                      typename G::Point Ciphertext<G>::* part) {
  std::vector<typename G::Point> out;
  out.reserve(list.rows());
  for (std::size_t i = 0; i < list.rows(); ++i) out.push_back(list.items[i * list.width + k].*part);
  return out;
}

/// Sum over n of term(i), in pieces on all cores; the group is commutative, so scheduling does not show.
template <Group G, class Term>
typename G::Point parallel_sum(std::size_t n, Term&& term) {
  constexpr std::size_t kPiece = 256;
  std::vector<typename G::Point> partial((n + kPiece - 1) / kPiece);
  parallel_for(partial.size(), 1, [&](std::size_t piece) {
    typename G::Point sum;
    for (std::size_t i = piece * kPiece; i < std::min(n, (piece + 1) * kPiece); ++i) sum = sum + term(i);
    partial[piece] = sum;
  });
  typename G::Point sum;
  for (const auto& p : partial) sum = sum + p;
  return sum;
}

/// Σ secrets[i] · points[i], constant time.
template <Group G>
typename G::Point secret_sum(std::span<const typename G::SecretScalar> secrets,
                             std::span<const typename G::Point> points) {
  return parallel_sum<G>(points.size(), [&](std::size_t i) { return secrets[i] * points[i]; });
}

/// x_i·P + y_i·Q for all i, constant time.
template <Group G>
std::vector<typename G::Point> commit_batch(std::span<const typename G::SecretScalar> x,
                                            const typename G::Point& P,
                                            std::span<const typename G::SecretScalar> y,
                                            const typename G::Point& Q) {
  auto out = G::mul_batch(x, P);
  const auto more = G::mul_batch(y, Q);
  parallel_for(out.size(), 64, [&](std::size_t i) { out[i] = out[i] + more[i]; });
  return out;
}

template <Group G>
std::vector<typename G::Point> flat(std::span<const Ciphertext<G>> row) {
  std::vector<typename G::Point> out;
  for (const Ciphertext<G>& c : row) {
    out.push_back(c.alpha);
    out.push_back(c.beta);
  }
  return out;
}

/// What round 2 binds.
template <Group G, class T>
void append_commitments(T& transcript, const ShuffleProof<G>& p) {
  using Points = std::span<const typename G::Point>;
  transcript.append_points("B", Points(p.B));
  transcript.append_value("A'", p.A1);
  transcript.append_points("B'", Points(p.B1));
  transcript.append_value("C'", p.C1);
  transcript.append_value("D'", p.D1);
  transcript.append_points("F'", Points(flat<G>(p.F1)));
}

/// What the weights of the folded check bind besides: so they depend on every byte of the proof.
template <Group G, class T>
void append_responses(T& transcript, const ShuffleProof<G>& p) {
  using Scalars = std::span<const typename G::Scalar>;
  transcript.append_value("k_A", p.k_A);
  transcript.append_points("k_B", Scalars(p.k_B));
  transcript.append_value("k_C", p.k_C);
  transcript.append_value("k_D", p.k_D);
  transcript.append_points("k_E", Scalars(p.k_E));
  transcript.append_points("k_F", Scalars(p.k_F));
}

template <Group G>
bool has_identity(const ShuffleProof<G>& p) {
  const auto is_identity = [](const auto& point) { return point.is_identity(); };
  return std::ranges::any_of(p.u, is_identity) || std::ranges::any_of(p.B, is_identity) ||
         p.A1.is_identity() || std::ranges::any_of(p.B1, is_identity) || p.C1.is_identity() ||
         p.D1.is_identity() || std::ranges::any_of(p.F1, [](const Ciphertext<G>& c) {
           return c.alpha.is_identity() || c.beta.is_identity();
         });
}

/// Lists and proof have the shape of one N and one W.
template <Group G>
bool has_shape(const ShuffleStatement<G>& st, const ShuffleProof<G>& p) {
  const std::size_t W = st.input.width;
  if (W < 1 || st.output.width != W || st.input.items.size() % W != 0 ||
      st.output.items.size() != st.input.items.size())
    return false;
  const std::size_t N = st.input.rows();
  if (N == 0) return p == ShuffleProof<G>{};
  return p.u.size() == N && p.B.size() == N && p.B1.size() == N && p.F1.size() == W && p.k_B.size() == N &&
         p.k_E.size() == N && p.k_F.size() == W;
}

}  // namespace shuffle_detail

/// The chain equations  v·B_i + B'_i = k_B,i·G + k_E,i·B_(i−1),  each by itself. @return the first i that
/// fails. Variable time. Cost, a row: 3 multiplications.
template <Group G>
std::optional<std::size_t> first_broken_link_vartime(const ShuffleProof<G>& p,
                                                     std::span<const typename G::Point> h,
                                                     const typename G::Scalar& v) {
  using Point = typename G::Point;
  std::vector<std::uint8_t> holds(p.B.size());
  parallel_for(holds.size(), 16, [&](std::size_t i) {
    const Point& before = i == 0 ? h[0] : p.B[i - 1];
    holds[i] = G::mul_vartime(v, p.B[i]) + p.B1[i] ==
               G::mul_vartime(p.k_B[i], Point::generator()) + G::mul_vartime(p.k_E[i], before);
  });
  for (std::size_t i = 0; i < holds.size(); ++i)
    if (holds[i] == 0) return i;
  return std::nullopt;
}

/// The same N equations at once, the i-th times t_i, with the terms of each B_i brought together:
///   Σ t_i·B'_i + Σ (v·t_i − t_(i+1)·k_E,i+1)·B_i = (Σ t_i·k_B,i)·G + t_0·k_E,0·h_0,    t_N = 0.
/// True if all hold; if one does not, true with probability 1/2^128 over the weights t.
template <Group G>
bool folded_chain_holds_vartime(const ShuffleProof<G>& p, const typename G::Point& h_0,
                                const typename G::Scalar& v, std::span<const typename G::Scalar> t) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  const std::size_t N = p.B.size();
  std::vector<Scalar> coefficients(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) {
    coefficients[i] = i + 1 < N ? v * t[i] - t[i + 1] * p.k_E[i + 1] : v * t[i];
  });
  const Scalar k_B =
      shuffle_detail::parallel_fold(N, [&](std::size_t i) { return t[i] * p.k_B[i]; }, std::plus<>{});
  return G::msm_vartime(t, p.B1) + G::msm_vartime(coefficients, p.B) ==
         G::mul_vartime(k_B, Point::generator()) + G::mul_vartime(t[0] * p.k_E[0], h_0);
}

/// The equations (6.3.5) in the spec's order. @pre shapes fit, N ≥ 1. @return the first that fails.
/// Variable time. Cost, a row: 2 + 2W multiplications by 128 bits (e with u, w; t with B'), 2 + 2W by 253
/// (k_E with h, w'; one with B), 2 additions; 3 multiplications besides where a chain equation fails.
template <Group G>
std::optional<ShuffleRejection> first_failing_equation_vartime(const ShuffleStatement<G>& st,
                                                               const ShuffleProof<G>& p,
                                                               std::span<const typename G::Point> h,
                                                               std::span<const typename G::Scalar> e,
                                                               const typename G::Scalar& v,
                                                               std::span<const typename G::Scalar> t) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  using C = Ciphertext<G>;
  const std::size_t N = p.u.size();
  const Point& base = Point::generator();
  const auto failing = [](ShuffleEquation equation, std::size_t index = 0) {
    return ShuffleRejection{Fault::kShuffleProofInvalid, equation, index};
  };

  // v·A + A' = k_A·G + Σ k_E,i·h_i  with  A = Σ e_i·u_i
  const Point A = G::msm_vartime(e, p.u);
  if (G::mul_vartime(v, A) + p.A1 != G::mul_vartime(p.k_A, base) + G::msm_vartime(p.k_E, h))
    return failing(ShuffleEquation::kA);

  if (!folded_chain_holds_vartime(p, h[0], v, t)) {
    const std::optional<std::size_t> i = first_broken_link_vartime(p, h, v);
    invariant(i.has_value(), "a sum of true equations is true");
    return failing(ShuffleEquation::kB, *i);
  }

  // v·C + C' = k_C·G  with  C = Σ u_i − Σ h_i
  const Point sum_u = shuffle_detail::parallel_sum<G>(N, [&](std::size_t i) { return p.u[i]; });
  const Point sum_h = shuffle_detail::parallel_sum<G>(N, [&](std::size_t i) { return h[i]; });
  if (G::mul_vartime(v, sum_u - sum_h) + p.C1 != G::mul_vartime(p.k_C, base))
    return failing(ShuffleEquation::kC);

  // v·D + D' = k_D·G  with  D = B_(N−1) − (Π e_i)·h_0
  const Scalar product =
      shuffle_detail::parallel_fold(N, [&](std::size_t i) { return e[i]; }, std::multiplies<>{});
  if (G::mul_vartime(v, p.B[N - 1] - G::mul_vartime(product, h[0])) + p.D1 != G::mul_vartime(p.k_D, base))
    return failing(ShuffleEquation::kD);

  // v·F_k + F'_k = −k_F,k·(G, Y) + Σ k_E,i·w'_(i,k)  with  F_k = Σ e_i·w_(i,k), in both parts
  for (std::size_t k = 0; k < st.input.width; ++k) {
    const auto holds = [&](Point C::* part, const Point& P) {
      const Point F = G::msm_vartime(e, shuffle_detail::column(st.input, k, part));
      return G::mul_vartime(v, F) + p.F1[k].*part ==
             G::msm_vartime(p.k_E, shuffle_detail::column(st.output, k, part)) - G::mul_vartime(p.k_F[k], P);
    };
    if (!holds(&C::alpha, base)) return failing(ShuffleEquation::kFAlpha, k);
    if (!holds(&C::beta, st.Y)) return failing(ShuffleEquation::kFBeta, k);
  }
  return std::nullopt;
}

/// What round 1 binds, but for u: prover and verifier both begin with it (SPEC §6.3, Transcript). T is
/// Transcript, except in tests of what happens when it errs.
template <Group G, class T>
void append_statement(T& transcript, const ShuffleStatement<G>& st, const ShuffleGenerators<G>& generators) {
  using C = Ciphertext<G>;
  using Points = std::span<const typename G::Point>;
  transcript.append_value("Y", st.Y);
  transcript.append_u64("width", st.input.width);
  transcript.append_u64("rows", st.input.rows());
  transcript.append("generators", bytes_of(generators.tag()));
  transcript.append_points("input alpha", Points(shuffle_detail::parts(st.input, &C::alpha)));
  transcript.append_points("input beta", Points(shuffle_detail::parts(st.input, &C::beta)));
  transcript.append_points("output alpha", Points(shuffle_detail::parts(st.output, &C::alpha)));
  transcript.append_points("output beta", Points(shuffle_detail::parts(st.output, &C::beta)));
}

/// Proof of shuffle with given nonces; for prove_shuffle, and for tests that try all nonces.
/// @pre as prove_shuffle. `transcript` already holds the statement (append_statement).
template <Group G, class T>
ShuffleProof<G> prove_shuffle_with_nonces(const ShuffleStatement<G>& st, const ShuffleWitness<G>& witness,
                                          const ShuffleNonces<G>& n, T& transcript,
                                          std::span<const typename G::Point> h) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  using Secret = typename G::SecretScalar;
  using C = Ciphertext<G>;
  const std::size_t N = st.input.rows();
  const std::size_t W = st.input.width;
  const Point& base = Point::generator();
  const std::span<const std::uint32_t> pi = witness.permutation.expose();
  ShuffleProof<G> p;

  // u_i = r_π(i)·G + h_π(i)
  p.u.resize(N);
  const std::vector<Point> rG = G::mul_batch(n.r, base);
  parallel_for(N, 64, [&](std::size_t i) { p.u[i] = rG[pi[i]] + h[pi[i]]; });
  transcript.append_points("u", std::span<const Point>(p.u));
  const std::vector<Scalar> e = transcript.template challenge_vector<G>("e", N);

  // e'_π(i) = e_i, secret because their order is π.
  std::vector<Secret> e1(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) { e1[pi[i]] = Secret::of(e[i]); });

  // The chain without its sequence: with d_i = d_(i−1)·e'_i + b_i and p_i = p_(i−1)·e'_i, d_(−1) = 0 and
  // p_(−1) = 1,  B_i = d_i·G + p_i·h_0  and  B'_i = (β_i + ε_i·d_(i−1))·G + ε_i·p_(i−1)·h_0.
  const auto [d, product] = shuffle_detail::shuffle_chain<G>(e1, n.b);
  std::vector<Secret> d1G(N), p1h(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) {
    d1G[i] = i == 0 ? n.beta[i].clone() : n.beta[i] + n.epsilon[i] * d[i - 1];
    p1h[i] = i == 0 ? n.epsilon[i].clone() : n.epsilon[i] * product[i - 1];
  });
  p.B = shuffle_detail::commit_batch<G>(d, base, product, h[0]);
  p.B1 = shuffle_detail::commit_batch<G>(d1G, base, p1h, h[0]);

  p.A1 = G::mul_base(n.alpha) + shuffle_detail::secret_sum<G>(n.epsilon, h);
  p.C1 = G::mul_base(n.gamma);
  p.D1 = G::mul_base(n.delta);
  for (std::size_t k = 0; k < W; ++k) {
    const auto part = [&](Point C::* which, const Point& P) {
      return shuffle_detail::secret_sum<G>(n.epsilon, shuffle_detail::column(st.output, k, which)) -
             n.phi[k] * P;
    };
    p.F1.push_back({part(&C::alpha, base), part(&C::beta, st.Y)});
  }
  shuffle_detail::append_commitments(transcript, p);
  const Scalar v = transcript.template challenge_scalar<G>("v");

  const auto sum = [&](auto&& term) { return shuffle_detail::parallel_fold(N, term, std::plus<>{}); };
  const Secret a = sum([&](std::size_t i) { return n.r[i] * e1[i]; });
  const Secret c = sum([&](std::size_t i) { return n.r[i].clone(); });
  // Responses are published: each holds its value under a uniform nonce used only here.
  const auto respond = [&](const Secret& value, const Secret& nonce) {
    return declassify(value * v + nonce);
  };
  p.k_A = respond(a, n.alpha);
  p.k_C = respond(c, n.gamma);
  p.k_D = respond(d[N - 1], n.delta);
  p.k_B.resize(N);
  p.k_E.resize(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) {
    p.k_B[i] = respond(n.b[i], n.beta[i]);
    p.k_E[i] = respond(e1[i], n.epsilon[i]);
  });
  for (std::size_t k = 0; k < W; ++k) {
    const Secret f = sum([&](std::size_t i) { return witness.s[i * W + k] * e[i]; });
    p.k_F.push_back(respond(f, n.phi[k]));
  }
  return p;
}

/// Proves `st` (SPEC §6.3). `transcript` was made for label kShuffleLabel and holds what names the group.
/// @pre the lists and the witness are those of `shuffle`; at least N generators.
/// Constant time but for the memory accesses of π. Does not verify itself.
/// Cost, a row: 3 multiplications of G, 2 of h_0, 1 + 2W others, 4 + 2W additions.
template <Group G, class T>
[[nodiscard]] ShuffleProof<G> prove_shuffle(const ShuffleStatement<G>& st, const ShuffleWitness<G>& witness,
                                            T& transcript, const ShuffleGenerators<G>& generators, Rng& rng) {
  const std::size_t N = st.input.rows();
  const std::size_t W = st.input.width;
  invariant(st.output.items.size() == N * W && witness.permutation.size() == N && witness.s.size() == N * W,
            "statement and witness come from one call of shuffle");
  append_statement(transcript, st, generators);
  if (N == 0) return {};
  const SecretBytes<64> seed = transcript.hedged_seed("shuffle nonces", witness.hedge.expose(), rng);
  return prove_shuffle_with_nonces(st, witness, ShuffleNonces<G>::expand(seed, N, W), transcript,
                                   generators.first(N));
}

/// True statement: somebody who knows π and s made `p` for exactly this statement in this context (SPEC
/// §6.3, soundness error below 2^-100 while nobody knows a discrete logarithm among G and the generators).
/// `transcript` as for prove_shuffle.
/// @return in this order: kProofEncoding where lists or proof differ in shape; kPointIdentity for Y;
/// kCrsDegenerate; kShuffleDegenerate for an identity commitment or a zero or repeated e_i;
/// kShuffleProofInvalid with the first equation that fails; nothing else.
/// Variable time: all inputs are public. Cost: first_failing_equation_vartime and two sorts of N.
template <Group G, class T>
[[nodiscard]] Result<void, ShuffleRejection> verify_shuffle_vartime(const ShuffleStatement<G>& st,
                                                                    const ShuffleProof<G>& p, T& transcript,
                                                                    const ShuffleGenerators<G>& generators) {
  const auto refuse = [](Fault fault) { return std::unexpected(ShuffleRejection{fault}); };
  if (!shuffle_detail::has_shape(st, p)) return refuse(Fault::kProofEncoding);
  if (st.Y.is_identity()) return refuse(Fault::kPointIdentity);
  const std::size_t N = st.input.rows();
  if (const auto ok = check_generators<G>(generators.all(), N, st.Y); !ok) return refuse(ok.error());
  append_statement(transcript, st, generators);
  if (N == 0) return {};
  if (shuffle_detail::has_identity(p)) return refuse(Fault::kShuffleDegenerate);

  transcript.append_points("u", std::span<const typename G::Point>(p.u));
  const auto e = transcript.template challenge_vector<G>("e", N);
  if (shuffle_detail::has_zero_or_repeated<G>(e)) return refuse(Fault::kShuffleDegenerate);
  shuffle_detail::append_commitments(transcript, p);
  const auto v = transcript.template challenge_scalar<G>("v");
  shuffle_detail::append_responses(transcript, p);
  const auto t = transcript.template challenge_vector<G>("t", N);

  const auto failing = first_failing_equation_vartime<G>(st, p, generators.first(N), e, v, t);
  if (failing) return std::unexpected(*failing);
  return {};
}

/// Elements of an encoded proof over N rows of W columns.
constexpr std::uint64_t shuffle_proof_elements(std::uint64_t N, std::uint64_t W) {
  return N == 0 ? 0 : 5 * N + 3 * W + 6;
}

/// u, B, A', B', C', D', F', k_A, k_B, k_C, k_D, k_E, k_F one after the other; no bytes for N = 0.
template <Group G>
Bytes encode_proof(const ShuffleProof<G>& p) {
  Bytes out;
  if (p.u.empty()) return out;
  out.reserve(shuffle_proof_elements(p.u.size(), p.F1.size()) * G::Point::kWidth);
  const auto put = [&](const auto& element) { append(out, element.encode()); };
  const auto put_all = [&](const auto& elements) {
    for (const auto& x : elements) append(out, x.encode());
  };
  put_all(p.u);
  put_all(p.B);
  put(p.A1);
  put_all(p.B1);
  put(p.C1);
  put(p.D1);
  put_all(shuffle_detail::flat<G>(p.F1));
  put(p.k_A);
  put_all(p.k_B);
  put(p.k_C);
  put(p.k_D);
  put_all(p.k_E);
  put_all(p.k_F);
  return out;
}

/// Reads exactly the proof of a statement over N rows of W columns, which the caller knows: the bytes say
/// nothing of sizes or parameters (A117). encode_proof(decode_proof(b)) == b.
/// @return kProofParse for another length; the fault of Point::decode or Scalar::decode with the number of
/// the first bad element. Allocates only after the length is found right.
template <Group G>
[[nodiscard]] Result<ShuffleProof<G>, ShuffleRejection> decode_proof(ByteView bytes, std::uint64_t N,
                                                                     std::uint64_t W) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  static_assert(Point::kWidth == Scalar::kWidth);
  constexpr std::size_t kWidth = Point::kWidth;
  const auto refuse = [](Fault fault, std::uint64_t element) {
    return std::unexpected(ShuffleRejection{fault, ShuffleEquation::kNone, element});
  };
  // The bounds come first, so that the count cannot overflow.
  if (W < 1 || N > bytes.size() || (N > 0 && W > bytes.size()) ||
      bytes.size() != shuffle_proof_elements(N, W) * kWidth)
    return refuse(Fault::kProofParse, 0);
  if (N == 0) return ShuffleProof<G>{};

  const std::size_t n_points = 3 * N + 3 + 2 * W;
  const auto points = G::decode_batch(bytes.first(n_points * kWidth));
  if (!points) return refuse(points.error().first, points.error().second);
  std::vector<Scalar> scalars(2 * N + 3 + W);
  for (std::size_t j = 0; j < scalars.size(); ++j) {
    const auto scalar = Scalar::decode(bytes.subspan((n_points + j) * kWidth, kWidth));
    if (!scalar) return refuse(scalar.error(), n_points + j);
    scalars[j] = *scalar;
  }

  ShuffleProof<G> p;
  auto point = points->begin();
  auto scalar = scalars.cbegin();
  const auto take = [](auto& from, std::uint64_t n, auto& to) {
    to.assign(from, from + static_cast<std::ptrdiff_t>(n));
    from += static_cast<std::ptrdiff_t>(n);
  };
  take(point, N, p.u);
  take(point, N, p.B);
  p.A1 = *point++;
  take(point, N, p.B1);
  p.C1 = *point++;
  p.D1 = *point++;
  for (std::uint64_t k = 0; k < W; ++k, point += 2) p.F1.push_back({point[0], point[1]});
  p.k_A = *scalar++;
  take(scalar, N, p.k_B);
  p.k_C = *scalar++;
  p.k_D = *scalar++;
  take(scalar, N, p.k_E);
  take(scalar, W, p.k_F);
  return p;
}

}  // namespace psephos
