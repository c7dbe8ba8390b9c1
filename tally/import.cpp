#include "tally/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "protocol/national_id.h"

namespace psephos {

namespace {

Result<void, Rejection> check_source(const RegistrarKey& registrar, const SignedFile& file,
                                     std::string& minutes) {
  if (auto ok = registrar.check(file.bytes, file.signature, file.name); !ok) return ok;
  fmt::format_to(std::back_inserter(minutes),
                 "source     {}\n           {} bytes, SHA-256 {}\n           signed with {}\n", file.name,
                 file.bytes.size(), to_hex(sha256(file.bytes)), registrar.description());
  return {};
}

/// Says which file a refusal is about.
std::unexpected<Rejection> in_file(const SignedFile& file, const Rejection& rejection) {
  return reject(rejection.reason, file.name + ", " + rejection.object);
}

Result<void, Rejection> check_election_id(const SignedFile& file, const std::string& found,
                                          const std::string& expected) {
  if (found == expected) return {};
  return reject(Reason::kRollForeign, fmt::format("{} is for {}, this election is {}; see --election-id",
                                                  file.name, found, expected));
}

struct UnitNumbers {
  std::uint64_t added = 0, struck = 0, moved_in = 0, moved_out = 0, renewed = 0;
};

std::string place_of(ListForm form, std::uint32_t line) {
  return form == ListForm::kJson ? fmt::format("voters[{}]", line) : fmt::format("line {}", line);
}

}  // namespace

Result<ImportedRoll, Rejection> import_roll(const Election& election, const RollBook& book,
                                            const RegistrarKey& registrar, const SignedFile& file,
                                            const UnitRule& rule, const std::string& election_id,
                                            Absent absent) {
  ImportedRoll out;
  if (auto ok = check_source(registrar, file, out.minutes); !ok) return std::unexpected(ok.error());
  auto roll = read_roll_file(text_of(file.bytes), rule);
  if (!roll) return in_file(file, roll.error());
  if (auto ok = check_election_id(file, roll->election, election_id); !ok) return std::unexpected(ok.error());
  if (roll->changeset != book.version())
    return reject(Reason::kRollChainGap,
                  fmt::format("{} is change set {}, after {} documents {} follows", file.name,
                              roll->changeset, book.version(), book.version()));

  const ListForm form = form_of(text_of(file.bytes));
  for (std::size_t i = 0; i < roll->changes.size(); ++i)
    if (!is_national_id(roll->changes[i].national_id, election.definition().eid.identity_types))
      return reject(Reason::kVoterIdFormat, file.name + ", " + place_of(form, roll->lines[i]) +
                                                ": no identifier of the election's types");

  RollDocument& document = out.document;
  document.fingerprint = election.fingerprint();
  document.version = book.version() + 1;
  document.previous = book.hash();
  std::map<Id, UnitNumbers> units;
  std::vector<std::string> warnings;
  std::uint64_t skipped = 0, struck = 0;
  for (std::size_t i = 0; i < roll->changes.size(); ++i) {
    RollChange& change = roll->changes[i];
    const std::optional<Id> before = book.unit_of(change.national_id);
    const std::string place =
        before && change.kind != RollChangeKind::kAdd ? "" : place_of(form, roll->lines[i]);
    if (!before && change.kind != RollChangeKind::kAdd && absent == Absent::kSkip) {
      ++skipped;
      if (warnings.size() < 20)
        warnings.push_back(place + " removes somebody who is not on the roll: left out");
      if (change.kind == RollChangeKind::kStrike) continue;
      change.kind = RollChangeKind::kAdd;
    }
    if (!book.fits(change))
      return reject(Reason::kRollChangeInvalid,
                    fmt::format("{}, {}: {}", file.name, place,
                                change.kind == RollChangeKind::kAdd
                                    ? "adds somebody who is on the roll already"
                                    : "removes somebody who is not on the roll; see --skip-absent"));
    switch (change.kind) {
      case RollChangeKind::kAdd:
        ++units[*change.unit].added;
        break;
      case RollChangeKind::kStrike:
        ++units[*before].struck;
        ++struck;
        break;
      case RollChangeKind::kMove:
        if (before == change.unit) {
          ++units[*before].renewed;
        } else {
          ++units[*before].moved_out;
          ++units[*change.unit].moved_in;
        }
        break;
    }
    document.changes.push_back(std::move(change));
  }
  if (document.changes.empty())
    return reject(Reason::kRollChangeInvalid, file.name + ": no change is left after those left out");

  std::uint64_t voters = 0;
  auto after = book.voters_of_units();
  for (const auto& [unit, number] : after) voters += number;
  const std::uint64_t voters_before = voters;
  auto minutes = std::back_inserter(out.minutes);
  fmt::format_to(minutes, "election   {}, fingerprint {}\nlist       change set {}, period {} to {}\n",
                 election_id, to_hex(election.fingerprint()), roll->changeset, roll->from, roll->to);
  fmt::format_to(minutes, "document   roll version {} with {} changes\n\n", document.version,
                 document.changes.size());
  fmt::format_to(minutes, "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "unit", "added", "struck",
                 "moved in", "moved out", "renewed", "after");
  UnitNumbers sum;
  for (const auto& [unit, n] : units) {
    std::uint64_t& now = after[unit];
    now = now + n.added + n.moved_in - n.struck - n.moved_out;
    voters = voters + n.added - n.struck;
    fmt::format_to(minutes, "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", unit.text, n.added, n.struck,
                   n.moved_in, n.moved_out, n.renewed, now);
    sum.added += n.added;
    sum.struck += n.struck;
    sum.moved_in += n.moved_in;
    sum.moved_out += n.moved_out;
    sum.renewed += n.renewed;
  }
  fmt::format_to(minutes, "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "all", sum.added, sum.struck,
                 sum.moved_in, sum.moved_out, sum.renewed, voters);
  for (const Unit& unit : election.definition().units)
    if (!after.contains(unit.id) || after[unit.id] == 0)
      warnings.push_back("unit " + unit.id.text + " has no voter");
  if (voters_before > 0 && struck * 100 > voters_before)
    warnings.push_back(fmt::format("{} of {} voters are struck off", struck, voters_before));
  if (skipped > 0) warnings.push_back(fmt::format("{} removals of somebody who is not on the roll", skipped));
  for (const std::string& warning : warnings) fmt::format_to(minutes, "warning    {}\n", warning);
  return out;
}

Result<ImportedPaper, Rejection> import_paper(const Election& election, const RollBook& book,
                                              const RegistrarKey& registrar,
                                              std::span<const SignedFile> files,
                                              const std::string& election_id, std::uint64_t number) {
  ImportedPaper out;
  out.list.fingerprint = election.fingerprint();
  out.list.number = number;
  std::optional<RevocationKind> kind;
  std::map<NationalId, std::size_t> first_file;  // of the voters taken
  std::uint64_t lines = 0, repeated = 0, unknown = 0, off_roll = 0;
  std::vector<std::string> warnings;
  const auto warn = [&](std::string text) {
    if (warnings.size() < 100) warnings.push_back(std::move(text));
  };
  for (std::size_t f = 0; f < files.size(); ++f) {
    const SignedFile& file = files[f];
    if (auto ok = check_source(registrar, file, out.minutes); !ok) return std::unexpected(ok.error());
    const auto list = read_paper_list(text_of(file.bytes));
    if (!list) return in_file(file, list.error());
    if (auto ok = check_election_id(file, list->election, election_id); !ok)
      return std::unexpected(ok.error());
    if (kind && *kind != list->kind)
      return reject(Reason::kRollFormat,
                    file.name + ": one import takes revocations or restorations, not both");
    kind = list->kind;
    for (std::size_t i = 0; i < list->voters.size(); ++i) {
      const NationalId& voter = list->voters[i];
      ++lines;
      if (!book.knows(voter)) {
        ++unknown;
        warn(fmt::format(
            "{}, person {}: never on the roll; left out. Import the list again after a change set that "
            "adds her",
            file.name, i + 1));
        continue;
      }
      const auto [known, is_new] = first_file.emplace(voter, f);
      if (!is_new) {
        ++repeated;
        warn(fmt::format("{}, person {}: also in {}: two paper ballots?", file.name, i + 1,
                         files[known->second].name));
        continue;
      }
      if (!book.unit_of(voter)) ++off_roll;
    }
  }
  if (first_file.empty()) return reject(Reason::kRollFormat, "no list has a voter of the roll");
  out.list.kind = *kind;
  for (const auto& [voter, file] : first_file) out.list.national_ids.push_back(voter);
  auto minutes = std::back_inserter(out.minutes);
  fmt::format_to(minutes, "election   {}, fingerprint {}\n", election_id, to_hex(election.fingerprint()));
  fmt::format_to(minutes, "document   {} list {}: {} voters of {} lines in {} files\n",
                 *kind == RevocationKind::kRevoke ? "revocation" : "restoration", number, first_file.size(),
                 lines, files.size());
  fmt::format_to(minutes, "           {} in several lists, {} never on the roll, {} no more on the roll\n",
                 repeated, unknown, off_roll);
  for (const std::string& warning : warnings) fmt::format_to(minutes, "warning    {}\n", warning);
  if (repeated + unknown > warnings.size())
    fmt::format_to(minutes, "warning    and {} more of these\n", repeated + unknown - warnings.size());
  return out;
}

}  // namespace psephos
