#pragma once
#include "crypto/bytes.h"
#include "protocol/eid/certificate.h"

namespace psephos {

/// What a key signs of a message: its SHA-2 digest after `scheme`. Where a card or phone hashes nothing
/// itself, this is what it gets.
Bytes message_hash(SignatureScheme scheme, ByteView message);

}  // namespace psephos
