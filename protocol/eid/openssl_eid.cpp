#include "protocol/eid/openssl_eid.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/openssl_pointers.h"

namespace psephos {
namespace {

using openssl::Digest;
using openssl::EcdsaSignature;
using openssl::Key;
using openssl::KeyContext;

/// The public key at that point; null if it is not on the curve.
Key make_key(EcCurve curve, ByteView point) {
  const char* group = curve == EcCurve::kP256 ? "P-256" : curve == EcCurve::kP384 ? "P-384" : "P-521";
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::uint8_t*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_end()};
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  invariant(context && EVP_PKEY_fromdata_init(context.get()) == 1, "OpenSSL has elliptic curve keys");
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters.data())) != 1)
    ERR_clear_error();
  return Key(key);
}

/// Ecdsa-Sig-Value of r‖s. @pre two halves of equal width.
Bytes der_of_raw(ByteView raw) {
  const EcdsaSignature signature(ECDSA_SIG_new());
  const int half = static_cast<int>(raw.size() / 2);
  BIGNUM* r = BN_bin2bn(raw.data(), half, nullptr);
  BIGNUM* s = BN_bin2bn(raw.data() + half, half, nullptr);
  invariant(signature && r != nullptr && s != nullptr && ECDSA_SIG_set0(signature.get(), r, s) == 1,
            "memory for a signature");
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
  unsigned char* out = der.data();
  i2d_ECDSA_SIG(signature.get(), &out);
  return der;
}

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
  Key key;
  bool self_signed = false;
  std::size_t root = 0;
};

bool valid_at(const Certificate& certificate, std::int64_t at_unix_s) {
  return certificate.not_before_unix_s <= at_unix_s && at_unix_s <= certificate.not_after_unix_s;
}

}  // namespace

struct OpensslEidVerifier::State {
  Digest sha256{EVP_MD_fetch(nullptr, "SHA2-256", nullptr)};
  Digest sha384{EVP_MD_fetch(nullptr, "SHA2-384", nullptr)};
  Digest sha512{EVP_MD_fetch(nullptr, "SHA2-512", nullptr)};
  std::vector<Anchor> anchors;
  std::array<Shard, kShards> shards;

  const EVP_MD* digest(EcdsaHash hash) const {
    switch (hash) {
      case EcdsaHash::kSha256:
        return sha256.get();
      case EcdsaHash::kSha384:
        return sha384.get();
      case EcdsaHash::kSha512:
        return sha512.get();
    }
    return nullptr;
  }

  bool ecdsa_verifies(EVP_PKEY* key, EcdsaHash hash, ByteView message, ByteView signature_der) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
    unsigned int size = 0;
    invariant(EVP_Digest(message.data(), message.size(), value.data(), &size, digest(hash), nullptr) == 1,
              "OpenSSL hashes");
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    invariant(context && EVP_PKEY_verify_init(context.get()) == 1, "OpenSSL verifies ECDSA");
    const bool good =
        EVP_PKEY_verify(context.get(), signature_der.data(), signature_der.size(), value.data(), size) == 1;
    if (!good) ERR_clear_error();
    return good;
  }

  /// True if the anchor's key made the certificate's signature.
  bool issued(const Anchor& issuer, const Certificate& certificate) const {
    if (!equal(issuer.certificate.subject, certificate.issuer)) return false;
    if (!certificate.authority_key_id.empty() && !issuer.certificate.subject_key_id.empty() &&
        !equal(certificate.authority_key_id, issuer.certificate.subject_key_id))
      return false;
    return ecdsa_verifies(issuer.key.get(), *certificate.signature_hash, certificate.tbs,
                          certificate.signature);
  }

  /// The certificate's issuer, from memory or by verification.
  Result<std::size_t, Reason> chain(ByteView der, const Certificate& certificate) {
    const Digest256 id = psephos::sha256(der);
    Shard& shard = shards[id[31] % kShards];
    {
      const std::shared_lock lock(shard.mutex);
      if (const auto found = shard.verified.find(id); found != shard.verified.end()) return found->second;
    }
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

Result<std::unique_ptr<OpensslEidVerifier>, Reason> OpensslEidVerifier::create(
    std::span<const Bytes> anchors_der) {
  auto state = std::make_unique<State>();
  invariant(state->sha256 && state->sha384 && state->sha512, "OpenSSL has SHA-2");
  auto& anchors = state->anchors;
  for (const Bytes& der : anchors_der) {
    Anchor anchor;
    anchor.der = der;
    const auto certificate = parse_certificate(anchor.der);
    if (!certificate) return std::unexpected(certificate.error());
    if (const auto good = check_issuer_profile(*certificate); !good) return std::unexpected(good.error());
    anchor.certificate = *certificate;
    anchor.key = make_key(*certificate->curve, certificate->public_point);
    if (!anchor.key) return std::unexpected(Reason::kCertProfile);
    anchor.self_signed = equal(certificate->issuer, certificate->subject);
    anchors.push_back(std::move(anchor));  // moving a vector keeps its bytes where the views point
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

Result<Person, Reason> OpensslEidVerifier::verify(ByteView certificate_der, KeyUse use, ByteView message,
                                                  ByteView signature, std::int64_t at_unix_s) const {
  const auto certificate = parse_certificate(certificate_der);
  if (!certificate) return std::unexpected(certificate.error());
  if (const auto good = check_voter_profile(*certificate, use); !good) return std::unexpected(good.error());
  auto person = person_of(*certificate);
  if (!person) return person;
  const Key key = make_key(*certificate->curve, certificate->public_point);
  if (!key) return std::unexpected(Reason::kCertProfile);
  const auto chain = state_->chain(certificate_der, *certificate);
  if (!chain) return std::unexpected(chain.error());
  const Anchor& issuer = state_->anchors[*chain];
  const Anchor& root = state_->anchors[issuer.root];
  if (!valid_at(*certificate, at_unix_s) || !valid_at(issuer.certificate, at_unix_s) ||
      !valid_at(root.certificate, at_unix_s))
    return std::unexpected(Reason::kCertNotValidAtSigning);
  const bool p384 = *certificate->curve == EcCurve::kP384;
  if (signature.size() != (p384 ? 96U : 64U)) return std::unexpected(Reason::kSigInvalid);
  if (!state_->ecdsa_verifies(key.get(), p384 ? EcdsaHash::kSha384 : EcdsaHash::kSha256, message,
                              der_of_raw(signature)))
    return std::unexpected(Reason::kSigInvalid);
  return person;
}

}  // namespace psephos
