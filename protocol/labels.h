#pragma once
#include <string_view>

/// Every domain label (SPEC §13). A label is used for one purpose only.
namespace psephos::labels {

inline constexpr std::string_view kSuite = "psephos-1";

// Hash to group.
inline constexpr std::string_view kGenerator = "psephos-1/generator";
inline constexpr std::string_view kDigitGenerator = "psephos-1/digit-generator";
inline constexpr std::string_view kCandidate = "psephos-1/candidate";
inline constexpr std::string_view kMark = "psephos-1/mark";

// Hashes.
inline constexpr std::string_view kPseudonym = "psephos-1/pseudonym";
inline constexpr std::string_view kEntry = "psephos-1/entry";
inline constexpr std::string_view kRandomness = "psephos-1/randomness";
inline constexpr std::string_view kCiphertextLeaf = "psephos-1/ciphertext";
inline constexpr std::string_view kDecryptionSet = "psephos-1/decryption-set";
inline constexpr std::string_view kNonceTimeStamp = "psephos-1/nonce/time-stamp";
inline constexpr std::string_view kNonceOcsp = "psephos-1/nonce/ocsp";

// Signatures: what is signed is label ‖ 0x00 ‖ body.
inline constexpr std::string_view kSignManifest = "psephos-1/sign/manifest";
inline constexpr std::string_view kSignRoll = "psephos-1/sign/roll";
inline constexpr std::string_view kSignRevocation = "psephos-1/sign/revocation";
inline constexpr std::string_view kSignPhase = "psephos-1/sign/phase";
inline constexpr std::string_view kSignCeremony = "psephos-1/sign/ceremony";
inline constexpr std::string_view kSignTicket = "psephos-1/sign/ticket";
inline constexpr std::string_view kSignReceipt = "psephos-1/sign/receipt";
inline constexpr std::string_view kSignRefusal = "psephos-1/sign/refusal";
inline constexpr std::string_view kSignMix = "psephos-1/sign/mix";
inline constexpr std::string_view kSignDecryption = "psephos-1/sign/decryption";
inline constexpr std::string_view kSignPeerRequest = "psephos-1/sign/peer-request";
inline constexpr std::string_view kChallengeKey = "psephos-1/challenge-key";
// Signatures by the voter's eID, but for ballots, which are signed as a container (SPEC §9.3).
inline constexpr std::string_view kEidAuthenticate = "psephos-1/eid/authenticate";

// Signed notes: the first line of their text.
inline constexpr std::string_view kRegistrarNote = "psephos-1/registrar";
inline constexpr std::string_view kVotedNote = "psephos-1/voted-list";

}  // namespace psephos::labels
