#pragma once
#include <cstdint>
#include <span>

namespace psephos {

/// Source of randomness, passed in wherever some is used, so that tests can choose it.
struct Rng {
  virtual ~Rng() = default;
  /// Fills `out` with uniform bytes.
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

/// The operating system's generator through libsodium. Thread-safe; aborts if the system has no entropy
/// source.
class SystemRng final : public Rng {
 public:
  SystemRng();
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace psephos
