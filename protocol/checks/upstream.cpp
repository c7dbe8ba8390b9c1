#include "protocol/checks/upstream.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "crypto/invariant.h"
#include "crypto/merkle.h"
#include "crypto/parallel.h"
#include "protocol/checks/lists.h"
#include "protocol/checks/result_text.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "protocol/signed.h"

namespace psephos {

namespace {

/// Begins a check and ends it with its scope; findings may come from several threads.
class Check {
 public:
  Check(const Verification& v, const std::string& name, std::uint64_t total, std::string_view unit)
      : observer_(v.observer) {
    observer_.begin(name, total, unit);
  }
  ~Check() { observer_.end(); }
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;
  void advance(std::uint64_t n = 1) { observer_.advance(n); }
  void group_done(bool passed) { observer_.group_done(passed); }
  void fail(const Rejection& rejection) {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    observer_.fail(rejection);
  }
  void fail(Reason reason, std::string object) { fail({reason, std::move(object)}); }
  bool failed() const { return failed_; }

 private:
  CheckObserver& observer_;
  std::mutex mutex_;
  bool failed_ = false;
};

constexpr std::size_t kEntryBytes = std::tuple_size_v<EntryBytes>;

/// The entries under a co-signed checkpoint.
struct Head {
  Checkpoint checkpoint;
  std::vector<EntryBytes> entries;
};

std::optional<Head> verify_head(const Verification& v) {
  Check check(v, "log.checkpoint", 1, "log");
  const auto note = v.record.read(layout::log_checkpoint());
  const auto file = v.record.read(layout::log_entries());
  if (!note) check.fail(note.error());
  if (!file) check.fail(file.error());
  if (check.failed()) return std::nullopt;
  auto checkpoint = v.election.check_checkpoint(text_of(note->view));
  if (!checkpoint) {
    check.fail(checkpoint.error());
    return std::nullopt;
  }
  const ByteView bytes = file->view;
  const std::uint64_t count = bytes.size() / kEntryBytes;
  if (bytes.size() % kEntryBytes != 0 || count != checkpoint->size) {
    check.fail(count < checkpoint->size ? Reason::kLogTruncated : Reason::kLogRootMismatch,
               std::to_string(count) + " entries, checkpoint of " + std::to_string(checkpoint->size));
    return std::nullopt;
  }
  Head head{std::move(*checkpoint), std::vector<EntryBytes>(static_cast<std::size_t>(count))};
  std::vector<Digest256> leaves(head.entries.size());
  parallel_for(leaves.size(), 1024, [&](std::size_t i) {
    const ByteView entry = bytes.subspan(i * kEntryBytes, kEntryBytes);
    std::copy(entry.begin(), entry.end(), head.entries[i].begin());
    leaves[i] = leaf_hash(head.entries[i]);
  });
  // Entries that are not those of the checkpoint are looked at all the same: the replay names which they are.
  if (root_of(leaves) != head.checkpoint.root) check.fail(Reason::kLogRootMismatch, "log");
  check.advance();
  return head;
}

/// A phase event as the public tier opens it.
Result<PhaseEventKind, Rejection> read_event(const Verification& v, std::uint64_t index,
                                             const EntryBytes& entry) {
  const std::string object = "entry " + std::to_string(index);
  const auto file = v.record.read(layout::log_event(index));
  if (!file) return std::unexpected(file.error());
  const auto logged = decode<LoggedItem>(file->view);
  if (!logged) return reject(logged.error().reason, object + ", " + logged.error().object);
  if (make_entry(EntryType::kPhase, logged->salt, logged->item) != entry)
    return reject(Reason::kLogLeafMismatch, object);
  const auto document = decode<SignedDocument>(logged->item);
  if (!document) return reject(document.error().reason, object + ", " + document.error().object);
  const auto event = decode<PhaseEvent>(document->body);
  if (!event) return reject(event.error().reason, object + ", " + event.error().object);
  if (event->fingerprint != v.election.fingerprint()) return reject(Reason::kElectionFpMismatch, object);
  if (auto ok = check_quorum(*document, labels::kSignPhase, v.election.commission_keys(),
                             v.election.definition().commission_quorum, Reason::kSignatureQuorum, object);
      !ok)
    return std::unexpected(ok.error());
  return event->kind;
}

std::vector<std::uint64_t> verify_phases(const Verification& v, const Head& head) {
  std::vector<std::uint64_t> events;
  for (std::size_t i = 0; i < head.entries.size(); ++i)
    if (type_of(head.entries[i]) == EntryType::kPhase) events.push_back(i);
  Check check(v, "log.phases", head.entries.size(), "entries");
  Phase phase = Phase::kPrepared;
  bool has_roll = false;
  for (std::size_t i = 0; i < head.entries.size(); ++i, check.advance()) {
    const std::string object = "entry " + std::to_string(i);
    const auto type = type_of(head.entries[i]);
    if (!type) {
      check.fail(Reason::kLogEntryUnknown, object);
      continue;
    }
    if (!may_append(phase, *type))
      check.fail(phase == Phase::kPrepared ? Reason::kPhaseNotOpen : Reason::kPhaseClosed, object);
    has_roll = has_roll || *type == EntryType::kRoll;
    if (*type != EntryType::kPhase) continue;
    const auto kind = read_event(v, i, head.entries[i]);
    if (!kind) {
      check.fail(kind.error());
      continue;
    }
    const auto next = move(phase, *kind);
    if (!next || (*kind == PhaseEventKind::kOpened && !has_roll))
      check.fail(Reason::kPhaseMoveForbidden, object);
    if (next) phase = *next;
  }
  if (phase != Phase::kSealed) check.fail(Reason::kPhaseNotClosed, std::string(name_of(phase)));
  return events;
}

CheckPart check_part(ReplayPart part) {
  switch (part) {
    case ReplayPart::kEntries:
      return CheckPart::kEverythingElse;
    case ReplayPart::kSignatures:
      return CheckPart::kSignatures;
    case ReplayPart::kBallotProofs:
      return CheckPart::kBallotProofs;
  }
  return CheckPart::kEverythingElse;
}

std::optional<ElectionState> verify_replay(const Verification& v, const Head& head) {
  Check check(v, "log.replay", head.entries.size(), "entries");
  const auto file = v.record.read(layout::log_items());
  if (!file) {
    check.fail(file.error());
    return std::nullopt;
  }
  ItemCursor cursor(file->view);
  std::uint64_t reported = 0;
  std::size_t forgotten = 0;
  Replay replay = replay_log(
      v.election, *v.eid, head.entries, [&](std::uint64_t) { return cursor.next(); },
      [&](std::uint64_t done) {
        check.advance(done - std::exchange(reported, done));
        file->forget(std::exchange(forgotten, cursor.position()), cursor.position());
      },
      [&](ReplayPart part) { v.observer.part(check_part(part)); });
  for (const ReplayFinding& finding : replay.findings) check.fail(finding.rejection);
  if (!cursor.at_end()) check.fail(Reason::kEvidenceFileAltered, layout::log_items() + ", surplus bytes");
  return std::move(replay.state);
}

/// One list of a stage, by group.
template <class Body>
void for_groups(const Sheet& sheet, Check& check, Body body) {
  parallel_for(sheet.groups.size(), 1, [&](std::size_t g) {
    const Result<void, Rejection> ok = body(g);
    if (!ok) check.fail(ok.error());
    check.group_done(ok.has_value());
    check.advance(sheet.groups[g].counted);
  });
}

/// A slot that stands on every unit's ballot accounts for every ballot of the log; another one for no more
/// than there are.
Result<void, Rejection> check_logged(const Election& election, const Sheet& sheet, std::uint64_t ballots) {
  struct Sum {
    std::size_t units = 0;
    std::uint64_t logged = 0;
  };
  std::map<std::pair<Id, std::uint64_t>, Sum> sums;  // by contest and slot
  const std::size_t units = election.definition().units.size();
  for (std::size_t unit = 0; unit < units; ++unit)
    for (const BallotSlot& slot : election.ballot_slots(unit))
      ++sums[{slot.table->contest->id, slot.slot}].units;
  for (const GroupSheet& group : sheet.groups) sums[{group.contest, group.slot}].logged += group.logged;
  for (const auto& [key, sum] : sums)
    if (sum.logged > ballots || (sum.units == units && sum.logged != ballots))
      return reject(Reason::kCountMismatch, "sheet, contest " + key.first.text + ": " +
                                                std::to_string(sum.logged) + " logged ballots, the log has " +
                                                std::to_string(ballots));
  return {};
}

std::uint64_t rows_of(const Sheet& sheet) {
  std::uint64_t rows = 0;
  for (const GroupSheet& group : sheet.groups) rows += group.counted;
  return rows;
}

/// The signed statement names this file.
Result<void, Rejection> check_named(const Digest256& stated, ByteView file, const std::string& path) {
  if (stated != sha256(file)) return reject(Reason::kChainHashMismatch, path + ", statement");
  return {};
}

}  // namespace

bool RecordReader::has(const std::string& path) const {
  const auto all = paths();
  return std::binary_search(all.begin(), all.end(), path);
}

std::string_view name_of(CheckPart part) {
  switch (part) {
    case CheckPart::kSignatures:
      return "signatures";
    case CheckPart::kBallotProofs:
      return "ballot proofs";
    case CheckPart::kEverythingElse:
      return "everything else";
  }
  return "everything else";
}

Digest256 sha256_of(const RecordBytes& file) {
  constexpr std::size_t kPiece = std::size_t{4} << 20U;
  Sha256 hash;
  for (std::size_t at = 0; at < file.view.size(); at += kPiece) {
    const std::size_t end = std::min(at + kPiece, file.view.size());
    hash.update(file.view.subspan(at, end - at));
    file.forget(at, end);
  }
  return hash.finish();
}

Result<ByteView, Rejection> ItemCursor::next() {
  const auto fail = [&]() -> Result<ByteView, Rejection> {
    cut_ = true;
    rest_ = {};
    return reject(Reason::kEvidenceFileAltered, layout::log_items() + ", cut");
  };
  if (cut_ || rest_.size() < 4) return fail();
  const std::uint32_t size = read_u32be(rest_.first(4));
  if (rest_.size() - 4 < size) return fail();
  const ByteView item = rest_.subspan(4, size);
  rest_ = rest_.subspan(4 + std::size_t{size});
  return item;
}

std::optional<VerifiedLog> verify_log(const Verification& v) {
  auto head = verify_head(v);
  if (!head) return std::nullopt;
  VerifiedLog log{std::move(head->checkpoint), 0, verify_phases(v, *head), std::nullopt};
  for (const EntryBytes& entry : head->entries) log.ballots += type_of(entry) == EntryType::kBallot;
  if (v.eid != nullptr) log.state = verify_replay(v, *head);
  return log;
}

namespace {

/// Sheet and lists against what the sealed log determines.
void verify_derived(const Verification& v, const VerifiedLog& log, const Sheet& sheet) {
  Check check(v, "lists.derived", rows_of(sheet), "ballots");
  if (!log.state) {
    check.fail(Reason::kAuditIncomplete, "the log was not replayed");
    return;
  }
  const auto derived = derive_lists(*log.state);
  if (!derived) {
    check.fail(derived.error());
    return;
  }
  for (std::size_t g = 0; g < derived->size(); ++g) {
    const GroupInput& group = (*derived)[g];
    if (g >= sheet.groups.size() || sheet.groups[g].group != group.sheet.group) {
      check.fail(Reason::kBallotsetNotDerivable, group.sheet.group + ", not in the sheet");
      return;
    }
    const auto file = v.record.read(layout::input(g, v.election.definition().policy.mix_inputs));
    if (!file) {
      check.fail(file.error());
    } else if (auto ok = check_input_list(*log.state, group, file->view); !ok) {
      check.fail(ok.error());
    }
    if (encode(sheet.groups[g]) != encode(group.sheet))
      check.fail(Reason::kCountMismatch, group.sheet.group + ", sheet");
    check.advance(group.sheet.counted);
  }
  if (derived->size() != sheet.groups.size())
    check.fail(Reason::kBallotsetNotDerivable, "sheet, number of groups");
}

}  // namespace

std::optional<VerifiedLists> verify_lists(const Verification& v, const VerifiedLog& log) {
  VerifiedLists lists;
  {
    Check check(v, "lists.sheet", 1, "sheet");
    const auto file = v.record.read(layout::sheet());
    if (!file) {
      check.fail(file.error());
      return std::nullopt;
    }
    auto sheet = decode<Sheet>(file->view);
    if (!sheet) {
      check.fail(sheet.error());
      return std::nullopt;
    }
    if (auto ok = check_sheet(v.election, *sheet); !ok) {
      check.fail(ok.error());
      return std::nullopt;
    }
    if (sheet->log_size != log.checkpoint.size || sheet->log_root != log.checkpoint.root)
      check.fail(Reason::kChainHashMismatch, "sheet, log head");
    // Later checks take memory for as many rows as the sheet says: never for more than the log has ballots.
    if (auto ok = check_logged(v.election, *sheet, log.ballots); !ok) {
      check.fail(ok.error());
      return std::nullopt;
    }
    if (auto ok = check_agreement(v.election, *sheet, log.ballots); !ok) check.fail(ok.error());
    lists.sheet = std::move(*sheet);
    lists.sheet_hash = sha256(file->view);
    check.advance();
  }
  const MixInputs where = v.election.definition().policy.mix_inputs;
  if (v.eid != nullptr) verify_derived(v, log, lists.sheet);
  if (v.eid != nullptr || where == MixInputs::kPublic) {
    Check check(v, "lists.input", rows_of(lists.sheet), "ballots");
    std::vector<VerifiedList> inputs(lists.sheet.groups.size());
    for_groups(lists.sheet, check, [&](std::size_t g) -> Result<void, Rejection> {
      const auto file = v.record.read(layout::input(g, where));
      if (!file) return std::unexpected(file.error());
      auto input = check_input(v.election, lists.sheet.groups[g], file->view);
      if (!input) return std::unexpected(input.error());
      inputs[g] = std::move(*input);
      return {};
    });
    if (check.failed()) return std::nullopt;
    lists.inputs = std::move(inputs);
  }
  return lists;
}

std::optional<VerifiedMixes> verify_mixes(const Verification& v, VerifiedLists& lists,
                                          std::uint64_t positions) {
  const Sheet& sheet = lists.sheet;
  const MixInputs where = v.election.definition().policy.mix_inputs;
  const Generators generators = derive_generators_for(v.election, sheet);
  VerifiedMixes mixes;
  bool proven = lists.inputs.has_value();  // whether there is a list before, of which the proof speaks
  if (proven) mixes.last = *std::exchange(lists.inputs, std::nullopt);
  mixes.last.resize(sheet.groups.size());
  for (std::uint64_t position = 1; position <= positions; ++position) {
    Check check(v, "mix." + std::to_string(position), rows_of(sheet), "ballots");
    const auto file = v.record.read(layout::mix_statement(position));
    if (!file) {
      check.fail(file.error());
      return std::nullopt;
    }
    const auto statement =
        check_stage_statement(v.election, file->view, Stagehand::kMixer, position, sheet, lists.sheet_hash);
    if (!statement) {
      check.fail(statement.error());
      return std::nullopt;
    }
    const std::uint64_t mixer = statement->author;
    if (mixer != position)
      check.fail(mixer < position ? Reason::kMixerDuplicate : Reason::kMixChainGap,
                 layout::mix_statement(position) + ", by mixer " + std::to_string(mixer));

    for_groups(sheet, check, [&](std::size_t g) -> Result<void, Rejection> {
      const GroupSheet& group = sheet.groups[g];
      const StageHashes& stated = statement->groups[g];
      const std::string output_path = layout::mix(g, position);
      const auto output = v.record.read(output_path);
      if (!output) return std::unexpected(output.error());
      if (auto ok = check_named(stated.output, output->view, output_path); !ok) return ok;
      const Digest256& before = proven ? mixes.last[g].file_hash : group.input_hash;
      if (stated.input != before)
        return reject(Reason::kChainHashMismatch, output_path + ", statement, list before");
      if (!proven) {
        auto list = check_first_mix_unproven(v.election, group, mixer, output->view);
        if (!list) return std::unexpected(list.error());
        mixes.last[g] = std::move(*list);
        return {};
      }
      const std::string proof_path = layout::mix_proof(g, position, where);
      const auto proof = v.record.read(proof_path);
      if (!proof) return std::unexpected(proof.error());
      if (auto ok = check_named(stated.proof, proof->view, proof_path); !ok) return ok;
      auto list =
          check_mix(v.election, generators, group, position, mixer, mixes.last[g], output->view, proof->view);
      if (!list) return std::unexpected(list.error());
      mixes.last[g] = std::move(*list);
      return {};
    });
    if (check.failed()) return std::nullopt;
    proven = true;
  }
  return mixes;
}

namespace {

/// A record of which each file, when it is read, is copied into memory of our own. The items are not: the
/// replay decodes each into memory of its own, and hashes what it has decoded.
class OwnCopies final : public RecordReader {
 public:
  explicit OwnCopies(const RecordReader& record) : record_(record) {}
  Result<RecordBytes, Rejection> read(const std::string& path) const override {
    auto file = record_.read(path);
    if (!file || path == layout::log_items()) return file;
    const auto copy = std::make_shared<const Kept>(copy_of(file->view));
    file->forget(0, file->view.size());
    return RecordBytes{copy->bytes, copy};
  }
  std::vector<std::string> paths() const override { return record_.paths(); }

 private:
  struct Kept final : RecordBytesKeeper {
    explicit Kept(Bytes b) : bytes(std::move(b)) {}
    void forget(std::size_t /*begin*/, std::size_t /*end*/) const override {}
    const Bytes bytes;
  };
  const RecordReader& record_;
};

}  // namespace

std::optional<Upstream> verify_upstream(const Verification& whole, std::uint64_t mixes) {
  invariant(whole.eid != nullptr, "mixers and trustees are of the sworn tier");
  const OwnCopies record(whole.record);
  const Verification v{whole.election, record, whole.observer, whole.eid};
  auto log = verify_log(v);
  if (!log) return std::nullopt;
  auto lists = verify_lists(v, *log);
  log.reset();  // the state of a million ballots is a quarter of a gigabyte
  if (!lists) return std::nullopt;
  auto verified = verify_mixes(v, *lists, mixes);
  if (!verified) return std::nullopt;
  return Upstream{std::move(*lists), std::move(*verified)};
}

std::vector<std::uint64_t> trustees_present(const Election& election, const RecordReader& record) {
  std::vector<std::uint64_t> present;
  for (std::uint64_t trustee = 1; trustee <= election.definition().trustees.size(); ++trustee)
    if (record.has(layout::share_statement(trustee))) present.push_back(trustee);
  return present;
}

std::optional<std::vector<std::vector<Ristretto::Point>>> verify_shares(const Verification& v,
                                                                        const VerifiedLists& lists,
                                                                        const VerifiedMixes& mixes,
                                                                        std::uint64_t trustee) {
  const Sheet& sheet = lists.sheet;
  Check check(v, "shares." + std::to_string(trustee), rows_of(sheet), "ballots");
  const auto file = v.record.read(layout::share_statement(trustee));
  if (!file) {
    check.fail(file.error());
    return std::nullopt;
  }
  const auto statement =
      check_stage_statement(v.election, file->view, Stagehand::kTrustee, 0, sheet, lists.sheet_hash);
  if (!statement) {
    check.fail(statement.error());
    return std::nullopt;
  }
  if (statement->author != trustee) {
    check.fail(Reason::kProofSetMismatch, layout::share_statement(trustee) + ", author");
    return std::nullopt;
  }
  std::vector<std::vector<Ristretto::Point>> shares(sheet.groups.size());
  for_groups(sheet, check, [&](std::size_t g) -> Result<void, Rejection> {
    const StageHashes& stated = statement->groups[g];
    const std::string share_path = layout::share(g, trustee);
    const std::string proof_path = layout::share_proof(g, trustee);
    const auto share = v.record.read(share_path);
    if (!share) return std::unexpected(share.error());
    const auto proof = v.record.read(proof_path);
    if (!proof) return reject(reason_of(Fault::kShareProofMissing), proof_path);
    if (auto ok = check_named(stated.output, share->view, share_path); !ok) return ok;
    if (auto ok = check_named(stated.proof, proof->view, proof_path); !ok) return ok;
    if (stated.input != mixes.last[g].file_hash)
      return reject(Reason::kChainHashMismatch, share_path + ", statement, list before");
    auto checked =
        check_shares(v.election, sheet.groups[g], trustee, mixes.last[g], share->view, proof->view);
    if (!checked) return std::unexpected(checked.error());
    shares[g] = std::move(*checked);
    return {};
  });
  if (check.failed()) return std::nullopt;
  return shares;
}

std::optional<ElectionResult> verify_decryption(const Verification& v, const VerifiedLists& lists,
                                                const VerifiedMixes& mixes) {
  const Sheet& sheet = lists.sheet;
  std::vector<std::vector<GroupShares>> by_group(sheet.groups.size());
  for (const std::uint64_t trustee : trustees_present(v.election, v.record)) {
    auto shares = verify_shares(v, lists, mixes, trustee);
    if (!shares) continue;
    for (std::size_t g = 0; g < by_group.size(); ++g)
      by_group[g].push_back({trustee, std::move((*shares)[g])});
  }
  std::vector<std::vector<Ristretto::Point>> plaintexts(sheet.groups.size());
  {
    Check check(v, "plaintexts", rows_of(sheet), "ballots");
    for_groups(sheet, check, [&](std::size_t g) -> Result<void, Rejection> {
      const auto file = v.record.read(layout::plaintexts(g));
      if (!file) return std::unexpected(file.error());
      auto checked = check_plaintexts(v.election, sheet.groups[g], mixes.last[g], by_group[g], file->view);
      if (!checked) return std::unexpected(checked.error());
      plaintexts[g] = std::move(*checked);
      return {};
    });
    if (check.failed()) return std::nullopt;
  }
  Check check(v, "count", rows_of(sheet), "ballots");
  std::vector<GroupResult> counts(sheet.groups.size());
  for_groups(sheet, check, [&](std::size_t g) -> Result<void, Rejection> {
    auto counted = count_group(v.election, sheet.groups[g], plaintexts[g]);
    if (!counted) return std::unexpected(counted.error());
    counts[g] = std::move(*counted);
    return {};
  });
  if (check.failed()) return std::nullopt;
  return total(v.election, sheet, std::move(counts));
}

void verify_result(const Verification& v, const VerifiedLists& lists, const ElectionResult& counted) {
  Check check(v, "result", 4, "files");
  const auto file = v.record.read(layout::result());
  if (!file) {
    check.fail(file.error());
  } else if (const auto published = decode<ElectionResult>(file->view); !published) {
    check.fail(published.error());
  } else if (const auto ok = check_result(counted, *published); !ok) {
    check.fail(ok.error());
  }
  check.advance();
  const auto compare = [&](const char* extension, const std::string& rendered) {
    const std::string path = layout::result_as(extension);
    const auto text = v.record.read(path);
    if (!text)
      check.fail(text.error());
    else if (!equal(text->view, bytes_of(rendered)))
      check.fail(Reason::kResultMismatch, path);
    check.advance();
  };
  compare("json", result_json(v.election, lists.sheet, counted));
  compare("csv", result_csv(v.election, lists.sheet, counted));
  compare("html", result_html(v.election, lists.sheet, counted));
}

std::vector<std::string> expected_paths(const Election& election, Tier tier, std::size_t groups,
                                        std::span<const std::uint64_t> phase_events,
                                        std::span<const std::uint64_t> trustees) {
  const Definition& definition = election.definition();
  const MixInputs where = definition.policy.mix_inputs;
  std::vector<std::string> paths{
      layout::manifest(),        layout::log_entries(),    layout::log_checkpoint(),
      layout::log_items(),       layout::sheet(),          layout::result(),
      layout::result_as("json"), layout::result_as("csv"), layout::result_as("html")};
  for (const std::uint64_t index : phase_events) paths.push_back(layout::log_event(index));
  for (std::uint64_t p = 1; p <= definition.mixers.size(); ++p) paths.push_back(layout::mix_statement(p));
  for (const std::uint64_t t : trustees) paths.push_back(layout::share_statement(t));
  for (std::size_t g = 0; g < groups; ++g) {
    paths.push_back(layout::input(g, where));
    paths.push_back(layout::plaintexts(g));
    for (std::uint64_t p = 1; p <= definition.mixers.size(); ++p) {
      paths.push_back(layout::mix(g, p));
      paths.push_back(layout::mix_proof(g, p, where));
    }
    for (const std::uint64_t t : trustees) {
      paths.push_back(layout::share(g, t));
      paths.push_back(layout::share_proof(g, t));
    }
  }
  std::erase_if(paths,
                [&](const std::string& path) { return !path.starts_with(layout::tier_dir(tier) + "/"); });
  std::ranges::sort(paths);
  return paths;
}

Result<RecordIndex, Rejection> make_index(const Election& election, const RecordReader& record, Tier tier,
                                          std::span<const std::string> paths) {
  RecordIndex index{.fingerprint = election.fingerprint(), .tier = tier, .files = {}};
  const std::size_t prefix = layout::tier_dir(tier).size() + 1;
  std::vector<std::optional<Rejection>> unreadable(paths.size());
  index.files.resize(paths.size());
  parallel_for(paths.size(), 1, [&](std::size_t i) {
    const auto file = record.read(paths[i]);
    if (file)
      index.files[i] = {paths[i].substr(prefix), file->view.size(), sha256_of(*file)};
    else
      unreadable[i] = file.error();
  });
  for (const auto& rejection : unreadable)
    if (rejection) return std::unexpected(*rejection);
  return index;
}

void verify_index(const Verification& v, Tier tier, const VerifiedLog& log, const VerifiedLists& lists) {
  const std::string directory = layout::tier_dir(tier) + "/";
  const auto trustees = trustees_present(v.election, v.record);
  const auto expected =
      expected_paths(v.election, tier, lists.sheet.groups.size(), log.phase_events, trustees);
  Check check(v, "index." + layout::tier_dir(tier), expected.size(), "files");

  std::vector<std::string> present = v.record.paths();
  std::erase_if(present, [&](const std::string& path) {
    return !path.starts_with(directory) || path == layout::index(tier);
  });
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::ranges::set_difference(expected, present, std::back_inserter(missing));
  std::ranges::set_difference(present, expected, std::back_inserter(extra));
  for (const std::string& path : missing) check.fail(Reason::kEvidenceFileMissing, path);
  for (const std::string& path : extra) check.fail(Reason::kEvidenceFileExtra, path);

  const auto file = v.record.read(layout::index(tier));
  if (!file) return check.fail(file.error());
  const auto index = decode<RecordIndex>(file->view);
  if (!index) return check.fail(index.error());
  if (index->fingerprint != v.election.fingerprint())
    return check.fail(Reason::kElectionFpMismatch, layout::index(tier));
  std::vector<std::string> listed;
  for (const RecordFile& one : index->files) listed.push_back(directory + one.path);
  if (index->tier != tier || listed != expected)
    check.fail(Reason::kEvidenceFileAltered, layout::index(tier) + ", list of files");
  parallel_for(index->files.size(), 1, [&](std::size_t i) {
    const RecordFile& one = index->files[i];
    if (!std::ranges::binary_search(expected, listed[i])) return;  // not a path to follow
    const auto bytes = v.record.read(listed[i]);
    if (!bytes)
      check.fail(bytes.error());
    else if (bytes->view.size() != one.size || sha256_of(*bytes) != one.sha256)
      check.fail(Reason::kEvidenceFileAltered, listed[i]);
    check.advance();
  });
}

}  // namespace psephos
