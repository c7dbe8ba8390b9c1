#pragma once
#include "crypto/group/kernels/bulk.h"
#include "tests/ct/emulated_kernels.h"

namespace psephos::kernels {
namespace {  // NOLINT(google-build-namespaces)

enum class Leak : std::uint8_t { kNone, kEarly, kSkip, kAddress };

/// Bulk<F>::mul_each of one scalar for up to kLanes points, written again, with a mistake if one is asked
/// for.
template <class F>
struct Planted : Bulk<F> {
  using B = Bulk<F>;
  using E = typename B::E;
  using typename B::Mask;
  using typename B::Point;
  using typename B::Table;
  using typename B::Vector;
  using Cached = typename E::Cached;

  template <Leak kLeak>
  static Cached pick(const Table& table, Vector nibble, Mask& negative) {
    negative = F::below(nibble, 8);
    const Vector size = F::distance(nibble, 8);
    Cached out = {F::small(1), F::small(1), F::small(1), F::small(0)};
    if constexpr (kLeak == Leak::kAddress) {  // a table that is read where the digit says
      const Vector copies[4] = {size, size, size, size};
      std::uint8_t bytes[32 * B::kLanes];
      F::store_bytes(copies, bytes, 32);
      const Cached& entry = table.multiples[(bytes[0] + 7) % 8];
      const Mask zero = F::equals(size, 0);
      return {F::select(zero, out.S, entry.S), F::select(zero, out.D, entry.D),
              F::select(zero, out.Z, entry.Z), F::select(zero, out.k, entry.k)};
    }
    for (std::uint64_t j = 0; j < 8; ++j) {
      const Mask here = F::equals(size, j + 1);
      out.S = F::select(here, table.multiples[j].S, out.S);
      out.D = F::select(here, table.multiples[j].D, out.D);
      out.Z = F::select(here, table.multiples[j].Z, out.Z);
      out.k = F::select(here, table.multiples[j].k, out.k);
      if constexpr (kLeak == Leak::kEarly)  // a search that ends when it has found
        if (here == E::kAll) break;
    }
    return out;
  }

  template <Leak kLeak>
  static void mul_each(const Row* rows, const std::uint8_t* scalar, std::size_t n, std::uint8_t* out) {
    Table table;
    Vector w[4];
    B::fill(B::affine(rows, n, B::identity_row()), table);
    B::nibbles_of(scalar, 0, B::kLanes, B::Scale::kWhole, w);
    Point products[B::kTogether];
    for (Point& p : products) p = E::identity();
    for (std::size_t i = B::kNibbles; i-- > 0;) {
      products[0] = E::twice(products[0], 4);
      Mask negative;
      const Cached term = pick<kLeak>(table, B::nibble(w, i), negative);
      if constexpr (kLeak == Leak::kSkip)  // nothing is added for a digit that is zero
        if (F::equals(B::nibble(w, i), 8) == E::kAll) continue;
      products[0] = E::add(products[0], term, negative);
    }
    B::encode_some(products, n, out);
  }

  static constexpr PlantedLeaks leaks() {
    return {B::kLanes, mul_each<Leak::kNone>, mul_each<Leak::kEarly>, mul_each<Leak::kSkip>,
            mul_each<Leak::kAddress>};
  }
};

}  // namespace
}  // namespace psephos::kernels
