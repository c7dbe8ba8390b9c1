#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "crypto/bytes.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/eid/p384_table.h"

namespace psephos {

/// A key that verifies signatures of certificates, voters and trust services, with OpenSSL. Thread-safe.
class PublicKey {
 public:
  /// The certificate's key; nullopt if it is of another kind, or no point of its curve. Not looked at:
  /// whether an RSA modulus can be factored.
  static std::optional<PublicKey> of(const Certificate& certificate);
  /// The same for a key that verifies many signatures: on P-384 with a table (p384_table.h), which costs what
  /// one verification costs, and then halves each.
  static std::optional<PublicKey> of_many(const Certificate& certificate);

  /// True if `signature` is this key's over `message`: an Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3), or a
  /// PKCS #1 v1.5 signature (RFC 8017 §8.2). False also for a scheme of the other kind of key. Variable time:
  /// all inputs are public. Cost: one verification, 0.46 ms on P-384.
  bool verifies(SignatureScheme scheme, ByteView message, ByteView signature) const;
  /// The same for r‖s, each as wide as the field (IEEE P1363). @pre none: another width is false.
  bool verifies_raw(SignatureScheme scheme, ByteView message, ByteView signature) const;

 private:
  PublicKey(openssl::Key key, std::optional<EcCurve> curve) : key_(std::move(key)), curve_(curve) {}
  openssl::Key key_;
  std::optional<EcCurve> curve_;            // none: RSA
  std::shared_ptr<const P384Table> table_;  // null: none is kept
};

}  // namespace psephos
