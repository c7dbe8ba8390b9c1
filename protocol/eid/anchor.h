#pragma once
#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/public_key.h"
#include "protocol/rejection.h"

namespace psephos {

/// A certificate that may issue others, with its key. Move-only: the views point into its own bytes.
struct Anchor {
  Bytes der;
  Certificate certificate;
  PublicKey key;

  /// @return kCertParse, kSigAlgForbidden or kCertProfile (check_issuer_profile), kCertWeakKey; nothing else.
  static Result<Anchor, Reason> read(ByteView der);
  /// True if this key made the certificate's signature, under this name and, where both state one, this key
  /// identifier. False for a signature outside the profile.
  bool issued(const Certificate& certificate) const;
};

inline bool valid_at(const Certificate& certificate, std::int64_t at_unix_s) {
  return certificate.not_before_unix_s <= at_unix_s && at_unix_s <= certificate.not_after_unix_s;
}

}  // namespace psephos
