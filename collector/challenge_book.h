#pragma once
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "crypto/random.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/secret/signing_key.h"
#include "protocol/ballot.h"

namespace psephos::collector {

/// Issues authentication challenges and knows its own again. An unspent challenge needs no memory: its nonce
/// is 16 random bytes and a 16-byte MAC over them and its expiry. The key is derived from the service key for
/// an epoch of the log's order, so that any collector of the election takes a challenge of any other's, and
/// none outlives the memory of who spent them, which begins anew with each epoch. Thread-safe.
class ChallengeBook {
 public:
  static constexpr std::uint64_t kLifetime_s = 300;
  /// `service_key` outlives it.
  ChallengeBook(const Digest256& fingerprint, std::string origin, const SigningKey& service_key, Rng& rng);

  Challenge issue(std::uint64_t epoch, std::uint64_t now_s);
  /// The challenge was issued for this epoch, election and origin, and has not expired.
  /// @return kElectionFpMismatch, kAuthChallengeUnknown; nothing else. Constant time in the MAC.
  Result<void, Rejection> check(std::uint64_t epoch, const Challenge& challenge, std::uint64_t now_s) const;

 private:
  ByteArray<32> nonce_of(std::uint64_t epoch, const ByteArray<16>& random, std::uint64_t expires_s) const;
  const Digest256 fingerprint_;
  const std::string origin_;
  const SigningKey& service_key_;
  Rng& rng_;
  mutable std::mutex mutex_;
  mutable std::optional<std::uint64_t> key_epoch_;
  mutable SecretBytes<32> key_;
};

/// Which challenges are spent, until they expire. It takes a valid card signature to spend one, so memory is
/// bounded by the signatures checked in a challenge's lifetime. Thread-safe.
class SpentChallenges {
 public:
  bool contains(const Challenge& challenge) const;
  /// @return kAuthChallengeUnknown if it is spent.
  Result<void, Rejection> spend(const Challenge& challenge, std::uint64_t now_s);

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::uint64_t, ByteArray<32>>> spent_;  // by expiry and nonce
};

}  // namespace psephos::collector
