#pragma once
#include <cstdint>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/secret/secret_buffer.h"

namespace psephos::collector {

struct TlsIdentity {
  SecretBuffer key_der;  ///< PKCS#8, P-256
  Bytes certificate_der;
};

/// A new P-256 key and its self-signed certificate for a host name, valid for three years from the day
/// before. Clients pin the certificate itself, so nothing hangs on its names or times but other tools' good
/// will.
TlsIdentity make_tls_identity(std::string_view host, std::int64_t now_s);

}  // namespace psephos::collector
