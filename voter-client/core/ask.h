#pragma once
#include <cstddef>
#include <string>

#include "protocol/election.h"
#include "voter-client/core/transport.h"

namespace psephos {

/// Sends a canonical message to the collector and gives its answer's body.
/// @return the reason of a refusal that the collector signed about these very bytes ("refused by the
/// collector"); SERVICE_UNAVAILABLE for a signed reason that this version does not know; SIG_INVALID for
/// another answer that is none; a transport's refusal.
Result<Bytes, Rejection> ask_collector(Transport& transport, const Election& election,
                                       const std::string& target, ByteView body, std::size_t max_bytes);

}  // namespace psephos
