#pragma once
#include <string_view>

#include "collector/ledger.h"
#include "collector/log.h"
#include "collector/request_handler.h"
#include "crypto/secret/signing_key.h"

namespace psephos::collector {

/// What one collector hands to the one that orders the log (SPEC §9.11).
enum class PeerWorkKind : std::uint8_t { kTicket = 1, kBallot = 2, kRefusal = 3, kDocument = 4 };
constexpr bool valid(PeerWorkKind v) {
  return v >= PeerWorkKind::kTicket && v <= PeerWorkKind::kDocument;
}
struct PeerWork {
  static constexpr std::string_view kName = "PeerWork";
  PeerWorkKind kind{};
  Bytes item;                ///< BallotItem, document, or the challenge that was answered
  ByteArray<32> detail{};    ///< of a ballot: hash of the fetch secret; of a ticket: the voter; else zero
  std::uint64_t number = 0;  ///< of a refusal: the reason; of a document: the entry's type; of a ticket: now
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "kind", m.kind);
    v(2, "item", m.item, Bound{1, limits::kDocumentBytes});
    v(3, "detail", m.detail);
    v(4, "number", m.number);
  }
};
struct PeerRequest {
  static constexpr std::string_view kName = "PeerRequest";
  Digest256 fingerprint{};
  std::uint64_t epoch = 0;
  std::vector<PeerWork> works;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "epoch", m.epoch);
    v(3, "works", m.works, Bound{1, 1024});
  }
};
inline constexpr std::size_t kMaxPeerObject = 1024;
/// What became of one: its entry, its ticket, or a reason.
struct PeerResult {
  static constexpr std::string_view kName = "PeerResult";
  std::uint64_t reason = 0;  ///< 0: done
  std::string object;        ///< of a reason, for operators; left out if it is long or no clean text
  std::uint64_t index = 0;
  std::uint64_t outcome = 0;  ///< SubmitOutcome, of a ballot or a document
  Bytes ticket;               ///< ServiceSigned
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "reason", m.reason, Bound{0, 65'535});
    v(2, "object", m.object, Bound{0, kMaxPeerObject});
    v(3, "index", m.index);
    v(4, "outcome", m.outcome, Bound{0, 2});
    v(5, "ticket", m.ticket, Bound{0, limits::kNoteBytes + 4096});
  }
};
struct PeerAnswer {
  static constexpr std::string_view kName = "PeerAnswer";
  std::vector<PeerResult> results;  ///< in the order of the works
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "results", m.results, Bound{1, 1024});
  }
};

inline constexpr std::string_view kPeerPath = "/v1/peer";
inline constexpr std::size_t kMaxPeerBytes = std::size_t{24} << 20;
/// As much as one request takes, but for a single larger work.
inline constexpr std::size_t kPeerBatchBytes = std::size_t{4} << 20;

/// The sequencer's door for the other collectors: a listener of its own, for the servers' network. Whoever
/// knocks shows that it holds the service key, by a signature over each request.
class PeerService final : public RequestHandler {
 public:
  /// All are kept by reference. While `log` does not sequence, every request is refused.
  PeerService(const Ledger& ledger, Log& log, const VerifyKey& service_key)
      : ledger_(ledger), log_(log), service_key_(service_key) {}

  std::optional<std::size_t> body_limit(std::string_view method, std::string_view target) const override;
  /// @return in the reply: 403 SIG_INVALID, ELECTION_FP_MISMATCH, and 503 NOT_SEQUENCING for another epoch,
  /// as the reason's name in text; nothing was done then.
  void handle(Request request, Respond respond) override;
  Reply refuse(ByteView body, Reason reason) const override;

 private:
  struct Gathering;
  void start(PeerWork work, std::size_t at, std::shared_ptr<Gathering> gathering);
  void ballot(const PeerWork& work, std::size_t at, std::shared_ptr<Gathering> gathering);
  void refusal(const PeerWork& work, std::size_t at, std::shared_ptr<Gathering> gathering);

  const Ledger& ledger_;
  Log& log_;
  const VerifyKey service_key_;
};

}  // namespace psephos::collector
