#pragma once
#include <string>
#include <vector>

#include "collector/evidence.h"

namespace psephos::collector {

/// Where the services that bear witness are asked: http:// or https:// addresses, the first one first, the
/// next when that gave no good answer.
struct TrustAddresses {
  std::vector<std::string> time_stamps, statuses;
  std::chrono::milliseconds timeout{5000};  ///< of one request
};

/// Connections to them over HTTP (RFC 3161 §3.4, RFC 6960 §A.1).
/// @return kUsage for an address that is none, or no address.
Result<EvidenceSource::Connect, Rejection> http_trust(const TrustAddresses& addresses);

}  // namespace psephos::collector
