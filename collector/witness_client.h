#pragma once
#include <memory>
#include <string>

#include "collector/witness_transport.h"

namespace psephos::collector {

/// The way to a witness at `url` (http://HOST:PORT/PATH): POST PATH/add-checkpoint over one connection that
/// is kept open. What a witness says is signed by its key, so plain HTTP loses nothing but confidentiality,
/// and checkpoints are public. @return kUsage if the URL is none of this kind.
Result<std::unique_ptr<WitnessTransport>, Rejection> http_witness(const std::string& url);

}  // namespace psephos::collector
