#pragma once
#include <functional>
#include <optional>

#include "crypto/random.h"
#include "protocol/ballot_crypto.h"
#include "protocol/checks/receipt.h"
#include "protocol/container.h"
#include "protocol/verification_code.h"
#include "voter-client/core/client_clock.h"
#include "voter-client/core/head_memory.h"
#include "voter-client/core/transport.h"
#include "voter-client/signer.h"

namespace psephos {

/// Fetches the manifest and opens it under the announced fingerprint. The transport may be unpinned: nothing
/// is believed that the fingerprint does not cover.
/// @return MANIFEST_FP_UNPINNED without a fingerprint, and nothing is fetched; what Election::open gives; a
/// transport's refusal.
Result<Election, Rejection> fetch_election(Transport& transport, const std::optional<Digest256>& fingerprint);

/// The right to cast one ballot, checked.
struct Authorisation {
  CastTicket ticket;
  ServiceSigned signed_ticket;
  Digest256 ticket_hash{};
};

/// A signed ballot ready to be sent, as often as it takes, in the same bytes; and what opens it.
struct SealedBallot {
  Bytes submission;  ///< canonical Submission
  SignedBallot signed_ballot;
  ServiceSigned ticket;
  VerificationCode code;
  std::uint64_t counter = 0;
  std::uint64_t expires_s = 0;
};

/// What the collector answered, all of it checked against the client's own bytes.
struct CastOutcome {
  SubmitAnswer answer;
  ReceiptStatement statement;
  std::optional<RecordedAs> recorded;  ///< none: the receipt was still pending when the ticket expired
};

/// Encrypts under a fresh seed, and has the container signed with the signing key (PIN2), which shows `now_s`
/// as time of signing. @pre choices as for make_ballot.
/// @return RNG_HEALTH if the generator is stuck, and the card is not asked (SPEC §9.3); a card's refusal;
/// CERT_PARSE, SIG_ALG_FORBIDDEN for a certificate that no ballot can bear.
Result<SealedBallot, Rejection> seal_ballot(const Election& election, const Authorisation& authorisation,
                                            std::span<const std::size_t> choices, Signer& signer, Rng& rng,
                                            std::uint64_t now_s);

/// A voter's dealings with the collector over one connection, after SPEC §9. Believes nothing that is not
/// signed, proved or its own. For one thread.
class Session {
 public:
  /// All are kept by reference and outlive the session. @pre the transport is pinned to the manifest's
  /// certificate.
  Session(const Election& election, const EidVerifier& eid, Transport& transport, HeadMemory& heads, Rng& rng,
          ClientClock clock)
      : election_(election),
        eid_(eid),
        transport_(transport),
        heads_(heads),
        rng_(rng),
        clock_(std::move(clock)) {}

  /// Signs a fresh challenge with the authentication key (PIN1) and checks the ticket: signature, election,
  /// own pseudonym, unit, chain, expiry, checkpoint. Then the signer is told of it.
  /// @return a signed refusal's reason ("refused by the collector"); SIG_INVALID, ELECTION_FP_MISMATCH,
  /// TICKET_MISMATCH, TICKET_EXPIRED; what HeadMemory::see gives; a card's refusal; a transport's or wire
  /// refusal.
  Result<Authorisation, Rejection> authenticate(Signer& signer);

  /// As seal_ballot.
  Result<SealedBallot, Rejection> seal(const Authorisation& authorisation,
                                       std::span<const std::size_t> choices, Signer& signer) {
    return seal_ballot(election_, authorisation, choices, signer, rng_, clock_.now_s());
  }

  /// Sends the ballot until its receipt is complete: the same bytes again after a lost answer, a refusal
  /// without a verdict (SERVICE_UNAVAILABLE, EVIDENCE_UNAVAILABLE, RATE_LIMITED) and a pending receipt, until
  /// the ticket expires. Each answer is verified whole: receipt for this ballot, entry that commits to these
  /// bytes with evidence that everybody will accept, inclusion under a co-signed checkpoint. `waiting(why)`
  /// is told of every further attempt.
  /// @return a signed refusal's reason; ACK_UNVERIFIABLE for no answer, or one that does not hold;
  /// RECEIPT_MISMATCH, LOG_PROOF_…, HEAD_UNWITNESSED, LOG_HEAD_REGRESSION, LOG_EQUIVOCATION;
  /// TLS_PIN_MISMATCH.
  Result<CastOutcome, Rejection> submit(const SealedBallot& ballot,
                                        const std::function<void(const Rejection&)>& waiting = {});

  /// Fetches the ballot of a verification code. What it is worth: check_verification.
  /// @return a signed refusal's reason, e.g. VERIFY_UNKNOWN; SIG_INVALID; a transport's or wire refusal.
  Result<VerifyAnswer, Rejection> fetch_ballot(const VerificationCode& code);

 private:
  Result<Bytes, Rejection> post(const std::string& target, ByteView body, std::size_t max_bytes);
  Result<CastOutcome, Rejection> check_answer(const SealedBallot& ballot, ByteView answer);

  const Election& election_;
  const EidVerifier& eid_;
  Transport& transport_;
  HeadMemory& heads_;
  Rng& rng_;
  ClientClock clock_;
};

}  // namespace psephos
