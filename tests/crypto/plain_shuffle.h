#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "crypto/group/group.h"
#include "crypto/shuffle/proof.h"

namespace psephos::shuffle_test {

/// The equations (6.3.5) written down one by one, over points and scalars that are decoded already: no
/// folding, no weights, no bulk operations, no pieces. What the verifier of crypto/shuffle/proof.h has to
/// agree with.
/// @pre the proof has the shape of the statement, N ≥ 1.
template <Group G>
std::optional<ShuffleRejection> first_false_equation_plainly(const ShuffleStatement<G>& st,
                                                             const ShuffleProof<G>& p,
                                                             std::span<const typename G::Point> h,
                                                             std::span<const typename G::Scalar> e,
                                                             const typename G::Scalar& v) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  using C = Ciphertext<G>;
  const auto times = [](const Scalar& s, const Point& P) { return G::mul_vartime(s, P); };
  const auto failing = [](ShuffleEquation equation, std::size_t index = 0) {
    return ShuffleRejection{Fault::kShuffleProofInvalid, equation, index};
  };
  const Point g = Point::generator();
  const std::size_t N = st.input.rows(), W = st.input.width;

  Point A, right = times(p.k_A, g);
  for (std::size_t i = 0; i < N; ++i) {
    A = A + times(e[i], p.u[i]);
    right = right + times(p.k_E[i], h[i]);
  }
  if (times(v, A) + p.A1 != right) return failing(ShuffleEquation::kA);
  for (std::size_t i = 0; i < N; ++i) {
    const Point& before = i == 0 ? h[0] : p.B[i - 1];
    if (times(v, p.B[i]) + p.B1[i] != times(p.k_B[i], g) + times(p.k_E[i], before))
      return failing(ShuffleEquation::kB, i);
  }
  Point sum;
  for (std::size_t i = 0; i < N; ++i) sum = sum + p.u[i] - h[i];
  if (times(v, sum) + p.C1 != times(p.k_C, g)) return failing(ShuffleEquation::kC);
  Scalar product = Scalar::from_u64(1);
  for (const Scalar& x : e) product = product * x;
  const Point D = p.B[N - 1] - times(product, h[0]);
  if (times(v, D) + p.D1 != times(p.k_D, g)) return failing(ShuffleEquation::kD);
  for (std::size_t k = 0; k < W; ++k) {
    const auto holds = [&](Point C::* part, const Point& base) {
      Point F, out = Point::identity() - times(p.k_F[k], base);
      for (std::size_t i = 0; i < N; ++i) {
        F = F + times(e[i], st.input.row(i)[k].*part);
        out = out + times(p.k_E[i], st.output.row(i)[k].*part);
      }
      return times(v, F) + p.F1[k].*part == out;
    };
    if (!holds(&C::alpha, g)) return failing(ShuffleEquation::kFAlpha, k);
    if (!holds(&C::beta, st.Y)) return failing(ShuffleEquation::kFBeta, k);
  }
  return std::nullopt;
}

}  // namespace psephos::shuffle_test
