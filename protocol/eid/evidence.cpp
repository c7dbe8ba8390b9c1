#include "protocol/eid/evidence.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "protocol/eid/der.h"
#include "protocol/eid/der_values.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/time_stamp.h"

namespace psephos {
namespace {

constexpr ByteArray<8> kTimeStamping = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08};
constexpr ByteArray<8> kOcspSigning = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09};
constexpr std::int64_t kMostSeconds = 900;
constexpr std::size_t kCached = 256;

Bytes digest(const char* algorithm, ByteView bytes) {
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  invariant(EVP_Q_digest(nullptr, algorithm, nullptr, bytes.data(), bytes.size(), out.data(), &size) == 1,
            "OpenSSL hashes");
  out.resize(size);
  return out;
}
bool is_digest(DigestAlgorithm algorithm, ByteView value, ByteView bytes) {
  switch (algorithm) {
    case DigestAlgorithm::kSha256:
      return equal(value, psephos::sha256(bytes));
    case DigestAlgorithm::kSha384:
      return equal(value, digest("SHA2-384", bytes));
    case DigestAlgorithm::kSha512:
      return equal(value, psephos::sha512(bytes));
  }
  return false;
}

/// What a certificate of either service has beside its purpose; the purpose alone.
bool is_service(const Certificate& certificate, ByteView purpose) {
  constexpr unsigned kSigns = kUsageDigitalSignature | kUsageNonRepudiation;
  const auto& purposes = certificate.extended_key_usage;
  if ((certificate.basic_constraints && certificate.basic_constraints->is_ca) || certificate.unknown_critical)
    return false;
  if (!purposes || purposes->size() != 1 || !equal(purposes->front(), purpose)) return false;
  if (!certificate.key_usage || (*certificate.key_usage & kSigns) == 0 ||
      (*certificate.key_usage & ~kSigns) != 0)
    return false;
  if (certificate.curve) return true;
  const ByteView modulus = certificate.rsa_modulus;
  return modulus.size() >= 256 && modulus.size() <= 1024 && (modulus.size() > 256 || modulus[0] >= 0x80);
}

/// Keys of certificates that were found to be a service's, issued by the anchor of that number.
class ServiceKeys {
 public:
  using Key = std::shared_ptr<const PublicKey>;
  Key find(std::size_t anchor, const Digest256& certificate) const {
    const std::shared_lock lock(mutex_);
    const auto found = keys_.find({anchor, certificate});
    return found == keys_.end() ? nullptr : found->second;
  }
  void keep(std::size_t anchor, const Digest256& certificate, Key key) {
    const std::unique_lock lock(mutex_);
    if (keys_.size() >= kCached) keys_.erase(keys_.begin());
    keys_.emplace(std::pair(anchor, certificate), std::move(key));
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::pair<std::size_t, Digest256>, Key> keys_;
};

bool is_nonce(ByteView integer_content, ByteView stamped) {
  const Bytes expected = der::unsigned_integer(time_stamp_nonce(stamped));
  return equal(integer_content, *der::only(expected, der::kInteger));
}

Result<void, Reason> judge_status(CertificateStatus status) {
  switch (status) {
    case CertificateStatus::kGood:
      return {};
    case CertificateStatus::kRevoked:
      return std::unexpected(Reason::kCertRevoked);
    case CertificateStatus::kSuspended:
      return std::unexpected(Reason::kCertSuspended);
    case CertificateStatus::kUnknown:
      break;
  }
  return std::unexpected(Reason::kCertUnknown);
}

}  // namespace

struct EvidenceVerifier::State {
  std::vector<Anchor> anchors;
  ServiceKeys authorities, responders;

  bool is_anchor(ByteView der) const {
    return std::any_of(anchors.begin(), anchors.end(),
                       [&](const Anchor& anchor) { return equal(anchor.der, der); });
  }

  struct Signer {
    ServiceKeys::Key key;
    std::size_t anchor = 0;
  };
  /// Key and anchor of a token's signer, from memory or by verification.
  Result<Signer, Reason> authority(ByteView der, const Certificate& certificate) {
    const Digest256 id = psephos::sha256(der);
    for (std::size_t i = 0; i < anchors.size(); ++i)
      if (auto key = authorities.find(i, id)) return Signer{std::move(key), i};
    auto key = PublicKey::of_many(certificate);
    if (!is_service(certificate, kTimeStamping) || !certificate.extended_key_usage_critical || !key)
      return std::unexpected(Reason::kTstSignerProfile);
    const auto issuer = std::find_if(anchors.begin(), anchors.end(),
                                     [&](const Anchor& anchor) { return anchor.issued(certificate); });
    if (issuer == anchors.end()) return std::unexpected(Reason::kTstSignerUntrusted);
    Signer signer{std::make_shared<const PublicKey>(std::move(*key)),
                  static_cast<std::size_t>(issuer - anchors.begin())};
    authorities.keep(signer.anchor, id, signer.key);
    return signer;
  }

  /// Key of an answer's responder, if this anchor appointed it; null otherwise.
  ServiceKeys::Key responder(ByteView der, const Certificate& certificate, const Anchor& issuer,
                             std::size_t issuer_number) {
    const Digest256 id = psephos::sha256(der);
    if (auto key = responders.find(issuer_number, id)) return key;
    auto key = PublicKey::of_many(certificate);
    if (!is_service(certificate, kOcspSigning) || !key || !issuer.issued(certificate)) return nullptr;
    auto kept = std::make_shared<const PublicKey>(std::move(*key));
    responders.keep(issuer_number, id, kept);
    return kept;
  }
};

EvidenceVerifier::EvidenceVerifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
EvidenceVerifier::~EvidenceVerifier() = default;

Result<std::unique_ptr<EvidenceVerifier>, Reason> EvidenceVerifier::create(
    std::span<const Bytes> time_stamp_anchors) {
  auto state = std::make_unique<State>();
  for (const Bytes& der : time_stamp_anchors) {
    auto anchor = Anchor::read(der);
    if (!anchor) return std::unexpected(anchor.error());
    state->anchors.push_back(std::move(*anchor));
  }
  return std::unique_ptr<EvidenceVerifier>(new EvidenceVerifier(std::move(state)));
}

Result<std::int64_t, Reason> EvidenceVerifier::stamped_at(ByteView token, ByteView stamped) const {
  const auto read = parse_time_stamp_token(token);
  if (!read) return std::unexpected(read.error());
  for (std::size_t i = 0; i < read->certificates.size(); ++i)
    if (i != read->signer && !state_->is_anchor(read->certificates[i]))
      return std::unexpected(Reason::kTstFormat);
  const Certificate& certificate = read->signer_certificate;
  if (read->imprint_digest != DigestAlgorithm::kSha256 || !read->digest || !read->ess_digest ||
      !read->scheme || !certificate.signature_scheme)
    return std::unexpected(Reason::kSigAlgForbidden);
  if (!equal(read->imprint, psephos::sha256(stamped))) return std::unexpected(Reason::kTstImprint);
  if (!is_nonce(read->nonce, stamped)) return std::unexpected(Reason::kTstNonce);
  const ByteView der = read->certificates[read->signer];
  const auto signer = state_->authority(der, certificate);
  if (!signer) return std::unexpected(signer.error());
  // RFC 5652 §5.4: signed is the DER of a SET, not the tag that the attributes have in SignerInfo.
  if (!is_digest(*read->digest, read->message_digest, read->info) ||
      !is_digest(*read->ess_digest, read->ess_hash, der) ||
      !signer->key->verifies(*read->scheme, der::element(der::kSet, {read->signed_attributes}),
                             read->signature))
    return std::unexpected(Reason::kTstSignature);
  if (!valid_at(certificate, read->gen_time_unix_s) ||
      !valid_at(state_->anchors[signer->anchor].certificate, read->gen_time_unix_s))
    return std::unexpected(Reason::kCertNotValidAtSigning);
  return read->gen_time_unix_s;
}

Result<void, Reason> EvidenceVerifier::good_at(const Certificate& certificate, const Anchor& issuer,
                                               std::size_t issuer_number, ByteView ocsp_response,
                                               ByteView token, std::int64_t stamped_unix_s) const {
  const auto answer = parse_ocsp_response(ocsp_response);
  if (!answer) return std::unexpected(answer.error());
  const bool delegated = !answer->certificate.empty();
  const auto own =
      delegated ? parse_certificate(answer->certificate) : Result<Certificate, Reason>(issuer.certificate);
  if (!own) return std::unexpected(Reason::kOcspFormat);
  if (answer->cert_id_digest != DigestAlgorithm::kSha256 || !answer->scheme || !own->signature_scheme)
    return std::unexpected(Reason::kSigAlgForbidden);
  if (!equal(answer->issuer_name_hash, psephos::sha256(issuer.certificate.subject)) ||
      !equal(answer->issuer_key_hash, psephos::sha256(issuer.certificate.public_key)) ||
      !equal(answer->serial_number, certificate.serial_number))
    return std::unexpected(Reason::kOcspCertidMismatch);
  if (!equal(answer->nonce, der::element(der::kOctetString, {ocsp_nonce(token)})))
    return std::unexpected(Reason::kOcspNonce);

  const bool named = answer->responder_name.empty()
                         ? equal(answer->responder_key_hash, digest("SHA1", own->public_key))
                         : equal(answer->responder_name, own->subject);
  const auto key =
      delegated && named ? state_->responder(answer->certificate, *own, issuer, issuer_number) : nullptr;
  if (!named || (delegated && !key)) return std::unexpected(Reason::kOcspResponderUntrusted);
  if (!(delegated ? *key : issuer.key).verifies(*answer->scheme, answer->signed_data, answer->signature))
    return std::unexpected(Reason::kOcspSignature);

  const std::int64_t produced = answer->produced_at_unix_s;
  if (!valid_at(*own, produced)) return std::unexpected(Reason::kCertNotValidAtSigning);
  if (produced < stamped_unix_s || produced - kMostSeconds > stamped_unix_s)
    return std::unexpected(Reason::kTimeEvidenceOrder);
  if (answer->this_update_unix_s > produced || answer->this_update_unix_s < produced - kMostSeconds ||
      (answer->next_update_unix_s && *answer->next_update_unix_s < produced))
    return std::unexpected(Reason::kOcspStale);
  return judge_status(answer->status);
}

}  // namespace psephos
