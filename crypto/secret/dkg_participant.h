#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/bytes.h"
#include "crypto/group/ristretto.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/threshold/dkg.h"

/// A trustee's side of the key ceremony. SPEC §7.
namespace psephos {

/// All that a trustee keeps of the ceremony while it lasts: its static secret d_i, a seed from which, with an
/// attempt's context, its polynomial and ephemeral key are derived anew whenever a step needs them, and the
/// announcements on which it has opened. So a process that is restarted, or restored from a snapshot, says
/// the same again and never something else. For one election only; erased when the key stands.
class DkgSecret {
 public:
  static DkgSecret create(Rng& rng);
  /// P_i = d_i·G, for the definition.
  Ristretto::Point static_key() const;
  static constexpr std::size_t kWidth = 136;
  /// For sealing at rest: d_i ‖ seed ‖ u64(attempt of the last opening, 0 if none) ‖ hash of its
  /// announcements.
  SecretBytes<kWidth> seal_bytes() const;
  /// @return kScalarNoncanonical if d_i is not reduced, kPointIdentity if it is zero.
  static Result<DkgSecret, Fault> from_secret_bytes(const SecretBytes<kWidth>& bytes);

 private:
  friend class DkgParticipant;
  Ristretto::SecretScalar static_secret_;
  SecretBytes<32> seed_;
  std::uint64_t opened_attempt_ = 0;
  Digest512 opened_on_{};
};

struct DkgOutcome {
  Ristretto::SecretScalar secret_share;  ///< x_i = Σ_j f_j(i)
  DkgKeys keys;
  DkgCertificate certificate;  ///< to publish (step 3); the key stands once all n are verified
};

/// One trustee's part in one attempt. Each step may be a process of its own: the object is rebuilt from the
/// same secret and setup.
class DkgParticipant {
 public:
  /// @return kDkgSetup, culprit `index`, if the setup does not hold this secret's key at `index`.
  static Result<DkgParticipant, DkgRejection> create(const DkgSetup& setup, std::uint32_t index,
                                                     DkgSecret secret);
  /// Step 1.
  DkgAnnouncement announce() const;
  /// Step 2: the opening (cocktail-dkg's msg1), which leaves only when all n announcements are at hand.
  /// `secret()` must be durable before the opening is sent, so that nobody can announce anew (A131).
  /// @return the refusals of check_dkg_announcements; kDkgCommitMismatch, culprit this trustee, if its own
  /// announcement is not at its place; culprit 0, if it has opened on others, or in a later attempt, before.
  Result<Bytes, DkgRejection> open(std::span<const DkgAnnouncement> announcements);
  const DkgSecret& secret() const { return secret_; }
  /// Step 3. @return kDkgCommitMismatch, culprit 0, unless these are the announcements it opened on; the
  /// refusals of open_dkg_messages and dkg_keys; then, for the first dealer whose share fails, kDkgDecryption
  /// or kDkgShareInvalid, which only it can see.
  Result<DkgOutcome, DkgRejection> finish(std::span<const DkgAnnouncement> announcements,
                                          std::span<const Bytes> openings) const;
  /// Instead of step 3's certificate, after finish gave kDkgDecryption or kDkgShareInvalid: an encoded
  /// DkgComplaint against that dealer. A sound share is never opened.
  /// @return the other refusals of finish; kDkgComplaintUnfounded, culprit this trustee, if all shares hold.
  Result<Bytes, DkgRejection> complain(std::span<const DkgAnnouncement> announcements,
                                       std::span<const Bytes> openings, Rng& rng) const;

 private:
  DkgParticipant(const DkgSetup& setup, std::uint32_t index, DkgSecret secret);
  Result<std::vector<CocktailMsg1>, DkgRejection> received(std::span<const DkgAnnouncement> announcements,
                                                           std::span<const Bytes> openings) const;
  CocktailSharedPoints shared_with(std::uint32_t dealer, const CocktailMsg1& msg1) const;
  Result<CocktailShare, Fault> share_of(std::uint32_t dealer, const CocktailMsg1& msg1) const;

  DkgSetup setup_;
  std::uint32_t index_;
  DkgSecret secret_;
  Bytes msg1_;
};

}  // namespace psephos
