#include "audit/audit.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "crypto/merkle.h"
#include "protocol/checks/receipt.h"
#include "protocol/checks/tally.h"
#include "protocol/container.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/progress.h"
#include "protocol/list_file.h"
#include "protocol/log_entry.h"
#include "protocol/record_layout.h"

namespace psephos {

namespace {

using Clock = std::chrono::steady_clock;
using enum AuditCheckId;

struct CheckText {
  AuditCheckId id;
  std::string_view name;
  std::string_view covers;
  std::vector<AuditCheckId> stands_on;
};

/// The table of SPEC §11.9. `stands_on` answers why a check could not be made.
const std::array<CheckText, kAuditChecks>& check_texts() {
  static const std::array<CheckText, kAuditChecks> texts{{
      {kRecord,
       "record",
       "the files are exactly those this election must have, each as the index says",
       {kManifest}},
      {kManifest,
       "manifest",
       "the manifest is the announced one; its signatures, key ceremony, keys and candidate tables hold",
       {}},
      {kLog,
       "log",
       "the log's head bears the witnesses' quorum, the entries give its root, and the phases are in order",
       {kManifest}},
      {kSheet,
       "sheet",
       "the numbers of every group add up, and account for every ballot of the log",
       {kManifest, kLog}},
      {kReplay,
       "replay",
       "every log entry opens, and every signature, certificate, proof and rule of casting holds",
       {kLog}},
      {kDerived,
       "lists",
       "the lists to be mixed are exactly the last unrevoked ballot of each voter, as the log determines",
       {kReplay, kSheet}},
      {kInputs,
       "inputs",
       "the lists that were mixed are those of the sheet, sorted, and nothing occurs twice",
       {kSheet}},
      {kMixes,
       "mixes",
       "each mixer of the roster mixed once, in turn, and proved that no ballot was changed, added or lost",
       {kSheet, kInputs}},
      {kShares,
       "shares",
       "a quorum of trustees decrypted exactly the last mixed lists, and proved every share",
       {kMixes}},
      {kPlaintexts,
       "plaintexts",
       "the published plaintexts are what the shares decrypt to",
       {kShares, kMixes}},
      {kResult,
       "result",
       "every plaintext is a choice, and the published results are their count",
       {kPlaintexts}},
      {kBalance,
       "balance",
       "the ballots counted are the rows of every list and the sum of the votes",
       {kManifest, kSheet}},
  }};
  return texts;
}

/// Which check a part belongs to, by the part's name in protocol/checks.
AuditCheckId check_of(std::string_view part) {
  if (part.starts_with("index.")) return kRecord;
  if (part == "manifest") return kManifest;
  if (part == "log.replay") return kReplay;
  if (part.starts_with("log.")) return kLog;
  if (part == "lists.sheet") return kSheet;
  if (part == "lists.derived") return kDerived;
  if (part == "lists.input") return kInputs;
  if (part.starts_with("mix.")) return kMixes;
  if (part.starts_with("shares.")) return kShares;
  if (part == "plaintexts") return kPlaintexts;
  if (part == "balance") return kBalance;
  return kResult;  // "count", "result"
}

/// Collects what the parts find, under the numbers of the report.
class Ledger final : public CheckObserver {
 public:
  explicit Ledger(bool progress) : show_(progress) {}

  void begin(std::string_view name, std::uint64_t total, std::string_view unit) override {
    part_ = name;
    start_ = Clock::now();
    if (show_) progress_ = std::make_unique<Progress>("check " + part_, total, std::string(unit));
  }
  void advance(std::uint64_t n) override {
    if (progress_) progress_->advance(n);
  }
  void group_done(bool passed) override {
    const std::lock_guard lock(mutex_);
    if (passed) ++verified_[part_];
  }
  void fail(const Rejection& rejection) override {
    const std::lock_guard lock(mutex_);
    findings_[check_of(part_)].push_back(rejection);
  }
  void part(CheckPart part) override { spend(part); }
  void end() override {
    progress_.reset();
    spend(CheckPart::kEverythingElse);
    ended_.insert(part_);
  }

  std::vector<Rejection>& findings(AuditCheckId id) { return findings_[id]; }
  double seconds(AuditCheckId id) {
    double sum = 0;
    for (const auto& [part, seconds] : seconds_[id]) sum += seconds;
    return sum;
  }
  std::vector<std::pair<CheckPart, double>> parts(AuditCheckId id) {
    const auto& all = seconds_[id];
    if (all.size() < 2) return {};
    return {all.begin(), all.end()};
  }
  bool ended(const std::string& part) const { return ended_.contains(part); }
  std::uint64_t verified(const std::string& part) { return verified_[part]; }

 private:
  /// What ends here was `now_`; what begins is `part`.
  void spend(CheckPart part) {
    const auto now = Clock::now();
    seconds_[check_of(part_)][now_] += std::chrono::duration<double>(now - start_).count();
    start_ = now;
    now_ = part;
  }

  const bool show_;
  std::mutex mutex_;
  std::string part_;
  Clock::time_point start_;
  std::unique_ptr<Progress> progress_;
  std::map<AuditCheckId, std::vector<Rejection>> findings_;
  CheckPart now_ = CheckPart::kEverythingElse;
  std::map<AuditCheckId, std::map<CheckPart, double>> seconds_;
  std::set<std::string, std::less<>> ended_;
  std::map<std::string, std::uint64_t> verified_;
};

/// A part of a check that is made here.
class Part {
 public:
  Part(Ledger& ledger, std::string_view name, std::uint64_t total, std::string_view unit) : ledger_(ledger) {
    ledger_.begin(name, total, unit);
  }
  ~Part() { ledger_.end(); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  void fail(Reason reason, std::string object) { ledger_.fail({reason, std::move(object)}); }
  void fail(const Rejection& rejection) { ledger_.fail(rejection); }
  void advance() { ledger_.advance(1); }

 private:
  Ledger& ledger_;
};

/// The record without the tier that is not to be looked at.
class PublicTier final : public RecordReader {
 public:
  explicit PublicTier(const RecordReader& record) : record_(record) {}
  Result<RecordBytes, Rejection> read(const std::string& path) const override {
    if (is_sworn(path)) return reject(Reason::kEvidenceFileMissing, path);
    return record_.read(path);
  }
  std::vector<std::string> paths() const override {
    auto all = record_.paths();
    std::erase_if(all, is_sworn);
    return all;
  }
  static bool is_sworn(const std::string& path) {
    return path.starts_with(layout::tier_dir(Tier::kSworn) + "/");
  }

 private:
  const RecordReader& record_;
};

constexpr std::size_t kEntryBytes = std::tuple_size_v<EntryBytes>;

class Audit {
 public:
  Audit(const AuditRequest& request, AuditReport& report)
      : request_(request),
        report_(report),
        public_tier_(request.record),
        ledger_(request.progress),
        record_(choose_tier()) {}

  void run() {
    open_election();
    if (election_) run_checks();
    for (std::size_t i = 0; i < kAuditChecks; ++i) conclude(check_texts()[i], report_.checks[i]);
  }

 private:
  const RecordReader& choose_tier() {
    const auto paths = request_.record.paths();
    report_.sworn = !request_.public_only && std::ranges::any_of(paths, PublicTier::is_sworn);
    if (report_.sworn) return request_.record;
    return public_tier_;
  }

  void open_election() {
    Part part(ledger_, "manifest", 1, "manifest");
    const auto file = record_.read(layout::manifest());
    if (!file) return part.fail(file.error());
    report_.pinned = request_.fingerprint.has_value();
    if (!report_.pinned) part.fail(Reason::kManifestFpUnpinned, "--fingerprint");
    auto election = Election::open(file->view, request_.fingerprint);
    if (!election) {
      report_.pinned = false;
      return part.fail(election.error());
    }
    report_.fingerprint = election->fingerprint();
    report_.title = election->definition().title.front().text;
    auto eid = OpensslEidVerifier::create(election->definition().eid);
    if (!eid) return part.fail(eid.error(), "eID profile of the definition");
    eid_ = std::move(*eid);
    election_ = std::move(*election);
    const Definition& definition = election_->definition();
    inputs_at_hand_ = report_.sworn || definition.policy.mix_inputs == MixInputs::kPublic;
    trustees_ = trustees_present(*election_, record_);
    if (const auto sheet = record_.read(layout::sheet()); sheet) {
      if (auto decoded = decode<Sheet>(sheet->view); decoded) {
        sheet_ = std::move(*decoded);
        report_.groups = sheet_->groups.size();
      }
    }
  }

  void run_checks() {
    const Verification v{*election_, record_, ledger_, report_.sworn ? eid_.get() : nullptr};
    check_files(v);
    auto log = verify_log(v);
    if (log) {
      report_.log_size = log->checkpoint.size;
      report_.ballots = log->ballots;
    }
    check_given(log);
    if (log && !request_.time_stamps.empty()) check_time_stamps();
    if (sheet_) check_balance();
    if (!log) return;
    auto lists = verify_lists(v, *log);
    log->state.reset();  // a quarter of a gigabyte for a million ballots
    if (!lists) return;
    const auto mixes = verify_mixes(v, *lists, election_->definition().mixers.size());
    if (!mixes) return;
    const auto counted = verify_decryption(v, *lists, *mixes);
    if (trustees_.size() < election_->definition().trustee_quorum)
      ledger_.findings(kShares).push_back({reason_of(Fault::kTallyInsufficientShares),
                                           std::to_string(trustees_.size()) + " trustees, quorum " +
                                               std::to_string(election_->definition().trustee_quorum)});
    if (counted) verify_result(v, *lists, *counted);
  }

  /// Check 1. Which files there must be follows from manifest, log, sheet and statements, not from the index.
  void check_files(const Verification& v) {
    const auto paths = record_.paths();
    if (paths.size() > limits::kRecordFiles) {
      ledger_.findings(kRecord).push_back({Reason::kAuditInputLimit, "more files than any record has"});
      return;
    }
    for (const std::string& path : paths)
      if (!path.starts_with(layout::tier_dir(Tier::kPublic) + "/") && !PublicTier::is_sworn(path))
        ledger_.findings(kRecord).push_back({Reason::kEvidenceFileExtra, path});
    const auto entries = record_.read(layout::log_entries());
    if (!entries) ledger_.findings(kRecord).push_back(entries.error());
    if (!sheet_) {
      const auto sheet = record_.read(layout::sheet());
      ledger_.findings(kRecord).push_back(sheet ? Rejection{Reason::kEvidenceFileAltered, layout::sheet()}
                                                : sheet.error());
    }
    if (!entries || !sheet_) return;
    VerifiedLog log{};
    for (std::size_t i = 0; (i + 1) * kEntryBytes <= entries->view.size(); ++i) {
      EntryBytes entry{};
      std::ranges::copy(entries->view.subspan(i * kEntryBytes, kEntryBytes), entry.begin());
      if (type_of(entry) == EntryType::kPhase) log.phase_events.push_back(i);
    }
    VerifiedLists lists{};
    lists.sheet = *sheet_;
    verify_index(v, Tier::kPublic, log, lists);
    if (report_.sworn) verify_index(v, Tier::kSworn, log, lists);
  }

  /// What belongs to check 3 beside the log itself: the head has no line that nobody can verify, and what
  /// others were shown agrees with the entries.
  void check_given(const std::optional<VerifiedLog>& log) {
    Part part(ledger_, "log.given", 1 + request_.checkpoints.size() + request_.receipts.size(), "notes");
    const auto entries = record_.read(layout::log_entries());
    const auto head = record_.read(layout::log_checkpoint());
    if (!entries || !head) return;  // named by "log.checkpoint"
    if (!request_.checkpoints.empty() || !request_.receipts.empty())
      for (std::size_t i = 0; (i + 1) * kEntryBytes <= entries->view.size(); ++i)
        tree_.append(leaf_hash(entries->view.subspan(i * kEntryBytes, kEntryBytes)));
    if (const auto note = SignedNote::parse(text_of(head->view)); note) check_lines(part, *note);
    part.advance();
    for (const GivenFile& given : request_.checkpoints) {
      check_checkpoint(part, given.name, text_of(given.bytes), text_of(head->view));
      ++report_.compared_checkpoints;
      part.advance();
    }
    for (const GivenFile& given : request_.receipts) {
      check_receipt(part, given, entries->view, text_of(head->view), log);
      ++report_.compared_receipts;
      part.advance();
    }
  }

  /// What the authorities stamped is in the log, and what is in the log they stamped: a ballot that came in
  /// and was dropped, or evidence that never passed through them, shows here.
  void check_time_stamps() {
    Part part(ledger_, "log.time-stamps", request_.time_stamps.size(), "lists");
    if (!report_.sworn) return part.fail(Reason::kAuditIncomplete, "time-stamps, without the sworn tier");
    struct Stamped {
      Digest256 imprint;
      std::uint64_t entry;
      bool is_ballot;
      bool listed = false;
    };
    std::vector<Stamped> logged;
    const auto entries = record_.read(layout::log_entries());
    const auto items = record_.read(layout::log_items());
    if (!entries || !items) return;  // named by "log.checkpoint" and "log.replay"
    ItemCursor cursor(items->view);
    for (std::uint64_t i = 0; (i + 1) * kEntryBytes <= entries->view.size(); ++i) {
      const auto type = static_cast<EntryType>(entries->view[i * kEntryBytes + 1]);
      const auto item = cursor.next();
      const auto opened = item ? decode<LoggedItem>(*item) : std::unexpected(item.error());
      if (!opened || (type != EntryType::kBallot && type != EntryType::kRefusal)) continue;
      const auto container = container_of(type, opened->item);
      if (container)
        logged.push_back({sha256(signature_value(container->signature)), i, type == EntryType::kBallot});
    }
    std::ranges::sort(logged, {}, &Stamped::imprint);
    for (const GivenFile& given : request_.time_stamps) {
      std::uint64_t number = 0;
      for (std::string_view rest = text_of(given.bytes); !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::string object = given.name + ", line " + std::to_string(++number);
        const auto imprint = imprint_in(line);
        if (!imprint) {
          part.fail(Reason::kFileUnreadable, object + ": not time, serial number and imprint");
          continue;
        }
        ++report_.compared_time_stamps;
        const auto found = std::ranges::equal_range(logged, *imprint, {}, &Stamped::imprint);
        if (found.empty()) part.fail(Reason::kEvidenceUnlogged, object);
        for (Stamped& one : found) one.listed = true;
      }
      part.advance();
    }
    std::ranges::sort(logged, {}, &Stamped::entry);
    for (const Stamped& one : logged)
      if (one.is_ballot && !one.listed)
        part.fail(Reason::kEvidenceMissing,
                  "entry " + std::to_string(one.entry) + ": in no list of a time-stamping authority");
  }

  static Result<SignedBallot, Rejection> container_of(EntryType type, ByteView item) {
    if (type == EntryType::kBallot) {
      const auto ballot = decode<BallotItem>(item);
      return ballot ? read_container(ballot->envelope.container) : std::unexpected(ballot.error());
    }
    const auto refusal = decode<RefusalItem>(item);
    return refusal ? read_container(refusal->envelope.container) : std::unexpected(refusal.error());
  }

  /// Of a line: time, tab, serial number, tab, imprint.
  static std::optional<Digest256> imprint_in(std::string_view line) {
    if (std::ranges::count(line, '\t') != 2) return std::nullopt;
    const auto bytes = from_hex(line.substr(line.rfind('\t') + 1));
    Digest256 out{};
    if (!bytes || bytes->size() != out.size()) return std::nullopt;
    std::ranges::copy(*bytes, out.begin());
    return out;
  }

  /// Elsewhere lines of unknown keys are ignored; a record has no room for what nobody can verify.
  void check_lines(Part& part, const SignedNote& note) {
    std::set<std::string> signers;
    for (const NoteSignature& line : note.signatures) {
      const bool known = line.is_by(election_->log_key()) ||
                         std::ranges::any_of(election_->witnesses(),
                                             [&](const NoteKey& witness) { return line.is_by(witness); });
      if (!known || !signers.insert(line.name).second)
        part.fail(reason_of(Fault::kSigInvalid), layout::log_checkpoint() + ", line of " + line.name);
    }
  }

  /// The log signed a head; the entries of the record must give its root.
  void check_checkpoint(Part& part, const std::string& name, std::string_view note, std::string_view own) {
    const auto parsed = SignedNote::parse(note);
    if (!parsed) return part.fail(reason_of(parsed.error()), name);
    const auto checkpoint = Checkpoint::parse(parsed->text);
    if (!checkpoint) return part.fail(reason_of(checkpoint.error()), name);
    if (checkpoint->origin != election_->log_origin())
      return part.fail(reason_of(Fault::kLogOriginMismatch), name);
    const bool by_log = std::ranges::any_of(parsed->signatures, [&](const NoteSignature& line) {
      return line.is_by(election_->log_key()) &&
             verify_log_signature(parsed->text, line, election_->log_key()).has_value();
    });
    if (!by_log) return part.fail(reason_of(Fault::kSigInvalid), name);
    if (checkpoint->size > tree_.size())
      return part.fail(Reason::kLogTruncated, name + ", size " + std::to_string(checkpoint->size) +
                                                  ", the record has " + std::to_string(tree_.size()));
    if (tree_.root(checkpoint->size) == checkpoint->root) return;
    part.fail(Reason::kLogEquivocation, name + ", size " + std::to_string(checkpoint->size));
    report_.equivocations.push_back({std::string(own), std::string(note)});
  }

  /// The collector promised that this ballot is that entry.
  void check_receipt(Part& part, const GivenFile& given, ByteView entries, std::string_view own,
                     const std::optional<VerifiedLog>& log) {
    const auto receipt = decode<Receipt>(given.bytes);
    if (!receipt) return part.fail(receipt.error().reason, given.name);
    const auto body = decode<ReceiptStatement>(receipt->statement.body);
    if (!body) return part.fail(body.error().reason, given.name);
    const auto statement = check_receipt_statement(*election_, *receipt, body->ballot_id);
    if (!statement) return part.fail(statement.error().reason, given.name + ", " + statement.error().object);
    const std::string object = given.name + ", entry " + std::to_string(statement->index);
    if (statement->index >= tree_.size() ||
        !equal(entries.subspan(static_cast<std::size_t>(statement->index) * kEntryBytes, kEntryBytes),
               statement->entry))
      part.fail(Reason::kReceiptNotInLog, object);
    else if (log && log->state && log->state->index_of(statement->ballot_id) != statement->index)
      part.fail(Reason::kReceiptNotInLog, object + ", holds another ballot");
    if (!receipt->checkpoint.empty())
      check_checkpoint(part, given.name + ", checkpoint", text_of(receipt->checkpoint), own);
  }

  /// Check 12, from the files' own headers and lengths: counted = rows of every list = sum of votes.
  void check_balance() {
    Part part(ledger_, "balance", sheet_->groups.size(), "groups");
    const Definition& definition = election_->definition();
    std::optional<ElectionResult> published;
    if (const auto file = record_.read(layout::result()); !file) {
      part.fail(file.error());
    } else if (auto decoded = decode<ElectionResult>(file->view); !decoded) {
      part.fail(decoded.error());
    } else {
      published = std::move(*decoded);
    }
    for (std::size_t g = 0; g < sheet_->groups.size(); ++g, part.advance()) {
      const GroupSheet& group = sheet_->groups[g];
      const auto rows = [&](const std::string& path, Stage stage) {
        const auto file = record_.read(path);
        if (!file) return part.fail(file.error());
        const auto list = parse_list(file->view, stage, path);
        if (!list) return part.fail(list.error());
        if (list->header.count != group.counted)
          part.fail(Reason::kCountMismatch, path + ": " + std::to_string(list->header.count) + " rows, " +
                                                std::to_string(group.counted) + " counted");
      };
      if (inputs_at_hand_) rows(layout::input(g, definition.policy.mix_inputs), Stage::kInput);
      for (std::uint64_t p = 1; p <= definition.mixers.size(); ++p) rows(layout::mix(g, p), Stage::kMixed);
      for (const std::uint64_t t : trustees_) rows(layout::share(g, t), Stage::kShare);
      rows(layout::plaintexts(g), Stage::kPlaintexts);
      if (!published) continue;
      if (g >= published->groups.size()) {
        part.fail(Reason::kCountMismatch, group.group + ": no result");
        continue;
      }
      check_votes(part, published->groups[g].counts, several(group.contest, group.list) ? 0 : group.counted,
                  group.counted, group.group);
    }
    if (!published) return;
    for (const ListResult& list : published->totals) {
      const SeveralRule* rule = several(list.contest, list.list);
      std::uint64_t counted = 0;
      for (const GroupSheet& group : sheet_->groups)
        if (group.contest == list.contest && group.list == list.list && (rule == nullptr || group.slot == 0))
          counted += group.counted;
      check_votes(part, list.counts, rule != nullptr ? rule->min * counted : counted,
                  rule != nullptr ? rule->max * counted : counted,
                  "total of " + list.contest.text + "/" + list.list.text);
    }
  }
  /// The rule of a contest of kind several; null for another, or if there is no such list.
  const SeveralRule* several(const Id& contest, const Id& list) const {
    const CandidateTable* table = election_->table(contest, list);
    return table != nullptr && table->marks ? &*table->contest->several : nullptr;
  }
  static void check_votes(Part& part, const std::vector<ChoiceCount>& counts, std::uint64_t least,
                          std::uint64_t most, const std::string& object) {
    // No single count may be above the sum's bound, which is far below 2^64 divided by the number of choices:
    // so the sum does not wrap.
    std::uint64_t votes = 0;
    const ChoiceCount* excessive = nullptr;
    for (const ChoiceCount& count : counts) {
      votes += count.votes;
      if (count.votes > most) excessive = &count;
    }
    if (excessive != nullptr || votes < least || votes > most)
      part.fail(Reason::kCountMismatch,
                object + ": " + std::to_string(excessive != nullptr ? excessive->votes : votes) + " votes, " +
                    (least == most ? std::to_string(most) + " counted"
                                   : "not from " + std::to_string(least) + " to " + std::to_string(most)));
  }

  /// The parts that a check must have gone through to have passed.
  std::vector<std::string> parts_of(AuditCheckId id) const {
    std::vector<std::string> parts;
    switch (id) {
      case kRecord:
        parts = {"index.public"};
        if (report_.sworn) parts.emplace_back("index.sworn");
        break;
      case kManifest:
        parts = {"manifest"};
        break;
      case kLog:
        parts = {"log.checkpoint", "log.phases", "log.given"};
        break;
      case kSheet:
        parts = {"lists.sheet"};
        break;
      case kReplay:
        parts = {"log.replay"};
        break;
      case kDerived:
        parts = {"lists.derived"};
        break;
      case kInputs:
        parts = {"lists.input"};
        break;
      case kMixes:
        for (std::uint64_t p = 1; election_ && p <= election_->definition().mixers.size(); ++p)
          parts.push_back("mix." + std::to_string(p));
        break;
      case kShares:
        for (const std::uint64_t t : trustees_) parts.push_back("shares." + std::to_string(t));
        break;
      case kPlaintexts:
        parts = {"plaintexts"};
        break;
      case kResult:
        parts = {"count", "result"};
        break;
      case kBalance:
        parts = {"balance"};
        break;
    }
    return parts;
  }

  /// Proofs there must be, by the sheet and the rosters.
  std::optional<ProofCount> count_proofs(AuditCheckId id) {
    if ((id != kMixes && id != kShares) || !election_) return std::nullopt;
    ProofCount proofs;
    std::uint64_t authors = 0;
    if (id == kMixes) {
      const std::uint64_t mixers = election_->definition().mixers.size();
      for (std::uint64_t p = inputs_at_hand_ ? 1 : 2; p <= mixers; ++p, ++authors)
        proofs.verified += ledger_.verified("mix." + std::to_string(p));
    } else {
      authors = std::max<std::uint64_t>(trustees_.size(), election_->definition().trustee_quorum);
      for (const std::uint64_t t : trustees_)
        proofs.verified += ledger_.verified("shares." + std::to_string(t));
    }
    proofs.expected = authors * report_.groups;
    return proofs;
  }

  /// What the public tier cannot show of a check, and why.
  std::string not_covered(AuditCheckId id) const {
    if (report_.sworn || !election_) return {};
    switch (id) {
      case kReplay:
        return "the ballots with names and signatures are in the sworn tier, for mixers, trustees and sworn "
               "auditors";
      case kDerived:
        return "who voted last and whose ballot was revoked is in the sworn tier";
      case kInputs:
        return inputs_at_hand_ ? "" : "the lists before the first mix are in the sworn tier";
      case kMixes:
        return inputs_at_hand_ ? ""
                               : "the proof of the first mix, which speaks of lists in the sworn tier; all "
                                 "later mixes are proved here";
      case kRecord:
      case kManifest:
      case kLog:
      case kSheet:
      case kShares:
      case kPlaintexts:
      case kResult:
      case kBalance:
        return {};
    }
    return {};
  }

  bool applies(AuditCheckId id) const {
    if (report_.sworn || !election_) return true;
    return id != kReplay && id != kDerived && (id != kInputs || inputs_at_hand_);
  }

  /// The nearest failed check that this one stands on.
  std::optional<AuditCheckId> cause_of(const CheckText& text) {
    std::optional<AuditCheckId> cause;
    for (const AuditCheckId before : text.stands_on) {
      const auto found = ledger_.findings(before).empty()
                             ? cause_of(check_texts()[static_cast<std::size_t>(before) - 1])
                             : std::optional(before);
      if (found && (!cause || *found > *cause)) cause = found;
    }
    return cause;
  }

  void conclude(const CheckText& text, AuditCheck& check) {
    check.id = text.id;
    check.name = text.name;
    check.covers = text.covers;
    check.seconds = ledger_.seconds(text.id);
    check.parts = ledger_.parts(text.id);
    check.not_covered = not_covered(text.id);
    check.proofs = count_proofs(text.id);
    if (!applies(text.id)) {
      check.outcome = Outcome::kNotCheckable;
      return;
    }
    check.findings = ledger_.findings(text.id);
    const auto parts = parts_of(text.id);
    const bool complete = !parts.empty() && std::ranges::all_of(parts, [&](const std::string& part) {
      return ledger_.ended(part);
    }) && (!check.proofs || check.proofs->failed() == 0);
    if (check.findings.empty() && !complete) {
      const auto cause = cause_of(text);
      check.findings.push_back(
          {Reason::kAuditIncomplete,
           cause ? "cannot be made because check " + std::to_string(static_cast<unsigned>(*cause)) + " failed"
                 : "cannot be made"});
    }
    // Groups are checked at the same time; the same record gives the same report.
    if (text.id >= kInputs) std::ranges::stable_sort(check.findings, {}, &Rejection::object);
    check.outcome = check.findings.empty() ? Outcome::kPassed : Outcome::kFailed;
  }

  const AuditRequest& request_;
  AuditReport& report_;
  PublicTier public_tier_;
  Ledger ledger_;
  const RecordReader& record_;
  std::optional<Election> election_;
  std::unique_ptr<OpensslEidVerifier> eid_;
  std::optional<Sheet> sheet_;  ///< as it stands in the record
  std::vector<std::uint64_t> trustees_;
  bool inputs_at_hand_ = false;
  MerkleTree tree_;  ///< over the record's entries, if something was given to compare with
};

}  // namespace

bool AuditReport::accepted() const {
  return std::ranges::none_of(checks,
                              [](const AuditCheck& check) { return check.outcome == Outcome::kFailed; });
}

AuditReport audit_record(const AuditRequest& request) {
  AuditReport report;
  Audit(request, report).run();
  return report;
}

}  // namespace psephos
