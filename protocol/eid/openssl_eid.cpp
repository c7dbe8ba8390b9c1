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
#include "protocol/eid/certificate.h"
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

struct Anchor {
  Bytes der;
  Certificate certificate;  // views into der
  PublicKey key;
  bool self_signed = false;
  std::size_t root = 0;
};

/// Of a key's weaknesses all but that its point is on no curve.
bool is_weak(const Certificate& certificate) {
  return !certificate.rsa_modulus.empty() &&
         rsa_weakness(certificate.rsa_modulus, certificate.rsa_exponent).has_value();
}

bool valid_at(const Certificate& certificate, std::int64_t at_unix_s) {
  return certificate.not_before_unix_s <= at_unix_s && at_unix_s <= certificate.not_after_unix_s;
}

}  // namespace

struct OpensslEidVerifier::State {
  VoterProfile profile;
  std::vector<Anchor> anchors;
  std::array<Shard, kShards> shards;

  /// True if the anchor's key made the certificate's signature.
  bool issued(const Anchor& issuer, const Certificate& certificate) const {
    if (!equal(issuer.certificate.subject, certificate.issuer)) return false;
    if (!certificate.authority_key_id.empty() && !issuer.certificate.subject_key_id.empty() &&
        !equal(certificate.authority_key_id, issuer.certificate.subject_key_id))
      return false;
    return issuer.key.verifies(*certificate.signature_scheme, certificate.tbs, certificate.signature);
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
    const auto issuer = std::find_if(anchors.begin(), anchors.end(), [&](const Anchor& anchor) {
      return !anchor.self_signed && issued(anchor, certificate);
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
    Bytes kept = der;  // moving a vector keeps its bytes where the views point
    const auto certificate = parse_certificate(kept);
    if (!certificate) return std::unexpected(certificate.error());
    if (const auto good = check_issuer_profile(*certificate); !good) return std::unexpected(good.error());
    auto key = PublicKey::of(*certificate);
    if (!key || is_weak(*certificate)) return std::unexpected(Reason::kCertWeakKey);
    anchors.push_back({.der = std::move(kept),
                       .certificate = *certificate,
                       .key = std::move(*key),
                       .self_signed = equal(certificate->issuer, certificate->subject)});
  }
  bool can_issue = false;
  for (Anchor& anchor : anchors) {
    const auto root = std::find_if(anchors.begin(), anchors.end(), [&](const Anchor& candidate) {
      return candidate.self_signed &&
             (anchor.self_signed || candidate.certificate.basic_constraints->path_length != 0) &&
             state->issued(candidate, anchor.certificate);
    });
    if (root == anchors.end()) return std::unexpected(Reason::kCertChainUntrusted);
    anchor.root = static_cast<std::size_t>(root - anchors.begin());
    can_issue = can_issue || !anchor.self_signed;
  }
  if (!can_issue) return std::unexpected(Reason::kCertChainUntrusted);
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
  const Anchor& issuer = state_->anchors[*chain];
  const Anchor& root = state_->anchors[issuer.root];
  if (!valid_at(*certificate, at_unix_s) || !valid_at(issuer.certificate, at_unix_s) ||
      !valid_at(root.certificate, at_unix_s))
    return std::unexpected(Reason::kCertNotValidAtSigning);
  const SignatureScheme scheme = *voter_scheme(*certificate);
  if (!(certificate->curve ? key->verifies_raw(scheme, message, signature)
                           : key->verifies(scheme, message, signature)))
    return std::unexpected(Reason::kSigInvalid);
  return VerifiedSigner{std::move(*person), key_hash(*certificate)};
}

}  // namespace psephos
