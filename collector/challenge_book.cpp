#include "collector/challenge_book.h"

#include <sodium.h>

#include <algorithm>

#include "protocol/labels.h"

namespace psephos::collector {

namespace {
std::unexpected<Rejection> unknown() {
  return reject(Reason::kAuthChallengeUnknown, "challenge");
}
}  // namespace

ChallengeBook::ChallengeBook(const Digest256& fingerprint, std::string origin, const SigningKey& service_key,
                             Rng& rng)
    : fingerprint_(fingerprint), origin_(std::move(origin)), service_key_(service_key), rng_(rng) {}

ByteArray<32> ChallengeBook::nonce_of(std::uint64_t epoch, const ByteArray<16>& random,
                                      std::uint64_t expires_s) const {
  static_assert(crypto_auth_KEYBYTES == 32);
  const std::lock_guard lock(mutex_);
  if (key_epoch_ != epoch) {
    // A deterministic signature that nobody is ever shown is a secret function of the epoch.
    Bytes message;
    append_u64be(message, epoch);
    Signature signature = service_key_.sign_labelled(labels::kChallengeKey, message);
    Digest256 key = sha256(signature);
    std::ranges::copy(key, key_.expose_mutable().begin());
    sodium_memzero(signature.data(), signature.size());
    sodium_memzero(key.data(), key.size());
    key_epoch_ = epoch;
  }
  Bytes message = copy_of(random);
  append_u64be(message, expires_s);
  ByteArray<crypto_auth_BYTES> tag{};
  crypto_auth(tag.data(), message.data(), message.size(), key_.expose().data());
  ByteArray<32> nonce{};
  std::copy(random.begin(), random.end(), nonce.begin());
  std::copy_n(tag.begin(), 16, nonce.begin() + 16);
  return nonce;
}

Challenge ChallengeBook::issue(std::uint64_t epoch, std::uint64_t now_s) {
  ByteArray<16> random{};
  rng_.fill(random);
  const std::uint64_t expires_s = now_s + kLifetime_s;
  return {fingerprint_, origin_, nonce_of(epoch, random, expires_s), expires_s};
}

Result<void, Rejection> ChallengeBook::check(std::uint64_t epoch, const Challenge& challenge,
                                             std::uint64_t now_s) const {
  if (challenge.fingerprint != fingerprint_) return reject(Reason::kElectionFpMismatch, "challenge");
  if (challenge.origin != origin_) return unknown();
  ByteArray<16> random{};
  std::copy_n(challenge.nonce.begin(), 16, random.begin());
  const ByteArray<32> expected = nonce_of(epoch, random, challenge.expires_s);
  if (sodium_memcmp(expected.data(), challenge.nonce.data(), expected.size()) != 0) return unknown();
  if (now_s >= challenge.expires_s) return unknown();
  return {};
}

bool SpentChallenges::contains(const Challenge& challenge) const {
  const std::lock_guard lock(mutex_);
  return spent_.contains({challenge.expires_s, challenge.nonce});
}

Result<void, Rejection> SpentChallenges::spend(const Challenge& challenge, std::uint64_t now_s) {
  const std::lock_guard lock(mutex_);
  while (!spent_.empty() && spent_.begin()->first <= now_s) spent_.erase(spent_.begin());
  if (!spent_.emplace(challenge.expires_s, challenge.nonce).second) return unknown();
  return {};
}

}  // namespace psephos::collector
