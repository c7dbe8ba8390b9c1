#pragma once
#include <chrono>
#include <functional>
#include <string>

#include "collector/allowance.h"
#include "collector/challenge_book.h"
#include "collector/evidence.h"
#include "collector/ledger.h"
#include "collector/publisher.h"
#include "collector/relay.h"
#include "collector/sequencer.h"
#include "collector/work_pool.h"
#include "crypto/secret/signing_key.h"

namespace psephos::collector {

struct Request {
  std::string method;
  std::string target;
  Bytes body;
};
struct Reply {
  int status = 200;
  std::string content_type = "application/octet-stream";
  Bytes body;
};

/// The collector's service of SPEC §9.0, as a function from requests to replies: no sockets in here.
/// Every refusal is signed; those of well-signed ballots of voters on the roll are also logged, five a voter
/// at once and one more an hour. Nothing that is logged for operators names a voter, a pseudonym or a ballot.
class Service {
 public:
  using Respond = std::move_only_function<void(Reply)>;
  struct Limits {
    std::chrono::milliseconds cosign_wait{5000};  ///< then the receipt is pending
    std::size_t queued_requests = 4096;
    std::size_t queued_bytes = std::size_t{128} << 20;
    std::size_t threads = 2;
  };
  /// `phones`: none where nobody signs with a phone.
  Service(Ledger& ledger, Store& store, Sequencer& sequencer, Publisher& publisher, const EidVerifier& eid,
          EvidenceSource& evidence, PhoneRelay* phones, const SigningKey& service_key, Rng& rng, Clock clock,
          const Limits& limits);
  ~Service();

  /// The most bytes of body that such a request may have; nullopt if there is no such request.
  std::optional<std::size_t> body_limit(std::string_view method, std::string_view target) const;
  /// Calls `respond` exactly once, from any thread.
  void handle(Request request, Respond respond);
  /// The signed refusal of a request, e.g. one that the transport could not read.
  Reply refuse(ByteView body, Reason reason) const;
  /// Finishes the requests at hand; later ones are refused (kServiceUnavailable).
  void stop();

 private:
  void work(Request request, Respond respond);
  Reply get_manifest() const;
  Reply get_checkpoint() const;
  Reply get_entries(const Request& request, std::string_view range) const;
  Reply challenge();
  Reply ticket(ByteView body);
  Result<ServiceSigned, Rejection> issue_ticket(ByteView body);
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
  Sequencer& sequencer_;
  Publisher& publisher_;
  const EidVerifier& eid_;
  EvidenceSource& evidence_;
  PhoneRelay* const phones_;
  const SigningKey& service_key_;
  Rng& rng_;
  const Clock clock_;
  const Limits limits_;
  const std::size_t submission_limit_;
  ChallengeBook challenges_;
  Allowance tickets_{20, 60};
  Allowance ballots_{60, 2};  ///< that get as far as signature and proofs
  WorkPool pool_;
};

}  // namespace psephos::collector
