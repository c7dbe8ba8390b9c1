#include "collector/challenge_book.h"

#include <algorithm>

namespace psephos::collector {

namespace {
std::unexpected<Rejection> unknown() {
  return reject(Reason::kAuthChallengeUnknown, "challenge");
}
}  // namespace

ChallengeBook::ChallengeBook(const Digest256& fingerprint, std::string origin, Rng& rng)
    : fingerprint_(fingerprint),
      origin_(std::move(origin)),
      rng_(rng),
      key_(SecretBytes<crypto_auth_KEYBYTES>::random(rng)) {}

ByteArray<32> ChallengeBook::nonce_of(const ByteArray<16>& random, std::uint64_t expires_s) const {
  Bytes message = copy_of(random);
  append_u64be(message, expires_s);
  ByteArray<crypto_auth_BYTES> tag{};
  crypto_auth(tag.data(), message.data(), message.size(), key_.expose().data());
  ByteArray<32> nonce{};
  std::copy(random.begin(), random.end(), nonce.begin());
  std::copy_n(tag.begin(), 16, nonce.begin() + 16);
  return nonce;
}

Challenge ChallengeBook::issue(std::uint64_t now_s) {
  ByteArray<16> random{};
  rng_.fill(random);
  const std::uint64_t expires_s = now_s + kLifetime_s;
  return {fingerprint_, origin_, nonce_of(random, expires_s), expires_s};
}

Result<void, Rejection> ChallengeBook::check(const Challenge& challenge, std::uint64_t now_s) const {
  if (challenge.fingerprint != fingerprint_) return reject(Reason::kElectionFpMismatch, "challenge");
  if (challenge.origin != origin_) return unknown();
  ByteArray<16> random{};
  std::copy_n(challenge.nonce.begin(), 16, random.begin());
  const ByteArray<32> expected = nonce_of(random, challenge.expires_s);
  if (sodium_memcmp(expected.data(), challenge.nonce.data(), expected.size()) != 0) return unknown();
  if (now_s >= challenge.expires_s) return unknown();
  const std::lock_guard lock(mutex_);
  if (spent_.contains({challenge.expires_s, challenge.nonce})) return unknown();
  return {};
}

Result<void, Rejection> ChallengeBook::spend(const Challenge& challenge, std::uint64_t now_s) {
  const std::lock_guard lock(mutex_);
  while (!spent_.empty() && spent_.begin()->first <= now_s) spent_.erase(spent_.begin());
  if (!spent_.emplace(challenge.expires_s, challenge.nonce).second) return unknown();
  return {};
}

}  // namespace psephos::collector
