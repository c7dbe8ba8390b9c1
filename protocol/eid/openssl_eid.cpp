#include "protocol/eid/openssl_eid.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "crypto/hash.h"
#include "protocol/eid/anchor.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/evidence.h"
#include "protocol/eid/public_key.h"

namespace psephos {
namespace {

constexpr std::size_t kShards = 16;
constexpr std::size_t kCachedPerShard = 8192;

struct DigestHash {
  std::size_t operator()(const Digest256& digest) const {
    std::size_t out = 0;
    std::memcpy(&out, digest.data(), sizeof out);
    return out;
  }
};
/// Card certificates whose issuer's signature was found good, and the index of the issuing anchor. Their keys
/// are not kept: OpenSSL takes 2 KB for one, and makes it anew in a small part of a verification.
struct Shard {
  std::shared_mutex mutex;
  std::unordered_map<Digest256, std::size_t, DigestHash> verified;
};

struct VoterAnchor : Anchor {
  bool self_signed = false;
  std::size_t root = 0;
};

}  // namespace

struct OpensslEidVerifier::State {
  std::vector<VoterAnchor> anchors;
  std::array<Shard, kShards> shards;
  std::unique_ptr<EvidenceVerifier> evidence;

  /// The certificate's issuer, from memory or by verification.
  Result<std::size_t, Reason> chain(ByteView der, const Certificate& certificate) {
    const Digest256 id = psephos::sha256(der);
    Shard& shard = shards[id[31] % kShards];
    {
      const std::shared_lock lock(shard.mutex);
      if (const auto found = shard.verified.find(id); found != shard.verified.end()) return found->second;
    }
    const auto issuer = std::find_if(anchors.begin(), anchors.end(), [&](const VoterAnchor& anchor) {
      return !anchor.self_signed && anchor.issued(certificate);
    });
    if (issuer == anchors.end()) return std::unexpected(Reason::kCertChainUntrusted);
    const auto index = static_cast<std::size_t>(issuer - anchors.begin());
    const std::unique_lock lock(shard.mutex);
    if (shard.verified.size() >= kCachedPerShard) shard.verified.erase(shard.verified.begin());
    shard.verified.emplace(id, index);
    return index;
  }
};

OpensslEidVerifier::OpensslEidVerifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpensslEidVerifier::~OpensslEidVerifier() = default;

Result<std::unique_ptr<OpensslEidVerifier>, Reason> OpensslEidVerifier::create(
    std::span<const Bytes> anchors_der, std::span<const Bytes> time_stamp_anchors_der) {
  auto state = std::make_unique<State>();
  auto& anchors = state->anchors;
  for (const Bytes& der : anchors_der) {
    auto anchor = Anchor::read(der);
    if (!anchor) return std::unexpected(anchor.error());
    const bool self_signed = equal(anchor->certificate.issuer, anchor->certificate.subject);
    anchors.push_back({std::move(*anchor), self_signed, 0});
  }
  bool can_issue = false;
  for (VoterAnchor& anchor : anchors) {
    const auto root = std::find_if(anchors.begin(), anchors.end(), [&](const VoterAnchor& candidate) {
      return candidate.self_signed &&
             (anchor.self_signed || candidate.certificate.basic_constraints->path_length != 0) &&
             candidate.issued(anchor.certificate);
    });
    if (root == anchors.end()) return std::unexpected(Reason::kCertChainUntrusted);
    anchor.root = static_cast<std::size_t>(root - anchors.begin());
    can_issue = can_issue || !anchor.self_signed;
  }
  if (!can_issue) return std::unexpected(Reason::kCertChainUntrusted);
  auto evidence = EvidenceVerifier::create(time_stamp_anchors_der);
  if (!evidence) return std::unexpected(evidence.error());
  state->evidence = std::move(*evidence);
  return std::unique_ptr<OpensslEidVerifier>(new OpensslEidVerifier(std::move(state)));
}

Result<Person, Reason> OpensslEidVerifier::verify(ByteView certificate_der, KeyUse use, ByteView message,
                                                  ByteView signature, std::int64_t at_unix_s) const {
  const auto certificate = parse_certificate(certificate_der);
  if (!certificate) return std::unexpected(certificate.error());
  if (const auto good = check_voter_profile(*certificate, use); !good) return std::unexpected(good.error());
  auto person = person_of(*certificate);
  if (!person) return person;
  const auto key = PublicKey::of(*certificate);
  if (!key) return std::unexpected(Reason::kCertProfile);
  const auto chain = state_->chain(certificate_der, *certificate);
  if (!chain) return std::unexpected(chain.error());
  const VoterAnchor& issuer = state_->anchors[*chain];
  const VoterAnchor& root = state_->anchors[issuer.root];
  if (!valid_at(*certificate, at_unix_s) || !valid_at(issuer.certificate, at_unix_s) ||
      !valid_at(root.certificate, at_unix_s))
    return std::unexpected(Reason::kCertNotValidAtSigning);
  const bool p384 = *certificate->curve == EcCurve::kP384;
  if (!key->verifies_raw(p384 ? SignatureScheme::kEcdsaSha384 : SignatureScheme::kEcdsaSha256, message,
                         signature))
    return std::unexpected(Reason::kSigInvalid);
  return person;
}

Result<std::int64_t, Reason> OpensslEidVerifier::stamped_at(ByteView token, ByteView stamped) const {
  return state_->evidence->stamped_at(token, stamped);
}

Result<void, Reason> OpensslEidVerifier::good_at(ByteView certificate_der, ByteView ocsp_response,
                                                 ByteView token, std::int64_t stamped_unix_s) const {
  const auto certificate = parse_certificate(certificate_der);
  if (!certificate) return std::unexpected(certificate.error());
  if (!certificate->signature_scheme) return std::unexpected(Reason::kSigAlgForbidden);
  const auto issuer = state_->chain(certificate_der, *certificate);
  if (!issuer) return std::unexpected(issuer.error());
  return state_->evidence->good_at(*certificate, state_->anchors[*issuer], *issuer, ocsp_response, token,
                                   stamped_unix_s);
}

Result<ByteView, Reason> OpensslEidVerifier::issuer_of(ByteView certificate_der) const {
  const auto certificate = parse_certificate(certificate_der);
  if (!certificate) return std::unexpected(certificate.error());
  if (!certificate->signature_scheme) return std::unexpected(Reason::kSigAlgForbidden);
  const auto issuer = state_->chain(certificate_der, *certificate);
  if (!issuer) return std::unexpected(issuer.error());
  return state_->anchors[*issuer].der;
}

}  // namespace psephos
