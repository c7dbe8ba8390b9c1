#pragma once
#include "collector/remote_log.h"

namespace psephos::collector {

/// Peers over HTTPS: whoever is asked shows the collector's pinned certificate, which all collectors of an
/// election share.
PeerConnect https_peers(const Digest256& certificate_sha256);

}  // namespace psephos::collector
