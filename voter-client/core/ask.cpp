#include "voter-client/core/ask.h"

#include "protocol/ballot.h"
#include "protocol/labels.h"
#include "protocol/messages.h"

namespace psephos {

Result<Bytes, Rejection> ask_collector(Transport& transport, const Election& election,
                                       const std::string& target, ByteView body, std::size_t max_bytes) {
  auto reply = transport.exchange("POST", target, body, max_bytes);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status == 200) return std::move(reply->body);
  const std::string http = target + ": HTTP " + std::to_string(reply->status);
  const auto message = decode<ServiceSigned>(reply->body);
  if (!message) return reject(Reason::kSigInvalid, http + " without a signed refusal");
  if (auto ok = check_service_signature(*message, labels::kSignRefusal, election.service_key(), http); !ok)
    return std::unexpected(ok.error());
  const auto refusal = decode<Refusal>(message->body);
  if (!refusal) return reject(Reason::kSigInvalid, http + ", refusal");
  if (refusal->fingerprint != election.fingerprint() || refusal->request_hash != sha256(body))
    return reject(Reason::kSigInvalid, http + ", refusal of another request");
  const auto reason = reason_from(refusal->reason);
  if (!reason)
    return reject(Reason::kServiceUnavailable, http + ", reason " + std::to_string(refusal->reason));
  return reject(*reason, "refused by the collector");
}

}  // namespace psephos
