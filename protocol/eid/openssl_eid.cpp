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
#include "protocol/eid/profile.h"
#include "protocol/eid/public_key.h"
#include "protocol/eid/weak_key.h"

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

/// Of a key's weaknesses all but that its point is on no curve.
bool is_weak(const Certificate& certificate) {
  return !certificate.rsa_modulus.empty() &&
         rsa_weakness(certificate.rsa_modulus, certificate.rsa_exponent).has_value();
}

}  // namespace

struct OpensslEidVerifier::State {
  VoterProfile profile;
  std::vector<VoterAnchor> anchors;
  std::array<Shard, kShards> shards;
  std::unique_ptr<EvidenceVerifier> evidence;

  bool chain_valid_at(const Certificate& certificate, std::size_t issuer, std::int64_t at_unix_s) const {
    const VoterAnchor& anchor = anchors[issuer];
    return valid_at(certificate, at_unix_s) && valid_at(anchor.certificate, at_unix_s) &&
           valid_at(anchors[anchor.root].certificate, at_unix_s);
  }

  /// The certificate's issuer, from memory or by verification; what is remembered has no weak key.
  Result<std::size_t, Reason> chain(ByteView der, const Certificate& certificate) {
    const Digest256 id = psephos::sha256(der);
    Shard& shard = shards[id[31] % kShards];
    {
      const std::shared_lock lock(shard.mutex);
      if (const auto found = shard.verified.find(id); found != shard.verified.end()) return found->second;
    }
    if (is_weak(certificate)) return std::unexpected(Reason::kCertWeakKey);
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

Result<std::unique_ptr<OpensslEidVerifier>, Reason> OpensslEidVerifier::create(const EidProfile& profile) {
  auto state = std::make_unique<State>();
  auto voters = voter_profile_of(profile);
  if (!voters) return std::unexpected(Reason::kManifestInvalid);
  state->profile = std::move(*voters);
  auto& anchors = state->anchors;
  for (const Bytes& der : profile.anchors) {
    auto anchor = Anchor::read(der);
    if (!anchor) return std::unexpected(anchor.error());
    if (is_weak(anchor->certificate)) return std::unexpected(Reason::kCertWeakKey);
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
  auto evidence = EvidenceVerifier::create(profile.time_stamp_anchors);
  if (!evidence) return std::unexpected(evidence.error());
  state->evidence = std::move(*evidence);
  return std::unique_ptr<OpensslEidVerifier>(new OpensslEidVerifier(std::move(state)));
}

Result<VerifiedSigner, Reason> OpensslEidVerifier::verify_signer(ByteView certificate_der, KeyUse use,
                                                                 ByteView message, ByteView signature,
                                                                 std::int64_t at_unix_s) const {
  const auto certificate = parse_certificate(certificate_der);
  if (!certificate) return std::unexpected(certificate.error());
  if (const auto good = check_voter_profile(*certificate, use); !good) return std::unexpected(good.error());
  auto person = person_of(*certificate);
  if (!person) return std::unexpected(person.error());
  if (const auto good = check_election_profile(*certificate, *person, use, state_->profile); !good)
    return std::unexpected(good.error());
  const auto key = PublicKey::of(*certificate);
  if (!key) return std::unexpected(Reason::kCertWeakKey);
  const auto chain = state_->chain(certificate_der, *certificate);
  if (!chain) return std::unexpected(chain.error());
  if (!state_->chain_valid_at(*certificate, *chain, at_unix_s))
    return std::unexpected(Reason::kCertNotValidAtSigning);
  const SignatureScheme scheme = *voter_scheme(*certificate);
  if (!(certificate->curve ? key->verifies_raw(scheme, message, signature)
                           : key->verifies(scheme, message, signature)))
    return std::unexpected(Reason::kSigInvalid);
  return VerifiedSigner{std::move(*person), key_hash(*certificate)};
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
  if (!state_->chain_valid_at(*certificate, *issuer, stamped_unix_s))
    return std::unexpected(Reason::kCertNotValidAtSigning);
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
