#pragma once
#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/elgamal.h"
#include "crypto/group/group.h"
#include "crypto/parallel.h"

namespace psephos {

/// An output row that differs in two of its columns, alpha from alpha, as an input row does in the same two:
/// both ciphertexts were re-encrypted with one s, and whoever compares differences can follow the row (A121).
/// SPEC §6.3, Lists. The lists are rows of `width` ciphertexts; with one column there is nothing to compare.
/// @pre both lists have been decoded, and have as many rows.
/// @return the first such row for the first such pair of columns.
/// Variable time: all inputs are public. Cost: for each of the width·(width − 1)/2 pairs of columns a
/// subtraction a row of either list, and a sort.
template <Group G>
std::optional<std::size_t> find_reused_offset_vartime(ByteView input, ByteView output, std::size_t width) {
  if (width < 2) return std::nullopt;
  const CiphertextList<G> before = adopt_judged_list<G>(input, width);
  const CiphertextList<G> after = adopt_judged_list<G>(output, width);
  using Difference = ByteArray<G::Point::kWidth>;
  const auto differences = [](const CiphertextList<G>& list, std::size_t k, std::size_t l) {
    std::vector<Difference> out(list.rows());
    parallel_for(out.size(), 64, [&](std::size_t i) {
      std::ranges::copy((list.row(i)[l].alpha - list.row(i)[k].alpha).encode(), out[i].begin());
    });
    return out;
  };
  for (std::size_t k = 0; k < width; ++k)
    for (std::size_t l = k + 1; l < width; ++l) {
      std::vector<Difference> known = differences(before, k, l);
      std::ranges::sort(known);
      const std::vector<Difference> made = differences(after, k, l);
      for (std::size_t i = 0; i < made.size(); ++i)
        if (std::ranges::binary_search(known, made[i])) return i;
    }
  return std::nullopt;
}

}  // namespace psephos
