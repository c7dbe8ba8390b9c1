#pragma once
#include <chrono>
#include <functional>
#include <string>

#include "collector/allowance.h"
#include "collector/challenge_book.h"
#include "collector/evidence.h"
#include "collector/ledger.h"
#include "collector/log.h"
#include "collector/relay.h"
#include "collector/request_handler.h"
#include "collector/work_pool.h"
#include "crypto/secret/signing_key.h"

namespace psephos::collector {

/// The collector's service of SPEC §9.0, as a function from requests to replies.
/// Every refusal is signed; those of well-signed ballots of voters on the roll are also logged, five a voter
/// at once and one more an hour. Nothing that is logged for operators names a voter, a pseudonym or a ballot.
class Service final : public RequestHandler {
 public:
  struct Limits {
    std::chrono::milliseconds cosign_wait{5000};  ///< then the receipt is pending
    std::size_t queued_requests = 4096;
    std::size_t queued_bytes = std::size_t{128} << 20;
    std::size_t threads = 2;
  };
  /// `phones`: none where nobody signs with a phone.
  Service(Ledger& ledger, Store& store, Log& log, const EidVerifier& eid, EvidenceSource& evidence,
          PhoneRelay* phones, const SigningKey& service_key, Rng& rng, Clock clock, const Limits& limits);
  ~Service() override;

  std::optional<std::size_t> body_limit(std::string_view method, std::string_view target) const override;
  void handle(Request request, Respond respond) override;
  /// Signed.
  Reply refuse(ByteView body, Reason reason) const override;
  /// Finishes the requests at hand; later ones are refused (kServiceUnavailable).
  void stop();

 private:
  void work(Request request, Respond respond);
  Reply get_manifest() const;
  Reply get_checkpoint() const;
  Reply get_entries(const Request& request, std::string_view range) const;
  Reply challenge();
  void ticket(Bytes body, Respond respond);
  struct Asker {
    Challenge challenge;
    Pseudonym voter;
  };
  /// Who asks for a ticket, with a good signature for a challenge of this election that is not spent.
  Result<Asker, Rejection> authenticate(ByteView body, std::uint64_t now_s) const;
  /// Tickets are issued now, as far as the newest of the log says.
  Result<void, Rejection> check_open(std::uint64_t now_s) const;
  /// Where a ballot stands in the ledger, or what its checks up to 14 say.
  struct Placed {
    std::optional<std::uint64_t> logged_at;
    Result<Admission, Rejection> admission;
  };
  Placed place(const BallotItem& item, Examined&& examined) const;
  void ballot(Bytes body, Respond respond);
  /// A ballot that passed everything but for its evidence.
  void obtain_evidence(Bytes body, BallotItem item, Admission admission, const Digest256& fetch_secret_hash,
                       Respond respond);
  void log_ballot(Bytes body, BallotItem item, Admission admission, const Digest256& fetch_secret_hash,
                  Respond respond);
  void refuse_ballot(Bytes body, BallotItem item, Rejection rejection, Respond respond);
  void answer_recorded(Bytes body, const Recorded& recorded, Respond respond);
  void verify(Bytes body, Respond respond);
  void phone_start(Bytes body, Respond respond);
  void phone_poll(Bytes body, Respond respond);
  template <class Message>
  void answer_phone(ByteView body, const Result<Message, Rejection>& answer, Respond& respond) const;
  /// The item that may be shown for this request, counted as one showing.
  Result<StoredEntry, Rejection> open_for_voter(const VerifyRequest& request);

  Result<Receipt, Rejection> receipt(const StoredEntry& stored,
                                     const std::optional<StoredCheckpoint>& covering) const;
  BallotStatus status_of(const BallotItem& item) const;
  /// The ballot, if it bears a good signature of the voter it names, and she is on the roll.
  std::optional<Ballot> well_signed_ballot(const BallotItem& item) const;
  ServiceSigned sign(std::string_view label, Bytes body) const;
  std::uint64_t now_s() const { return clock_() / 1000; }

  Ledger& ledger_;
  const Election election_;
  Store& store_;
  Log& log_;
  const EidVerifier& eid_;
  EvidenceSource& evidence_;
  PhoneRelay* const phones_;
  const SigningKey& service_key_;
  Rng& rng_;
  const Clock clock_;
  const Limits limits_;
  const std::size_t submission_limit_;
  ChallengeBook challenges_;
  Allowance ballots_{60, 2};  ///< that get as far as signature and proofs
  WorkPool pool_;
};

}  // namespace psephos::collector
