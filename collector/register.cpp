#include "collector/register.h"

#include <algorithm>
#include <mutex>

#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "protocol/signed.h"

namespace psephos::collector {

namespace {

/// What the ledger knows of a ballot, copied out under its lock.
struct KnownBallot {
  std::uint64_t index;
  Pseudonym voter;
  std::uint32_t unit;
};
struct Snapshot {
  Digest256 root{};
  std::uint64_t size = 0;
  std::vector<KnownBallot> ballots;  // in log order
};

/// The first `until` entries, or all. @return USAGE if there are not so many.
Result<Snapshot, Rejection> snapshot_of(const Ledger& ledger, std::uint64_t from,
                                        std::optional<std::uint64_t> until) {
  Snapshot out;
  const std::shared_lock lock(ledger.mutex);
  const std::uint64_t size = ledger.tree.size();
  out.size = until.value_or(size);
  if (out.size > size || from > out.size)
    return reject(Reason::kUsage, "the log has " + std::to_string(size) + " entries");
  out.root = ledger.tree.root(out.size);
  const ElectionState& state = ledger.state;
  out.ballots.reserve(state.ballots());
  for (std::uint64_t i = 0; i < state.ballots(); ++i) {
    const LoggedBallot& ballot = state.ballot(i);
    if (ballot.index >= out.size) break;
    out.ballots.push_back({ballot.index, state.voter_of(ballot).pseudonym, ballot.unit});
  }
  return out;
}

/// Walks the entries in order through a register. `at(index, type)` comes before an entry's effect.
Result<void, Rejection> walk(
    const Snapshot& snapshot, Store& store, VoterRegister& voters,
    const std::function<Result<void, Rejection>(std::uint64_t index, EntryType type)>& at,
    const VoterRegister::Touched& touched) {
  constexpr std::uint64_t kBatch = 65'536;
  auto ballot = snapshot.ballots.begin();
  for (std::uint64_t begin = 0; begin < snapshot.size; begin += kBatch) {
    const std::uint64_t count = std::min(kBatch, snapshot.size - begin);
    const auto entries = store.entry_bytes(begin, count);
    if (!entries) return std::unexpected(entries.error());
    constexpr std::size_t kEntry = sizeof(EntryBytes);
    if (entries->size() != count * kEntry) return reject(Reason::kStoreInconsistent, "entries are missing");
    for (std::uint64_t i = 0; i < count; ++i) {
      EntryBytes entry{};
      std::copy_n(entries->begin() + static_cast<std::ptrdiff_t>(i * kEntry), kEntry, entry.begin());
      const std::uint64_t index = begin + i;
      const auto type = type_of(entry);
      if (!type) return reject(Reason::kLogEntryUnknown, "entry " + std::to_string(index));
      if (auto ok = at(index, *type); !ok) return ok;
      if (*type == EntryType::kBallot) {
        if (ballot == snapshot.ballots.end() || ballot->index != index)
          return reject(Reason::kStoreInconsistent, "entry " + std::to_string(index));
        voters.ballot(ballot->voter, ballot->unit, touched);
        ++ballot;
      }
      if (*type != EntryType::kRoll && *type != EntryType::kRevocation) continue;
      const auto stored = store.entry(index);
      if (!stored) return std::unexpected(stored.error());
      if (make_entry(*type, stored->salt, stored->item) != entry)
        return reject(Reason::kLogLeafMismatch, "entry " + std::to_string(index));
      const auto document = decode<SignedDocument>(stored->item);
      if (!document) return std::unexpected(document.error());
      if (*type == EntryType::kRoll) {
        const auto roll = decode<RollDocument>(document->body);
        if (!roll) return std::unexpected(roll.error());
        voters.roll(*roll, touched);
      } else {
        const auto list = decode<RevocationList>(document->body);
        if (!list) return std::unexpected(list.error());
        voters.revocation(*list, touched);
      }
    }
  }
  return {};
}

}  // namespace

RegisteredVoter* VoterRegister::find(const Pseudonym& pseudonym) {
  const auto position = by_pseudonym_.find(
      pseudonym, [this](std::uint32_t v) -> const Pseudonym& { return voters_[v].pseudonym; });
  return position ? &voters_[*position] : nullptr;
}

void VoterRegister::roll(const RollDocument& document, const Touched& touched) {
  std::vector<Pseudonym> pseudonyms(document.changes.size());
  parallel_for(pseudonyms.size(), 256, [&](std::size_t i) {
    pseudonyms[i] = election_.pseudonym_of(document.changes[i].national_id);
  });
  for (std::size_t i = 0; i < document.changes.size(); ++i) {
    const RollChange& change = document.changes[i];
    RegisteredVoter* voter = find(pseudonyms[i]);
    if (voter == nullptr) {
      by_pseudonym_.insert(pseudonyms[i], static_cast<std::uint32_t>(voters_.size()),
                           [this](std::uint32_t v) -> const Pseudonym& { return voters_[v].pseudonym; });
      RegisteredVoter added;
      added.id = change.national_id;
      added.pseudonym = pseudonyms[i];
      voters_.push_back(std::move(added));
      voter = &voters_.back();
    }
    const auto before = voter->counted_in();
    voter->unit.reset();
    if (change.unit) {
      const auto unit = election_.unit_index(*change.unit);
      invariant(unit.has_value(), "a roll in the log names units of the election");
      voter->unit = static_cast<std::uint32_t>(*unit);
    }
    touched(*voter, before);
  }
}

void VoterRegister::revocation(const RevocationList& list, const Touched& touched) {
  for (const NationalId& id : list.national_ids) {
    RegisteredVoter* voter = find(election_.pseudonym_of(id));
    invariant(voter != nullptr, "a revocation in the log names voters of the roll");
    const auto before = voter->counted_in();
    voter->revoked = list.kind == RevocationKind::kRevoke;
    touched(*voter, before);
  }
}

void VoterRegister::ballot(const Pseudonym& pseudonym, std::uint32_t unit, const Touched& touched) {
  RegisteredVoter* voter = find(pseudonym);
  invariant(voter != nullptr, "a ballot in the log is a voter's of the roll");
  const auto before = voter->counted_in();
  voter->ballot_unit = unit;
  ++voter->ballots;
  touched(*voter, before);
}

Result<VotedAnswer, Rejection> voted_list(const Ledger& ledger, Store& store, const VotedQuery& query) {
  const Definition& definition = ledger.election.definition();
  std::optional<std::size_t> only;
  if (query.unit) {
    only = ledger.election.unit_index(*query.unit);
    if (!only) return reject(Reason::kUsage, "the election has no unit " + query.unit->text);
  }
  const auto snapshot = snapshot_of(ledger, query.from, query.until);
  if (!snapshot) return std::unexpected(snapshot.error());

  VoterRegister voters(ledger.election);
  std::vector<std::optional<std::uint32_t>> before;  // by voter, as of entry `from`; later voters: nowhere
  const auto note_before = [&] {
    before.resize(voters.size());
    for (std::size_t v = 0; v < before.size(); ++v) before[v] = voters[v].counted_in();
  };
  auto walked = walk(
      *snapshot, store, voters,
      [&](std::uint64_t index, EntryType) -> Result<void, Rejection> {
        if (index == query.from) note_before();
        return {};
      },
      [](const RegisteredVoter&, std::optional<std::uint32_t>) {});
  if (!walked) return std::unexpected(walked.error());
  if (query.from == snapshot->size) note_before();

  VotedAnswer out;
  out.root = snapshot->root;
  out.list.election = query.election;
  out.list.from = query.from;
  out.list.next = snapshot->size;
  out.list.unit = query.unit;
  const auto unit_of = [&](std::optional<std::uint32_t> unit) -> std::optional<Id> {
    if (!unit || (only && *only != *unit)) return std::nullopt;
    return definition.units[*unit].id;
  };
  for (std::size_t v = 0; v < voters.size(); ++v) {
    auto was = unit_of(v < before.size() ? before[v] : std::nullopt);
    auto is = unit_of(voters[v].counted_in());
    if (was != is) out.list.lines.push_back({voters[v].id, std::move(was), std::move(is)});
  }
  std::ranges::sort(out.list.lines, {}, &VotedList::Line::voter);
  return out;
}

std::string_view name_of(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::kVoted:
      return "voted";
    case NoticeKind::kVotedAgain:
      return "voted-again";
    case NoticeKind::kRevoked:
      return "revoked-by-paper-ballot";
    case NoticeKind::kRestored:
      return "restored";
    case NoticeKind::kMoved:
      return "moved";
    case NoticeKind::kStruckOff:
      return "struck-off";
    case NoticeKind::kReinstated:
      return "reinstated";
  }
  return "unknown";
}

Result<Notices, Rejection> notices_since(const Ledger& ledger, Store& store, std::uint64_t since) {
  const auto snapshot = snapshot_of(ledger, since, std::nullopt);
  if (!snapshot) return std::unexpected(snapshot.error());
  Notices out;
  out.next = snapshot->size;
  VoterRegister voters(ledger.election);
  std::uint64_t entry = 0;
  EntryType entry_type{};
  std::uint64_t received_ms = 0;
  auto walked = walk(
      *snapshot, store, voters,
      [&](std::uint64_t index, EntryType type) -> Result<void, Rejection> {
        entry = index;
        entry_type = type;
        received_ms = 0;
        if (type != EntryType::kBallot || index < since) return {};
        const auto stored = store.entry(index);
        if (!stored) return std::unexpected(stored.error());
        const auto item = decode<BallotItem>(stored->item);
        if (!item) return std::unexpected(item.error());
        received_ms = item->received_ms;
        return {};
      },
      [&](const RegisteredVoter& voter, std::optional<std::uint32_t> counted_before) {
        if (entry < since) return;
        Notice notice{.entry = entry,
                      .voter = voter.id,
                      .kind = NoticeKind::kVoted,
                      .counts = voter.counted_in().has_value(),
                      .received_ms = received_ms};
        if (entry_type == EntryType::kBallot) {
          if (voter.ballots > 1) notice.kind = NoticeKind::kVotedAgain;
        } else {
          if (notice.counts == counted_before.has_value()) return;
          if (entry_type == EntryType::kRevocation)
            notice.kind = notice.counts ? NoticeKind::kRestored : NoticeKind::kRevoked;
          else if (notice.counts)
            notice.kind = NoticeKind::kReinstated;
          else
            notice.kind = voter.unit ? NoticeKind::kMoved : NoticeKind::kStruckOff;
        }
        out.notices.push_back(std::move(notice));
      });
  if (!walked) return std::unexpected(walked.error());
  return out;
}

}  // namespace psephos::collector
