#include "crypto/utf8.h"

namespace psephos {

std::optional<char32_t> take_code_point(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(text[0]);
  std::size_t length = 1;
  char32_t value = first;
  char32_t least = 0;
  if (first >= 0x80) {
    if (first >= 0xc0 && first < 0xe0) {
      length = 2;
      value = first & 0x1f;
      least = 0x80;
    } else if (first >= 0xe0 && first < 0xf0) {
      length = 3;
      value = first & 0x0f;
      least = 0x800;
    } else if (first >= 0xf0 && first < 0xf8) {
      length = 4;
      value = first & 0x07;
      least = 0x10000;
    } else {
      return std::nullopt;
    }
  }
  if (text.size() < length) return std::nullopt;
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (next & 0x3f);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

bool is_utf8(std::string_view text) {
  while (!text.empty())
    if (!take_code_point(text)) return false;
  return true;
}

}  // namespace psephos
