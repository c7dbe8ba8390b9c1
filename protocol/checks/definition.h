#pragma once
#include "crypto/threshold/dkg.h"
#include "protocol/definition.h"
#include "protocol/rejection.h"

namespace psephos {

/// The rules of SPEC §4.3: suite, ids unique, every text in every language of the election, units refer to
/// contests and lists that exist, periods in order, quorums that leave room for an absence (n ≥ 2 trustees, 2
/// ≤ t ≤ n−1 or t ≥ 1 in test mode with n = 2 forbidden), at least two mixers in production, witness quorum k
/// ≤ n−1, keys of all rosters distinct, texts free of characters that hide or reorder others; trust anchors
/// are authorities' certificates, valid for the whole election.
/// @return SUITE_UNSUPPORTED, MANIFEST_INVALID, MANIFEST_THRESHOLD, MANIFEST_TEXT_UNSAFE,
/// MANIFEST_ANCHOR_EXPIRY with the offending field.
Result<void, Rejection> check_definition(const Definition& definition);

/// The keys that follow from a key ceremony. SPEC §7.
struct CeremonyOutcome {
  Ristretto::Point joint_key;
  std::vector<Ristretto::Point> verification_keys;
};
/// What cocktail-dkg needs to know of an attempt. @return DKG_SETUP or POINT_IDENTITY naming the trustee.
Result<DkgSetup, Rejection> ceremony_setup(const Definition& definition, const Digest256& definition_hash,
                                           std::uint64_t attempt);
/// The payload of one message, if it is this trustee's (1-based), for this ceremony and step, and signed by
/// it alone. @return ELECTION_FP_MISMATCH, DKG_SETUP, SIG_INVALID or a wire refusal, naming the trustee.
Result<Bytes, Rejection> ceremony_payload(const Definition& definition, const Digest256& definition_hash,
                                          std::uint64_t attempt, CeremonyStep step, std::uint64_t trustee,
                                          const SignedDocument& document);
/// Every message present, once, signed by its trustee, for this definition and attempt; openings match
/// announcements; no complaint; polynomials of the right degree, proofs of possession, certificates.
/// @return a DKG_… fault, SIG_INVALID or ELECTION_FP_MISMATCH, naming the trustee; for a complaint
/// DKG_COMPLAINT_UNRESOLVED, naming complainer, fault and who is to answer for it.
Result<CeremonyOutcome, Rejection> check_key_ceremony(const Definition& definition,
                                                      const KeyCeremony& ceremony);

}  // namespace psephos
