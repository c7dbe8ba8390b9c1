#include "voter-client/core/session.h"

#include <algorithm>

#include "crypto/tested_random.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/eid/certificate.h"
#include "protocol/labels.h"
#include "protocol/limits.h"
#include "voter-client/core/ask.h"

namespace psephos {

namespace {

constexpr std::size_t kSmallAnswerBytes = 65'536;
constexpr std::size_t kVerifyAnswerBytes = limits::kSubmissionBytes + 65'536;
constexpr std::uint64_t kFirstPause_ms = 500;
constexpr std::uint64_t kLongestPause_ms = 10'000;

std::unexpected<Rejection> unverifiable(const Rejection& because) {
  return reject(Reason::kAckUnverifiable,
                std::string(name_of(because.reason)) +
                    (because.object.empty() ? std::string() : ", " + because.object));
}

/// A signature or form that does not hold makes the whole answer worth nothing; what is well signed but
/// says something wrong keeps its name.
std::unexpected<Rejection> judged(const Rejection& rejection) {
  switch (rejection.reason) {
    case Reason::kReceiptMismatch:
    case Reason::kHeadUnwitnessed:
    case Reason::kLogProofInvalid:
    case Reason::kLogProofDegenerate:
    case Reason::kLogHeadRegression:
    case Reason::kLogEquivocation:
    case Reason::kFileUnreadable:
      return std::unexpected(rejection);
    default:
      return unverifiable(rejection);
  }
}

}  // namespace

Result<Election, Rejection> fetch_election(Transport& transport,
                                           const std::optional<Digest256>& fingerprint) {
  if (!fingerprint) return reject(Reason::kManifestFpUnpinned, "manifest");
  auto reply = transport.exchange("GET", "/v1/manifest", {}, limits::kManifestBytes);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status != 200)
    return reject(Reason::kServiceUnavailable, "/v1/manifest: HTTP " + std::to_string(reply->status));
  return Election::open(reply->body, fingerprint);
}

Result<SealedBallot, Rejection> seal_ballot(const Election& election, const Authorisation& authorisation,
                                            std::span<const std::size_t> choices, Signer& signer, Rng& rng,
                                            std::uint64_t now_s) {
  TestedRng tested(rng);
  if (!tested.healthy()) return reject(Fault::kRngHealth, "before a ballot was made");
  SealedBallot out;
  out.code.fingerprint = election.fingerprint();
  out.code.seed = BallotSeed::random(tested);
  out.code.fetch_secret = SecretBytes<16>::random(tested);
  const Ballot ballot =
      make_ballot(election, authorisation.ticket, authorisation.ticket_hash, choices, out.code.seed, tested);
  if (!tested.healthy()) return reject(Fault::kRngHealth, "the ballot was thrown away");
  auto certificate = signer.signing_certificate();
  if (!certificate) return std::unexpected(certificate.error());
  const auto parsed = parse_certificate(*certificate);
  if (!parsed) return reject(parsed.error(), "the signing certificate");
  const auto scheme = voter_scheme(*parsed);
  if (!scheme) return reject(Reason::kSigAlgForbidden, "the signing certificate");
  out.signed_ballot = {.ballot = encode(ballot),
                       .certificate = std::move(*certificate),
                       .scheme = *scheme,
                       .signing_time_s = now_s,
                       .signature = {},
                       .evidence = std::nullopt};
  auto signature = signer.sign(KeyUse::kSigning, signed_info(out.signed_ballot));
  if (!signature) return std::unexpected(signature.error());
  out.signed_ballot.signature = std::move(signature->signature);
  out.ticket = authorisation.signed_ticket;
  out.code.ballot_id = sha256(out.signed_ballot.ballot);
  out.submission = encode(
      Submission{{write_container(out.signed_ballot), out.ticket}, sha256(out.code.fetch_secret.expose())});
  out.counter = authorisation.ticket.counter;
  out.expires_s = authorisation.ticket.expires_s;
  return out;
}

Result<Bytes, Rejection> Session::post(const std::string& target, ByteView body, std::size_t max_bytes) {
  return ask_collector(transport_, election_, target, body, max_bytes);
}

Result<Authorisation, Rejection> Session::authenticate(Signer& signer) {
  const auto challenge_bytes = post("/v1/challenge", {}, kSmallAnswerBytes);
  if (!challenge_bytes) return std::unexpected(challenge_bytes.error());
  const auto challenge = decode<Challenge>(*challenge_bytes);
  if (!challenge) return std::unexpected(challenge.error());
  if (challenge->fingerprint != election_.fingerprint() ||
      challenge->origin != election_.definition().collector.origin)
    return reject(Reason::kElectionFpMismatch, "challenge");

  const auto proof =
      signer.sign(KeyUse::kAuthentication, signed_bytes(labels::kEidAuthenticate, *challenge_bytes));
  if (!proof) return std::unexpected(proof.error());
  const auto parsed = parse_certificate(proof->certificate);
  if (!parsed) return reject(parsed.error(), "the authentication certificate");
  const auto person = person_of(*parsed);
  if (!person) return reject(person.error(), "the authentication certificate");

  const auto answer =
      post("/v1/ticket", encode(Authentication{*challenge_bytes, proof->certificate, proof->signature}),
           kSmallAnswerBytes);
  if (!answer) return std::unexpected(answer.error());
  auto message = decode<ServiceSigned>(*answer);
  if (!message) return std::unexpected(message.error());
  if (auto ok = check_service_signature(*message, labels::kSignTicket, election_.service_key(), "ticket");
      !ok)
    return std::unexpected(ok.error());
  auto ticket = decode<CastTicket>(message->body);
  if (!ticket) return std::unexpected(ticket.error());
  if (ticket->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, "ticket");
  if (ticket->pseudonym != election_.pseudonym_of(person->national_id))
    return reject(Reason::kTicketMismatch, "pseudonym");
  if (!election_.unit_index(ticket->unit)) return reject(Reason::kTicketMismatch, "unit");
  if ((ticket->counter == 1) != !ticket->previous) return reject(Reason::kTicketMismatch, "counter");
  if (ticket->expires_s <= clock_.now_s()) return reject(Reason::kTicketExpired, "ticket");
  if (auto seen = heads_.see(election_, ticket->checkpoint); !seen) return std::unexpected(seen.error());
  signer.authorised(*message);
  const Digest256 hash = sha256(message->body);
  return Authorisation{std::move(*ticket), std::move(*message), hash};
}

Result<CastOutcome, Rejection> Session::check_answer(const SealedBallot& ballot, ByteView bytes) {
  auto answer = decode<SubmitAnswer>(bytes);
  if (!answer) return unverifiable(answer.error());
  auto statement = check_receipt_statement(election_, answer->receipt, ballot.code.ballot_id);
  if (!statement) return judged(statement.error());
  SignedBallot logged = ballot.signed_ballot;
  logged.evidence = answer->evidence;
  const BallotItem item{{write_container(logged), ballot.ticket}, answer->received_ms};
  if (auto same = check_entry(*statement, answer->salt, item); !same) return judged(same.error());
  // A time outside the ticket's would make the ballot inadmissible for everybody who replays the log.
  const std::uint64_t received_s = answer->received_ms / 1000;
  const Periods& periods = election_.definition().periods;
  if (received_s < periods.casting_begins_s || received_s >= periods.grace_ends_s ||
      received_s >= ballot.expires_s)
    return reject(Reason::kAckUnverifiable, "time of receipt");
  const auto stamped = check_evidence(eid_, logged);
  if (!stamped) return unverifiable(stamped.error());
  if (auto timely = check_times(election_, *stamped, answer->received_ms, ballot.expires_s); !timely)
    return unverifiable(timely.error());
  CastOutcome out{std::move(*answer), std::move(*statement), std::nullopt};
  if (out.answer.receipt.checkpoint.empty()) return out;
  auto recorded = check_receipt(election_, out.answer.receipt, ballot.code.ballot_id);
  if (!recorded) return judged(recorded.error());
  if (auto seen = heads_.see(election_, out.answer.receipt.checkpoint); !seen) return judged(seen.error());
  out.recorded = std::move(*recorded);
  return out;
}

Result<CastOutcome, Rejection> Session::submit(const SealedBallot& ballot,
                                               const std::function<void(const Rejection&)>& waiting) {
  std::uint64_t pause_ms = kFirstPause_ms;
  std::optional<CastOutcome> pending;
  for (;;) {
    Rejection why{Reason::kHeadUnwitnessed, "pending receipt"};
    const auto answer = post("/v1/ballot", ballot.submission, kSmallAnswerBytes);
    if (answer) {
      auto outcome = check_answer(ballot, *answer);
      if (!outcome || outcome->recorded) return outcome;
      if (pending && pending->statement.entry != outcome->statement.entry)
        return reject(Reason::kReceiptMismatch, "another entry than in the pending receipt");
      pending = std::move(*outcome);
    } else if (answer.error().reason == Reason::kServiceUnavailable ||
               answer.error().reason == Reason::kEvidenceUnavailable ||
               answer.error().reason == Reason::kRateLimited) {
      why = answer.error();
    } else if (answer.error().reason == Reason::kSigInvalid || answer.error().reason == Reason::kWireLimit) {
      return unverifiable(answer.error());
    } else {
      return std::unexpected(answer.error());
    }
    if (clock_.now_ms() + pause_ms >= ballot.expires_s * 1000) {
      if (pending) return std::move(*pending);
      return unverifiable(why);
    }
    if (waiting) waiting(why);
    clock_.sleep_ms(pause_ms);
    pause_ms = std::min(pause_ms * 2, kLongestPause_ms);
  }
}

Result<VerifyAnswer, Rejection> Session::fetch_ballot(const VerificationCode& code) {
  // The fetch secret is what the request shows to the collector, which knows its hash.
  const VerifyRequest request{code.fingerprint, code.ballot_id, declassify(code.fetch_secret)};
  const auto answer = post("/v1/verify", encode(request), kVerifyAnswerBytes);
  if (!answer) return std::unexpected(answer.error());
  return decode<VerifyAnswer>(*answer);
}

}  // namespace psephos
