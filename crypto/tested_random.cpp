#include "crypto/tested_random.h"

#include <sodium.h>

#include "crypto/secret/declassify.h"
#include "crypto/secret/value_barrier.h"

namespace psephos {

namespace {

/// 1 if a < b, else 0; @pre both below 2³¹.
std::uint32_t less(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>(value_barrier((a - b) >> 31U));
}
std::uint32_t equal(std::uint32_t a, std::uint32_t b) {
  return less(a ^ b, 1);
}

}  // namespace

TestedRng::TestedRng(Rng& source) : source_(source) {
  std::array<std::uint8_t, random_health::kBlock> block{};
  for (std::size_t drawn = 0; drawn < random_health::kStartUpBytes; drawn += block.size()) fill(block);
  sodium_memzero(block.data(), block.size());
}

TestedRng::~TestedRng() {
  sodium_memzero(&state_, sizeof state_);
}

void TestedRng::fill(std::span<std::uint8_t> out) {
  source_.fill(out);
  for (const std::uint8_t byte : out) test(byte);
}

void TestedRng::test(std::uint8_t byte) {
  State& s = state_;
  // Repetition count.
  s.run = 1 + equal(byte, s.last) * s.run;
  s.last = byte;
  s.failed |= 1 - less(s.run, random_health::kRun);

  const std::size_t in_block = at_ % random_health::kBlock;
  if (at_ < random_health::kBlock) s.first_block[in_block] = byte;

  // Adaptive proportion.
  if (at_ == 0) s.occurrences = 0;
  s.occurrences += equal(byte, s.first_block[0]);
  s.failed |= 1 - less(s.occurrences, random_health::kOccurrences);

  // Equal blocks.
  if (in_block == 0) s.difference = 0;
  s.difference |= byte ^ static_cast<std::uint32_t>(s.first_block[in_block]);
  if (at_ > random_health::kBlock && in_block + 1 == random_health::kBlock)
    s.failed |= equal(s.difference, 0);

  at_ = (at_ + 1) % random_health::kWindow;
}

bool TestedRng::healthy() const {
  return published(state_.failed) == 0;
}

}  // namespace psephos
