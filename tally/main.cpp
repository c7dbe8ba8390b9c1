#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "protocol/checks/upstream.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/definition_json.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/record_directory.h"
#include "protocol/record_layout.h"
#include "tally/decryption.h"
#include "tally/documents.h"
#include "tally/import.h"
#include "tally/publication.h"
#include "tally/trustee.h"

using namespace psephos;

namespace {

namespace fs = std::filesystem;
using Done = Result<void, Rejection>;

/// Every option of every command; a command reads its own.
struct Options {
  std::string record, fingerprint, manifest, definition, board, in, out, previous;
  std::string key, share, state, passphrase_file, purpose, name, kind, event, builds;
  std::string seal_cost = "moderate";
  std::string registrar_key, signature, units, election_id;
  bool skip_absent = false, dry_run = false;
  std::vector<std::string> files, previous_rolls;
  std::uint64_t attempt = 1, version = 0, number = 0, time_s = 0;
};

/// A trustee's share inside its own directory.
constexpr const char* kShareFile = "share";

void say(const std::string& text) {
  std::fputs((text + "\n").c_str(), stdout);
}
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// What opens and seals files: the passphrase, cost and randomness of this run.
struct Opener {
  Passphrase passphrase;
  SealCost cost;
  SystemRng rng;
  Seal seal() { return {passphrase, cost, rng}; }
};
Result<std::unique_ptr<Opener>, Rejection> opener(const Options& o, const std::string& what,
                                                  PassphraseUse use, const SealCost& cost) {
  auto passphrase =
      read_passphrase(o.passphrase_file.empty() ? std::nullopt : std::optional(o.passphrase_file), what, use);
  if (!passphrase) return std::unexpected(passphrase.error());
  return std::unique_ptr<Opener>(new Opener{std::move(*passphrase), cost, {}});
}
/// For a key that exists: what is sealed beside it costs as much.
Result<std::unique_ptr<Opener>, Rejection> open_as(const Options& o) {
  const auto cost = seal_cost_in(o.key);
  if (!cost) return std::unexpected(cost.error());
  return opener(o, o.key, PassphraseUse::kOpen, *cost);
}

/// The election of --manifest; whoever gives --fingerprint too has it compared.
Result<Election, Rejection> open_manifest(const Options& o) {
  const auto bytes = read_file(o.manifest, limits::kManifestBytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (o.fingerprint.empty()) return Election::open(*bytes, std::nullopt);
  return open_pinned(*bytes, o.fingerprint);
}

std::uint64_t now_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

// ---- key, define ------------------------------------------------------------------------------------------

Done make_key(const Options& o) {
  const auto cost = seal_cost(o.seal_cost);
  if (!cost) return std::unexpected(cost.error());
  auto open = opener(o, o.out, PassphraseUse::kCreate, *cost);
  if (!open) return std::unexpected(open.error());
  const Seal seal = (*open)->seal();
  std::string ceremony_key;
  std::string key;
  if (o.purpose == key_kinds::kTrustee) {
    const auto keys = create_trustee(o.out, o.name, seal);
    if (!keys) return std::unexpected(keys.error());
    key = to_hex(keys->key.encode());
    ceremony_key = ", \"ceremony_key\": \"" + to_hex(keys->ceremony_key.encode()) + "\"";
  } else {
    const SigningKey secret = SigningKey::generate(seal.rng);
    if (auto ok =
            write_new_signing_key(o.out, o.purpose, o.name, secret, seal.passphrase, seal.cost, seal.rng);
        !ok)
      return ok;
    key = to_hex(secret.verify_key().encode());
  }
  say("{\"purpose\": " + quoted(o.purpose) + ", \"name\": " + quoted(o.name) + ", \"key\": \"" + key + "\"" +
      ceremony_key + "}");
  return {};
}

Done define(const Options& o) {
  const auto definition = read_definition(o.in);
  if (!definition) return std::unexpected(definition.error());
  if (auto ok = check_definition(*definition); !ok) return ok;
  const Bytes bytes = encode(*definition);
  if (auto ok = write_file(o.out, bytes); !ok) return ok;
  say("definition hash " + to_hex(sha256(bytes)));
  return {};
}

// ---- key ceremony -----------------------------------------------------------------------------------------

Done ceremony_step(const Options& o, CeremonyStep step, bool finish) {
  const auto frozen = read_definition_bytes(o.definition);
  if (!frozen) return std::unexpected(frozen.error());
  auto open = open_as(o);
  if (!open) return std::unexpected(open.error());
  const Seal seal = (*open)->seal();
  const Board board(*frozen, o.board, o.attempt);
  auto desk = CeremonyDesk::open(*frozen, board, o.key, seal);
  if (!desk) return std::unexpected(desk.error());
  const fs::path share = fs::path(o.state) / kShareFile;
  const std::string who = trustee_object(frozen->definition, desk->index());
  if (finish) {
    if (auto ok = desk->finish(share, seal); !ok) return ok;
    say(who + ": the key stands; what only the ceremony needed is erased");
    return {};
  }
  switch (step) {
    case CeremonyStep::kAnnounce:
      if (auto ok = desk->announce(); !ok) return ok;
      say(who + " has announced");
      return {};
    case CeremonyStep::kOpen:
      if (auto ok = desk->open_message(seal); !ok) return ok;
      say(who + " has opened, on announcements of all trustees");
      return {};
    case CeremonyStep::kCertify:
      if (auto ok = desk->certify(share, seal); !ok) return ok;
      say(who + " has checked every share it received, and certified; its sealed share: " + share.string());
      return {};
    case CeremonyStep::kComplain:
      break;
  }
  return {};
}

Result<std::vector<Build>, Rejection> builds_in(const std::string& directory) {
  std::vector<Build> builds;
  if (directory.empty()) return builds;
  for (const char* program : {"audit", "collector", "mixnet", "tally", "vote", "witness"}) {
    const fs::path path = fs::path(directory) / program;
    if (!fs::exists(path)) continue;
    const auto file = MappedFile::open(path);
    if (!file) return std::unexpected(file.error());
    builds.push_back({.program = {program}, .sha256 = sha256(file->view())});
  }
  if (builds.empty()) return reject(Reason::kFileUnreadable, directory + ": no program of this system");
  return builds;
}

Done manifest(const Options& o) {
  const auto frozen = read_definition_bytes(o.definition);
  if (!frozen) return std::unexpected(frozen.error());
  auto builds = builds_in(o.builds);
  if (!builds) return std::unexpected(builds.error());
  const Board board(*frozen, o.board, o.attempt);
  const auto assembled = assemble_manifest(*frozen, board, std::move(*builds));
  if (!assembled) return std::unexpected(assembled.error());
  const Bytes body = encode(*assembled);
  if (auto ok = write_file(o.out, encode(SignedDocument{.body = body, .signatures = {}})); !ok) return ok;
  say("election fingerprint " + to_hex(sha256(body)));
  say(fmt::format("signatures needed: {} of {} commission members", frozen->definition.commission_quorum,
                  frozen->definition.commission.size()));
  return {};
}

// ---- documents --------------------------------------------------------------------------------------------

Result<DocumentKind, Rejection> kind_of(const std::string& word) {
  if (word == "manifest") return DocumentKind::kManifest;
  if (word == "roll") return DocumentKind::kRoll;
  if (word == "revocation" || word == "restoration") return DocumentKind::kRevocation;
  if (word == "phase") return DocumentKind::kPhase;
  return reject(Reason::kUsage, "--kind is manifest, roll, revocation or phase");
}

Done sign_file(const Options& o, DocumentKind kind, const std::string& path, const Election* election,
               const NamedKey& key) {
  const auto bytes = read_file(path, limits::kDocumentBytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto document = decode<SignedDocument>(*bytes);
  if (!document) return reject(document.error().reason, path + ": " + document.error().object);
  const auto roster = commission_for(kind, document->body, election);
  if (!roster) return std::unexpected(roster.error());
  const auto member =
      std::ranges::find_if(*roster, [&](const Member& m) { return m.key == key.key.verify_key().encode(); });
  if (member == roster->end())
    return reject(Reason::kSignatureQuorum, key.name + " is no member of the commission");
  if (auto ok = check_signable(kind, document->body, election); !ok) return ok;
  add_signature(*document, kind, static_cast<std::uint64_t>(member - roster->begin()) + 1, key.key);
  if (auto ok = write_file(path, encode(*document)); !ok) return ok;
  say(fmt::format("{} signed {} {}; signatures: {}", key.name, o.kind, path, document->signatures.size()));
  return {};
}

Done sign(const Options& o) {
  const auto kind = kind_of(o.kind);
  if (!kind) return std::unexpected(kind.error());
  std::optional<Election> election;
  if (*kind != DocumentKind::kManifest) {
    if (o.manifest.empty()) return reject(Reason::kUsage, "--manifest is needed for all but the manifest");
    auto opened = open_manifest(o);
    if (!opened) return std::unexpected(opened.error());
    election = std::move(*opened);
  }
  auto open = open_as(o);
  if (!open) return std::unexpected(open.error());
  const auto key = read_signing_key(o.key, key_kinds::kCommission, (*open)->passphrase);
  if (!key) return std::unexpected(key.error());
  for (const std::string& file : o.files)
    if (auto ok = sign_file(o, *kind, file, election ? &*election : nullptr, *key); !ok) return ok;
  return {};
}

Done fingerprint(const Options& o) {
  const auto bytes = read_file(o.in, limits::kManifestBytes);
  if (!bytes) return std::unexpected(bytes.error());
  Digest256 digest{};
  const char* what = "election fingerprint";
  if (const auto document = decode<SignedDocument>(*bytes);
      document && decode<Manifest>(document->body).has_value()) {
    digest = sha256(document->body);
  } else if (decode<Definition>(*bytes)) {
    digest = sha256(*bytes);
    what = "definition hash";
  } else {
    return reject(Reason::kWireNoncanonical, o.in + ": neither a manifest nor a definition");
  }
  std::fputs((std::string(what) + " " + to_hex(digest) + "\n" + spoken_fingerprint(digest)).c_str(), stdout);
  return {};
}

Done log_key(const Options& o) {
  const auto bytes = read_file(o.in, limits::kManifestBytes);
  if (!bytes) return std::unexpected(bytes.error());
  const auto election = Election::open(*bytes, std::nullopt);
  if (!election) return std::unexpected(election.error());
  say(election->log_key().encode());
  return {};
}

template <class M>
Done write_document(const std::string& out, const M& body) {
  const Bytes bytes = encode(body);
  if (auto ok = decode<M>(bytes); !ok) return std::unexpected(ok.error());  // limits of the encoding
  if (auto ok = write_file(out, encode(SignedDocument{.body = bytes, .signatures = {}})); !ok) return ok;
  say("written to " + out + "; not signed yet");
  return {};
}

Done document_roll(const Options& o) {
  const auto election = open_manifest(o);
  if (!election) return std::unexpected(election.error());
  const auto text = read_file(o.in, limits::kDocumentBytes);
  if (!text) return std::unexpected(text.error());
  auto changes = parse_roll(text_of(*text), election->definition().eid.identity_types);
  if (!changes) return reject(changes.error().reason, o.in + ", " + changes.error().object);
  for (const RollChange& change : *changes)
    if (change.unit && !election->unit_index(*change.unit))
      return reject(Reason::kRollChangeInvalid, o.in + ": the election has no unit " + change.unit->text);
  if ((o.version == 1) != o.previous.empty())
    return reject(Reason::kUsage, "--previous names the document of the version before, from version 2 on");
  RollDocument body{.fingerprint = election->fingerprint(),
                    .version = o.version,
                    .previous = std::nullopt,
                    .changes = std::move(*changes)};
  if (!o.previous.empty()) {
    const auto bytes = read_file(o.previous, limits::kDocumentBytes);
    if (!bytes) return std::unexpected(bytes.error());
    const auto document = decode<SignedDocument>(*bytes);
    if (!document) return reject(document.error().reason, o.previous + ": " + document.error().object);
    const auto before = decode<RollDocument>(document->body);
    if (!before) return reject(before.error().reason, o.previous + ": " + before.error().object);
    if (before->version + 1 != o.version || before->fingerprint != election->fingerprint())
      return reject(Reason::kRollChainGap, o.previous + " is version " + std::to_string(before->version));
    body.previous = sha256(document->body);
  }
  return write_document(o.out, body);
}

Done document_revocation(const Options& o, RevocationKind kind) {
  const auto election = open_manifest(o);
  if (!election) return std::unexpected(election.error());
  const auto text = read_file(o.in, limits::kDocumentBytes);
  if (!text) return std::unexpected(text.error());
  auto ids = parse_ids(text_of(*text), election->definition().eid.identity_types);
  if (!ids) return reject(ids.error().reason, o.in + ", " + ids.error().object);
  return write_document(o.out, RevocationList{.fingerprint = election->fingerprint(),
                                              .number = o.number,
                                              .kind = kind,
                                              .national_ids = std::move(*ids)});
}

// ---- lists of registrars and polling stations -------------------------------------------------------------

/// Who is on the roll by these documents, in order.
Result<RollBook, Rejection> roll_book(const Election& election, const std::vector<std::string>& paths) {
  RollBook book;
  for (const std::string& path : paths) {
    const auto bytes = read_file(path, limits::kDocumentBytes);
    if (!bytes) return std::unexpected(bytes.error());
    const auto document = decode<SignedDocument>(*bytes);
    if (!document) return reject(document.error().reason, path + ": " + document.error().object);
    const auto roll = decode<RollDocument>(document->body);
    if (!roll) return reject(roll.error().reason, path + ": " + roll.error().object);
    if (roll->fingerprint != election.fingerprint()) return reject(Reason::kElectionFpMismatch, path);
    if (auto ok = book.apply(*roll, sha256(document->body)); !ok)
      return reject(ok.error().reason, path + ": " + ok.error().object);
  }
  return book;
}

/// A list with its detached signature.
Result<SignedFile, Rejection> signed_file(const std::string& path, const std::string& signature) {
  auto bytes = read_file(path, limits::kDocumentBytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto signed_by = read_file(signature, kMaxNoteBytes);
  if (!signed_by) return std::unexpected(signed_by.error());
  return SignedFile{fs::path(path).filename().string(), std::move(*bytes), std::move(*signed_by)};
}

Result<RegistrarKey, Rejection> registrar_key(const Options& o) {
  const auto bytes = read_file(o.registrar_key, limits::kNoteBytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto key = RegistrarKey::parse(*bytes);
  if (!key) return reject(key.error().reason, o.registrar_key + ": " + key.error().object);
  return key;
}

std::string state_name_of(const Election& election, const Options& o) {
  return o.election_id.empty() ? election.definition().election.text : o.election_id;
}

Done import_roll_command(const Options& o) {
  const auto election = open_manifest(o);
  if (!election) return std::unexpected(election.error());
  const auto key = registrar_key(o);
  if (!key) return std::unexpected(key.error());
  const auto file = signed_file(o.in, o.signature);
  if (!file) return std::unexpected(file.error());
  UnitRule rule(election->definition());
  if (!o.units.empty()) {
    const auto text = read_file(o.units, limits::kManifestBytes);
    if (!text) return std::unexpected(text.error());
    auto parsed = UnitRule::parse(text_of(*text), election->definition());
    if (!parsed) return reject(parsed.error().reason, o.units + ", " + parsed.error().object);
    rule = std::move(*parsed);
  }
  const auto book = roll_book(*election, o.previous_rolls);
  if (!book) return std::unexpected(book.error());
  const auto imported = import_roll(*election, *book, *key, *file, rule, state_name_of(*election, o),
                                    o.skip_absent ? Absent::kSkip : Absent::kRefuse);
  if (!imported) return std::unexpected(imported.error());
  say(imported->minutes);
  if (o.dry_run) return {};
  return write_document(o.out, imported->document);
}

Done import_paper_command(const Options& o) {
  const auto election = open_manifest(o);
  if (!election) return std::unexpected(election.error());
  const auto key = registrar_key(o);
  if (!key) return std::unexpected(key.error());
  std::vector<SignedFile> files;
  for (const std::string& path : o.files) {
    auto file = signed_file(path, path + ".sig");
    if (!file) return std::unexpected(file.error());
    files.push_back(std::move(*file));
  }
  const auto book = roll_book(*election, o.previous_rolls);
  if (!book) return std::unexpected(book.error());
  const auto imported = import_paper(*election, *book, *key, files, state_name_of(*election, o), o.number);
  if (!imported) return std::unexpected(imported.error());
  say(imported->minutes);
  if (o.dry_run) return {};
  return write_document(o.out, imported->list);
}

Done document_phase(const Options& o) {
  const auto election = open_manifest(o);
  if (!election) return std::unexpected(election.error());
  PhaseEvent event{.fingerprint = election->fingerprint(),
                   .kind = PhaseEventKind::kOpened,
                   .time_s = o.time_s != 0 ? o.time_s : now_s()};
  if (o.event == "closed")
    event.kind = PhaseEventKind::kCastingClosed;
  else if (o.event == "sealed")
    event.kind = PhaseEventKind::kLogSealed;
  return write_document(o.out, event);
}

// ---- decryption and count ---------------------------------------------------------------------------------

Result<std::unique_ptr<OpensslEidVerifier>, Rejection> eid_of(const Election& election) {
  auto eid = OpensslEidVerifier::create(election.definition().eid);
  if (!eid) return reject(eid.error(), "eID profile of the definition");
  return std::move(*eid);
}

enum class Pin { kNeeded, kIfGiven };
/// The election of a record, or of --manifest if given. Where a secret is at stake the fingerprint is needed.
Result<Election, Rejection> open_election(const Options& o, const RecordReader& record, Pin pin) {
  if (o.manifest.empty() && (pin == Pin::kNeeded || !o.fingerprint.empty()))
    return open_record(record, o.fingerprint);
  const auto bytes =
      read_file(o.manifest.empty() ? fs::path(o.record) / layout::manifest() : fs::path(o.manifest),
                limits::kManifestBytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (pin == Pin::kNeeded || !o.fingerprint.empty()) return open_pinned(*bytes, o.fingerprint);
  return Election::open(*bytes, std::nullopt);
}

Done decrypt(const Options& o) {
  if (o.share.empty() == o.state.empty())
    return reject(Reason::kUsage, "either --share or --state is needed");
  const RecordDirectory record(o.record);
  const auto election = open_election(o, record, Pin::kNeeded);
  if (!election) return std::unexpected(election.error());
  const auto label = secret_label(o.key);
  if (!label) return std::unexpected(label.error());
  const auto& trustees = election->definition().trustees;
  const auto found = std::ranges::find(trustees, label->second, &Trustee::name);
  if (label->first != key_kinds::kTrustee || found == trustees.end())
    return reject(reason_of(Fault::kShareTrustee), o.key + " is of " + label->first + " " + label->second);
  const auto trustee = static_cast<std::uint64_t>(found - trustees.begin()) + 1;

  const auto eid = eid_of(*election);
  if (!eid) return std::unexpected(eid.error());
  Gate gate;
  const auto upstream =
      verify_upstream({*election, record, gate, eid->get()}, election->definition().mixers.size());
  if (auto ok = gate.verdict(); !ok) return ok;

  const std::string share_path = o.share.empty() ? (fs::path(o.state) / kShareFile).string() : o.share;
  auto open = open_as(o);
  if (!open) return std::unexpected(open.error());
  const Seal seal = (*open)->seal();
  const auto key = read_signing_key(o.key, key_kinds::kTrustee, seal.passphrase);
  if (!key) return std::unexpected(key.error());
  auto share = read_share(share_path, seal.passphrase);
  if (!share) return std::unexpected(share.error());
  if (key->key.verify_key() != election->trustee_keys()[trustee - 1] ||
      share->definition_hash != election->definition_hash() ||
      Ristretto::mul_base(share->x) != election->Y_of(trustee))
    return reject(reason_of(Fault::kShareTrustee),
                  o.share + ": not this trustee's share of this election's key");
  if (auto ok = note_decryption(share_path, label->second, *share,
                                decryption_set(*election, upstream->lists, upstream->mixes.last), seal);
      !ok)
    return ok;

  std::uint64_t ballots = 0;
  for (const GroupSheet& group : upstream->lists.sheet.groups) ballots += group.counted;
  {
    Progress progress("decrypt", ballots, "ciphertexts");
    auto ok = share_lists(
        *election, upstream->lists, upstream->mixes.last, trustee, share->x, key->key, seal.rng,
        [&](const NewFile& file) { return record.write({&file, 1}); },
        [&](std::uint64_t n) { progress.advance(n); });
    if (!ok) return ok;
  }
  say(fmt::format("{} made shares of {} ciphertexts in {} groups; statement: {}", label->second, ballots,
                  upstream->lists.sheet.groups.size(), layout::share_statement(trustee)));
  say(gate.clock().text());
  return {};
}

/// Moves a trustee's shares out of the record into a directory beside it, where they stay as evidence.
Done set_aside(const RecordDirectory& record, std::size_t groups, std::uint64_t trustee) {
  fs::path beside = fs::absolute(record.root()).lexically_normal();
  if (!beside.has_filename()) beside = beside.parent_path();  // written with a slash at its end
  beside += ".set-aside";
  std::vector<std::string> paths{layout::share_statement(trustee)};
  for (std::size_t g = 0; g < groups; ++g) {
    paths.push_back(layout::share(g, trustee));
    paths.push_back(layout::share_proof(g, trustee));
  }
  for (const std::string& path : paths) {
    const fs::path from = record.root() / path;
    const fs::path to = beside / path;
    std::error_code error;
    if (!fs::exists(from, error)) continue;
    fs::create_directories(to.parent_path(), error);
    fs::rename(from, to, error);
    if (error) return reject(Reason::kFileUnreadable, from.string() + ": " + error.message());
  }
  return {};
}

Done combine_record(const Options& o) {
  const RecordDirectory record(o.record);
  const auto election = open_election(o, record, Pin::kIfGiven);
  if (!election) return std::unexpected(election.error());
  Gate gate;
  const Verification v{*election, record, gate, nullptr};
  const auto log = verify_log(v);
  const auto lists = log ? verify_lists(v, *log) : std::nullopt;
  if (auto ok = gate.first(); !ok) return ok;
  const auto mixes = read_last_mix_unproven(*election, record, *lists);
  if (!mixes) return std::unexpected(mixes.error());
  const auto combined = combine(*election, record, *lists, *mixes);
  if (!combined) return std::unexpected(combined.error());
  for (const auto& [trustee, rejection] : combined->left_out) {
    std::fprintf(stderr, "psephos tally: trustee %llu (%s) is left out: %s\n",
                 static_cast<unsigned long long>(trustee),
                 election->definition().trustees[trustee - 1].name.c_str(), to_string(rejection).c_str());
    if (auto ok = set_aside(record, lists->sheet.groups.size(), trustee); !ok) return ok;
  }
  if (auto ok = record.write(combined->plaintexts); !ok) return ok;
  say(fmt::format("combined the shares of {} trustees into plaintexts of {} groups", combined->used.size(),
                  combined->plaintexts.size()));
  say(gate.clock().text());
  return {};
}

Done publish(const Options& o) {
  const RecordDirectory record(o.record);
  const auto election = open_election(o, record, Pin::kIfGiven);
  if (!election) return std::unexpected(election.error());
  const auto results = result_files(*election, record);
  if (!results) return std::unexpected(results.error());
  if (auto ok = record.write(*results); !ok) return ok;
  const auto indices = index_files(*election, record);
  if (!indices) return std::unexpected(indices.error());
  if (auto ok = record.write(*indices); !ok) return ok;
  for (const NewFile& file : *results) say((record.root() / file.path).string());
  return {};
}

// ---- command line -----------------------------------------------------------------------------------------

struct Line {
  Options& o;
  void passphrase(CLI::App& c) {
    c.add_option("--passphrase-file", o.passphrase_file,
                 "file with the passphrase (else PSEPHOS_PASSPHRASE or a prompt)");
  }
  void out(CLI::App& c, const char* what) { c.add_option("--out", o.out, what)->required(); }
  void definition(CLI::App& c) {
    c.add_option("--definition", o.definition, "the frozen definition (tally define)")->required();
  }
  void board(CLI::App& c) {
    c.add_option("--board", o.board, "directory where the trustees' messages lie")->required();
    c.add_option("--attempt", o.attempt, "number of this attempt; a new one after a fault")
        ->capture_default_str();
  }
  void manifest(CLI::App& c, bool required) {
    auto* option = c.add_option("--manifest", o.manifest, "the signed manifest");
    if (required) option->required();
    c.add_option("--fingerprint", o.fingerprint, "the announced fingerprint, to compare with");
  }
  void record(CLI::App& c) {
    c.add_option("RECORD", o.record, "directory of the record")->required();
    c.add_option("--fingerprint", o.fingerprint,
                 "the election's fingerprint as the commission announced it (64 digits)");
    c.add_option("--manifest", o.manifest, "the signed manifest, if not the record's");
  }
};

}  // namespace

int main(int argc, char** argv) {
  Program program("tally",
                  "Keys, documents and key ceremony of an election; decryption, count and publication.");
  Options o;
  Line line{o};

  CLI::App& key = program.command("key", "Make a sealed key; prints its public part as JSON.",
                                  [&] { return make_key(o); });
  key.add_option("--purpose", o.purpose, "whose key: commission, mixer or trustee")
      ->required()
      ->check(CLI::IsMember({"commission", "mixer", "trustee"}));
  key.add_option("--name", o.name, "the owner's name as the definition has it")->required();
  line.out(key, "new file for the key; a trustee's has a second one beside it, .ceremony");
  line.passphrase(key);
  key.add_option("--seal-cost", o.seal_cost,
                 "work for one guess at the passphrase: moderate, or interactive for demonstrations")
      ->capture_default_str();

  CLI::App& def = program.command("define", "Check and freeze a readable definition; prints its hash.",
                                  [&] { return define(o); });
  def.add_option("--in", o.in, "definition as JSON (SPEC 4.1)")->required();
  line.out(def, "file for the canonical bytes");

  CLI::App& keygen = program.group("keygen", "A trustee's steps in the key ceremony, in this order.");
  const auto step = [&](const char* name, const char* what, CeremonyStep which, bool finish) {
    CLI::App& c =
        program.command(keygen, name, what, [&o, which, finish] { return ceremony_step(o, which, finish); });
    line.definition(c);
    c.add_option("--key", o.key, "this trustee's key (tally key --purpose trustee)")->required();
    c.add_option("--state", o.state, "this trustee's own directory, where its share will lie")->required();
    line.board(c);
    line.passphrase(c);
  };
  step("announce", "Commit to this trustee's contribution.", CeremonyStep::kAnnounce, false);
  step("open", "When all have announced: open the contribution.", CeremonyStep::kOpen, false);
  step("certify", "When all have opened: check the shares received, seal the own share, certify.",
       CeremonyStep::kCertify, false);
  step("finish", "When all have certified: check it all once more and erase what only the ceremony needed.",
       CeremonyStep::kCertify, true);

  CLI::App& man =
      program.command("manifest", "Assemble the manifest from definition and ceremony; to be signed.",
                      [&] { return manifest(o); });
  line.definition(man);
  line.board(man);
  man.add_option("--builds", o.builds, "directory of the programs whose hashes it names");
  line.out(man, "file for the unsigned manifest");

  CLI::App& signing =
      program.command("sign", "Add a commission member's signature to documents, after checking them.",
                      [&] { return sign(o); });
  signing.add_option("--key", o.key, "the member's key (tally key --purpose commission)")->required();
  signing.add_option("--kind", o.kind, "manifest, roll, revocation or phase")->required();
  line.manifest(signing, false);
  signing.add_option("FILE", o.files, "documents; signatures are added in place")->required();
  line.passphrase(signing);

  CLI::App& print =
      program.command("fingerprint", "Print the fingerprint of a manifest in groups for reading aloud.",
                      [&] { return fingerprint(o); });
  print.add_option("FILE", o.in, "manifest, or frozen definition")->required();

  CLI::App& log =
      program.command("log-key", "Print the log's key as C2SP verifier key: what a witness is set up with.",
                      [&] { return log_key(o); });
  log.add_option("FILE", o.in, "the signed manifest")->required();

  CLI::App& documents = program.group("document", "Make a document for the commission to sign.");
  CLI::App& roll =
      program.command(documents, "roll", "The roll, or a change set, from lines of tab-separated fields.",
                      [&] { return document_roll(o); });
  roll.add_option("--in", o.in,
                  "lines: id, unit (and given name, surname); or +, id, unit; move, id, unit; -, id")
      ->required();
  roll.add_option("--version", o.version, "1 for the roll, then 2, 3, …")->required();
  roll.add_option("--previous", o.previous, "the document of the version before");
  const auto revocation = [&](const char* name, const char* what, RevocationKind kind) {
    CLI::App& c = program.command(documents, name, what, [&o, kind] { return document_revocation(o, kind); });
    c.add_option("--in", o.in, "national ids, one a line")->required();
    c.add_option("--number", o.number, "1, 2, …: one sequence for revocations and restorations")->required();
    line.manifest(c, true);
    line.out(c, "file for the unsigned document");
  };
  line.manifest(roll, true);
  line.out(roll, "file for the unsigned document");
  revocation("revocation", "Voters whose ballots do not count, since they voted on paper.",
             RevocationKind::kRevoke);
  revocation("restoration", "Voters whose last ballots count again.", RevocationKind::kRestore);
  const auto importing = [&](CLI::App& c) {
    c.add_option(
         "--registrar-key", o.registrar_key,
         "public key of whoever signed: PEM (P-256, P-384, Ed25519), or a verifier key of signed notes")
        ->required();
    c.add_option("--election-id", o.election_id,
                 "how the lists name the election, e.g. RK_2027 (default: the definition's name)");
    c.add_flag("--dry-run", o.dry_run, "check and show the minutes, write nothing");
    line.manifest(c, true);
    line.out(c, "file for the unsigned document");
  };
  CLI::App& import_roll_app = program.command(
      documents, "import-roll",
      "The roll, or a change set, from the registrar's signed file: the public Estonian interface's, version "
      "2, or "
      "JSON. Example: tally document import-roll --manifest M --in RK_2027-voters-1.utf --signature "
      "RK_2027-voters-1.sig --registrar-key vis3.pem --election-id RK_2027 --previous roll-1 --out roll-2",
      [&o] { return import_roll_command(o); });
  import_roll_app.add_option("--in", o.in, "the registrar's file")->required();
  import_roll_app.add_option("--signature", o.signature, "its detached signature")->required();
  import_roll_app
      .add_option("--previous", o.previous_rolls,
                  "every document of the roll before, in order: version 1, 2, …")
      ->allow_extra_args(false);
  import_roll_app.add_option(
      "--units", o.units,
      "lines: administrative unit (or *), district, unit of this election; without it, units "
      "are named as 0482.3");
  import_roll_app.add_flag("--skip-absent", o.skip_absent,
                           "leave out removals of persons who are not on the roll, and say so");
  importing(import_roll_app);
  CLI::App& import_paper_app =
      program.command(documents, "import-paper",
                      "A revocation (or restoration) list from polling stations' signed lists of voters on "
                      "paper, all of them each "
                      "time. Example: tally document import-paper station-*.tsv --registrar-key stations.pem "
                      "--roll roll-1 --roll "
                      "roll-2 --number 3 --election-id KOV_2027 --manifest M --out revocation-3",
                      [&o] { return import_paper_command(o); });
  import_paper_app.add_option("FILE", o.files, "the lists; each has its detached signature beside it, .sig")
      ->required();
  import_paper_app
      .add_option("--roll", o.previous_rolls, "every document of the roll, in order: version 1, 2, …")
      ->allow_extra_args(false)
      ->required();
  import_paper_app.add_option("--number", o.number, "1, 2, …: one sequence for revocations and restorations")
      ->required();
  importing(import_paper_app);
  CLI::App& phase = program.command(documents, "phase", "The election moves to its next phase.",
                                    [&] { return document_phase(o); });
  phase.add_option("--event", o.event, "opened, closed or sealed")
      ->required()
      ->check(CLI::IsMember({"opened", "closed", "sealed"}));
  phase.add_option("--time", o.time_s, "unix seconds; the clock's, if left out");
  line.manifest(phase, true);
  line.out(phase, "file for the unsigned document");

  CLI::App& decryption = program.command(
      "decrypt", "Verify everything upstream, then make this trustee's shares of every list, prove and sign.",
      [&] { return decrypt(o); });
  line.record(decryption);
  decryption.add_option("--key", o.key, "the trustee's key")->required();
  decryption.add_option("--share", o.share, "the trustee's sealed share (from tally keygen certify)");
  decryption.add_option("--state", o.state, "or the trustee's own directory, where that share lies");
  line.passphrase(decryption);

  line.record(program.command("combine", "Verify the shares that are there and combine a quorum of them.",
                              [&] { return combine_record(o); }));
  line.record(program.command("publish",
                              "Count the plaintexts, write the result and the indices of the record.",
                              [&] { return publish(o); }));
  return program.run(argc, argv);
}
