#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// Personal identifiers: semantics identifiers of ETSI EN 319 412-1 §5.1.3, of which one person has one
/// spelling, since it is what roll and pseudonym hang on (SPEC §9.8).
namespace psephos {

/// True for "PNO", "IDC", "PAS", "TAX" or "TIN" and two capital letters, a country's: "PNOEE".
inline bool is_identity_type(std::string_view text) {
  constexpr std::array<std::string_view, 5> kTypes = {"PNO", "IDC", "PAS", "TAX", "TIN"};
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return text.size() == 5 && std::ranges::find(kTypes, text.substr(0, 3)) != kTypes.end() &&
         capital(text[3]) && capital(text[4]);
}

namespace national_id {

inline bool digits_only(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
/// The number that `size` digits from `at` on write. @pre digits.
inline int number(std::string_view digits, std::size_t at, std::size_t size) {
  int value = 0;
  for (const char c : digits.substr(at, size)) value = 10 * value + (c - '0');
  return value;
}
inline bool is_date(int year, int month, int day) {
  return std::chrono::year_month_day{std::chrono::year{year},
                                     std::chrono::month{static_cast<unsigned>(month)},
                                     std::chrono::day{static_cast<unsigned>(day)}}
      .ok();
}

/// Estonia and Lithuania (EVS 585): century digit 1 to 8, an existing date of birth as YYMMDD, a serial
/// number of three digits, check digit.
inline bool is_of_evs_585(std::string_view code) {
  if (code.size() != 11 || !digits_only(code)) return false;
  const int century = number(code, 0, 1);
  if (century < 1 || century > 8 ||
      !is_date(1800 + (century - 1) / 2 * 100 + number(code, 1, 2), number(code, 3, 2), number(code, 5, 2)))
    return false;
  // Check digit: two rounds of weights modulo 11, zero if both leave ten.
  int check = 0;
  for (const int start : {1, 3}) {
    int sum = 0;
    for (int i = 0; i < 10; ++i)
      sum += number(code, static_cast<std::size_t>(i), 1) * ((start - 1 + i) % 9 + 1);
    check = sum % 11;
    if (check < 10) break;
  }
  return number(code, 10, 1) == check % 10;
}

/// Latvia, always with its dash: a date of birth as DDMMYY with the century's digit behind the dash, or a
/// code that says nothing, from 32 on.
inline bool is_latvian(std::string_view code) {
  if (code.size() != 12 || code[6] != '-' || !digits_only(code.substr(0, 6)) || !digits_only(code.substr(7)))
    return false;
  if (number(code, 0, 2) >= 32) return true;
  const int century = number(code, 7, 1);
  return century <= 2 &&
         is_date(1800 + 100 * century + number(code, 4, 2), number(code, 2, 2), number(code, 0, 2));
}

/// Everywhere else, as the authority writes it: 4 to 32 capital letters and digits, at most one dash inside.
inline bool is_plain(std::string_view code) {
  return code.size() >= 4 && code.size() <= 32 && !code.starts_with('-') && !code.ends_with('-') &&
         std::ranges::count(code, '-') <= 1 && std::ranges::all_of(code, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace national_id

/// True for a personal identifier of any type, e.g. PNOEE-38001085718.
inline bool is_national_id(std::string_view text) {
  if (text.size() < 6 || text[5] != '-' || !is_identity_type(text.substr(0, 5))) return false;
  const std::string_view type = text.substr(0, 5), code = text.substr(6);
  if (type == "PNOEE" || type == "PNOLT") return national_id::is_of_evs_585(code);
  if (type == "PNOLV") return national_id::is_latvian(code);
  return national_id::is_plain(code);
}
/// The same of one of an election's types.
inline bool is_national_id(std::string_view text, std::span<const std::string> types) {
  return is_national_id(text) && std::ranges::find(types, text.substr(0, 5)) != types.end();
}

}  // namespace psephos
