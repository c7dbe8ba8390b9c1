#include "collector/evidence.h"

#include <thread>
#include <utility>

#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/time_stamp.h"

namespace psephos::collector {

namespace {

constexpr std::size_t kQueuedBytes = std::size_t{64} << 20;

bool is_verdict(Reason reason) {
  return reason == Reason::kCertRevoked || reason == Reason::kCertSuspended || reason == Reason::kCertUnknown;
}

std::unexpected<Rejection> unavailable(std::string_view what, const Rejection& cause) {
  return reject(Reason::kEvidenceUnavailable,
                std::string(what) + ": " + std::string(name_of(cause.reason)) +
                    (cause.object.empty() ? std::string() : ", " + cause.object));
}

}  // namespace

EvidenceSource::EvidenceSource(const EidVerifier& eid, const Connect& connect, const Limits& limits)
    : eid_(eid),
      limits_(limits),
      connections_(limits.connections, connect),
      pool_(limits.connections, limits.queued, kQueuedBytes) {}

void EvidenceSource::obtain(const SignedBallot& signed_ballot, Done done) {
  auto shared = std::make_shared<Done>(std::move(done));  // a job that finds no room must still be answered
  Bytes stamped = signature_value(signed_ballot.signature);
  const std::size_t bytes = stamped.size() + signed_ballot.certificate.size();
  if (!pool_.post(bytes,
                  [this, shared, certificate = signed_ballot.certificate, stamped = std::move(stamped)] {
                    const Connections<TrustTransport>::Loan transport(connections_);
                    (*shared)(ask(*transport, certificate, stamped));
                  }))
    (*shared)(reject(Reason::kEvidenceUnavailable, "too many ballots are waiting"));
}

Result<ObtainedEvidence, Rejection> EvidenceSource::ask(TrustTransport& transport, ByteView certificate,
                                                        ByteView stamped) {
  const auto issuer = eid_.issuer_of(certificate);
  if (!issuer) return unavailable("certificate", {issuer.error(), ""});
  const auto asked = parse_certificate(certificate);
  const auto authority = parse_certificate(*issuer);
  invariant(asked && authority, "whoever has an issuer was read before");
  ObtainedEvidence out;
  out.evidence.issuer = copy_of(*issuer);

  Rejection cause{Reason::kServiceUnavailable, ""};
  const Bytes request = time_stamp_request(stamped);
  for (unsigned attempt = 0; attempt < limits_.attempts && out.evidence.time_stamp.empty(); ++attempt) {
    const auto answer = transport.time_stamp(request, attempt);
    if (!answer) {
      cause = answer.error();
      continue;
    }
    auto token = time_stamp_token_of(*answer);
    if (!token) {
      cause = {token.error(), ""};
      continue;
    }
    const auto at = eid_.stamped_at(*token, stamped);
    if (!at) {
      cause = {at.error(), ""};
      continue;
    }
    out.stamped_unix_s = *at;
    out.evidence.time_stamp = std::move(*token);
  }
  if (out.evidence.time_stamp.empty()) return unavailable("time-stamp", cause);

  const Bytes query = ocsp_request(*asked, *authority, ocsp_nonce(out.evidence.time_stamp));
  for (unsigned attempt = 0; attempt < limits_.attempts; ++attempt) {
    auto answer = transport.status(query, attempt);
    if (!answer) {
      cause = answer.error();
      continue;
    }
    const auto good = eid_.good_at(certificate, *answer, out.evidence.time_stamp, out.stamped_unix_s);
    if (good || is_verdict(good.error())) {
      if (!good) out.status = good.error();
      out.evidence.ocsp = std::move(*answer);
      return out;
    }
    cause = {good.error(), ""};
    // The responder's clock may be a little behind the time-stamp's.
    if (good.error() == Reason::kTimeEvidenceOrder) std::this_thread::sleep_for(limits_.pause);
  }
  return unavailable("certificate status", cause);
}

}  // namespace psephos::collector
