#pragma once
#include <cstdint>

/// Sizes and counts beyond which bytes are refused before anything is allocated (SPEC §3.3).
namespace psephos::limits {

inline constexpr std::uint64_t kTextBytes = 400;
inline constexpr std::uint64_t kLanguages = 16;
inline constexpr std::uint64_t kContests = 64;
inline constexpr std::uint64_t kUnits = 10'000;
inline constexpr std::uint64_t kLists = 10'000;
inline constexpr std::uint64_t kChoices = 5'000;
inline constexpr std::uint64_t kSlots = 16;
inline constexpr std::uint64_t kRoster = 64;
inline constexpr std::uint64_t kCertificateBytes = 8192;
inline constexpr std::uint64_t kSignatureBytes = 768;  // RSA of 6,144 bits
inline constexpr std::uint64_t kTimeStampBytes = 16'384;
inline constexpr std::uint64_t kOcspBytes = 16'384;
inline constexpr std::uint64_t kSelections = 128;
inline constexpr std::uint64_t kProofBytes = 8192;
inline constexpr std::uint64_t kBallotBytes = 1U << 20U;
inline constexpr std::uint64_t kContainerBytes = kBallotBytes + 131'072;
inline constexpr std::uint64_t kSubmissionBytes = kContainerBytes + 65'536;
inline constexpr std::uint64_t kRollChanges = 10'000'000;
inline constexpr std::uint64_t kNoteBytes = 16'384;
inline constexpr std::uint64_t kManifestBytes = 64U << 20U;
inline constexpr std::uint64_t kDocumentBytes = 1U << 30U;
inline constexpr std::uint64_t kCeremonyMessageBytes = 65'536;
inline constexpr std::uint64_t kEidPolicies = 16;
inline constexpr std::uint64_t kWidth = 16;
inline constexpr std::uint64_t kRecordFiles = 1'000'000;
inline constexpr std::uint64_t kRecordFileBytes = std::uint64_t{1} << 38U;
inline constexpr int kRecordDepth = 8;  ///< directories in one another

}  // namespace psephos::limits
