#include "protocol/checks/signed_ballot.h"

#include <algorithm>

namespace psephos {

Result<VerifiedSigner, Rejection> check_signer(const EidVerifier& eid, const SignedBallot& signed_ballot,
                                               std::int64_t at_unix_s) {
  const auto certificate = parse_certificate(signed_ballot.certificate);
  if (!certificate) return reject(certificate.error(), "certificate");
  if (voter_scheme(*certificate) != signed_ballot.scheme)
    return reject(Reason::kSigAlgForbidden, "signature");
  auto signer = eid.verify_signer(signed_ballot.certificate, KeyUse::kSigning, signed_info(signed_ballot),
                                  signed_ballot.signature, at_unix_s);
  if (!signer) return reject(signer.error(), "signature");
  return std::move(*signer);
}

Result<std::int64_t, Rejection> check_evidence(const EidVerifier& eid, const SignedBallot& signed_ballot) {
  if (!signed_ballot.evidence) return reject(Reason::kEvidenceMissing, "container");
  const Evidence& evidence = *signed_ballot.evidence;
  const auto stamped = eid.stamped_at(evidence.time_stamp, signature_value(signed_ballot.signature));
  if (!stamped) return reject(stamped.error(), "time-stamp");
  const auto issuer = eid.issuer_of(signed_ballot.certificate);
  if (!issuer) return reject(issuer.error(), "certificate");
  if (!equal(*issuer, evidence.issuer)) return reject(Reason::kSigTemplate, "issuer's certificate");
  if (auto good = eid.good_at(signed_ballot.certificate, evidence.ocsp, evidence.time_stamp, *stamped); !good)
    return reject(good.error(), "certificate status");
  return *stamped;
}

Result<void, Rejection> check_times(const Election& election, std::int64_t stamped_unix_s,
                                    std::uint64_t received_ms, std::uint64_t ticket_expires_s) {
  const Periods& periods = election.definition().periods;
  const std::uint64_t received = received_ms / 1000;
  const std::uint64_t at = stamped_unix_s < 0 ? 0 : static_cast<std::uint64_t>(stamped_unix_s);
  if (at >= ticket_expires_s) return reject(Reason::kTicketExpired, "time-stamp");
  if (at < periods.casting_begins_s || at >= periods.grace_ends_s ||
      std::max(at, received) - std::min(at, received) > kEvidenceSlack_s)
    return reject(Reason::kTimeEvidenceOrder, "time-stamp");
  return {};
}

}  // namespace psephos
