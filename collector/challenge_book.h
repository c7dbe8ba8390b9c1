#pragma once
#include <mutex>
#include <set>
#include <utility>

#include "crypto/random.h"
#include "crypto/secret/secret_bytes.h"
#include "protocol/ballot.h"

namespace psephos::collector {

/// Issues authentication challenges and remembers which are spent. An unspent challenge needs no memory: its
/// nonce is 16 random bytes and a 16-byte MAC over them and the rest of the challenge, under a key that lives
/// as long as the process. A spent one is kept until it expires; it takes a valid card signature to spend
/// one, so memory is bounded by signatures checked in `kLifetime`. Thread-safe.
class ChallengeBook {
 public:
  static constexpr std::uint64_t kLifetime_s = 300;
  ChallengeBook(const Digest256& fingerprint, std::string origin, Rng& rng);

  Challenge issue(std::uint64_t now_s);
  /// The challenge was issued here, for this election and origin, and has neither expired nor been spent.
  /// @return kElectionFpMismatch, kAuthChallengeUnknown; nothing else. Constant time in the MAC.
  Result<void, Rejection> check(const Challenge& challenge, std::uint64_t now_s) const;
  /// Spends a challenge that passed `check`. @return kAuthChallengeUnknown if somebody was faster.
  Result<void, Rejection> spend(const Challenge& challenge, std::uint64_t now_s);

 private:
  ByteArray<32> nonce_of(const ByteArray<16>& random, std::uint64_t expires_s) const;
  const Digest256 fingerprint_;
  const std::string origin_;
  Rng& rng_;
  SecretBytes<32> key_;
  mutable std::mutex mutex_;
  std::set<std::pair<std::uint64_t, ByteArray<32>>> spent_;  // by expiry and nonce
};

}  // namespace psephos::collector
