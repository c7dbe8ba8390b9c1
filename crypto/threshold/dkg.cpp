#include "crypto/threshold/dkg.h"

#include <algorithm>
#include <array>

#include "crypto/invariant.h"
#include "crypto/transcript.h"

namespace psephos {

namespace {

using Point = Ristretto::Point;

Transcript begin(const DkgSetup& setup, std::string_view label, std::uint32_t index) {
  Transcript transcript({.suite = setup.session().suite,
                         .fingerprint = setup.session().definition_hash,
                         .label = label,
                         .role = "trustee",
                         .index = index});
  transcript.append("context", setup.inner().context);
  return transcript;
}

}  // namespace

Bytes DkgSession::id() const {
  Bytes out = copy_of(definition_hash);
  append_u64be(out, attempt);
  return out;
}

Result<DkgSetup, DkgRejection> DkgSetup::create(const DkgSession& session, std::uint32_t quorum,
                                                std::span<const Point> static_keys) {
  if (session.attempt == 0 || static_keys.size() > kDkgMaxTrustees || quorum < 2 ||
      quorum >= static_keys.size())
    return std::unexpected(DkgRejection{Fault::kDkgSetup, 0});
  DkgSetup out;
  out.session_ = session;
  out.inner_.quorum = quorum;
  std::vector<Point>& accepted = out.inner_.static_keys;
  for (const Point& P : static_keys) {
    const auto index = static_cast<std::uint32_t>(accepted.size() + 1);
    if (P.is_identity()) return std::unexpected(DkgRejection{Fault::kPointIdentity, index});
    if (std::ranges::find(accepted, P) != accepted.end())
      return std::unexpected(DkgRejection{Fault::kDkgSetup, index});
    accepted.push_back(P);
  }
  out.inner_.context = cocktail_context(session.id(), accepted);
  return out;
}

ByteArray<DkgAnnouncement::kWidth> DkgAnnouncement::encode() const {
  ByteArray<kWidth> out{};
  std::ranges::copy(hash, out.begin());
  std::ranges::copy(possession, out.begin() + sizeof hash);
  return out;
}

Result<DkgAnnouncement, Fault> DkgAnnouncement::decode(ByteView bytes) {
  if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
  DkgAnnouncement out;
  std::ranges::copy(bytes.first(sizeof hash), out.hash.begin());
  std::ranges::copy(bytes.subspan(sizeof hash), out.possession.begin());
  return out;
}

Bytes dkg_key_statement(const DkgSetup& setup, std::uint32_t index) {
  Bytes out = copy_of(bytes_of(setup.session().suite));
  append(out, bytes_of("/dkg-static-key/v1"));
  out.push_back(0);
  append(out, setup.inner().context);
  append_u32be(out, index);
  return out;
}

Digest512 dkg_opening_hash(const DkgSetup& setup, std::uint32_t index, ByteView msg1) {
  Transcript transcript = begin(setup, "dkg-opening/v1", index);
  transcript.append("msg1", msg1);
  return transcript.challenge_bytes("hash");
}

Digest512 dkg_extension(const DkgSetup& setup, std::span<const DkgAnnouncement> announcements) {
  Transcript transcript = begin(setup, "dkg-extension/v1", 0);
  for (const DkgAnnouncement& announcement : announcements)
    transcript.append_value("announcement", announcement);
  return transcript.challenge_bytes("hash");
}

Result<void, DkgRejection> check_dkg_announcements(const DkgSetup& setup,
                                                   std::span<const DkgAnnouncement> announcements) {
  if (announcements.size() != setup.trustees())
    return std::unexpected(DkgRejection{Fault::kDkgCommitMismatch, 0});
  for (std::uint32_t j = 1; j <= setup.trustees(); ++j)
    if (!cocktail_verify_vartime(setup.inner().static_keys[j - 1], dkg_key_statement(setup, j),
                                 announcements[j - 1].possession))
      return std::unexpected(DkgRejection{Fault::kDkgPopInvalid, j});
  return {};
}

Result<std::vector<CocktailMsg1>, DkgRejection> open_dkg_messages(
    const DkgSetup& setup, std::span<const DkgAnnouncement> announcements, std::span<const Bytes> openings) {
  const std::uint32_t n = setup.trustees();
  if (announcements.size() != n || openings.size() != n)
    return std::unexpected(DkgRejection{Fault::kDkgCommitMismatch, 0});
  for (std::uint32_t j = 1; j <= n; ++j)
    if (dkg_opening_hash(setup, j, openings[j - 1]) != announcements[j - 1].hash)
      return std::unexpected(DkgRejection{Fault::kDkgCommitMismatch, j});
  std::vector<CocktailMsg1> out;
  for (std::uint32_t j = 1; j <= n; ++j) {
    auto msg1 = CocktailMsg1::decode(setup.inner(), openings[j - 1]);
    if (!msg1) return std::unexpected(DkgRejection{msg1.error(), j});
    out.push_back(std::move(*msg1));
  }
  for (std::uint32_t j = 1; j <= n; ++j)
    if (!cocktail_pop_valid(setup.inner(), out[j - 1]))
      return std::unexpected(DkgRejection{Fault::kDkgPopInvalid, j});
  return out;
}

Result<DkgKeys, DkgRejection> dkg_keys(const DkgSetup& setup, std::span<const CocktailMsg1> all) {
  const std::vector<Point> sum = cocktail_aggregate(setup.inner(), all);
  DkgKeys out{sum[0], {}};
  bool degenerate = sum[0].is_identity();
  for (std::uint32_t i = 1; i <= setup.trustees(); ++i) {
    out.verification_keys.push_back(cocktail_evaluate_vartime(sum, i));
    degenerate = degenerate || out.verification_keys.back().is_identity();
  }
  if (degenerate) return std::unexpected(DkgRejection{Fault::kPointIdentity, 0});
  return out;
}

Result<DkgKeys, DkgRejection> verify_dkg_transcript_vartime(const DkgSetup& setup,
                                                            const DkgTranscript& transcript) {
  const auto announced = check_dkg_announcements(setup, transcript.announcements);
  if (!announced) return std::unexpected(announced.error());
  const auto all = open_dkg_messages(setup, transcript.announcements, transcript.openings);
  if (!all) return std::unexpected(all.error());
  auto keys = dkg_keys(setup, *all);
  if (!keys) return keys;
  if (transcript.certificates.size() != setup.trustees())
    return std::unexpected(DkgRejection{Fault::kDkgTranscriptMismatch, 0});
  const Bytes T = cocktail_transcript(setup.inner(), *all, dkg_extension(setup, transcript.announcements));
  for (std::uint32_t j = 1; j <= setup.trustees(); ++j)
    if (!cocktail_verify_vartime(setup.inner().static_keys[j - 1], T, transcript.certificates[j - 1]))
      return std::unexpected(DkgRejection{Fault::kDkgTranscriptMismatch, j});
  return keys;
}

Bytes DkgComplaint::encode() const {
  Bytes out;
  out.reserve(kWidth);
  append_u32be(out, dealer);
  append(out, ephemeral.encode());
  append(out, fixed.encode());
  append(out, proof.encode());
  return out;
}

Result<DkgComplaint, Fault> DkgComplaint::decode(ByteView bytes) {
  if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
  const auto ephemeral = Point::decode(bytes.subspan(4, 32));
  if (!ephemeral) return std::unexpected(ephemeral.error());
  const auto fixed = Point::decode(bytes.subspan(36, 32));
  if (!fixed) return std::unexpected(fixed.error());
  const auto proof = BatchedDleqProof<Ristretto>::decode(bytes.subspan(68));
  if (!proof) return std::unexpected(proof.error());
  return DkgComplaint{read_u32be(bytes.first(4)), *ephemeral, *fixed, *proof};
}

Transcript dkg_complaint_transcript(const DkgSetup& setup, std::uint32_t complainer, std::uint32_t dealer,
                                    ByteView msg1) {
  Transcript transcript = begin(setup, "dkg-complaint/v1", complainer);
  transcript.append_u64("dealer", dealer);
  transcript.append("msg1", msg1);
  return transcript;
}

DkgRejection judge_dkg_complaint_vartime(const DkgSetup& setup,
                                         std::span<const DkgAnnouncement> announcements,
                                         std::span<const Bytes> openings, std::uint32_t complainer,
                                         ByteView complaint_bytes) {
  invariant(complainer >= 1 && complainer <= setup.trustees(), "a complaint comes from a trustee");
  const auto announced = check_dkg_announcements(setup, announcements);
  if (!announced) return announced.error();
  const auto all = open_dkg_messages(setup, announcements, openings);
  if (!all) return all.error();

  const DkgRejection unfounded{Fault::kDkgComplaintUnfounded, complainer};
  const auto complaint = DkgComplaint::decode(complaint_bytes);
  if (!complaint || complaint->dealer < 1 || complaint->dealer > setup.trustees()) return unfounded;
  const std::uint32_t dealer = complaint->dealer;
  const CocktailMsg1& msg1 = (*all)[dealer - 1];
  const auto& P = setup.inner().static_keys;
  const std::array inputs{msg1.E, P[dealer - 1]};
  const std::array outputs{complaint->ephemeral, complaint->fixed};
  Transcript transcript = dkg_complaint_transcript(setup, complainer, dealer, openings[dealer - 1]);
  if (!verify_batched_dleq_vartime<Ristretto>({P[complainer - 1], inputs, outputs}, complaint->proof,
                                              transcript))
    return unfounded;
  const auto opened = cocktail_open(setup.inner(), dealer, complainer, msg1,
                                    CocktailSharedPoints(complaint->ephemeral, complaint->fixed));
  return opened ? unfounded : DkgRejection{opened.error(), dealer};
}

}  // namespace psephos
