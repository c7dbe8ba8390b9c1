#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "protocol/eid.h"
#include "tests/trust-services/test_ca/ca.h"

namespace psephos::trust {

struct RollVoter {
  Person person;
  std::string unit;
};

/// A roll: a line for each voter, fields separated by tabs: national_id, unit, given_name, surname; lines
/// that begin with # are comments. The error names the line. Refuses ids that are no national ids, and
/// repeated ones.
Result<std::vector<RollVoter>, std::string> read_roll(const std::filesystem::path& path);
std::string write_roll(const std::vector<RollVoter>& voters);

/// The artificial voters `first` … `first + count − 1`, dealt to the units in turn.
std::vector<RollVoter> artificial_voters(std::uint64_t first, std::uint64_t count,
                                         const std::vector<std::string>& units);

/// Issues a software card to each voter, on the curve of the authority, valid from `now_unix_s`, and writes
/// them to a new file (layout: voter-client/file_signer.h), whole or not at all. Uses all cores.
/// `progress(n)`: n more cards are made.
Result<void, std::string> write_cards(const TestCa& ca, const std::vector<RollVoter>& voters,
                                      const std::filesystem::path& out, std::int64_t now_unix_s, Rng& rng,
                                      const std::function<void(std::uint64_t n)>& progress = {});

}  // namespace psephos::trust
