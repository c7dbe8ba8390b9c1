#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "crypto/bytes.h"

/// Memory for millions of small things: no allocation for each, and no copy of everything when it grows.
namespace psephos::compact {

/// A list that only grows, in pieces that never move.
template <class T>
class Pieces {
 public:
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return pieces_[i / kPiece][i % kPiece]; }
  const T& operator[](std::size_t i) const { return pieces_[i / kPiece][i % kPiece]; }
  T& back() { return (*this)[size_ - 1]; }
  void push_back(T value) {
    if (size_ % kPiece == 0) {
      pieces_.emplace_back();
      pieces_.back().reserve(kPiece);
    }
    pieces_.back().push_back(std::move(value));
    ++size_;
  }

 private:
  static constexpr std::size_t kPiece = 4096;
  std::vector<std::vector<T>> pieces_;
  std::size_t size_ = 0;
};

/// Finds positions of a list by keys of 32 bytes that are hashes or group elements, and that the list holds:
/// four to eight bytes a position. Open addressing with linear probing, at most half full.
class PositionTable {
 public:
  static constexpr std::uint32_t kMost = UINT32_MAX - 1;  ///< positions are below

  /// `key_at(position)` is the key of an element of the list.
  template <class KeyAt>
  std::optional<std::uint32_t> find(const ByteArray<32>& key, const KeyAt& key_at) const {
    if (slots_.empty()) return std::nullopt;
    for (std::size_t at = home(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at] == 0) return std::nullopt;
      const std::uint32_t position = slots_[at] - 1;
      if (key_at(position) == key) return position;
    }
  }
  /// @pre no element with this key was inserted, and position < kMost.
  template <class KeyAt>
  void insert(const ByteArray<32>& key, std::uint32_t position, const KeyAt& key_at) {
    if (2 * (used_ + 1) > slots_.size()) {
      std::vector<std::uint32_t> before(slots_.empty() ? 64 : 2 * slots_.size());
      before.swap(slots_);
      for (const std::uint32_t slot : before)
        if (slot != 0) place(key_at(slot - 1), slot);
    }
    place(key, position + 1);
    ++used_;
  }

 private:
  std::size_t home(const ByteArray<32>& key) const {
    std::uint64_t start = 0;
    std::memcpy(&start, key.data(), sizeof start);
    // The upper bits of a product depend on all bits of the key's start (Knuth, TAOCP 3, 6.4).
    return static_cast<std::size_t>((start * 0x9e3779b97f4a7c15U) >> 20U) & (slots_.size() - 1);
  }
  void place(const ByteArray<32>& key, std::uint32_t slot) {
    std::size_t at = home(key);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
  std::vector<std::uint32_t> slots_;  // position + 1; 0: free. Their number is a power of two
  std::size_t used_ = 0;
};

}  // namespace psephos::compact
