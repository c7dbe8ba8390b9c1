#pragma once
#include <memory>

#include "crypto/bytes.h"

namespace psephos {

/// Multiples of one P-384 key, with which its signatures are verified in less than half of OpenSSL's time: a
/// key of an authority or a service verifies one signature for every ballot. The field and the curve are
/// OpenSSL's; here are the equation of ECDSA and the order of its parts. Memory: about 100 KB. Thread-safe.
class P384Table {
 public:
  /// Null if OpenSSL does not take the point, 04 ‖ x ‖ y. Cost: about one verification.
  static std::shared_ptr<const P384Table> of(ByteView point);
  P384Table(const P384Table&) = delete;
  P384Table& operator=(const P384Table&) = delete;
  ~P384Table();

  /// ECDSA (FIPS 186-5 §6.4.2) over a digest, of which the leftmost 384 bits count; the signature is an
  /// Ecdsa-Sig-Value in DER, in its one form. Accepts what EVP_PKEY_verify accepts. Variable time: all inputs
  /// are public.
  bool verifies(ByteView digest, ByteView signature_der) const;

 private:
  struct State;
  explicit P384Table(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos
