#include "protocol/checks/lists.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "crypto/merkle.h"
#include "crypto/parallel.h"
#include "protocol/labels.h"
#include "protocol/list_file.h"

namespace psephos {

namespace {

/// What becomes of a logged ballot (SPEC §10.3). Every ballot is in exactly one class.
enum class Fate : std::uint8_t { kCounted, kSuperseded, kRevoked, kOutdated };

Fate fate_of(const ElectionState& state, const LoggedBallot& ballot) {
  const Voter& voter = state.voter_of(ballot);
  if (&ballot != state.last_ballot(voter)) return Fate::kSuperseded;
  const auto unit = state.unit_now(voter);
  if (voter.revoked || !unit) return Fate::kRevoked;
  return *unit == ballot.unit ? Fate::kCounted : Fate::kOutdated;
}

constexpr std::size_t kRow = Ciphertext<Ristretto>::kWidth;
using Row = EncodedCiphertext;

/// The rows of a list where they lie.
std::span<Row> rows_in(std::span<std::uint8_t> bytes) {
  static_assert(sizeof(Row) == kRow && alignof(Row) == 1);
  return {reinterpret_cast<Row*>(bytes.data()), bytes.size() / kRow};
}
std::span<const Row> rows_in(ByteView bytes) {
  return {reinterpret_cast<const Row*>(bytes.data()), bytes.size() / kRow};
}

/// A mixing group in the making: units with one list of one contest, in the definition's order.
struct MixingGroup {
  std::size_t contest;
  std::uint64_t slot;
  const CandidateTable* table;
  std::vector<std::size_t> units;
  std::uint64_t counted = 0;
};

/// Merges groups below k into their nearest neighbour with ballots (by first unit; the earlier on a tie),
/// smallest position first, until none is left. @pre groups are those of one list and slot, by unit.
Result<void, Rejection> merge_small(std::vector<MixingGroup>& groups, std::uint64_t k) {
  const auto distance = [](const MixingGroup& a, const MixingGroup& b) {
    return a.units[0] > b.units[0] ? a.units[0] - b.units[0] : b.units[0] - a.units[0];
  };
  for (;;) {
    const auto small = std::find_if(groups.begin(), groups.end(),
                                    [&](const MixingGroup& g) { return g.counted > 0 && g.counted < k; });
    if (small == groups.end()) return {};
    auto partner = groups.end();
    for (auto g = groups.begin(); g != groups.end(); ++g)
      if (g != small && g->counted > 0 &&
          (partner == groups.end() || distance(*g, *small) < distance(*partner, *small)))
        partner = g;
    if (partner == groups.end())
      return reject(Reason::kUnitBelowK, small->table->contest->id.text + "/" + small->table->list->id.text);
    const auto keep = std::min(small, partner);
    const auto gone = std::max(small, partner);
    keep->units.insert(keep->units.end(), gone->units.begin(), gone->units.end());
    std::sort(keep->units.begin(), keep->units.end());
    keep->counted += gone->counted;
    groups.erase(gone);
  }
}

std::string group_name(const Definition& definition, const MixingGroup& group) {
  std::string name;
  for (const std::size_t unit : group.units)
    name += (name.empty() ? "" : "+") + definition.units[unit].id.text;
  return name + "/" + group.table->contest->id.text + "/" + std::to_string(group.slot);
}

Result<std::vector<MixingGroup>, Rejection> derive_groups(const Election& election,
                                                          const std::vector<std::uint64_t>& counted_by_unit) {
  const Definition& definition = election.definition();
  // By contest, slot and list: one group a unit, in unit order.
  std::map<std::tuple<std::size_t, std::uint64_t, const CandidateTable*>, std::vector<MixingGroup>> by_list;
  for (std::size_t unit = 0; unit < definition.units.size(); ++unit)
    for (const BallotSlot& slot : election.ballot_slots(unit)) {
      const auto contest = static_cast<std::size_t>(slot.table->contest - definition.contests.data());
      by_list[{contest, slot.slot, slot.table}].push_back(
          {contest, slot.slot, slot.table, {unit}, counted_by_unit[unit]});
    }
  std::vector<MixingGroup> all;
  for (auto& [key, groups] : by_list) {
    if (auto ok = merge_small(groups, definition.policy.smallest_group); !ok)
      return std::unexpected(ok.error());
    all.insert(all.end(), groups.begin(), groups.end());
  }
  std::sort(all.begin(), all.end(), [](const MixingGroup& a, const MixingGroup& b) {
    return std::tie(a.units[0], a.contest, a.slot) < std::tie(b.units[0], b.contest, b.slot);
  });
  return all;
}

/// Position of a contest's slot among the slots of a unit's ballot.
std::size_t slot_position(const Election& election, std::size_t unit, const CandidateTable* table,
                          std::uint64_t slot) {
  const auto slots = election.ballot_slots(unit);
  const auto it = std::find_if(slots.begin(), slots.end(),
                               [&](const BallotSlot& s) { return s.table == table && s.slot == slot; });
  return static_cast<std::size_t>(it - slots.begin());
}

}  // namespace

Result<std::vector<GroupInput>, Rejection> derive_lists(const ElectionState& state) {
  if (state.phase() != Phase::kSealed)
    return reject(Reason::kPhaseNotClosed, std::string(name_of(state.phase())));
  const Election& election = state.election();
  const Definition& definition = election.definition();

  const auto n = static_cast<std::size_t>(state.ballots());
  std::vector<Fate> fates(n);
  parallel_for(n, 4096, [&](std::size_t b) { fates[b] = fate_of(state, state.ballot(b)); });
  std::vector<std::array<std::uint64_t, 4>> by_unit(definition.units.size());
  for (std::size_t b = 0; b < n; ++b) ++by_unit[state.ballot(b).unit][static_cast<std::size_t>(fates[b])];
  const auto number = [&](std::size_t unit, Fate fate) {
    return by_unit[unit][static_cast<std::size_t>(fate)];
  };
  std::vector<std::uint64_t> counted(definition.units.size());
  for (std::size_t unit = 0; unit < counted.size(); ++unit) counted[unit] = number(unit, Fate::kCounted);

  const auto groups = derive_groups(election, counted);
  if (!groups) return std::unexpected(groups.error());
  std::vector<GroupInput> out;
  std::vector<std::vector<std::size_t>> group_of(definition.units.size());  // by unit and slot of its ballot
  for (std::size_t unit = 0; unit < group_of.size(); ++unit)
    group_of[unit].resize(election.ballot_slots(unit).size());
  for (const MixingGroup& group : *groups) {
    GroupInput input;
    GroupSheet& sheet = input.sheet;
    sheet.group = group_name(definition, group);
    sheet.contest = group.table->contest->id;
    sheet.list = group.table->list->id;
    sheet.slot = group.slot;
    for (const std::size_t unit : group.units) {
      sheet.units.push_back(definition.units[unit].id);
      group_of[unit][slot_position(election, unit, group.table, group.slot)] = out.size();
      sheet.counted += number(unit, Fate::kCounted);
      sheet.superseded += number(unit, Fate::kSuperseded);
      sheet.revoked += number(unit, Fate::kRevoked);
      sheet.outdated += number(unit, Fate::kOutdated);
    }
    sheet.logged = sheet.counted + sheet.superseded + sheet.revoked + sheet.outdated;
    const ListHeader header{.fingerprint = election.fingerprint(),
                            .group = sheet.group,
                            .stage = Stage::kInput,
                            .author = 0,
                            .position = 0,
                            .count = sheet.counted,
                            .width = 1,
                            .previous = std::nullopt,
                            .proven = std::nullopt,
                            .parameters = std::nullopt};
    input.file = list_head(header);
    input.file.resize(input.file.size() + sheet.counted * kRow);
    out.push_back(std::move(input));
  }

  // Rows go to where their first byte puts them, and are sorted there: every core has something to sort, even
  // in a single list.
  constexpr std::size_t kDrawers = 256;
  std::vector<std::array<std::size_t, kDrawers + 1>> drawers(out.size());  // where each begins
  const auto for_counted = [&](const auto& visit) {
    for (std::size_t b = 0; b < n; ++b) {
      if (fates[b] != Fate::kCounted) continue;
      const LoggedBallot& ballot = state.ballot(b);
      for (std::size_t slot = 0; slot < group_of[ballot.unit].size(); ++slot)
        visit(group_of[ballot.unit][slot], state.ciphertext(ballot, slot));
    }
  };
  for_counted([&](std::size_t g, const Row& row) { ++drawers[g][row[0] + 1U]; });
  for (auto& of_group : drawers)
    for (std::size_t d = 1; d <= kDrawers; ++d) of_group[d] += of_group[d - 1];
  auto next = drawers;
  std::vector<std::span<Row>> rows;
  for (GroupInput& input : out)
    rows.push_back(rows_in(std::span(input.file).last(input.sheet.counted * kRow)));
  for_counted([&](std::size_t g, const Row& row) { rows[g][next[g][row[0]]++] = row; });
  parallel_for(out.size() * kDrawers, 4, [&](std::size_t i) {
    const std::size_t g = i / kDrawers;
    const std::size_t d = i % kDrawers;
    std::ranges::sort(rows[g].subspan(drawers[g][d], drawers[g][d + 1] - drawers[g][d]));
  });
  parallel_for(out.size(), 1, [&](std::size_t g) {
    out[g].sheet.input_hash = sha256(out[g].file);
    out[g].sheet.input_root = ciphertext_root(out[g].rows());
  });
  return out;
}

Digest256 ciphertext_root(ByteView rows) {
  constexpr std::size_t kLabel = labels::kCiphertextLeaf.size();
  std::vector<Digest256> leaves(rows.size() / kRow);
  parallel_for(leaves.size(), 256, [&](std::size_t i) {
    ByteArray<kLabel + kRow> leaf{};
    std::ranges::copy(bytes_of(labels::kCiphertextLeaf), leaf.begin());
    std::ranges::copy(rows.subspan(i * kRow, kRow), leaf.begin() + kLabel);
    leaves[i] = leaf_hash(leaf);
  });
  return root_of(leaves);
}

Sheet make_sheet(const Election& election, std::uint64_t log_size, const Digest256& log_root,
                 std::span<const GroupInput> groups) {
  Sheet sheet{
      .fingerprint = election.fingerprint(), .log_size = log_size, .log_root = log_root, .groups = {}};
  for (const GroupInput& group : groups) sheet.groups.push_back(group.sheet);
  return sheet;
}

Result<void, Rejection> check_sheet(const Election& election, const Sheet& sheet) {
  if (sheet.fingerprint != election.fingerprint()) return reject(Reason::kElectionFpMismatch, "sheet");
  const Definition& definition = election.definition();
  // Every slot of every unit's ballot stands in exactly one group, under its own list.
  std::map<std::tuple<std::size_t, Id, std::uint64_t>, std::size_t> placed;
  for (const GroupSheet& g : sheet.groups) {
    const CandidateTable* table = election.table(g.contest, g.list);
    if (table == nullptr) return reject(Reason::kCountMismatch, g.group + ", list");
    MixingGroup group{0, g.slot, table, {}, 0};
    for (const Id& unit : g.units) {
      const auto index = election.unit_index(unit);
      if (!index || slot_position(election, *index, table, g.slot) == election.ballot_slots(*index).size())
        return reject(Reason::kCountMismatch, g.group + ", unit " + unit.text);
      group.units.push_back(*index);
      ++placed[{*index, g.contest, g.slot}];
    }
    if (!std::is_sorted(group.units.begin(), group.units.end()) || group_name(definition, group) != g.group)
      return reject(Reason::kCountMismatch, g.group + ", name");
    // Sums of numbers below 2^40 cannot wrap.
    for (const std::uint64_t number : {g.logged, g.counted, g.superseded, g.revoked, g.outdated, g.lost})
      if (number >= 1ULL << 40U) return reject(Reason::kCountMismatch, g.group + ", number");
    if (g.logged != g.counted + g.superseded + g.revoked + g.outdated + g.lost)
      return reject(Reason::kCountMismatch, g.group);
    if (g.lost != 0) return reject(Reason::kBallotLost, g.group);
    if (g.counted > 0 && g.counted < definition.policy.smallest_group)
      return reject(Reason::kUnitBelowK, g.group);
  }
  for (std::size_t unit = 0; unit < definition.units.size(); ++unit)
    for (const BallotSlot& slot : election.ballot_slots(unit)) {
      const auto it = placed.find({unit, slot.table->contest->id, slot.slot});
      if (it == placed.end() || it->second != 1)
        return reject(Reason::kCountMismatch,
                      definition.units[unit].id.text + "/" + slot.table->contest->id.text);
    }
  return {};
}

Result<void, Rejection> check_agreement(const Election& election, const Sheet& sheet, std::uint64_t ballots) {
  // Units that are mixed together in some group hang together: a set is named by one of its units.
  const std::size_t n = election.definition().units.size();
  std::vector<std::size_t> up(n);
  for (std::size_t unit = 0; unit < n; ++unit) up[unit] = unit;
  const auto set_of = [&](const Id& unit) {
    std::size_t at = *election.unit_index(unit);
    while (up[at] != at) at = up[at] = up[up[at]];
    return at;
  };
  for (const GroupSheet& g : sheet.groups)
    for (const Id& unit : g.units) up[set_of(unit)] = set_of(g.units[0]);
  std::map<std::size_t, std::size_t> size_of;
  for (const Unit& unit : election.definition().units) ++size_of[set_of(unit.id)];

  // A ballot has one fate in all its slots, so every slot that all units of a set have shows the same
  // numbers.
  struct Sum {
    std::size_t units = 0;
    std::array<std::uint64_t, 5> numbers{};  // logged, counted, superseded, revoked, outdated
  };
  std::map<std::tuple<std::size_t, Id, std::uint64_t>, Sum> sums;
  for (const GroupSheet& g : sheet.groups) {
    Sum& sum = sums[{set_of(g.units[0]), g.contest, g.slot}];
    const std::array more{g.logged, g.counted, g.superseded, g.revoked, g.outdated};
    for (std::size_t i = 0; i < more.size(); ++i) sum.numbers[i] += more[i];
    sum.units += g.units.size();
  }
  std::map<std::size_t, const Sum*> of_set;
  std::uint64_t logged = 0;
  for (const auto& [key, sum] : sums) {
    const auto& [set, contest, slot] = key;
    if (sum.units != size_of.at(set)) continue;
    const auto [known, is_first] = of_set.emplace(set, &sum);
    if (is_first) logged += sum.numbers[0];
    if (known->second->numbers != sum.numbers)
      return reject(Reason::kCountMismatch, "sheet, " + election.definition().units[set].id.text + "/" +
                                                contest.text + "/" + std::to_string(slot) +
                                                ": other numbers than in another contest of these ballots");
  }
  if (logged > ballots || (of_set.size() == size_of.size() && logged != ballots))
    return reject(Reason::kCountMismatch, "sheet: " + std::to_string(logged) +
                                              " logged ballots, the log has " + std::to_string(ballots));
  return {};
}

Result<void, Rejection> check_input_list(const ElectionState& state, const GroupInput& derived,
                                         ByteView published_file) {
  // The same bytes are the same list; what follows says in which way others differ.
  if (equal(published_file, derived.file)) return {};
  const std::string& name = derived.sheet.group;
  const auto file = parse_list(published_file, Stage::kInput, name + ", input");
  if (!file) return std::unexpected(file.error());
  if (const auto decoded = read_ciphertexts(*file, name + ", input"); !decoded)
    return std::unexpected(decoded.error());
  const auto published = rows_in(file->elements);
  const auto own = rows_in(derived.rows());
  std::vector<Row> sorted(published.begin(), published.end());
  std::ranges::sort(sorted);

  // What is in the one and not in the other, told in terms of logged ballots.
  std::vector<Row> extra;
  std::vector<Row> dropped;
  std::ranges::set_difference(sorted, own, std::back_inserter(extra));
  std::ranges::set_difference(own, sorted, std::back_inserter(dropped));
  if (extra.empty() && dropped.empty()) {
    if (!std::ranges::equal(published, own)) return reject(Reason::kListNotSorted, name);
    return reject(Reason::kChainHashMismatch, name + ", header");
  }
  std::map<Row, std::string> origin;  // of every logged ciphertext
  for (std::uint64_t b = 0; b < state.ballots(); ++b) {
    const LoggedBallot& ballot = state.ballot(b);
    const Fate fate = fate_of(state, ballot);
    const char* what = fate == Fate::kCounted      ? "WRONG_UNIT"
                       : fate == Fate::kSuperseded ? "SUPERSEDED_COUNTED"
                       : fate == Fate::kRevoked    ? "REVOKED_COUNTED"
                                                   : "OUTDATED_COUNTED";
    for (std::size_t slot = 0; slot < state.election().ballot_slots(ballot.unit).size(); ++slot)
      origin[state.ciphertext(ballot, slot)] = std::string(what) + " entry " + std::to_string(ballot.index);
  }
  std::string object = name;
  for (const Row& row : extra) {
    const auto it = origin.find(row);
    if (std::ranges::binary_search(own, row))
      object += ", DUPLICATED";
    else
      object += it == origin.end() ? ", NOT_IN_LOG" : ", " + it->second;
  }
  for (const Row& row : dropped) object += ", DROPPED" + origin.at(row).substr(origin.at(row).find(' '));
  return reject(Reason::kBallotsetNotDerivable, object);
}

}  // namespace psephos
