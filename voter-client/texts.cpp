#include "voter-client/texts.h"

#include <span>

namespace psephos {

namespace {

constexpr bool has_placeholders_of(std::string_view text, std::string_view other) {
  for (std::size_t begin = other.find('{'); begin != std::string_view::npos;
       begin = other.find('{', begin + 1)) {
    const std::size_t end = other.find('}', begin);
    if (end == std::string_view::npos) return false;
    if (text.find(other.substr(begin, end + 1 - begin)) == std::string_view::npos) return false;
  }
  return true;
}

constexpr bool complete(std::span<const Message> catalogue) {
  for (std::size_t i = 0; i < catalogue.size(); ++i) {
    const Message& m = catalogue[i];
    if (static_cast<std::size_t>(m.id) != i) return false;
    for (const std::string_view text : {m.en, m.et, m.ru, m.km})
      if (text.empty() || placeholders_of(text) != placeholders_of(m.en) || !has_placeholders_of(text, m.en))
        return false;
  }
  return catalogue.size() == kTextCount;
}
static_assert(complete(kCatalogue),
              "every text, in the enumeration's order, in all languages, with the same placeholders");

}  // namespace

std::string_view code_of(Language language) {
  switch (language) {
    case Language::kEnglish:
      return "en";
    case Language::kEstonian:
      return "et";
    case Language::kRussian:
      return "ru";
    case Language::kKhmer:
      return "km";
  }
  return "en";
}

std::string_view primary_subtag(std::string_view locale) {
  return locale.substr(0, locale.find_first_of("-_.@"));
}

std::optional<Language> language_from(std::string_view locale) {
  for (const Language language : kLanguages)
    if (primary_subtag(locale) == code_of(language)) return language;
  return std::nullopt;
}

std::string_view message_locale(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"})
    if (const char* value = environment(name); value != nullptr && *value != '\0') return value;
  return {};
}

Language choose_language(std::string_view asked, std::string_view locale, std::string_view election_first) {
  for (const std::string_view wish : {asked, locale, election_first})
    if (const auto language = language_from(wish)) return *language;
  return Language::kEnglish;
}

Explanation explain(Reason reason) {
  switch (reason) {
    case Reason::kUsage:
      return {TextId::kUsage};
    case Reason::kFileUnreadable:
      return {TextId::kFileUnreadable};
    case Reason::kRngHealth:
      return {TextId::kRngHealth};

    case Reason::kWireLength:
    case Reason::kPointNoncanonical:
    case Reason::kPointInvalid:
    case Reason::kPointIdentity:
    case Reason::kScalarNoncanonical:
    case Reason::kWireNoncanonical:
    case Reason::kWireLimit:
    case Reason::kWireMissingField:
    case Reason::kFieldCharset:
    case Reason::kIdNotAscii:
    case Reason::kRequestUnknown:
      return {TextId::kDataDamaged, true};
    case Reason::kSigInvalid:
      return {TextId::kSigInvalid, true};

    // The election, before anything is cast.
    case Reason::kManifestSignature:
    case Reason::kManifestTextUnsafe:
    case Reason::kManifestInvalid:
    case Reason::kManifestThreshold:
    case Reason::kManifestAnchorExpiry:
    case Reason::kSignatureQuorum:
    case Reason::kCandidateTableInvalid:
    case Reason::kJointKeyMismatch:
    case Reason::kCrsDegenerate:
    case Reason::kDkgPopInvalid:
    case Reason::kDkgCommitMismatch:
    case Reason::kDkgDegree:
    case Reason::kDkgShareInvalid:
    case Reason::kDkgSetup:
    case Reason::kDkgTranscriptMismatch:
    case Reason::kDkgDecryption:
    case Reason::kDkgComplaintUnfounded:
    case Reason::kDkgComplaintUnresolved:
      return {TextId::kElectionDataWrong, true};
    case Reason::kSuiteUnsupported:
      return {TextId::kProgramOutdated};
    case Reason::kManifestFpMismatch:
      return {TextId::kManifestFpMismatch, true};
    case Reason::kManifestFpUnpinned:
      return {TextId::kManifestFpUnpinned};
    case Reason::kElectionFpMismatch:
      return {TextId::kElectionFpMismatch, true};
    case Reason::kTlsPinMismatch:
      return {TextId::kTlsPinMismatch, true};

    // The collector's refusals of tickets and ballots.
    case Reason::kPhaseNotOpen:
      return {TextId::kPhaseNotOpen};
    case Reason::kPhaseClosed:
      return {TextId::kPhaseClosed};
    case Reason::kAuthChallengeUnknown:
      return {TextId::kAuthChallengeUnknown};
    case Reason::kTicketExpired:
      return {TextId::kTicketExpired};
    case Reason::kTicketMismatch:
      return {TextId::kTicketMismatch, true};
    case Reason::kVoterNotOnRoll:
      return {TextId::kVoterNotOnRoll};
    case Reason::kDistrictMismatch:
    case Reason::kRollVersionStale:
      return {TextId::kRollChanged};
    case Reason::kStaleCastCounter:
    case Reason::kCastConflict:
    case Reason::kRecastChainBroken:
    case Reason::kRecastOrderConflict:
      return {TextId::kAnotherBallot, true};
    case Reason::kDuplicateIdempotent:
      return {TextId::kDuplicateIdempotent};
    case Reason::kRateLimited:
      return {TextId::kRateLimited};
    case Reason::kServiceUnavailable:
      return {TextId::kServiceUnavailable};
    case Reason::kEvidenceUnavailable:
      return {TextId::kEvidenceUnavailable};
    case Reason::kVerifyUnknown:
      return {TextId::kVerifyUnknown};
    case Reason::kProofChallengeMismatch:
    case Reason::kProofEncoding:
    case Reason::kProofParse:
    case Reason::kOneOfManyInvalid:
    case Reason::kBallotShape:
    case Reason::kBallotSignatureMissing:
    case Reason::kSignerNotPseudonym:
    case Reason::kBallotDuplicateCiphertext:
    case Reason::kBallotProofMissing:
    case Reason::kBallotProofInvalid:
    case Reason::kBallotRReuse:
    case Reason::kContainerAmbiguous:
    case Reason::kContainerPath:
    case Reason::kContainerTooLarge:
    case Reason::kContainerUnsignedFile:
    case Reason::kContainerTemplate:
    case Reason::kSigTemplate:
    case Reason::kSigWrapped:
    case Reason::kXmlDtdForbidden:
    case Reason::kSigDigest:
    case Reason::kEvidenceMissing:
    case Reason::kTimeEvidenceOrder:
    case Reason::kTstFormat:
    case Reason::kTstImprint:
    case Reason::kTstNonce:
    case Reason::kTstSignerProfile:
    case Reason::kTstSignerUntrusted:
    case Reason::kTstSignature:
    case Reason::kOcspFormat:
    case Reason::kOcspStale:
    case Reason::kOcspNonce:
    case Reason::kOcspCertidMismatch:
    case Reason::kOcspResponderUntrusted:
    case Reason::kOcspSignature:
      return {TextId::kBallotUnacceptable, true};

    // Certificates.
    case Reason::kCertParse:
    case Reason::kCertChainUntrusted:
    case Reason::kCertKeyUsage:
    case Reason::kCertProfile:
    case Reason::kCertPolicy:
    case Reason::kCertKeyShared:
    case Reason::kSigAlgForbidden:
      return {TextId::kCertificateUnsuitable, true};
    case Reason::kCertNotValidAtSigning:
      return {TextId::kCertNotValidAtSigning};
    case Reason::kCertRevoked:
      return {TextId::kCertRevoked};
    case Reason::kCertSuspended:
      return {TextId::kCertSuspended};
    case Reason::kCertUnknown:
      return {TextId::kCertUnknown};
    case Reason::kCertWeakKey:
      return {TextId::kCertWeakKey};
    case Reason::kVoterIdFormat:
      return {TextId::kVoterIdFormat};

    // Receipts, the log, verification.
    case Reason::kAckUnverifiable:
      return {TextId::kAckUnverifiable, true};
    case Reason::kReceiptMismatch:
      return {TextId::kReceiptMismatch, true};
    case Reason::kNotRecorded:
      return {TextId::kNotRecorded, true};
    case Reason::kHeadUnwitnessed:
      return {TextId::kHeadUnwitnessed, true};
    case Reason::kLogProofInvalid:
    case Reason::kLogProofDegenerate:
    case Reason::kNoteFormat:
    case Reason::kLogOriginMismatch:
    case Reason::kLogLeafMismatch:
    case Reason::kLogRootMismatch:
    case Reason::kLogEquivocation:
    case Reason::kLogTruncated:
    case Reason::kLogHeadRegression:
    case Reason::kLogEntryUnknown:
    case Reason::kReceiptNotInLog:
    case Reason::kBallotLost:
      return {TextId::kLogContradicts, true};
    case Reason::kQrFormat:
      return {TextId::kQrFormat};
    case Reason::kRMismatch:
      return {TextId::kRMismatch, true};
    case Reason::kVoterMismatch:
      return {TextId::kVoterMismatch, true};

    // Cards.
    case Reason::kTestModeForbidden:
      return {TextId::kTestModeForbidden};
    case Reason::kModuleMissing:
      return {TextId::kModuleMissing};
    case Reason::kTokenNotPresent:
      return {TextId::kTokenNotPresent};
    case Reason::kCardIncomplete:
      return {TextId::kCardIncomplete};
    case Reason::kCardAmbiguous:
      return {TextId::kCardAmbiguous};
    case Reason::kPinWrong:
      return {TextId::kPinWrong};
    case Reason::kPinLocked:
      return {TextId::kPinLocked};
    case Reason::kPinCancelled:
      return {TextId::kPinCancelled};
    case Reason::kCardFileUnreadable:
      return {TextId::kCardFileUnreadable};
    case Reason::kCardUnknown:
      return {TextId::kCardUnknown};
    case Reason::kDeviceError:
      return {TextId::kDeviceError};

    // Phones.
    case Reason::kMobileNotClient:
      return {TextId::kMobileNotClient};
    case Reason::kMobileCancelled:
      return {TextId::kMobileCancelled};
    case Reason::kMobileTimeout:
      return {TextId::kMobileTimeout};
    case Reason::kMobileUnreachable:
      return {TextId::kMobileUnreachable};
    case Reason::kMobileDevice:
      return {TextId::kMobileDevice};
    case Reason::kMobileWrongCode:
      return {TextId::kMobileWrongCode};
    case Reason::kMobileUnsuitable:
      return {TextId::kMobileUnsuitable};
    case Reason::kMobileOutdated:
      return {TextId::kMobileOutdated};
    case Reason::kMobileServiceDown:
      return {TextId::kMobileServiceDown};
    case Reason::kMobileSessionUnknown:
      return {TextId::kMobileSessionUnknown};
    case Reason::kMobileHashMismatch:
      return {TextId::kMobileHashMismatch, true};
    case Reason::kMobileRefused:
      return {TextId::kMobileRefused, true};

    // What voters do not meet: keys, lists, mixing, decryption, the audit. texts_test says of which ranges
    // every reason must stand above.
    default:
      return {TextId::kStopped, true};
  }
}

std::string reason_text(Reason reason, Language language) {
  const Explanation explanation = explain(reason);
  std::string out(text(explanation.text, language));
  if (explanation.report) out.append(" ").append(text(TextId::kReport, language));
  return out;
}

std::string refusal_text(const Rejection& rejection, Language language) {
  const std::string name(name_of(rejection.reason));
  if (rejection.object.empty()) return reason_text(rejection.reason, language) + " [" + name + "]";
  if (rejection.reason == Reason::kUsage) return rejection.object + " [" + name + "]";
  return reason_text(rejection.reason, language) + " [" + name + ": " + rejection.object + "]";
}

}  // namespace psephos
