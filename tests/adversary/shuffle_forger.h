#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/group/ristretto.h"
#include "crypto/shuffle/proof.h"

namespace psephos::adversary {

/// A statement, and a proof that some verifier takes for one of it.
template <Group G>
struct ForgedShuffle {
  typename G::Point Y;
  CiphertextList<G> input, output;
  ShuffleProof<G> proof;
  ShuffleStatement<G> statement() const { return {Y, input, output}; }
};

/// What a cheat puts in the place of a permutation: u_i = r_i·G + Σ_j M[i][j]·h_j, and whatever openings
/// e', a, c, f he likes to answer with. Openings that do not fit give a proof that fails, and no more.
template <Group G>
struct ShuffleOpening {
  std::vector<typename G::Scalar> e1;  ///< e'
  typename G::Scalar a, c;
  std::vector<typename G::Scalar> f;
};

/// The second half of the prover, from e on, for any opening: chain, commitments, v, responses. One item of
/// the proof can be left to be solved for after v is known, by the label of its frame: which works where that
/// frame is not hashed. All in the open: a cheat has no secrets here.
template <Group G, class T>
void finish_forged_proof(ForgedShuffle<G>& x, const ShuffleOpening<G>& o,
                         std::span<const typename G::Scalar> e, std::span<const typename G::Point> h,
                         std::string_view solve_for, T& transcript, Rng& rng) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  using C = Ciphertext<G>;
  const std::size_t N = x.input.rows(), W = x.input.width;
  const auto any = [&] { return declassify(G::SecretScalar::random(rng)); };
  const auto many = [&](std::size_t n) {
    std::vector<Scalar> out(n);
    for (Scalar& y : out) y = any();
    return out;
  };
  const auto mul = [](const Scalar& s, const Point& P) { return G::mul_vartime(s, P); };
  const Point base = Point::generator();
  ShuffleProof<G>& p = x.proof;
  const std::vector<Scalar> b = many(N), beta = many(N), epsilon = many(N), phi = many(W);
  const Scalar alpha = any(), gamma = any(), delta = any();

  Scalar product = Scalar::from_u64(1);
  for (const Scalar& y : e) product = product * y;
  Scalar d;
  p.B.resize(N);
  p.B1.resize(N);
  for (std::size_t i = 0; i < N; ++i) {
    const Point& before = i == 0 ? h[0] : p.B[i - 1];
    p.B[i] = mul(b[i], base) + mul(o.e1[i], before);
    d = d * o.e1[i] + b[i];
    // Whoever may choose B' later ends the chain wherever equation D wants it.
    if (solve_for == "B'" && i + 1 == N) p.B[i] = mul(d, base) + mul(product, h[0]);
    p.B1[i] = mul(beta[i], base) + mul(epsilon[i], before);
  }
  p.A1 = mul(alpha, base) + G::msm_vartime(epsilon, h);
  p.C1 = mul(gamma, base);
  p.D1 = mul(delta, base);
  p.F1.clear();
  for (std::size_t k = 0; k < W; ++k) {
    const auto part = [&](Point C::* which, const Point& P) {
      return G::msm_vartime(epsilon, shuffle_detail::column(x.output, k, which)) - mul(phi[k], P);
    };
    p.F1.push_back({part(&C::alpha, base), part(&C::beta, x.Y)});
  }
  shuffle_detail::append_commitments(transcript, p);
  const Scalar v = transcript.template challenge_scalar<G>("v");

  p.k_A = v * o.a + alpha;
  p.k_C = v * o.c + gamma;
  p.k_D = v * d + delta;
  p.k_B.resize(N);
  p.k_E.resize(N);
  p.k_F.resize(W);
  for (std::size_t i = 0; i < N; ++i) {
    p.k_B[i] = v * b[i] + beta[i];
    p.k_E[i] = v * o.e1[i] + epsilon[i];
  }
  for (std::size_t k = 0; k < W; ++k) p.k_F[k] = v * o.f[k] + phi[k];

  if (solve_for == "A'") p.A1 = mul(p.k_A, base) + G::msm_vartime(p.k_E, h) - mul(v, G::msm_vartime(e, p.u));
  if (solve_for == "B'")
    for (std::size_t i = 0; i < N; ++i)
      p.B1[i] = mul(p.k_B[i], base) + mul(p.k_E[i], i == 0 ? h[0] : p.B[i - 1]) - mul(v, p.B[i]);
  if (solve_for == "C'") {
    Point C_sum;
    for (std::size_t i = 0; i < N; ++i) C_sum = C_sum + p.u[i] - h[i];
    p.C1 = mul(p.k_C, base) - mul(v, C_sum);
  }
  if (solve_for == "D'") p.D1 = mul(p.k_D, base) - mul(v, p.B[N - 1] - mul(product, h[0]));
  for (std::size_t k = 0; k < W; ++k) {
    const auto rest = [&](Point C::* which) {  // what is left of F_k beside the term of k_F
      return G::msm_vartime(p.k_E, shuffle_detail::column(x.output, k, which)) -
             mul(v, G::msm_vartime(e, shuffle_detail::column(x.input, k, which)));
    };
    if (solve_for == "F'")
      p.F1[k] = {rest(&C::alpha) - mul(p.k_F[k], base), rest(&C::beta) - mul(p.k_F[k], x.Y)};
    if (solve_for == "Y") x.Y = mul(p.k_F[k].inverse_vartime(), rest(&C::beta) - p.F1[k].beta);
  }
}

/// A square root modulo ℓ, or nothing. ℓ mod 8 is 5, so a root of x is x^((ℓ+3)/8), times 2^((ℓ−1)/4) where
/// that gives −x.
inline std::optional<Ristretto::Scalar> square_root_vartime(const Ristretto::Scalar& x) {
  using Scalar = Ristretto::Scalar;
  const auto power = [](const Scalar& base, const ByteArray<32>& exponent) {
    Scalar out = Scalar::from_u64(1);
    for (std::size_t bit = 256; bit-- > 0;) {
      out = out * out;
      if ((exponent[bit / 8] >> (bit % 8) & 1) != 0) out = out * base;
    }
    return out;
  };
  // The exponents as integers: ℓ + 3 and ℓ − 1 do not overflow 32 bytes, and are divided exactly.
  const auto quotient = [](int add, unsigned shift) {
    ByteArray<32> n = (-Scalar::from_u64(1)).encode();  // ℓ − 1
    n[0] = static_cast<std::uint8_t>(n[0] + add);       // its low byte is 0xec
    for (std::size_t i = 0; i < 32; ++i)
      n[i] = static_cast<std::uint8_t>(n[i] >> shift | (i + 1 < 32 ? n[i + 1] << (8 - shift) : 0));
    return n;
  };
  Scalar root = power(x, quotient(4, 3));
  if (root * root != x) root = root * power(Scalar::from_u64(2), quotient(0, 2));
  if (root * root != x) return std::nullopt;
  return root;
}

/// e' with which four rows of votes (P, P, P, Q) pass for (P, P, Q, Q) against the given e: the sums for P
/// and for Q are those of e, and so is the product. Nobody can solve for this who has to commit before e.
inline std::vector<Ristretto::Scalar> vote_stealing_vector(std::span<const Ristretto::Scalar> e, Rng& rng) {
  using Scalar = Ristretto::Scalar;
  const Scalar half = Scalar::from_u64(2).inverse_vartime();
  for (;;) {
    const Scalar x = declassify(Ristretto::SecretScalar::random(rng));
    const Scalar y = e[0] + e[1] + e[2] - x;
    const Scalar product = e[0] * e[1] * e[2] * e[3] * (x * y).inverse_vartime();  // of the other two
    const auto root = square_root_vartime(e[3] * e[3] - Scalar::from_u64(4) * product);
    if (root) return {x, y, (e[3] + *root) * half, (e[3] - *root) * half};
  }
}

}  // namespace psephos::adversary
