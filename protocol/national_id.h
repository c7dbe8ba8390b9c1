#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace psephos {

/// True for the one spelling of an Estonian personal code as semantics identifier (ETSI EN 319 412-1 §5.1.3):
/// "PNOEE-" and eleven digits, century digit 1 to 8, an existing date of birth and the right check digit
/// (EVS 585). One person, one spelling: the identifier is what roll and pseudonym hang on.
inline bool is_national_id(std::string_view text) {
  constexpr std::string_view kPrefix = "PNOEE-";
  if (text.size() != kPrefix.size() + 11 || !text.starts_with(kPrefix)) return false;
  std::array<int, 11> d{};
  for (std::size_t i = 0; i < d.size(); ++i) {
    const char c = text[kPrefix.size() + i];
    if (c < '0' || c > '9') return false;
    d[i] = c - '0';
  }
  if (d[0] < 1 || d[0] > 8) return false;
  const std::chrono::year_month_day birth{std::chrono::year{1800 + (d[0] - 1) / 2 * 100 + d[1] * 10 + d[2]},
                                          std::chrono::month{static_cast<unsigned>(d[3] * 10 + d[4])},
                                          std::chrono::day{static_cast<unsigned>(d[5] * 10 + d[6])}};
  if (!birth.ok()) return false;
  // Check digit: two rounds of weights modulo 11, zero if both leave ten.
  int check = 0;
  for (const int start : {1, 3}) {
    int sum = 0;
    for (int i = 0; i < 10; ++i) sum += d[static_cast<std::size_t>(i)] * ((start - 1 + i) % 9 + 1);
    check = sum % 11;
    if (check < 10) break;
  }
  return d[10] == check % 10;
}

}  // namespace psephos
