#include "tests/support/test_election.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>

#include <stdexcept>

#include "protocol/archive.h"
#include "protocol/checks/definition.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/time_stamp.h"
#include "protocol/labels.h"
#include "protocol/signed.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos::test {

namespace {

std::vector<SigningKey> make_keys(std::size_t n, Rng& rng) {
  std::vector<SigningKey> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(SigningKey::generate(rng));
  return out;
}

std::vector<Text> texts(const std::string& english, const std::string& estonian) {
  return {{{"en"}, english}, {{"et"}, estonian}};
}

ChoiceList list(const std::string& id, const std::vector<std::string>& names) {
  ChoiceList out{.id = {id}, .choices = {}};
  for (std::size_t i = 0; i < names.size(); ++i)
    out.choices.push_back({.id = {id + "-" + std::to_string(101 + i)},
                           .names = texts(names[i], names[i]),
                           .kind = ChoiceKind::kCandidate,
                           .group = {}});
  out.choices.push_back({.id = {id + "-blank"},
                         .names = texts("Blank vote", "Tühi hääl"),
                         .kind = ChoiceKind::kBlank,
                         .group = {}});
  return out;
}

std::vector<Member> members(const std::string& role, const std::vector<SigningKey>& keys) {
  std::vector<Member> out;
  for (std::size_t i = 0; i < keys.size(); ++i)
    out.push_back({.name = role + std::to_string(i + 1), .key = keys[i].verify_key().encode()});
  return out;
}

SignedDocument sign_ceremony(const SigningKey& key, std::uint64_t trustee, const CeremonyMessage& message) {
  SignedDocument out{.body = encode(message), .signatures = {}};
  out.signatures.push_back(
      {.signer = trustee, .signature = key.sign_labelled(labels::kSignCeremony, out.body)});
  return out;
}

}  // namespace

SignedBallot opened(const Envelope& envelope) {
  auto out = read_container(envelope.container);
  if (!out) throw std::runtime_error(to_string(out.error()));
  return std::move(*out);
}

Envelope without_signature(Envelope envelope) {
  auto files = read_archive(envelope.container, 16).value();
  std::erase_if(files, [](const ArchivedFile& file) { return file.name == "META-INF/signatures0.xml"; });
  envelope.container = write_archive(files);
  return envelope;
}

Bytes sign_r_s(const trust::EcKey& key, ByteView message, Rng& rng) {
  const bool p384 = key.curve == EcCurve::kP384;
  ByteArray<SHA384_DIGEST_LENGTH> digest{};
  if (p384)
    SHA384(message.data(), message.size(), digest.data());
  else
    SHA256(message.data(), message.size(), digest.data());
  const std::size_t width = trust::scalar_bytes(key.curve);
  const Bytes der = trust::sign(key, ByteView(digest).first(p384 ? 48 : 32), rng);
  const std::uint8_t* at = der.data();
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  Bytes out(2 * width);
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), out.data(), static_cast<int>(width));
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), out.data() + width, static_cast<int>(width));
  ECDSA_SIG_free(signature);
  return out;
}

void SeededRng::fill(std::span<std::uint8_t> out) {
  for (std::uint8_t& byte : out) {
    if (rest_.empty()) {
      rest_ = copy_of(Sha512().update(bytes_of(seed_)).update(u64be(block_++)).finish());
      std::reverse(rest_.begin(), rest_.end());
    }
    byte = rest_.back();
    rest_.pop_back();
  }
}

TestElection::TestElection(const Options& options)
    : rng_(options.seed.empty() ? std::unique_ptr<Rng>(std::make_unique<SystemRng>())
                                : std::make_unique<SeededRng>(options.seed)),
      commission(make_keys(3, *rng_)),
      trustees(make_keys(3, *rng_)),
      mixers(make_keys(3, *rng_)),
      witnesses(make_keys(3, *rng_)),
      collector(make_keys(2, *rng_)),
      options_(options),
      trust_(*rng_, static_cast<std::int64_t>(options.casting_begins_s) - 86'400) {
  std::vector<DkgSecret> ceremony_secrets;
  Definition d{.suite = std::string(labels::kSuite),
               .election = {options.election},
               .mode = options.mode,
               .languages = {{"en"}, {"et"}},
               .title = texts("Test election", "Katsevalimine"),
               .contests = {{.id = {"mayor"},
                             .title = texts("Mayor", "Linnapea"),
                             .slots = 1,
                             .lists = {list("mayor", {"Ada", "Bo", "Cy"})}},
                            {.id = {"council"},
                             .title = texts("Council", "Volikogu"),
                             .slots = 1,
                             .lists = {list("c1", {"Dea", "Eno", "Fil"}), list("c2", {"Gil", "Hu", "Ivo"})}}},
               .units = {{.id = {"u1"},
                          .names = texts("One", "Üks"),
                          .contests = {{{"mayor"}, {"mayor"}}, {{"council"}, {"c1"}}}},
                         {.id = {"u2"},
                          .names = texts("Two", "Kaks"),
                          .contests = {{{"mayor"}, {"mayor"}}, {{"council"}, {"c2"}}}},
                         {.id = {"u3"},
                          .names = texts("Three", "Kolm"),
                          .contests = {{{"mayor"}, {"mayor"}}, {{"council"}, {"c2"}}}}},
               .periods = {options.casting_begins_s, options.casting_ends_s, options.grace_ends_s},
               .policy = {.smallest_group = options.smallest_group,
                          .mix_inputs = options.mix_inputs,
                          .superseded = SupersededStatus::kShown,
                          .verification_minutes = 30,
                          .verification_count = 3,
                          .ticket_minutes = 30},
               .eid = trust::test_profile(trust_.ca.anchors(), trust_.time_stamp_ca.anchors()),
               .commission = members("Member ", commission),
               .commission_quorum = 2,
               .trustees = {},
               .trustee_quorum = 2,
               .mixers = members("Mixer ", mixers),
               .witnesses = members("witness.example/w", witnesses),
               .witness_quorum = 2,
               .collector = {.origin = "collector.example/log",
                             .log_key = collector[0].verify_key().encode(),
                             .service_key = collector[1].verify_key().encode(),
                             .tls_certificate_sha256 = {}}};
  for (std::size_t i = 0; i < trustees.size(); ++i) {
    ceremony_secrets.push_back(DkgSecret::create(*rng_));
    d.trustees.push_back({.name = "Trustee " + std::to_string(i + 1),
                          .key = trustees[i].verify_key().encode(),
                          .ceremony_key = ceremony_secrets[i].static_key()});
  }
  if (options.amend) options.amend(d);

  // The key ceremony, each trustee in turn.
  const Digest256 definition_hash = sha256(encode(d));
  const auto setup = ceremony_setup(d, definition_hash, 1).value();
  KeyCeremony ceremony{
      .attempt = 1, .announcements = {}, .openings = {}, .certificates = {}, .complaints = {}};
  const auto message = [&](std::uint64_t trustee, CeremonyStep step, ByteView payload) {
    return sign_ceremony(trustees[trustee - 1], trustee,
                         {.definition_hash = definition_hash,
                          .attempt = 1,
                          .step = step,
                          .trustee = trustee,
                          .payload = copy_of(payload)});
  };
  std::vector<DkgParticipant> participants;
  std::vector<DkgAnnouncement> announcements;
  std::vector<Bytes> openings;
  for (std::uint32_t i = 1; i <= trustees.size(); ++i) {
    participants.push_back(DkgParticipant::create(setup, i, std::move(ceremony_secrets[i - 1])).value());
    announcements.push_back(participants.back().announce());
    ceremony.announcements.push_back(message(i, CeremonyStep::kAnnounce, announcements.back().encode()));
  }
  for (std::uint32_t i = 1; i <= trustees.size(); ++i) {
    openings.push_back(participants[i - 1].open(announcements).value());
    ceremony.openings.push_back(message(i, CeremonyStep::kOpen, openings.back()));
  }
  DkgKeys keys;
  for (std::uint32_t i = 1; i <= trustees.size(); ++i) {
    auto outcome = participants[i - 1].finish(announcements, openings).value();
    ceremony.certificates.push_back(message(i, CeremonyStep::kCertify, outcome.certificate));
    secret_shares.push_back(std::move(outcome.secret_share));
    keys = outcome.keys;
  }
  const Manifest manifest{.definition = std::move(d),
                          .ceremony = std::move(ceremony),
                          .joint_key = keys.joint_key,
                          .verification_keys = keys.verification_keys,
                          .builds = {}};
  auto opened = Election::open(signed_manifest(manifest), std::nullopt);
  if (!opened) throw std::runtime_error(to_string(opened.error()));
  election_ = std::move(*opened);
  eid_ = OpensslEidVerifier::create(election().definition().eid).value();
}

Bytes TestElection::signed_manifest(const Manifest& manifest) const {
  return document(labels::kSignManifest, manifest);
}

const Card& TestElection::card(std::uint64_t n) {
  const auto it = cards_.find(n);
  if (it != cards_.end()) return it->second;
  return cards_
      .emplace(n, make_card({.national_id = trust::artificial_national_id(n),
                             .given_name = "Given" + std::to_string(n),
                             .surname = "Family"}))
      .first->second;
}

Card TestElection::make_card(const Person& person) {
  Card card{.person = person,
            .authentication = trust::generate_p384(*rng_),
            .signing = trust::generate_p384(*rng_),
            .authentication_certificate = {},
            .signing_certificate = {}};
  const auto now = static_cast<std::int64_t>(options_.casting_begins_s) - 3600;
  card.authentication_certificate = trust_.ca.issue(
      trust::card_fields(person, KeyUse::kAuthentication, card.authentication.point, now), *rng_);
  card.signing_certificate =
      trust_.ca.issue(trust::card_fields(person, KeyUse::kSigning, card.signing.point, now), *rng_);
  return card;
}

Bytes TestElection::sign(std::string_view label, const Bytes& body,
                         std::vector<std::uint64_t> signers) const {
  if (signers.empty()) signers = {1, 2};
  SignedDocument document{.body = body, .signatures = {}};
  for (const std::uint64_t signer : signers)
    document.signatures.push_back(
        {.signer = signer, .signature = commission[signer - 1].sign_labelled(label, body)});
  return encode(document);
}

Bytes TestElection::roll(std::uint64_t version, const std::optional<Digest256>& previous,
                         std::vector<RollChange> changes) const {
  return document(labels::kSignRoll, RollDocument{.fingerprint = election().fingerprint(),
                                                  .version = version,
                                                  .previous = previous,
                                                  .changes = std::move(changes)});
}

Bytes TestElection::phase(PhaseEventKind kind, std::uint64_t time_s) const {
  return document(labels::kSignPhase,
                  PhaseEvent{.fingerprint = election().fingerprint(), .kind = kind, .time_s = time_s});
}

Bytes TestElection::revocation(std::uint64_t number, RevocationKind kind, std::vector<NationalId> ids) const {
  std::sort(ids.begin(), ids.end());
  return document(labels::kSignRevocation, RevocationList{.fingerprint = election().fingerprint(),
                                                          .number = number,
                                                          .kind = kind,
                                                          .national_ids = std::move(ids)});
}

ServiceSigned TestElection::sign_ticket(const CastTicket& ticket) const {
  ServiceSigned out{.body = encode(ticket), .signature = {}};
  out.signature = collector[1].sign_labelled(labels::kSignTicket, out.body);
  return out;
}

CastTicket TestElection::ticket(const ElectionState& state, std::uint64_t n, std::uint64_t now_s) {
  const Voter* voter = state.find(pseudonym(n));
  if (voter == nullptr || !state.unit_now(*voter)) throw std::runtime_error("voter is not on the roll");
  CastTicket ticket{.fingerprint = election().fingerprint(),
                    .pseudonym = pseudonym(n),
                    .unit = election().definition().units[*state.unit_now(*voter)].id,
                    .roll_version = state.roll_version(),
                    .counter = voter->ballots + 1U,
                    .previous = std::nullopt,
                    .checkpoint = {},
                    .nonce = {},
                    .expires_s = now_s + 1800};
  if (voter->last) ticket.previous = state.last_ballot(*voter)->id;
  rng_->fill(ticket.nonce);
  return ticket;
}

Envelope TestElection::envelope(const Bytes& ballot, const CastTicket& ticket, const Card& card) const {
  SignedBallot out{.ballot = ballot,
                   .certificate = card.signing_certificate,
                   .scheme = SignatureScheme::kEcdsaSha384,
                   .signing_time_s = options_.casting_begins_s,
                   .signature = {},
                   .evidence = std::nullopt};
  out.signature = sign_r_s(card.signing, signed_info(out), *rng_);
  return {.container = write_container(out), .ticket = sign_ticket(ticket)};
}

Result<Evidence, Reason> TestElection::evidence(const SignedBallot& signed_ballot, std::int64_t at_unix_s) {
  const auto issuer = eid().issuer_of(signed_ballot.certificate);
  if (!issuer) return std::unexpected(issuer.error());
  const auto certificate = parse_certificate(signed_ballot.certificate);
  const auto authority = parse_certificate(*issuer);
  Evidence out{.time_stamp = {}, .issuer = copy_of(*issuer), .ocsp = {}};
  const Bytes stamped = signature_value(signed_ballot.signature);
  auto token = time_stamp_token_of(trust_.tsa.answer(time_stamp_request(stamped), at_unix_s));
  if (!token) return std::unexpected(token.error());
  out.time_stamp = std::move(*token);
  out.ocsp =
      trust_.ocsp.answer(ocsp_request(*certificate, *authority, ocsp_nonce(out.time_stamp)), at_unix_s);
  return out;
}

BallotItem TestElection::logged(const Envelope& envelope, std::uint64_t received_ms) {
  BallotItem item{.envelope = envelope, .received_ms = received_ms};
  auto container = read_container(envelope.container);
  if (!container) return item;
  auto proved = evidence(*container, static_cast<std::int64_t>(received_ms / 1000));
  if (!proved) return item;
  container->evidence = std::move(*proved);
  item.envelope.container = write_container(*container);
  return item;
}

BallotItem TestElection::cast(const CastTicket& ticket, std::uint64_t n, std::span<const std::size_t> choices,
                              std::uint64_t now_ms, const BallotSeed* seed) {
  const BallotSeed fresh = BallotSeed::random(*rng_);
  const Ballot ballot = make_ballot(election(), ticket, sha256(encode(ticket)), choices,
                                    seed != nullptr ? *seed : fresh, *rng_);
  return logged(envelope(ballot, ticket, card(n)), now_ms);
}

SignedNote TestElection::cosigned_checkpoint(const MerkleTree& tree) const {
  const Checkpoint checkpoint{.origin = election().log_origin(), .size = tree.size(), .root = tree.root()};
  SignedNote note = sign_checkpoint(checkpoint, collector[0]);
  for (std::size_t i = 0; i < 2; ++i)
    note.signatures.push_back(cosign(note.text, election().definition().witnesses[i].name, witnesses[i],
                                     options_.casting_begins_s));
  return note;
}

void TestLog::force(EntryType type, const Bytes& item) {
  LoggedItem logged{.salt = {}, .item = item};
  e_.rng().fill(logged.salt);
  entries.push_back(make_entry(type, logged.salt, item));
  tree.append(leaf_hash(entries.back()));
  items.push_back(std::move(logged));
}

void TestLog::document(EntryType type, const Bytes& item) {
  const auto ok = state.apply_document(entries.size(), type, item);
  ASSERT_TRUE(ok) << to_string(ok.error());
  force(type, item);
}

void TestLog::open_casting(std::initializer_list<std::uint64_t> voters_of_units) {
  std::vector<RollChange> changes;
  std::uint64_t unit = 0;
  for (const std::uint64_t voters : voters_of_units) {
    ++unit;
    for (std::uint64_t i = 0; i < voters; ++i)
      changes.push_back({.kind = RollChangeKind::kAdd,
                         .national_id = e_.card(changes.size() + 1).person.national_id,
                         .unit = Id{"u" + std::to_string(unit)}});
  }
  document(EntryType::kRoll, e_.roll(1, std::nullopt, changes));
  document(EntryType::kPhase, e_.phase(PhaseEventKind::kOpened, e_.options().casting_begins_s));
}

void TestLog::ballot(const BallotItem& item) {
  const auto admission = state.admit(item, e_.eid());
  ASSERT_TRUE(admission) << to_string(admission.error());
  state.record_ballot(entries.size(), *admission);
  force(EntryType::kBallot, encode(item));
}

BallotId TestLog::vote(std::uint64_t n, std::vector<std::size_t> choices) {
  now_s = std::max(now_s, e_.options().casting_begins_s) + 1;
  const BallotItem item = e_.cast(e_.ticket(state, n, now_s), n, choices, now_s * 1000);
  ballot(item);
  return id_of(item.envelope);
}

void TestLog::close_and_seal() {
  document(EntryType::kPhase, e_.phase(PhaseEventKind::kCastingClosed, e_.options().casting_ends_s));
  document(EntryType::kPhase, e_.phase(PhaseEventKind::kLogSealed, e_.options().grace_ends_s));
}

Replay replay_items(const TestElection& e, std::span<const EntryBytes> entries,
                    std::span<const LoggedItem> items) {
  std::vector<Bytes> encoded;
  for (const LoggedItem& item : items) encoded.push_back(encode(item));
  return replay_log(
      e.election(), e.eid(), entries,
      [&](std::uint64_t i) -> Result<ByteView, Rejection> { return encoded[i]; }, nullptr);
}

Replay TestLog::replay() const {
  return replay_items(e_, entries, items);
}

std::pair<Bytes, Bytes> mix(TestElection& e, const Generators& generators, const GroupSheet& sheet,
                            std::uint64_t position, std::uint64_t mixer, const VerifiedList& before) {
  const auto shuffled = shuffle<Ristretto>(e.election().Y(), before.list, e.rng());
  const ListHeader header = mixed_header(e.election(), sheet, position, mixer, before.file_hash);
  const Bytes output = write_ciphertexts(header, shuffled.output.items);
  Transcript transcript = mix_transcript(e.election(), sheet, position, mixer, before.file_hash);
  const ShuffleStatement<Ristretto> statement{e.election().Y(), before.list, shuffled.output};
  const auto proof = prove_shuffle(statement, shuffled.witness, transcript, generators, e.rng());
  return {output, write_elements(mix_proof_header(header, sha256(output)), encode_proof(proof))};
}

std::pair<Bytes, Bytes> decrypt(TestElection& e, const GroupSheet& sheet, std::uint64_t trustee,
                                const VerifiedList& mixed) {
  const auto& x = e.secret_shares[trustee - 1];
  const auto shares = decryption_shares<Ristretto>(x, mixed.list.items);
  const ListHeader header = share_header(e.election(), sheet, trustee, mixed.file_hash);
  const Bytes share_file = write_points(header, shares);
  Transcript transcript = share_transcript(e.election(), sheet, trustee, mixed.file_hash);
  const DecryptionStatement<Ristretto> statement{e.election().Y_of(trustee), mixed.list.items, shares};
  const auto proof = prove_decryption_shares(statement, x, transcript, e.rng());
  return {share_file, write_elements(share_proof_header(header, sha256(share_file)), proof.encode())};
}

}  // namespace psephos::test
