#pragma once
#include <sodium.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace psephos {

/// Secret bytes of a length known at run time; otherwise as SecretBytes: move-only, wiped, no comparison.
class SecretBuffer {
 public:
  explicit SecretBuffer(std::size_t size) : bytes_(std::make_unique<std::uint8_t[]>(size)), size_(size) {}
  SecretBuffer(SecretBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  SecretBuffer& operator=(SecretBuffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SecretBuffer() {
    if (bytes_) sodium_memzero(bytes_.get(), size_);
  }
  std::size_t size() const { return size_; }
  std::span<const std::uint8_t> expose() const { return {bytes_.get(), size_}; }
  std::span<std::uint8_t> expose_mutable() { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

}  // namespace psephos
