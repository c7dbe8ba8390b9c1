#include "protocol/codec.h"

namespace psephos {

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')) return false;
  return true;
}

namespace {

/// Length of the well-formed UTF-8 sequence at the start of `s` (Unicode 15, table 3-7), 0 if there is none.
std::size_t utf8_sequence(ByteView s) {
  const auto in = [&](std::size_t i, std::uint8_t low, std::uint8_t high) {
    return i < s.size() && s[i] >= low && s[i] <= high;
  };
  const std::uint8_t b = s[0];
  if (b < 0x80) return 1;
  if (b >= 0xc2 && b <= 0xdf) return in(1, 0x80, 0xbf) ? 2 : 0;
  if (b >= 0xe0 && b <= 0xef) {
    const std::uint8_t low = b == 0xe0 ? 0xa0 : 0x80;
    const std::uint8_t high = b == 0xed ? 0x9f : 0xbf;
    return in(1, low, high) && in(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (b >= 0xf0 && b <= 0xf4) {
    const std::uint8_t low = b == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = b == 0xf4 ? 0x8f : 0xbf;
    return in(1, low, high) && in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_clean_utf8(std::string_view text) {
  ByteView rest = bytes_of(text);
  while (!rest.empty()) {
    const std::size_t length = utf8_sequence(rest);
    if (length == 0) return false;
    const bool control =
        rest[0] < 0x20 || rest[0] == 0x7f || (length == 2 && rest[0] == 0xc2 && rest[1] < 0xa0);
    if (control) return false;
    rest = rest.subspan(length);
  }
  return true;
}

namespace wire {

void write_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

bool Decoder::next_is(std::uint32_t number) const {
  // A tag of a known field has at most three bytes in minimal form; any other form fails later as
  // noncanonical.
  std::uint64_t tag = 0;
  for (std::size_t i = 0; i < rest_.size() && i < 5; ++i) {
    tag |= static_cast<std::uint64_t>(rest_[i] & 0x7f) << (7 * i);
    if ((rest_[i] & 0x80) == 0) return tag >> 3 == number;
  }
  return false;
}

std::optional<std::uint64_t> Decoder::read_varint(std::string_view name) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10 && i < rest_.size(); ++i) {
    const std::uint64_t bits = rest_[i] & 0x7f;
    if (i == 9 && bits > 1) break;
    value |= bits << (7 * i);
    if ((rest_[i] & 0x80) == 0) {
      if (i > 0 && rest_[i] == 0) break;  // not minimal
      rest_ = rest_.subspan(i + 1);
      return value;
    }
  }
  fail(Reason::kWireNoncanonical, name);
  return std::nullopt;
}

bool Decoder::read_tag(std::uint32_t number, std::uint32_t type, std::string_view name) {
  const auto tag = read_varint(name);
  if (!tag) return false;
  if (*tag != ((static_cast<std::uint64_t>(number) << 3) | type)) {
    fail(Reason::kWireNoncanonical, name);
    return false;
  }
  return true;
}

std::optional<ByteView> Decoder::read_bytes(std::uint32_t number, std::string_view name) {
  if (!read_tag(number, 2, name)) return std::nullopt;
  const auto length = read_varint(name);
  if (!length) return std::nullopt;
  if (*length > rest_.size()) {
    fail(Reason::kWireLimit, name);
    return std::nullopt;
  }
  if (*length == 0) {
    fail(Reason::kWireNoncanonical, name);
    return std::nullopt;
  }
  const ByteView bytes = rest_.first(static_cast<std::size_t>(*length));
  rest_ = rest_.subspan(static_cast<std::size_t>(*length));
  return bytes;
}

void Decoder::fail(Reason reason, std::string_view name) {
  if (!rejection_) rejection_ = Rejection{reason, name.empty() ? path_ : path_ + "." + std::string(name)};
}

}  // namespace wire
}  // namespace psephos
