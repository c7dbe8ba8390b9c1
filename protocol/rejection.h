#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/fault.h"
#include "crypto/result.h"

/// Why bytes, a ballot, a list or a record are refused (SPEC §12). Numbers are fixed for ever; crypto's own
/// come first. X(number, enumerator, NAME, sentence)
#define PSEPHOS_PROTOCOL_REASONS(X)                                                                          \
  X(200, kWireNoncanonical, "WIRE_NONCANONICAL", "bytes are not the canonical encoding of their message")    \
  X(201, kWireLimit, "WIRE_LIMIT", "a length or count exceeds its limit or the input")                       \
  X(202, kWireMissingField, "WIRE_MISSING_FIELD", "a field that must be present is absent")                  \
  X(203, kFieldCharset, "FIELD_CHARSET", "a text is not UTF-8 or holds forbidden characters")                \
  X(204, kIdNotAscii, "ID_NOT_ASCII", "an id holds something else than a-z, 0-9, dot, dash")                 \
  X(210, kManifestSignature, "MANIFEST_SIGNATURE", "the manifest lacks a quorum of commission signatures")   \
  X(211, kManifestFpMismatch, "MANIFEST_FP_MISMATCH", "the manifest's fingerprint is not the announced one") \
  X(212, kManifestFpUnpinned, "MANIFEST_FP_UNPINNED", "no fingerprint was given from outside the record")    \
  X(213, kManifestTextUnsafe, "MANIFEST_TEXT_UNSAFE",                                                        \
    "a text of the definition could be mistaken for another")                                                \
  X(214, kManifestInvalid, "MANIFEST_INVALID",                                                               \
    "the definition contradicts itself or a rule of the specification")                                      \
  X(215, kManifestThreshold, "MANIFEST_THRESHOLD",                                                           \
    "a quorum leaves no room for one absence, or none is needed")                                            \
  X(216, kSuiteUnsupported, "SUITE_UNSUPPORTED", "the manifest names another suite")                         \
  X(217, kCandidateTableInvalid, "CANDIDATE_TABLE_INVALID",                                                  \
    "points of the candidate table repeat or are not derived")                                               \
  X(218, kJointKeyMismatch, "JOINT_KEY_MISMATCH",                                                            \
    "the joint or a verification key does not follow from the ceremony")                                     \
  X(219, kDkgComplaintUnresolved, "DKG_COMPLAINT_UNRESOLVED", "the ceremony went on over a complaint")       \
  X(220, kElectionFpMismatch, "ELECTION_FP_MISMATCH", "a message of another election")                       \
  X(221, kTestModeForbidden, "TEST_MODE_FORBIDDEN", "a test facility in a production election")              \
  X(222, kSignatureQuorum, "SIGNATURE_QUORUM", "a document lacks a quorum of commission signatures")         \
  X(230, kPhaseNotOpen, "PHASE_NOT_OPEN", "casting has not begun")                                           \
  X(231, kPhaseClosed, "PHASE_CLOSED", "casting has ended")                                                  \
  X(232, kPhaseNotClosed, "PHASE_NOT_CLOSED", "the log is not sealed")                                       \
  X(233, kPhaseMoveForbidden, "PHASE_MOVE_FORBIDDEN", "the election cannot move to that phase now")          \
  X(240, kAuthChallengeUnknown, "AUTH_CHALLENGE_UNKNOWN",                                                    \
    "a challenge or ticket that was not issued here, or is spent")                                           \
  X(241, kTicketExpired, "TICKET_EXPIRED", "the cast ticket had expired when the ballot came")               \
  X(242, kTicketMismatch, "TICKET_MISMATCH", "the ballot says something else than its ticket")               \
  X(243, kVoterNotOnRoll, "VOTER_NOT_ON_ROLL", "no voter of the roll")                                       \
  X(244, kDistrictMismatch, "DISTRICT_MISMATCH", "the ballot's unit is not the voter's")                     \
  X(245, kRollVersionStale, "ROLL_VERSION_STALE", "the ticket's roll version is unknown or outdated")        \
  X(246, kStaleCastCounter, "STALE_CAST_COUNTER", "a ballot older than one that was logged")                 \
  X(247, kCastConflict, "CAST_CONFLICT",                                                                     \
    "another ballot with the same counter and predecessor was logged first")                                 \
  X(248, kRecastChainBroken, "RECAST_CHAIN_BROKEN",                                                          \
    "the ballot names another predecessor than the last logged")                                             \
  X(249, kRecastOrderConflict, "RECAST_ORDER_CONFLICT", "a ballot is logged before one it supersedes")       \
  X(250, kBallotShape, "BALLOT_SHAPE", "the selections are not those of the unit, each once, in order")      \
  X(251, kBallotSignatureMissing, "BALLOT_SIGNATURE_MISSING", "the ballot carries no signature")             \
  X(252, kSignerNotPseudonym, "SIGNER_NOT_PSEUDONYM", "the signer is not the voter the ballot names")        \
  X(253, kBallotDuplicateCiphertext, "BALLOT_DUPLICATE_CIPHERTEXT",                                          \
    "a ciphertext that the log already holds")                                                               \
  X(254, kBallotProofMissing, "BALLOT_PROOF_MISSING", "a ciphertext comes without its proof")                \
  X(255, kBallotProofInvalid, "BALLOT_PROOF_INVALID",                                                        \
    "no proof for this ballot that the ciphertext holds one of the choices")                                 \
  X(256, kBallotRReuse, "BALLOT_R_REUSE", "two ciphertexts share their randomness")                          \
  X(257, kRateLimited, "RATE_LIMITED", "too many requests; wait and try again")                              \
  X(258, kVerifyUnknown, "VERIFY_UNKNOWN", "no ballot can be shown for this code")                           \
  X(259, kServiceUnavailable, "SERVICE_UNAVAILABLE", "the service cannot answer now; try again")             \
  X(260, kRequestUnknown, "REQUEST_UNKNOWN", "no such request")                                              \
  X(270, kCertParse, "CERT_PARSE", "not a strictly encoded certificate")                                     \
  X(271, kCertChainUntrusted, "CERT_CHAIN_UNTRUSTED",                                                        \
    "no chain from the certificate to an anchor of the election")                                            \
  X(272, kCertNotValidAtSigning, "CERT_NOT_VALID_AT_SIGNING",                                                \
    "the certificate was not valid at the time of use")                                                      \
  X(273, kCertKeyUsage, "CERT_KEY_USAGE", "the certificate is for another use")                              \
  X(274, kCertProfile, "CERT_PROFILE", "the certificate does not follow the profile")                        \
  X(275, kVoterIdFormat, "VOTER_ID_FORMAT", "not a personal identifier of the profile")                      \
  X(276, kSigAlgForbidden, "SIG_ALG_FORBIDDEN", "a signature algorithm outside the profile")                 \
  X(280, kAckUnverifiable, "ACK_UNVERIFIABLE",                                                               \
    "the collector's answer does not prove that the ballot is recorded")                                     \
  X(281, kReceiptMismatch, "RECEIPT_MISMATCH", "the receipt is for another ballot")                          \
  X(283, kNotRecorded, "NOT_RECORDED", "the ballot is not proved to be in the log")                          \
  X(284, kQrFormat, "QR_FORMAT", "not a verification code of this system")                                   \
  X(285, kRMismatch, "R_MISMATCH", "the ciphertext does not open with this code")                            \
  X(286, kVoterMismatch, "VOTER_MISMATCH", "the ballot is another voter's")                                  \
  X(288, kTlsPinMismatch, "TLS_PIN_MISMATCH",                                                                \
    "the server is not the one whose certificate the manifest names")                                        \
  X(289, kModuleMissing, "MODULE_MISSING", "the card driver (PKCS#11 module) cannot be loaded")              \
  X(290, kTokenNotPresent, "TOKEN_NOT_PRESENT", "no eID card of that person is in the reader")               \
  X(291, kCardIncomplete, "CARD_INCOMPLETE", "the card lacks one of its two certificates or keys")           \
  X(292, kCardAmbiguous, "CARD_AMBIGUOUS", "cards of several persons are present; name the one to use")      \
  X(293, kPinWrong, "PIN_WRONG", "the PIN is wrong")                                                         \
  X(294, kPinLocked, "PIN_LOCKED", "the PIN is locked; unlock it with the PUK code")                         \
  X(295, kPinCancelled, "PIN_CANCELLED", "no PIN was entered")                                               \
  X(296, kCardFileUnreadable, "CARD_FILE_UNREADABLE", "the file of software cards cannot be read")           \
  X(297, kCardUnknown, "CARD_UNKNOWN", "the file of software cards has no card of that person")              \
  X(298, kDeviceError, "DEVICE_ERROR", "the card or its driver failed; take it out, put it back, try again") \
  X(300, kLogLeafMismatch, "LOG_LEAF_MISMATCH", "a stored item is not what its log entry commits to")        \
  X(301, kLogRootMismatch, "LOG_ROOT_MISMATCH", "the entries do not give the checkpoint's root")             \
  X(302, kLogEquivocation, "LOG_EQUIVOCATION", "two checkpoints that cannot both be true")                   \
  X(303, kLogTruncated, "LOG_TRUNCATED", "a checkpoint of a greater size exists")                            \
  X(304, kLogHeadRegression, "LOG_HEAD_REGRESSION", "the log is older than a checkpoint already seen")       \
  X(305, kLogEntryUnknown, "LOG_ENTRY_UNKNOWN", "a log entry of unknown version or type")                    \
  X(306, kReceiptNotInLog, "RECEIPT_NOT_IN_LOG", "a receipt's entry is not in the log")                      \
  X(307, kBallotLost, "BALLOT_LOST", "a logged ballot's item is gone")                                       \
  X(309, kNotSequencing, "NOT_SEQUENCING", "another collector orders the log now")                           \
  X(310, kRollChainGap, "ROLL_CHAIN_GAP", "a roll change set is missing, repeated or out of order")          \
  X(311, kRollChangeInvalid, "ROLL_CHANGE_INVALID", "a roll change contradicts the roll")                    \
  X(320, kRevocationUnsigned, "REVOCATION_UNSIGNED", "a revocation list lacks the commission's quorum")      \
  X(321, kRevocationDuplicate, "REVOCATION_DUPLICATE", "a revocation list was applied before")               \
  X(322, kRevocationMissing, "REVOCATION_MISSING", "a revocation list of the sequence is missing")           \
  X(323, kRevocationForeign, "REVOCATION_FOREIGN", "a revocation list of another election")                  \
  X(324, kRefusalUnfounded, "REFUSAL_UNFOUNDED", "a logged refusal whose reason does not hold")              \
  X(330, kBallotsetNotDerivable, "BALLOTSET_NOT_DERIVABLE",                                                  \
    "an input list is not what the sealed log determines")                                                   \
  X(331, kListNotSorted, "LIST_NOT_SORTED", "an input list is not sorted by ciphertext bytes")               \
  X(332, kUnitBelowK, "UNIT_BELOW_K", "a list is smaller than the smallest group allowed")                   \
  X(333, kCountMismatch, "COUNT_MISMATCH", "numbers that must agree do not")                                 \
  X(340, kUpstreamUnverified, "UPSTREAM_UNVERIFIED",                                                         \
    "what comes before does not verify; no secret was used")                                                 \
  X(341, kChainHashMismatch, "CHAIN_HASH_MISMATCH", "a stage does not follow from the stage it stands on")   \
  X(342, kMixChainGap, "MIX_CHAIN_GAP", "a mixing stage is missing, repeated or out of order")               \
  X(343, kMixOutputUnchanged, "MIX_OUTPUT_UNCHANGED", "a mixer passed a ciphertext on unchanged")            \
  X(344, kMixerDuplicate, "MIXER_DUPLICATE", "one mixer signed two stages")                                  \
  X(345, kMixerNotInRoster, "MIXER_NOT_IN_ROSTER", "a stage by nobody of the roster")                        \
  X(346, kParamFromProver, "PARAM_FROM_PROVER", "a proof brings parameters of its own")                      \
  X(347, kProofSetMismatch, "PROOF_SET_MISMATCH",                                                            \
    "proofs and what they should prove do not match one to one")                                             \
  X(350, kDecryptionTwice, "DECRYPTION_TWICE", "this trustee has already decrypted another set")             \
  X(351, kPlaintextMismatch, "PLAINTEXT_MISMATCH", "a plaintext is not what the shares decrypt to")          \
  X(352, kInvalidPlaintext, "INVALID_PLAINTEXT", "a plaintext outside the candidate table")                  \
  X(354, kResultMismatch, "RESULT_MISMATCH", "the published result is not the count of the plaintexts")      \
  X(360, kEvidenceFileMissing, "EVIDENCE_FILE_MISSING", "a file of the record is missing")                   \
  X(361, kEvidenceFileExtra, "EVIDENCE_FILE_EXTRA", "a file that the record's layout does not know")         \
  X(362, kEvidenceFileAltered, "EVIDENCE_FILE_ALTERED", "a file differs from the record's index")            \
  X(363, kAuditIncomplete, "AUDIT_INCOMPLETE", "a check could not be made")                                  \
  X(370, kDefinitionParse, "DEFINITION_PARSE", "the definition file cannot be read")                         \
  X(371, kFileUnreadable, "FILE_UNREADABLE", "a file cannot be read or written")                             \
  X(372, kUsage, "USAGE", "the command's words are off")                                                     \
  X(373, kStoreInconsistent, "STORE_INCONSISTENT", "the collector's store contradicts itself")               \
  X(374, kStoreKeyExists, "STORE_KEY_EXISTS", "a key that must be new exists already")                       \
  X(375, kDuplicateIdempotent, "DUPLICATE_IDEMPOTENT",                                                       \
    "the same ballot again: the same receipt, nothing new recorded")                                         \
  X(380, kContainerAmbiguous, "CONTAINER_AMBIGUOUS",                                                         \
    "the container's archive can be read in more than one way")                                              \
  X(381, kContainerPath, "CONTAINER_PATH", "a file name of the container leads out of it")                   \
  X(382, kContainerTooLarge, "CONTAINER_TOO_LARGE", "the container or a file in it is larger than allowed")  \
  X(383, kContainerUnsignedFile, "CONTAINER_UNSIGNED_FILE",                                                  \
    "the container does not hold exactly the one file that its signature covers")                            \
  X(384, kContainerTemplate, "CONTAINER_TEMPLATE", "the container is not written as the template says")      \
  X(385, kSigTemplate, "SIG_TEMPLATE", "the signature document is not written as the template says")         \
  X(386, kSigWrapped, "SIG_WRAPPED", "the signature document holds a part twice, or in another place")       \
  X(387, kXmlDtdForbidden, "XML_DTD_FORBIDDEN",                                                              \
    "the signature document declares a document type or entities")                                           \
  X(388, kSigDigest, "SIG_DIGEST", "a digest in the signature is not that of what it covers")                \
  X(390, kEvidenceMissing, "EVIDENCE_MISSING", "the ballot has no time-stamp or no certificate status")      \
  X(391, kEvidenceUnavailable, "EVIDENCE_UNAVAILABLE",                                                       \
    "the services that bear witness to the signature do not answer; try again")                              \
  X(392, kTimeEvidenceOrder, "TIME_EVIDENCE_ORDER",                                                          \
    "time-stamp, certificate status and casting do not follow in time")                                      \
  X(393, kEvidenceUnlogged, "EVIDENCE_UNLOGGED",                                                             \
    "a ballot was time-stamped, but no entry of the log holds it")                                           \
  X(394, kTstFormat, "TST_FORMAT", "not a time-stamp token of the profile")                                  \
  X(395, kTstImprint, "TST_IMPRINT", "the time-stamp is for something else")                                 \
  X(396, kTstNonce, "TST_NONCE", "the time-stamp answers another request")                                   \
  X(397, kTstSignerProfile, "TST_SIGNER_PROFILE",                                                            \
    "the time-stamp's signer has no certificate for time-stamping alone")                                    \
  X(398, kTstSignerUntrusted, "TST_SIGNER_UNTRUSTED",                                                        \
    "no chain from the time-stamp's signer to an anchor of the election")                                    \
  X(399, kTstSignature, "TST_SIGNATURE", "the time-stamp's signature does not verify")                       \
  X(400, kOcspFormat, "OCSP_FORMAT", "not a certificate status of the profile")                              \
  X(401, kOcspStale, "OCSP_STALE", "the certificate status is not of the time of signing")                   \
  X(402, kOcspNonce, "OCSP_NONCE", "the certificate status answers another request")                         \
  X(403, kOcspCertidMismatch, "OCSP_CERTID_MISMATCH", "the status is that of another certificate")           \
  X(404, kOcspResponderUntrusted, "OCSP_RESPONDER_UNTRUSTED",                                                \
    "the status is signed by nobody whom the authority appointed")                                           \
  X(405, kOcspSignature, "OCSP_SIGNATURE", "the status's signature does not verify")                         \
  X(406, kCertRevoked, "CERT_REVOKED", "the certificate was revoked")                                        \
  X(407, kCertSuspended, "CERT_SUSPENDED", "the certificate was suspended")                                  \
  X(408, kCertUnknown, "CERT_UNKNOWN", "its authority does not know the certificate")                        \
  X(409, kCertWeakKey, "CERT_WEAK_KEY", "the certificate's key can be broken")                               \
  X(410, kCertKeyShared, "CERT_KEY_SHARED", "the certificate's key was certified for another person too")    \
  X(411, kManifestAnchorExpiry, "MANIFEST_ANCHOR_EXPIRY",                                                    \
    "a trust anchor is not valid for the whole election")                                                    \
  X(412, kPseudonymNotInjective, "PSEUDONYM_NOT_INJECTIVE",                                                  \
    "pseudonyms and persons do not match one to one")                                                        \
  X(413, kAuditInputLimit, "AUDIT_INPUT_LIMIT",                                                              \
    "the record is larger, deeper or stranger than any election's")                                          \
  X(414, kRollFormat, "ROLL_FORMAT", "a line of the list of voters cannot be read")                          \
  X(420, kMobileNotClient, "MOBILE_NOT_CLIENT", "this person has no Mobile-ID or Smart-ID at this number")   \
  X(421, kMobileCancelled, "MOBILE_CANCELLED", "the request was cancelled")                                  \
  X(422, kMobileTimeout, "MOBILE_TIMEOUT", "nothing was entered on the phone in time")                       \
  X(423, kMobileUnreachable, "MOBILE_UNREACHABLE", "the phone cannot be reached")                            \
  X(424, kMobileDevice, "MOBILE_DEVICE", "the SIM card or app reported a fault")                             \
  X(425, kMobileWrongCode, "MOBILE_WRONG_CODE", "another verification code was chosen on the phone")         \
  X(426, kMobileUnsuitable, "MOBILE_UNSUITABLE",                                                             \
    "this account cannot sign now; the app or the self-service portal says why")                             \
  X(427, kMobileOutdated, "MOBILE_OUTDATED", "the app is too old")                                           \
  X(428, kMobileServiceDown, "MOBILE_SERVICE_DOWN", "the Mobile-ID or Smart-ID service cannot answer now")   \
  X(429, kMobileSessionUnknown, "MOBILE_SESSION_UNKNOWN", "no such signing session, or it is over")          \
  X(430, kMobileHashMismatch, "MOBILE_HASH_MISMATCH", "the phone signed something else")                     \
  X(431, kMobileRefused, "MOBILE_REFUSED",                                                                   \
    "the Mobile-ID or Smart-ID service refuses this election's requests")                                    \
  X(440, kCertPolicy, "CERT_POLICY", "the certificate was issued under no policy of the election")           \
  X(480, kRollForeign, "ROLL_FOREIGN", "a list of persons of another election")

namespace psephos {

enum class Reason : std::uint16_t {
#define PSEPHOS_X(number, enumerator, name, sentence) enumerator = number,
  PSEPHOS_CRYPTO_FAULTS(PSEPHOS_X) PSEPHOS_PROTOCOL_REASONS(PSEPHOS_X)
#undef PSEPHOS_X
};

/// A cryptographic fault keeps its number and its name.
constexpr Reason reason_of(Fault fault) {
  return static_cast<Reason>(fault);
}

/// The fixed upper-case name, and the sentence that explains it (SPEC §12).
constexpr std::pair<std::string_view, std::string_view> describe(Reason reason) {
  switch (reason) {
#define PSEPHOS_X(number, enumerator, name, sentence) \
  case Reason::enumerator:                            \
    return {name, sentence};
    PSEPHOS_CRYPTO_FAULTS(PSEPHOS_X)
    PSEPHOS_PROTOCOL_REASONS(PSEPHOS_X)
#undef PSEPHOS_X
  }
  return {"UNKNOWN", "a reason this version does not know"};
}
constexpr std::string_view name_of(Reason reason) {
  return describe(reason).first;
}

/// The reason with that number; nullopt if there is none.
constexpr std::optional<Reason> reason_from(std::uint64_t number) {
  switch (number) {
#define PSEPHOS_X(number, enumerator, name, sentence) case number:
    PSEPHOS_CRYPTO_FAULTS(PSEPHOS_X)
    PSEPHOS_PROTOCOL_REASONS(PSEPHOS_X)
#undef PSEPHOS_X
    return static_cast<Reason>(number);
    default:
      return std::nullopt;
  }
}

/// A refusal: the reason, and what it is about ("ballot.selections[2].alpha", "M2, u1/mayor/0, equation B").
/// The object never holds a choice, a secret or, outside the sworn tier, a voter's identity.
struct Rejection {
  Reason reason;
  std::string object;
  friend bool operator==(const Rejection&, const Rejection&) = default;
};
inline std::unexpected<Rejection> reject(Reason reason, std::string object) {
  return std::unexpected(Rejection{reason, std::move(object)});
}
inline std::unexpected<Rejection> reject(Fault fault, std::string object) {
  return reject(reason_of(fault), std::move(object));
}
/// "NAME: sentence (object)", as printed to people.
std::string to_string(const Rejection& rejection);

}  // namespace psephos
