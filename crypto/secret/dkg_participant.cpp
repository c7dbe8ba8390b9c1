#include "crypto/secret/dkg_participant.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "crypto/invariant.h"
#include "crypto/proof/dleq.h"
#include "crypto/secret/declassify.h"

namespace psephos {

namespace {

using Point = Ristretto::Point;
using SecretScalar = Ristretto::SecretScalar;

/// The dealer's randomness: block i is SHA-512(label ‖ seed ‖ context ‖ u32(quorum) ‖ u64(i)). The context
/// keeps two sessions apart even if one secret were used in both.
class SeededRng final : public Rng {
 public:
  SeededRng(const SecretBytes<32>& seed, const CocktailSession& session) {
    Bytes quorum;
    append_u32be(quorum, session.quorum);
    prefix_.update(bytes_of("psephos/dkg-dealer/v1")).update(seed.expose()).update(session.context);
    prefix_.update(quorum);
  }
  SeededRng(const SeededRng&) = delete;
  SeededRng& operator=(const SeededRng&) = delete;
  ~SeededRng() override { sodium_memzero(&prefix_, sizeof prefix_); }

  void fill(std::span<std::uint8_t> out) override {
    while (!out.empty()) {
      Sha512 hash = prefix_;
      Digest512 block = hash.update(u64be(counter_++)).finish();
      const std::size_t part = std::min(out.size(), block.size());
      std::copy_n(block.begin(), part, out.begin());
      out = out.subspan(part);
      sodium_memzero(block.data(), block.size());
      sodium_memzero(&hash, sizeof hash);
    }
  }

 private:
  Sha512 prefix_;
  std::uint64_t counter_ = 0;
};

}  // namespace

DkgSecret DkgSecret::create(Rng& rng) {
  DkgSecret out;
  do {
    out.static_secret_ = SecretScalar::random(rng);
  } while (out.static_key().is_identity());
  out.seed_ = SecretBytes<32>::random(rng);
  return out;
}

Point DkgSecret::static_key() const {
  return published(Ristretto::mul_base(static_secret_));
}

SecretBytes<DkgSecret::kWidth> DkgSecret::seal_bytes() const {
  SecretBytes<kWidth> out;
  const SecretBytes<32> d = static_secret_.seal_bytes();
  const auto to = out.expose_mutable().begin();
  std::ranges::copy(d.expose(), to);
  std::ranges::copy(seed_.expose(), to + 32);
  std::ranges::copy(u64be(opened_attempt_), to + 64);
  std::ranges::copy(opened_on_, to + 72);
  return out;
}

Result<DkgSecret, Fault> DkgSecret::from_secret_bytes(const SecretBytes<kWidth>& bytes) {
  auto d = SecretScalar::from_secret_bytes(SecretBytes<32>::copy_from(bytes.expose().first<32>()));
  if (!d) return std::unexpected(d.error());
  DkgSecret out;
  out.static_secret_ = std::move(*d);
  if (out.static_key().is_identity()) return std::unexpected(Fault::kPointIdentity);
  out.seed_ = SecretBytes<32>::copy_from(bytes.expose().subspan<32, 32>());
  // What it has opened on is public, and so is the attempt.
  out.opened_attempt_ = published(read_u64be(bytes.expose().subspan<64, 8>()));
  std::ranges::copy(bytes.expose().last<64>(), out.opened_on_.begin());
  out.opened_on_ = published(out.opened_on_);
  return out;
}

DkgParticipant::DkgParticipant(const DkgSetup& setup, std::uint32_t index, DkgSecret secret)
    : setup_(setup), index_(index), secret_(std::move(secret)) {
  SeededRng rng(secret_.seed_, setup_.inner());
  msg1_ = cocktail_deal(setup_.inner(), index_, secret_.static_secret_, {}, rng).encode();
}

Result<DkgParticipant, DkgRejection> DkgParticipant::create(const DkgSetup& setup, std::uint32_t index,
                                                            DkgSecret secret) {
  if (index < 1 || index > setup.trustees() || setup.inner().static_keys[index - 1] != secret.static_key())
    return std::unexpected(DkgRejection{Fault::kDkgSetup, index});
  return DkgParticipant(setup, index, std::move(secret));
}

DkgAnnouncement DkgParticipant::announce() const {
  return {dkg_opening_hash(setup_, index_, msg1_),
          cocktail_sign(secret_.static_secret_, dkg_key_statement(setup_, index_))};
}

Result<Bytes, DkgRejection> DkgParticipant::open(std::span<const DkgAnnouncement> announcements) {
  const auto announced = check_dkg_announcements(setup_, announcements);
  if (!announced) return std::unexpected(announced.error());
  if (announcements[index_ - 1] != announce())
    return std::unexpected(DkgRejection{Fault::kDkgCommitMismatch, index_});
  const std::uint64_t attempt = setup_.session().attempt;
  const Digest512 announced_hash = dkg_extension(setup_, announcements);
  if (attempt < secret_.opened_attempt_ ||
      (attempt == secret_.opened_attempt_ && announced_hash != secret_.opened_on_))
    return std::unexpected(DkgRejection{Fault::kDkgCommitMismatch, 0});
  secret_.opened_attempt_ = attempt;
  secret_.opened_on_ = announced_hash;
  return msg1_;
}

Result<std::vector<CocktailMsg1>, DkgRejection> DkgParticipant::received(
    std::span<const DkgAnnouncement> announcements, std::span<const Bytes> openings) const {
  if (setup_.session().attempt != secret_.opened_attempt_ ||
      dkg_extension(setup_, announcements) != secret_.opened_on_)
    return std::unexpected(DkgRejection{Fault::kDkgCommitMismatch, 0});
  return open_dkg_messages(setup_, announcements, openings);
}

CocktailSharedPoints DkgParticipant::shared_with(std::uint32_t dealer, const CocktailMsg1& msg1) const {
  return {secret_.static_secret_ * msg1.E, secret_.static_secret_ * setup_.inner().static_keys[dealer - 1]};
}

Result<CocktailShare, Fault> DkgParticipant::share_of(std::uint32_t dealer, const CocktailMsg1& msg1) const {
  return cocktail_open(setup_.inner(), dealer, index_, msg1, shared_with(dealer, msg1));
}

Result<DkgOutcome, DkgRejection> DkgParticipant::finish(std::span<const DkgAnnouncement> announcements,
                                                        std::span<const Bytes> openings) const {
  const auto all = received(announcements, openings);
  if (!all) return std::unexpected(all.error());
  SecretScalar x;
  for (std::uint32_t j = 1; j <= setup_.trustees(); ++j) {
    const auto opened = share_of(j, (*all)[j - 1]);
    if (!opened) return std::unexpected(DkgRejection{opened.error(), j});
    x = x + opened->share;
  }
  auto keys = dkg_keys(setup_, *all);
  if (!keys) return std::unexpected(keys.error());
  invariant(published(Ristretto::mul_base(x)) == keys->verification_keys[index_ - 1],
            "a sum of shares on the committed polynomials lies on their sum");
  const Bytes T = cocktail_transcript(setup_.inner(), *all, secret_.opened_on_);
  return DkgOutcome{std::move(x), std::move(*keys), cocktail_sign(secret_.static_secret_, T)};
}

Result<Bytes, DkgRejection> DkgParticipant::complain(std::span<const DkgAnnouncement> announcements,
                                                     std::span<const Bytes> openings, Rng& rng) const {
  const auto all = received(announcements, openings);
  if (!all) return std::unexpected(all.error());
  for (std::uint32_t j = 1; j <= setup_.trustees(); ++j) {
    const CocktailMsg1& msg1 = (*all)[j - 1];
    if (share_of(j, msg1)) continue;
    // Public from here on: this dealer knows both points already, and what they open was never a sound share.
    const auto& P = setup_.inner().static_keys;
    const CocktailSharedPoints shared = shared_with(j, msg1);
    const std::array inputs{msg1.E, P[j - 1]};
    const std::array outputs{published(shared.ephemeral), published(shared.fixed)};
    Transcript transcript = dkg_complaint_transcript(setup_, index_, j, openings[j - 1]);
    const auto proof = prove_batched_dleq<Ristretto>({P[index_ - 1], inputs, outputs}, secret_.static_secret_,
                                                     transcript, rng);
    return DkgComplaint{j, outputs[0], outputs[1], proof}.encode();
  }
  return std::unexpected(DkgRejection{Fault::kDkgComplaintUnfounded, index_});
}

}  // namespace psephos
