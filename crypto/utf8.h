#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace psephos {

/// Takes the first code point off `text`. Strict (RFC 3629): shortest form, no surrogates, at most U+10FFFF.
/// @return nullopt if `text` is empty or does not begin with one; `text` is then unchanged.
std::optional<char32_t> take_code_point(std::string_view& text);
/// Every byte belongs to a code point as above.
bool is_utf8(std::string_view text);

}  // namespace psephos
