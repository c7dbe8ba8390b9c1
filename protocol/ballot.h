#pragma once
#include <optional>
#include <string>
#include <vector>

#include "crypto/elgamal.h"
#include "protocol/codec.h"
#include "protocol/definition.h"

namespace psephos {

/// A voter's name inside one election: SHA-256("psephos-1/pseudonym" ‖ fingerprint ‖ national id). Sworn tier
/// only.
using Pseudonym = ByteArray<32>;
/// SHA-256 of the canonical ballot.
using BallotId = Digest256;

/// SPEC §9.1. What the collector asks a voter to sign with the authentication key.
struct Challenge {
  static constexpr std::string_view kName = "Challenge";
  Digest256 fingerprint{};
  std::string origin;
  ByteArray<32> nonce{};
  std::uint64_t expires_s = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "origin", m.origin, Bound{1, 100});
    v(3, "nonce", m.nonce);
    v(4, "expires_s", m.expires_s, Bound{1, UINT64_MAX});
  }
};

/// The challenge as received, the authentication certificate, and the signature over kEidAuthenticate ‖ 0x00
/// ‖ challenge.
struct Authentication {
  static constexpr std::string_view kName = "Authentication";
  Bytes challenge;
  Bytes certificate;
  Bytes signature;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "challenge", m.challenge, Bound{1, 1024});
    v(2, "certificate", m.certificate, Bound{1, limits::kCertificateBytes});
    v(3, "signature", m.signature, Bound{1, limits::kSignatureBytes});
  }
};

/// SPEC §9.2. The right to cast one ballot, signed by the collector's service key.
struct CastTicket {
  static constexpr std::string_view kName = "CastTicket";
  Digest256 fingerprint{};
  Pseudonym pseudonym{};
  Id unit;
  std::uint64_t roll_version = 0;
  std::uint64_t counter = 0;         ///< 1 + ballots logged for this voter
  std::optional<BallotId> previous;  ///< the last of them
  Bytes checkpoint;                  ///< the latest co-signed one, as a signed note; empty before the first
  ByteArray<32> nonce{};
  std::uint64_t expires_s = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "pseudonym", m.pseudonym);
    v(3, "unit", m.unit);
    v(4, "roll_version", m.roll_version, Bound{1, 1'000'000});
    v(5, "counter", m.counter, Bound{1, 1'000'000});
    v(6, "previous", m.previous);
    v(7, "checkpoint", m.checkpoint, Bound{0, limits::kNoteBytes});
    v(8, "nonce", m.nonce);
    v(9, "expires_s", m.expires_s, Bound{1, UINT64_MAX});
  }
};

/// One encrypted selection: alpha = r·G, beta = M + r·Y, and the proof of §6.1 that M is in the table. In a
/// contest of kind several, slot k is choice k, and the proofs of all its slots together are the one of §6.5.
struct Selection {
  static constexpr std::string_view kName = "Selection";
  Id contest;
  std::uint64_t slot = 0;
  Ristretto::Point alpha;
  Ristretto::Point beta;
  Bytes proof;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "contest", m.contest);
    v(2, "slot", m.slot, Bound{0, limits::kSelections});
    v(3, "alpha", m.alpha);
    v(4, "beta", m.beta);
    v(5, "proof", m.proof, Bound{0, limits::kProofBytes});
  }
  Ciphertext<Ristretto> ciphertext() const { return {alpha, beta}; }
};

/// SPEC §9.3. The canonical ballot. Selections: the unit's contests in their order, slots 0, 1, … of each.
struct Ballot {
  static constexpr std::string_view kName = "Ballot";
  Digest256 fingerprint{};
  Id unit;
  Pseudonym pseudonym{};
  std::uint64_t counter = 0;
  std::optional<BallotId> previous;
  Digest256 ticket_hash{};  ///< SHA-256 of the ticket's body
  std::vector<Selection> selections;
  static constexpr std::uint32_t kSelectionsField = 7;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "unit", m.unit);
    v(3, "pseudonym", m.pseudonym);
    v(4, "counter", m.counter, Bound{1, 1'000'000});
    v(5, "previous", m.previous);
    v(6, "ticket_hash", m.ticket_hash);
    v(kSelectionsField, "selections", m.selections, Bound{1, limits::kSelections});
  }
};

/// A ballot as its voter signed it: its container (protocol/container.h), and the ticket.
struct Envelope {
  static constexpr std::string_view kName = "Envelope";
  Bytes container;
  ServiceSigned ticket;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "container", m.container, Bound{1, limits::kContainerBytes});
    v(2, "ticket", m.ticket);
  }
};

/// SPEC §9.9. What others say about a signature: when it existed at the latest, and that its certificate was
/// good then. The collector gets both and adds them to the container.
struct Evidence {
  static constexpr std::string_view kName = "Evidence";
  Bytes time_stamp;  ///< RFC 3161 token
  Bytes issuer;      ///< the authority's certificate, DER
  Bytes ocsp;        ///< RFC 6960 response
  friend bool operator==(const Evidence&, const Evidence&) = default;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "time_stamp", m.time_stamp, Bound{1, limits::kTimeStampBytes});
    v(2, "issuer", m.issuer, Bound{1, limits::kCertificateBytes});
    v(3, "ocsp", m.ocsp, Bound{1, limits::kOcspBytes});
  }
};

/// SPEC §9.4. What the client sends: a container without evidence. The collector keeps only the hash of the
/// fetch secret.
struct Submission {
  static constexpr std::string_view kName = "Submission";
  Envelope envelope;
  Digest256 fetch_secret_hash{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "envelope", m.envelope);
    v(2, "fetch_secret_hash", m.fetch_secret_hash);
  }
};

/// The item of a ballot's log entry (SPEC §8.1): the envelope, its container now with evidence, and when it
/// was received.
struct BallotItem {
  static constexpr std::string_view kName = "BallotItem";
  Envelope envelope;
  std::uint64_t received_ms = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "envelope", m.envelope);
    v(2, "received_ms", m.received_ms, Bound{1, UINT64_MAX});
  }
};

/// The item of a logged refusal: the same, with the reason's number.
struct RefusalItem {
  static constexpr std::string_view kName = "RefusalItem";
  Envelope envelope;
  std::uint64_t received_ms = 0;
  std::uint64_t reason = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "envelope", m.envelope);
    v(2, "received_ms", m.received_ms, Bound{1, UINT64_MAX});
    v(3, "reason", m.reason, Bound{1, 65'535});
  }
};

/// What the collector's service key signs in a receipt: this ballot is that entry of the log.
struct ReceiptStatement {
  static constexpr std::string_view kName = "ReceiptStatement";
  Digest256 fingerprint{};
  BallotId ballot_id{};
  std::uint64_t index = 0;
  ByteArray<34> entry{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "ballot_id", m.ballot_id);
    v(3, "index", m.index);
    v(4, "entry", m.entry);
  }
};

/// SPEC §9.5. Recording, never content. Without a checkpoint it is *pending*: durable, not yet under k
/// cosignatures.
struct Receipt {
  static constexpr std::string_view kName = "Receipt";
  ServiceSigned statement;
  std::vector<Digest256> inclusion_proof;
  Bytes checkpoint;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "statement", m.statement);
    v(2, "inclusion_proof", m.inclusion_proof, Bound{0, 63});
    v(3, "checkpoint", m.checkpoint, Bound{0, limits::kNoteBytes});
  }
};

enum class SubmitOutcome : std::uint8_t { kAccepted = 1, kDuplicateIdempotent = 2 };
constexpr bool valid(SubmitOutcome v) {
  return v == SubmitOutcome::kAccepted || v == SubmitOutcome::kDuplicateIdempotent;
}

/// The answer to a submission: the receipt, and what the client needs to rebuild the item and recompute the
/// entry (not part of the receipt).
struct SubmitAnswer {
  static constexpr std::string_view kName = "SubmitAnswer";
  SubmitOutcome outcome = SubmitOutcome::kAccepted;
  Receipt receipt;
  ByteArray<32> salt{};
  std::uint64_t received_ms = 0;
  Evidence evidence;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "outcome", m.outcome);
    v(2, "receipt", m.receipt);
    v(3, "salt", m.salt);
    v(4, "received_ms", m.received_ms, Bound{1, UINT64_MAX});
    v(5, "evidence", m.evidence);
  }
};

/// SPEC §9.6. Why a request was refused; signed by the service key.
struct Refusal {
  static constexpr std::string_view kName = "Refusal";
  Digest256 fingerprint{};
  std::uint64_t reason = 0;
  Digest256 request_hash{};  ///< SHA-256 of the request's body
  std::uint64_t time_s = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "reason", m.reason, Bound{1, 65'535});
    v(3, "request_hash", m.request_hash);
    v(4, "time_s", m.time_s, Bound{1, UINT64_MAX});
  }
};

/// SPEC §9.7. Fetching one's ballot for verification.
struct VerifyRequest {
  static constexpr std::string_view kName = "VerifyRequest";
  Digest256 fingerprint{};
  BallotId ballot_id{};
  ByteArray<16> fetch_secret{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "ballot_id", m.ballot_id);
    v(3, "fetch_secret", m.fetch_secret);
  }
};

enum class BallotStatus : std::uint8_t { kCurrent = 1, kSuperseded = 2, kRevoked = 3, kUndisclosed = 4 };
constexpr bool valid(BallotStatus v) {
  return v >= BallotStatus::kCurrent && v <= BallotStatus::kUndisclosed;
}

struct VerifyAnswer {
  static constexpr std::string_view kName = "VerifyAnswer";
  BallotItem item;
  ByteArray<32> salt{};
  Receipt receipt;
  BallotStatus status = BallotStatus::kUndisclosed;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "item", m.item);
    v(2, "salt", m.salt);
    v(3, "receipt", m.receipt);
    v(4, "status", m.status);
  }
};

}  // namespace psephos
