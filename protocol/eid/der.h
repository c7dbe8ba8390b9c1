#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "crypto/bytes.h"

namespace psephos::der {

/// Tags of the certificate profile (ITU-T X.690 §8.1.2); all are single bytes.
inline constexpr std::uint8_t kBoolean = 0x01, kInteger = 0x02, kBitString = 0x03, kOctetString = 0x04,
                              kNull = 0x05, kOid = 0x06, kUtf8String = 0x0c, kPrintableString = 0x13,
                              kEnumerated = 0x0a, kIa5String = 0x16, kUtcTime = 0x17, kGeneralizedTime = 0x18,
                              kSequence = 0x30, kSet = 0x31;

struct Element {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  ///< identifier, length and content
};

/// Reads DER one element at a time and accepts nothing that DER would write otherwise: one-byte tags,
/// definite lengths in their shortest form, at most 65,535 bytes. What it returns re-encodes to the bytes it
/// came from.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  bool next_is(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }

  /// The next element; nullopt if there is none or it is not DER.
  std::optional<Element> next() {
    if (rest_.size() < 2 || (rest_[0] & 0x1f) == 0x1f) return std::nullopt;
    std::size_t header = 2;
    std::size_t length = rest_[1];
    if (length >= 0x80) {
      const std::size_t octets = length & 0x7f;
      if (octets < 1 || octets > 2 || rest_.size() < 2 + octets) return std::nullopt;
      length = octets == 1 ? rest_[2] : static_cast<std::size_t>(rest_[2]) << 8 | rest_[3];
      if (length < (octets == 1 ? 0x80U : 0x100U)) return std::nullopt;
      header += octets;
    }
    if (rest_.size() - header < length) return std::nullopt;
    const Element element{rest_[0], rest_.subspan(header, length), rest_.first(header + length)};
    rest_ = rest_.subspan(header + length);
    return element;
  }
  /// The next element if it has this tag, nullopt otherwise.
  std::optional<Element> next(std::uint8_t tag) { return next_is(tag) ? next() : std::nullopt; }

 private:
  ByteView rest_;
};

/// The content of the one element of this tag that `bytes` is; nullopt if anything precedes or follows it.
inline std::optional<ByteView> only(ByteView bytes, std::uint8_t tag) {
  Reader reader(bytes);
  const auto element = reader.next(tag);
  if (!element || !reader.at_end()) return std::nullopt;
  return element->content;
}

}  // namespace psephos::der
