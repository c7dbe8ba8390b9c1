#include "protocol/eid/anchor.h"

namespace psephos {

Result<Anchor, Reason> Anchor::read(ByteView der) {
  Bytes kept = copy_of(der);  // moving a vector keeps its bytes where the views point
  const auto certificate = parse_certificate(kept);
  if (!certificate) return std::unexpected(certificate.error());
  if (const auto good = check_issuer_profile(*certificate); !good) return std::unexpected(good.error());
  auto key = PublicKey::of_many(*certificate);
  if (!key) return std::unexpected(Reason::kCertWeakKey);
  return Anchor{.der = std::move(kept), .certificate = *certificate, .key = std::move(*key)};
}

bool Anchor::issued(const Certificate& other) const {
  if (!equal(certificate.subject, other.issuer)) return false;
  if (!other.authority_key_id.empty() && !certificate.subject_key_id.empty() &&
      !equal(other.authority_key_id, certificate.subject_key_id))
    return false;
  return other.signature_scheme && key.verifies(*other.signature_scheme, other.tbs, other.signature);
}

}  // namespace psephos
