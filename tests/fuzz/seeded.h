#pragma once
#include "tests/support/test_election.h"

namespace psephos {

/// An election that is the same to the byte in every run, so that a finding can be replayed.
inline test::Options seeded(std::string seed) {
  test::Options options;
  options.seed = std::move(seed);
  return options;
}

}  // namespace psephos
