#pragma once
#include <string>

#include "collector/relay.h"

namespace psephos::collector {

/// Where the services that phones hear are asked: http:// or https:// addresses, to which
/// the paths of their interfaces are added; empty for a service that there is not.
struct PhoneAddresses {
  std::string mobile_id, smart_id;
};

/// Connections to them over HTTP. @return kUsage for an address that is none.
Result<PhoneRelay::Connect, Rejection> http_phones(const PhoneAddresses& addresses);

}  // namespace psephos::collector
