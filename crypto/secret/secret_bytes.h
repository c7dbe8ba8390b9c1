#pragma once
#include <sodium.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "crypto/bytes.h"
#include "crypto/random.h"
#include "crypto/secret/declassify.h"

namespace psephos {

/// N secret bytes: move-only, wiped on destruction and when moved from; no comparison, no printing, no
/// conversion. `declassify` is the one way out.
template <std::size_t N>
class SecretBytes {
 public:
  static constexpr std::size_t kWidth = N;
  SecretBytes() = default;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  ~SecretBytes() { wipe(); }

  static SecretBytes random(Rng& rng) {
    SecretBytes out;
    rng.fill(out.bytes_);
    return out;
  }
  /// Copies from memory that the caller wipes. @pre view has N bytes.
  static SecretBytes copy_from(std::span<const std::uint8_t, N> view) {
    SecretBytes out;
    std::copy(view.begin(), view.end(), out.bytes_.begin());
    return out;
  }
  /// For the functions that compute on secrets, inside crypto/ and crypto/secret/ users only.
  std::span<const std::uint8_t, N> expose() const { return bytes_; }
  std::span<std::uint8_t, N> expose_mutable() { return bytes_; }

 private:
  void wipe() { sodium_memzero(bytes_.data(), N); }
  std::array<std::uint8_t, N> bytes_{};
};

/// The way out of a secret type. Every call says, in a comment, why the value is public.
template <std::size_t N>
ByteArray<N> declassify(const SecretBytes<N>& secret) {
  ByteArray<N> out{};
  std::copy(secret.expose().begin(), secret.expose().end(), out.begin());
  return published(out);
}

}  // namespace psephos
