#pragma once
#include <algorithm>

#include "crypto/group/kernels.h"

/// What the core is to reach, by row of the table that ./psephos bench crypto prints. docs/benchmarks.md says
/// how they are read.
namespace psephos::bench {

/// Times are stated for a machine on which one crypto_scalarmult_ristretto255 takes so long.
inline constexpr double kReferenceUs = 38;

/// At most so many µs an item on that machine, and at most so many scalarmults of the same run anywhere.
struct Goal {
  double us;
  double scalarmults;
  /// Where a ratio was stated besides the time, and rounded, the stricter of the two.
  constexpr Goal(double time_us, double stated_ratio)
      : us(time_us), scalarmults(std::min(stated_ratio, time_us / kReferenceUs)) {}
  explicit constexpr Goal(double time_us) : us(time_us), scalarmults(time_us / kReferenceUs) {}
};

/// One goal for each path.
struct Goals {
  Goal vector, portable;
  constexpr const Goal& of(KernelPath path) const { return path == KernelPath::kVector ? vector : portable; }
};

inline constexpr Goals kMsm253{{0.40, 1.0 / 95}, {2.3, 1.0 / 17}};
inline constexpr Goals kMsm128{{0.21, 1.0 / 180}, {1.2, 1.0 / 32}};
inline constexpr Goals kDecode{{0.30, 1.0 / 125}, {3.0, 1.0 / 12}};
inline constexpr Goals kFixedBase{{0.65, 1.0 / 58}, Goal{8}};
inline constexpr Goals kVariableBase{{4, 1.0 / 9}, Goal{35}};
inline constexpr Goals kVerifyShuffle{{6, 1.0 / 6}, {42, 1.1}};
inline constexpr Goals kProveShuffle{{9, 1.0 / 4}, Goal{90}};
inline constexpr Goals kMakeShare{{4.5, 1.0 / 8}, Goal{45}};
inline constexpr Goals kVerifyShare{{0.9, 1.0 / 42}, Goal{6}};
/// One selection among 138, in µs a proof: made in under 50 ms; checked singly; in a batch of 1,000.
inline constexpr Goals kMakeBallotProof{Goal{50'000}, Goal{50'000}};
inline constexpr Goals kVerifyBallotProof{Goal{3'000}, Goal{6'000}};
inline constexpr Goals kVerifyBallotProofs{Goal{100}, Goal{400}};
/// Wall time on two cores: 12 s, or 80 s, for a million ballots.
inline constexpr Goals kAudit{Goal{12}, Goal{80}};

/// A cost curve is linear if the cost of one item stays within this factor from 10^4 items on.
inline constexpr double kLinearWithin = 1.20;
inline constexpr double kLinearFrom = 10'000;

}  // namespace psephos::bench
