#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/random.h"

namespace psephos {

/// Cutoffs of the health tests, for samples of a byte that are claimed to have H = 8 bits of entropy each,
/// and false alarms of at most α = 2⁻⁶⁴ a test: 1 + 64/H, and 1 + critbinom(512, 2⁻ᴴ, 1 − α). SPEC §9.3.
namespace random_health {
inline constexpr std::size_t kStartUpBytes = 1024;
inline constexpr std::uint32_t kRun = 9;           ///< equal bytes in a row
inline constexpr std::size_t kWindow = 512;        ///< bytes
inline constexpr std::uint32_t kOccurrences = 26;  ///< of a window's first byte in it
inline constexpr std::size_t kBlock = 32;  ///< bytes; no later block of a window is the window's first
}  // namespace random_health

/// A generator that is watched: whether it is stuck, or repeats itself soon.
/// Source: NIST SP 800-90B §4.3 (start-up and continuous tests), §4.4.1 (repetition count), §4.4.2 (adaptive
/// proportion); the test for equal blocks is our own, against a generator that begins anew at every call. A
/// generator that somebody else predicts looks as good as any. Not thread-safe.
class TestedRng final : public Rng {
 public:
  /// Draws the start-up sample, block by block, and throws it away. `source` must outlive it.
  explicit TestedRng(Rng& source);
  ~TestedRng() override;
  TestedRng(const TestedRng&) = delete;
  TestedRng& operator=(const TestedRng&) = delete;

  /// Bytes of the source, each of them tested. Constant time in the bytes.
  void fill(std::span<std::uint8_t> out) override;
  /// Whether every byte so far passed. Secrets drawn before a false answer are of no use.
  [[nodiscard]] bool healthy() const;

 private:
  void test(std::uint8_t byte);

  /// All that depends on the bytes drawn.
  struct State {
    std::array<std::uint8_t, random_health::kBlock> first_block{};  ///< of the window
    std::uint32_t last = 256;                                       ///< byte; none yet
    std::uint32_t run = 0;
    std::uint32_t occurrences = 0;
    std::uint32_t difference = 0;  ///< of this block from the first
    std::uint32_t failed = 0;
  };
  Rng& source_;
  std::size_t at_ = 0;  ///< in the window
  State state_;
};

}  // namespace psephos
