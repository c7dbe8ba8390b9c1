#pragma once
#include <span>
#include <vector>

#include "crypto/group/group.h"

namespace psephos {

/// λ_j = Π k / (k − j) over k ≠ j, modulo q: with them f(0) = Σ λ_j·f(j) for every polynomial f of degree
/// below the number of indices. Public values, variable time. SPEC §6.4.
/// @pre indices are distinct modulo q and none is 0 modulo q.
template <Group G>
std::vector<typename G::Scalar> lagrange_at_zero(std::span<const std::uint32_t> indices) {
  using Scalar = typename G::Scalar;
  std::vector<Scalar> lambda;
  lambda.reserve(indices.size());
  for (const std::uint32_t j : indices) {
    Scalar numerator = Scalar::from_u64(1);
    Scalar denominator = Scalar::from_u64(1);
    for (const std::uint32_t k : indices) {
      if (k == j) continue;
      numerator = numerator * Scalar::from_u64(k);
      denominator = denominator * (Scalar::from_u64(k) - Scalar::from_u64(j));
    }
    lambda.push_back(numerator * denominator.inverse_vartime());
  }
  return lambda;
}

}  // namespace psephos
