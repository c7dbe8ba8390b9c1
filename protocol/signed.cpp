#include "protocol/signed.h"

namespace psephos {

Result<void, Rejection> check_quorum(const SignedDocument& document, std::string_view label,
                                     std::span<const VerifyKey> roster, std::uint64_t quorum, Reason missing,
                                     std::string object) {
  std::uint64_t previous = 0;
  for (const RosterSignature& s : document.signatures) {
    const std::string who = object + ", signer " + std::to_string(s.signer);
    if (s.signer <= previous) return reject(Reason::kWireNoncanonical, who);
    previous = s.signer;
    if (s.signer > roster.size()) return reject(Reason::kSigInvalid, who);
    if (!verify_signature(roster[s.signer - 1], signed_bytes(label, document.body), s.signature))
      return reject(Reason::kSigInvalid, who);
  }
  if (document.signatures.size() < quorum) return reject(missing, std::move(object));
  return {};
}

Result<void, Rejection> check_service_signature(const ServiceSigned& message, std::string_view label,
                                                const VerifyKey& key, std::string object) {
  if (!verify_signature(key, signed_bytes(label, message.body), message.signature))
    return reject(Reason::kSigInvalid, std::move(object));
  return {};
}

}  // namespace psephos
