#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "crypto/proof/dleq.h"
#include "crypto/result.h"
#include "crypto/threshold/cocktail.h"

/// The key ceremony around cocktail-dkg: what is public of it, and how anybody checks it. What a trustee
/// keeps to itself is in crypto/secret/dkg_participant.h. SPEC §7.
namespace psephos {

inline constexpr std::uint32_t kDkgMaxTrustees = 64;

/// One attempt at one election's key. Its id, definition hash ‖ u64(attempt), is the session id of
/// cocktail-dkg; an attempt that ended in a fault is never continued, only followed by the next.
struct DkgSession {
  std::string_view suite;       ///< the suite's fixed name
  Digest256 definition_hash{};  ///< of the frozen definition, which holds the trustees' static keys
  std::uint64_t attempt = 0;    ///< 1, 2, …
  Bytes id() const;
};

/// Why a ceremony ended, and which trustee (1 … n) is to answer for it; 0 where no single one is.
struct DkgRejection {
  Fault fault;
  std::uint32_t culprit;
  friend bool operator==(const DkgRejection&, const DkgRejection&) = default;
};

/// Session, quorum and static keys that a ceremony may begin with; holds only valid ones.
class DkgSetup {
 public:
  /// @return kDkgSetup unless 2 ≤ quorum ≤ n − 1 (A140), n ≤ kDkgMaxTrustees and attempt ≥ 1; for a static
  /// key that equals an earlier one kDkgSetup, for one that is the identity kPointIdentity, its owner being
  /// the culprit.
  static Result<DkgSetup, DkgRejection> create(const DkgSession& session, std::uint32_t quorum,
                                               std::span<const Ristretto::Point> static_keys);
  const DkgSession& session() const { return session_; }
  const CocktailSession& inner() const { return inner_; }
  std::uint32_t trustees() const { return inner_.size(); }
  std::uint32_t quorum() const { return inner_.quorum; }

 private:
  DkgSession session_;
  CocktailSession inner_;
};

/// Step 1, before any opening is public.
struct DkgAnnouncement {
  static constexpr std::size_t kWidth = 128;
  Digest512 hash{};            ///< dkg_opening_hash of the message to come
  ByteArray<64> possession{};  ///< cocktail_sign(d_i, dkg_key_statement): the static key is not another's in
                               ///< disguise, so a complaint against i opens nothing that i does not know
  ByteArray<kWidth> encode() const;
  /// @return kWireLength for any other length than kWidth.
  static Result<DkgAnnouncement, Fault> decode(ByteView bytes);
  friend bool operator==(const DkgAnnouncement&, const DkgAnnouncement&) = default;
};
/// suite ‖ "/dkg-static-key/v1" ‖ 00 ‖ context ‖ u32(index).
Bytes dkg_key_statement(const DkgSetup& setup, std::uint32_t index);
/// Commits trustee `index` to its opening: binding by collision resistance, hiding because an opening holds
/// 256 bits and more that nobody else knows.
Digest512 dkg_opening_hash(const DkgSetup& setup, std::uint32_t index, ByteView msg1);
/// The extension of cocktail-dkg's transcript: hash of all announcements, so that the certificate covers the
/// ciphertexts, which the transcript alone does not.
Digest512 dkg_extension(const DkgSetup& setup, std::span<const DkgAnnouncement> announcements);
/// Every trustee has announced and knows its static secret. @return kDkgCommitMismatch, culprit 0, unless
/// there are n; kDkgPopInvalid.
Result<void, DkgRejection> check_dkg_announcements(const DkgSetup& setup,
                                                   std::span<const DkgAnnouncement> announcements);

using DkgCertificate = ByteArray<64>;

/// Every opening is what its trustee announced (kDkgCommitMismatch), has the quorum's degree and canonical
/// points (kDkgDegree, decoding faults), and proves possession (kDkgPopInvalid): each check over all trustees
/// before the next begins. kDkgCommitMismatch, culprit 0, unless there are n of each.
Result<std::vector<CocktailMsg1>, DkgRejection> open_dkg_messages(
    const DkgSetup& setup, std::span<const DkgAnnouncement> announcements, std::span<const Bytes> openings);

/// What the ceremony is for.
struct DkgKeys {
  Ristretto::Point joint_key;                       ///< Y = Σ_j C_(j,0)
  std::vector<Ristretto::Point> verification_keys;  ///< Y_i = Σ_k i^k · Σ_j C_(j,k) = x_i·G
  friend bool operator==(const DkgKeys&, const DkgKeys&) = default;
};
/// @return kPointIdentity, culprit 0, if Y or a Y_i is the identity, which takes all dealers together.
Result<DkgKeys, DkgRejection> dkg_keys(const DkgSetup& setup, std::span<const CocktailMsg1> all);

/// Everything public of a ceremony, in roster order. Roster signatures are checked by who reads it.
struct DkgTranscript {
  std::vector<DkgAnnouncement> announcements;
  std::vector<Bytes> openings;
  std::vector<DkgCertificate> certificates;
};
/// The joint key and verification keys follow from what all n dealers committed to before they saw one
/// another, of exactly this quorum, and every trustee certified the same transcript, that is, accepted its
/// shares. For trustees (round 3 of cocktail-dkg) and auditors alike.
/// @return the refusals of check_dkg_announcements, open_dkg_messages and dkg_keys, in this order;
/// kDkgTranscriptMismatch, culprit 0 unless there are n certificates, else the first trustee whose
/// certificate is not on this transcript. Variable time. Cost: n·(t + 6) multiplications.
Result<DkgKeys, DkgRejection> verify_dkg_transcript_vartime(const DkgSetup& setup,
                                                            const DkgTranscript& transcript);

/// What recipient i publishes instead of a certificate when the share of dealer j fails: the two shared
/// points, with a proof that they are d_i·E_j and d_i·P_j. Whoever has them can derive the key, decrypt the
/// ciphertext and see for himself. Dealer j knows them anyway, having proved d_j; nothing else is opened.
struct DkgComplaint {
  static constexpr std::size_t kWidth = 4 + 32 + 32 + 64;
  std::uint32_t dealer = 0;
  Ristretto::Point ephemeral;         ///< S^e = d_i·E_j
  Ristretto::Point fixed;             ///< S^d = d_i·P_j
  BatchedDleqProof<Ristretto> proof;  ///< P_i = d_i·G, S^e = d_i·E_j, S^d = d_i·P_j
  /// u32(dealer) ‖ S^e ‖ S^d ‖ c ‖ s.
  Bytes encode() const;
  /// @return kWireLength, the decoding faults of points, kScalarNoncanonical.
  static Result<DkgComplaint, Fault> decode(ByteView bytes);
};
/// Context of the proof: label "dkg-complaint/v1", role "trustee", the complainer's index; frames context,
/// dealer, msg1.
Transcript dkg_complaint_transcript(const DkgSetup& setup, std::uint32_t complainer, std::uint32_t dealer,
                                    ByteView msg1);
/// Who is to answer for a ceremony in which `complainer` complained: there is always somebody.
/// @return the refusals of check_dkg_announcements and open_dkg_messages, if anybody can see that fault;
/// else kDkgDecryption or kDkgShareInvalid and the dealer, if the opened points show it; else, whatever is
/// wrong with the complaint, kDkgComplaintUnfounded and the complainer.
/// @pre 1 ≤ complainer ≤ n. Variable time.
DkgRejection judge_dkg_complaint_vartime(const DkgSetup& setup,
                                         std::span<const DkgAnnouncement> announcements,
                                         std::span<const Bytes> openings, std::uint32_t complainer,
                                         ByteView complaint);

}  // namespace psephos
