#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "collector/connections.h"
#include "collector/work_pool.h"
#include "protocol/container.h"
#include "protocol/eid.h"

namespace psephos::collector {

/// The services that bear witness to signatures, over one connection each. For one thread at a time.
class TrustTransport {
 public:
  virtual ~TrustTransport() = default;
  /// DER of a request to DER of an answer (RFC 3161 §3.4, RFC 6960 §A.1). `attempt` counts from 0: one that
  /// knows several services takes them in turn. @return kServiceUnavailable, with the cause.
  virtual Result<Bytes, Rejection> time_stamp(ByteView request, unsigned attempt) = 0;
  virtual Result<Bytes, Rejection> status(ByteView request, unsigned attempt) = 0;
};

/// Evidence that was checked, and what it says.
struct ObtainedEvidence {
  Evidence evidence;
  std::int64_t stamped_unix_s = 0;
  std::optional<Reason> status;  ///< CERT_REVOKED, CERT_SUSPENDED or CERT_UNKNOWN; none: good
};

/// Has signatures time-stamped, and then asks for the status of their certificates (SPEC §9.9).
class EvidenceSource {
 public:
  using Done = std::move_only_function<void(Result<ObtainedEvidence, Rejection>)>;
  using Connect = std::function<std::unique_ptr<TrustTransport>()>;
  struct Limits {
    std::size_t connections = 16;  ///< as many ballots are served at once
    std::size_t queued = 4096;
    unsigned attempts = 3;                  ///< of each service
    std::chrono::milliseconds pause{1000};  ///< before the status is asked again, if the clocks disagree
  };
  /// `eid` outlives it. `connect` is called once for each connection, from the constructor.
  EvidenceSource(const EidVerifier& eid, const Connect& connect, const Limits& limits);
  EvidenceSource(const EidVerifier& eid, const Connect& connect) : EvidenceSource(eid, connect, Limits()) {}

  /// Calls `done` once, from any thread. @pre the certificate passed check_signer.
  /// @return kEvidenceUnavailable if a service does not answer, or not as it must: its object names the last
  /// cause, for the operator.
  void obtain(const SignedBallot& signed_ballot, Done done);
  /// Finishes what is queued.
  void stop() { pool_.stop(); }

 private:
  Result<ObtainedEvidence, Rejection> ask(TrustTransport& transport, ByteView certificate, ByteView stamped);

  const EidVerifier& eid_;
  const Limits limits_;
  Connections<TrustTransport> connections_;
  WorkPool pool_;  // last: its threads use the rest
};

}  // namespace psephos::collector
