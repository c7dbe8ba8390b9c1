#include "collector/service.h"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "collector/ticket.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/labels.h"
#include "protocol/signed.h"

namespace psephos::collector {

namespace {

constexpr std::uint64_t kMaxEntriesPerRequest = 10'000;
constexpr std::string_view kEntriesPath = "/v1/log/entries/";

/// SPEC §9.0.
int status_for(Reason reason) {
  const auto number = static_cast<std::uint16_t>(reason);
  const bool bad_bytes = number < 130 || (number >= 200 && number < 210) || (number >= 380 && number <= 388);
  if (bad_bytes) return 400;
  switch (reason) {
    case Reason::kRequestUnknown:
    case Reason::kVerifyUnknown:
    case Reason::kMobileSessionUnknown:
      return 404;
    case Reason::kStaleCastCounter:
    case Reason::kCastConflict:
    case Reason::kRecastChainBroken:
    case Reason::kRecastOrderConflict:
    case Reason::kBallotDuplicateCiphertext:
      return 409;
    case Reason::kRateLimited:
      return 429;
    case Reason::kServiceUnavailable:
    case Reason::kEvidenceUnavailable:
    case Reason::kMobileServiceDown:
      return 503;
    default:
      return 403;
  }
}

template <wire::Message M>
Reply ok(const M& message) {
  return {200, "application/octet-stream", encode(message)};
}

/// Room for the largest ballot of this election in its envelope: what is larger need not be read.
std::size_t submission_limit_of(const Election& election) {
  constexpr std::size_t kContainer = 2 * (limits::kCertificateBytes + limits::kSignatureBytes) + 8192;
  const std::size_t around = kContainer + limits::kNoteBytes + 4096;
  return std::min<std::size_t>(limits::kSubmissionBytes,
                               around + election.most_slots() * (limits::kProofBytes + 256));
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Service::Service(Ledger& ledger, Store& store, Log& log, const EidVerifier& eid, EvidenceSource& evidence,
                 PhoneRelay* phones, const SigningKey& service_key, Rng& rng, Clock clock,
                 const Limits& limits)
    : ledger_(ledger),
      election_(ledger.election),
      store_(store),
      log_(log),
      eid_(eid),
      evidence_(evidence),
      phones_(phones),
      service_key_(service_key),
      rng_(rng),
      clock_(std::move(clock)),
      limits_(limits),
      submission_limit_(submission_limit_of(election_)),
      challenges_(election_.fingerprint(), election_.definition().collector.origin, service_key, rng),
      pool_(limits.threads, limits.queued_requests, limits.queued_bytes) {}

Service::~Service() = default;

void Service::stop() {
  pool_.stop();
}

std::optional<std::size_t> Service::body_limit(std::string_view method, std::string_view target) const {
  if (method == "GET" &&
      (target == "/v1/manifest" || target == "/v1/checkpoint" || target.starts_with(kEntriesPath)))
    return 0;
  if (method != "POST") return std::nullopt;
  if (target == "/v1/challenge") return 0;
  if (target == "/v1/ticket") return 1024 + limits::kCertificateBytes + limits::kSignatureBytes + 64;
  if (target == "/v1/ballot") return submission_limit_;
  if (target == "/v1/verify") return 256;
  if (phones_ != nullptr && target == "/v1/phone/start") return limits::kNoteBytes + 2048;  // with a ticket
  if (phones_ != nullptr && target == "/v1/phone/poll") return 256;
  return std::nullopt;
}

void Service::handle(Request request, Respond respond) {
  const auto limit = body_limit(request.method, request.target);
  if (!limit) return respond(refuse(request.body, Reason::kRequestUnknown));
  if (request.body.size() > *limit) return respond(refuse(request.body, Reason::kWireLimit));
  if (request.target == "/v1/challenge") return respond(challenge());
  const std::size_t bytes = request.body.size();
  // Shared, because a job that finds no room must still be answered.
  auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
  if (!pool_.post(bytes, [this, shared] { work(std::move(shared->first), std::move(shared->second)); }))
    shared->second(refuse(shared->first.body, Reason::kServiceUnavailable));
}

void Service::work(Request request, Respond respond) {
  const std::string_view target = request.target;
  if (target == "/v1/manifest") return respond(get_manifest());
  if (target == "/v1/checkpoint") return respond(get_checkpoint());
  if (target.starts_with(kEntriesPath))
    return respond(get_entries(request, target.substr(kEntriesPath.size())));
  if (target == "/v1/ticket") return ticket(std::move(request.body), std::move(respond));
  if (target == "/v1/ballot") return ballot(std::move(request.body), std::move(respond));
  if (target == "/v1/phone/start") return phone_start(std::move(request.body), std::move(respond));
  if (target == "/v1/phone/poll") return phone_poll(std::move(request.body), std::move(respond));
  verify(std::move(request.body), std::move(respond));
}

ServiceSigned Service::sign(std::string_view label, Bytes body) const {
  ServiceSigned out{.body = std::move(body), .signature = {}};
  out.signature = service_key_.sign_labelled(label, out.body);
  return out;
}

Reply Service::refuse(ByteView body, Reason reason) const {
  const Refusal refusal{election_.fingerprint(), static_cast<std::uint64_t>(reason), sha256(body), now_s()};
  spdlog::info("event=refused reason={}", name_of(reason));
  Reply reply = ok(sign(labels::kSignRefusal, encode(refusal)));
  reply.status = status_for(reason);
  return reply;
}

Reply Service::get_manifest() const {
  return {200, "application/octet-stream", election_.signed_manifest()};
}

Reply Service::get_checkpoint() const {
  const auto latest = log_.latest();
  if (!latest) return refuse({}, Reason::kServiceUnavailable);
  return {200, "text/plain; charset=utf-8", copy_of(bytes_of(latest->note))};
}

Reply Service::get_entries(const Request& request, std::string_view range) const {
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos) return refuse(request.body, Reason::kRequestUnknown);
  const auto from = parse_number(range.substr(0, slash));
  const auto count = parse_number(range.substr(slash + 1));
  if (!from || !count) return refuse(request.body, Reason::kRequestUnknown);
  if (*count > kMaxEntriesPerRequest) return refuse(request.body, Reason::kWireLimit);
  const auto latest = log_.latest();
  const std::uint64_t size = latest ? latest->head.size : 0;  // what no checkpoint covers proves nothing yet
  const std::uint64_t available = *from < size ? std::min(*count, size - *from) : 0;
  auto bytes = store_.entry_bytes(*from, available);
  if (!bytes) return refuse(request.body, Reason::kServiceUnavailable);
  return {200, "application/octet-stream", std::move(*bytes)};
}

Reply Service::challenge() {
  return ok(challenges_.issue(log_.epoch(), now_s()));
}

void Service::ticket(Bytes body, Respond respond) {
  const std::uint64_t now = now_s();
  const auto asker = authenticate(body, now);
  if (!asker) return respond(refuse(body, asker.error().reason));
  log_.ticket(asker->challenge, asker->voter, now,
              [this, body = std::move(body),
               respond = std::move(respond)](const Result<ServiceSigned, Rejection>& ticket) mutable {
                respond(ticket ? ok(*ticket) : refuse(body, ticket.error().reason));
              });
}

Result<Service::Asker, Rejection> Service::authenticate(ByteView body, std::uint64_t now) const {
  const auto authentication = decode<Authentication>(body);
  if (!authentication) return std::unexpected(authentication.error());
  auto challenge = decode<Challenge>(authentication->challenge);
  if (!challenge) return std::unexpected(challenge.error());
  if (auto known = challenges_.check(log_.epoch(), *challenge, now); !known)
    return std::unexpected(known.error());
  if (log_.spent(*challenge)) return reject(Reason::kAuthChallengeUnknown, "challenge");
  if (auto open = check_open(now); !open) return std::unexpected(open.error());
  const auto person = eid_.verify(authentication->certificate, KeyUse::kAuthentication,
                                  signed_bytes(labels::kEidAuthenticate, authentication->challenge),
                                  authentication->signature, static_cast<std::int64_t>(now));
  if (!person) return reject(person.error(), "authentication");
  return Asker{std::move(*challenge), election_.pseudonym_of(person->national_id)};
}

Result<void, Rejection> Service::check_open(std::uint64_t now) const {
  const auto open = [&] {
    const std::shared_lock lock(ledger_.mutex);
    return check_issuing(ledger_.state, now);
  };
  if (auto known = open(); known || !log_.catch_up()) return known;
  return open();
}

Service::Placed Service::place(const BallotItem& item, Examined&& examined) const {
  const auto find_logged = [&]() -> std::optional<std::uint64_t> {
    if (examined.bytes) return std::nullopt;
    return ledger_.state.index_of(examined.admission.id);
  };
  Placed out{.logged_at = std::nullopt, .admission = reject(Reason::kServiceUnavailable, "")};
  {
    const std::shared_lock lock(ledger_.mutex);
    out.logged_at = find_logged();
  }
  if (out.logged_at) return out;
  if (!examined.bytes) ElectionState::verify_ticket(election_, item, examined);
  const std::shared_lock lock(ledger_.mutex);
  out.logged_at = find_logged();
  if (!out.logged_at) out.admission = ledger_.state.check_cheap(item, std::move(examined));
  return out;
}

void Service::ballot(Bytes body, Respond respond) {
  auto submission = decode<Submission>(body);
  if (!submission) return respond(refuse(body, submission.error().reason));
  BallotItem item{std::move(submission->envelope), clock_()};
  Examined examined = ElectionState::examine(election_, item);       // what needs no state holds up nobody
  if (!examined.bytes && examined.admission.signed_ballot.evidence)  // which is the collector's to add
    return respond(refuse(body, Reason::kSigTemplate));
  const bool readable = !examined.bytes;
  Placed placed = place(item, std::move(examined));
  // Nobody is refused for what another collector has logged meanwhile, before this one has looked.
  if (readable && !placed.logged_at && !placed.admission && log_.catch_up())
    placed = place(item, ElectionState::examine(election_, item));
  if (placed.logged_at)  // the first container stands, whatever came around the same ballot now
    return answer_recorded(std::move(body), {*placed.logged_at, SubmitOutcome::kDuplicateIdempotent},
                           std::move(respond));
  auto& admission = placed.admission;
  if (!admission)
    return refuse_ballot(std::move(body), std::move(item), admission.error(), std::move(respond));
  // From here on it costs milliseconds: the ticket, which only she can have, says who pays.
  if (!ballots_.take(admission->ballot.pseudonym, now_s()))
    return respond(refuse(body, Reason::kRateLimited));
  if (auto sound = ElectionState::check_signature(election_, *admission, item.received_ms, eid_); !sound)
    return refuse_ballot(std::move(body), std::move(item), sound.error(), std::move(respond));
  obtain_evidence(std::move(body), std::move(item), std::move(*admission), submission->fetch_secret_hash,
                  std::move(respond));
}

void Service::obtain_evidence(Bytes body, BallotItem item, Admission admission,
                              const Digest256& fetch_secret_hash, Respond respond) {
  auto kept = std::make_shared<std::pair<BallotItem, Admission>>(std::move(item), std::move(admission));
  evidence_.obtain(kept->second.signed_ballot, [this, kept, fetch_secret_hash, body = std::move(body),
                                                respond = std::move(respond)](
                                                   Result<ObtainedEvidence, Rejection> obtained) mutable {
    if (!obtained) {
      spdlog::warn("event=evidence_unavailable cause=\"{}\"", obtained.error().object);
      return respond(refuse(body, obtained.error().reason));
    }
    auto& [received, sound] = *kept;
    sound.signed_ballot.evidence = std::move(obtained->evidence);
    received.envelope.container = write_container(sound.signed_ballot);
    const auto timely = obtained->status ? Result<void, Rejection>(reject(*obtained->status, "certificate"))
                                         : check_times(election_, obtained->stamped_unix_s,
                                                       received.received_ms, sound.ticket.expires_s);
    if (!timely)
      return refuse_ballot(std::move(body), std::move(received), timely.error(), std::move(respond));
    log_ballot(std::move(body), std::move(received), std::move(sound), fetch_secret_hash, std::move(respond));
  });
}

void Service::log_ballot(Bytes body, BallotItem item, Admission admission, const Digest256& fetch_secret_hash,
                         Respond respond) {
  auto kept = std::make_shared<BallotItem>(std::move(item));
  log_.ballot(*kept, std::move(admission), fetch_secret_hash,
              [this, kept, body = std::move(body),
               respond = std::move(respond)](Result<Recorded, Rejection> recorded) mutable {
                if (recorded) return answer_recorded(std::move(body), *recorded, std::move(respond));
                if (recorded.error().reason == Reason::kServiceUnavailable)
                  return respond(refuse(body, Reason::kServiceUnavailable));
                refuse_ballot(std::move(body), std::move(*kept), recorded.error(), std::move(respond));
              });
}

std::optional<Ballot> Service::well_signed_ballot(const BallotItem& item) const {
  const auto container = read_container(item.envelope.container);
  if (!container) return std::nullopt;
  auto ballot = decode_ballot(election_, container->ballot);
  if (!ballot) return std::nullopt;
  {
    const std::shared_lock lock(ledger_.mutex);
    const Voter* voter = ledger_.state.find(ballot->pseudonym);
    if (voter == nullptr || !ledger_.state.unit_now(*voter)) return std::nullopt;
  }
  const auto signer = check_signer(eid_, *container, static_cast<std::int64_t>(item.received_ms / 1000));
  if (!signer || election_.pseudonym_of(signer->person.national_id) != ballot->pseudonym) return std::nullopt;
  return std::move(*ballot);
}

void Service::refuse_ballot(Bytes body, BallotItem item, Rejection rejection, Respond respond) {
  auto ballot = well_signed_ballot(item);
  if (!ballot) return respond(refuse(body, rejection.reason));
  log_.refusal(std::move(item), std::move(*ballot), std::move(rejection),
               [this, body = std::move(body), respond = std::move(respond)](const Rejection& stands) mutable {
                 respond(refuse(body, stands.reason));
               });
}

void Service::answer_recorded(Bytes body, const Recorded& recorded, Respond respond) {
  log_.await(recorded.index, limits_.cosign_wait,
             [this, recorded, body = std::move(body),
              respond = std::move(respond)](const std::optional<StoredCheckpoint>& covering) mutable {
               const auto stored = store_.entry(recorded.index);
               if (!stored) return respond(refuse(body, Reason::kServiceUnavailable));
               const auto item = decode<BallotItem>(stored->item);
               auto proof = receipt(*stored, covering);
               auto container =
                   item ? read_container(item->envelope.container) : std::unexpected(item.error());
               if (!container || !container->evidence || !proof)
                 return respond(refuse(body, Reason::kServiceUnavailable));
               respond(ok(SubmitAnswer{recorded.outcome, std::move(*proof), stored->salt, item->received_ms,
                                       std::move(*container->evidence)}));
             });
}

Result<Receipt, Rejection> Service::receipt(const StoredEntry& stored,
                                            const std::optional<StoredCheckpoint>& covering) const {
  if (!stored.ballot_id) return reject(Reason::kStoreInconsistent, "no ballot");
  const ReceiptStatement statement{election_.fingerprint(), *stored.ballot_id, stored.index, stored.entry};
  Receipt out{sign(labels::kSignReceipt, encode(statement)), {}, {}};
  if (covering) {
    const std::shared_lock lock(ledger_.mutex);
    out.inclusion_proof = ledger_.tree.inclusion_proof(stored.index, covering->head.size);
    out.checkpoint = copy_of(bytes_of(covering->note));
  }
  return out;
}

BallotStatus Service::status_of(const BallotItem& item) const {
  if (election_.definition().policy.superseded == SupersededStatus::kHidden)
    return BallotStatus::kUndisclosed;
  const auto container = read_container(item.envelope.container);
  if (!container) return BallotStatus::kUndisclosed;
  const auto ballot = decode<Ballot>(container->ballot);
  if (!ballot) return BallotStatus::kUndisclosed;
  const std::shared_lock lock(ledger_.mutex);
  const Voter* voter = ledger_.state.find(ballot->pseudonym);
  const LoggedBallot* last = voter == nullptr ? nullptr : ledger_.state.last_ballot(*voter);
  if (last == nullptr) return BallotStatus::kUndisclosed;
  if (voter->revoked) return BallotStatus::kRevoked;
  return last->id == sha256(container->ballot) ? BallotStatus::kCurrent : BallotStatus::kSuperseded;
}

Result<StoredEntry, Rejection> Service::open_for_voter(const VerifyRequest& request) {
  const auto unknown = [] { return reject(Reason::kVerifyUnknown, ""); };
  if (request.fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, "request");
  const auto record = store_.fetch_record(request.ballot_id);
  if (!record) return reject(Reason::kServiceUnavailable, "");
  const bool known = *record && (*record)->fetch_secret_hash;
  const Digest256 presented = sha256(request.fetch_secret);
  const Digest256 expected = known ? *(*record)->fetch_secret_hash : Digest256{};
  const bool same = sodium_memcmp(presented.data(), expected.data(), presented.size()) == 0;
  if (!known || !same) return unknown();

  auto stored = store_.entry((*record)->index);
  if (!stored) return reject(Reason::kServiceUnavailable, "");
  const auto item = decode<BallotItem>(stored->item);
  if (!item) return reject(Reason::kServiceUnavailable, "");
  const Policy& policy = election_.definition().policy;
  if (clock_() >= item->received_ms + policy.verification_minutes * 60'000) return unknown();
  const auto counted = store_.count_fetch(request.ballot_id, policy.verification_count);
  if (!counted) return reject(Reason::kServiceUnavailable, "");
  if (!*counted) return unknown();
  return stored;
}

void Service::verify(Bytes body, Respond respond) {
  const auto request = decode<VerifyRequest>(body);
  if (!request) return respond(refuse(body, request.error().reason));
  log_.catch_up();  // what became of the ballot
  auto opened = open_for_voter(*request);
  if (!opened) return respond(refuse(body, opened.error().reason));
  const std::uint64_t index = opened->index;
  log_.await(index, limits_.cosign_wait,
             [this, body = std::move(body), stored = std::move(*opened),
              respond = std::move(respond)](const std::optional<StoredCheckpoint>& covering) mutable {
               auto item = decode<BallotItem>(stored.item);
               // Under the newest head: a verifier that has seen it takes an older one for a rollback.
               auto proof = receipt(stored, covering ? log_.latest() : std::nullopt);
               if (!item || !proof) return respond(refuse(body, Reason::kServiceUnavailable));
               const BallotStatus status = status_of(*item);
               respond(ok(VerifyAnswer{std::move(*item), stored.salt, std::move(*proof), status}));
             });
}

template <class Message>
void Service::answer_phone(ByteView body, const Result<Message, Rejection>& answer, Respond& respond) const {
  if (answer) return respond(ok(*answer));
  const auto& [reason, object] = answer.error();
  if (reason == Reason::kMobileServiceDown || reason == Reason::kMobileRefused)
    spdlog::warn("event=phone_service reason={} cause=\"{}\"", name_of(reason), object);
  respond(refuse(body, reason));
}

void Service::phone_start(Bytes body, Respond respond) {
  const auto request = decode<PhoneStart>(body);
  if (!request) return respond(refuse(body, request.error().reason));
  const std::uint64_t now = now_s();
  if (request->fingerprint == election_.fingerprint() && request->action == PhoneAction::kAuthenticate)
    if (const auto open = check_open(now); !open) return respond(refuse(body, open.error().reason));
  phones_->start(
      *request, now,
      [this, body = std::move(body), respond = std::move(respond)](
          const Result<PhoneSession, Rejection>& session) mutable { answer_phone(body, session, respond); });
}

void Service::phone_poll(Bytes body, Respond respond) {
  const auto request = decode<PhonePoll>(body);
  if (!request) return respond(refuse(body, request.error().reason));
  phones_->poll(
      *request, now_s(),
      [this, body = std::move(body), respond = std::move(respond)](
          const Result<PhoneAnswer, Rejection>& answer) mutable { answer_phone(body, answer, respond); });
}

}  // namespace psephos::collector
