#pragma once
#include <cstdint>
#include <string_view>

/// Why a value or a proof is refused (SPEC §12, numbers 100 to 199). The protocol's reasons
/// (protocol/rejection.h) continue the same list, so a fault keeps its number and its name wherever it
/// surfaces. X(number, enumerator, NAME, sentence)
#define PSEPHOS_CRYPTO_FAULTS(X)                                                                            \
  X(100, kWireLength, "WIRE_LENGTH", "a fixed-width value has another width")                               \
  X(101, kPointNoncanonical, "POINT_NONCANONICAL", "not the one encoding of a group element")               \
  X(102, kPointInvalid, "POINT_INVALID", "not the encoding of any group element")                           \
  X(103, kPointIdentity, "POINT_IDENTITY", "the identity where a role forbids it")                          \
  X(104, kScalarNoncanonical, "SCALAR_NONCANONICAL", "a scalar not reduced modulo the group order")         \
  X(110, kProofChallengeMismatch, "PROOF_CHALLENGE_MISMATCH", "the recomputed challenge differs")           \
  X(111, kProofEncoding, "PROOF_ENCODING", "a proof has another shape than its statement asks for")         \
  X(112, kProofParse, "PROOF_PARSE", "a proof cannot be read")                                              \
  X(113, kOneOfManyInvalid, "ONE_OF_MANY_INVALID", "an equation of the one-out-of-many proof fails")        \
  X(120, kShuffleProofInvalid, "SHUFFLE_PROOF_INVALID", "an equation of the proof of shuffle fails")        \
  X(121, kShuffleDegenerate, "SHUFFLE_DEGENERATE",                                                          \
    "a challenge vector or commitment of a shuffle degenerates")                                            \
  X(122, kMixOffsetReused, "MIX_OFFSET_REUSED", "a mixer added one offset to two columns of a row")         \
  X(123, kCrsDegenerate, "CRS_DEGENERATE", "generators repeat, or equal the identity, the base or the key") \
  X(130, kDkgPopInvalid, "DKG_POP_INVALID", "proof of possession of a dealer's contribution fails")         \
  X(131, kDkgCommitMismatch, "DKG_COMMIT_MISMATCH", "an opened message differs from its announced hash")    \
  X(132, kDkgDegree, "DKG_DEGREE", "a commitment vector has another length than the quorum")                \
  X(133, kDkgShareInvalid, "DKG_SHARE_INVALID", "a share does not lie on the committed polynomial")         \
  X(134, kDkgSetup, "DKG_SETUP", "participants, indices or quorum are not as the ceremony demands")         \
  X(135, kDkgTranscriptMismatch, "DKG_TRANSCRIPT_MISMATCH", "participants certify different transcripts")   \
  X(136, kDkgDecryption, "DKG_DECRYPTION", "an encrypted share does not decrypt")                           \
  X(137, kDkgComplaintUnfounded, "DKG_COMPLAINT_UNFOUNDED", "a complaint does not show what it claims")     \
  X(140, kShareProofInvalid, "SHARE_PROOF_INVALID", "the proof of a decryption share fails")                \
  X(141, kShareProofMissing, "SHARE_PROOF_MISSING", "a decryption share comes without its proof")           \
  X(142, kTallyInsufficientShares, "TALLY_INSUFFICIENT_SHARES", "fewer valid shares than the quorum")       \
  X(143, kShareTrustee, "SHARE_TRUSTEE", "a decryption share of no trustee, or of one trustee twice")       \
  X(150, kLogProofInvalid, "LOG_PROOF_INVALID", "a Merkle proof leads to another root")                     \
  X(151, kLogProofDegenerate, "LOG_PROOF_DEGENERATE", "a Merkle proof has an impossible shape")             \
  X(152, kNoteFormat, "NOTE_FORMAT", "not a signed note or checkpoint")                                     \
  X(153, kLogOriginMismatch, "LOG_ORIGIN_MISMATCH", "a checkpoint of another log")                          \
  X(154, kHeadUnwitnessed, "HEAD_UNWITNESSED", "a checkpoint lacks the quorum of witnesses")                \
  X(160, kSigInvalid, "SIG_INVALID", "a signature does not verify")                                         \
  X(161, kSecretUnreadable, "SECRET_UNREADABLE", "a sealed secret does not open with this passphrase")      \
  X(162, kRngHealth, "RNG_HEALTH", "the random generator is stuck or repeats itself")

namespace psephos {

enum class Fault : std::uint16_t {
#define PSEPHOS_X(number, enumerator, name, sentence) enumerator = number,
  PSEPHOS_CRYPTO_FAULTS(PSEPHOS_X)
#undef PSEPHOS_X
};

/// The fixed upper-case name of SPEC §12.
constexpr std::string_view name_of(Fault fault) {
  switch (fault) {
#define PSEPHOS_X(number, enumerator, name, sentence) \
  case Fault::enumerator:                             \
    return name;
    PSEPHOS_CRYPTO_FAULTS(PSEPHOS_X)
#undef PSEPHOS_X
  }
  return "UNKNOWN";
}

}  // namespace psephos
