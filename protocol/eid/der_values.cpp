#include "protocol/eid/der_values.h"

#include <algorithm>
#include <chrono>

#include "crypto/invariant.h"

namespace psephos::der {

using std::nullopt;
using std::optional;

Bytes element(std::uint8_t tag, std::initializer_list<ByteView> content) {
  std::size_t size = 0;
  for (const ByteView part : content) size += part.size();
  invariant(size < 0x10000, "requests and signed attributes are small");
  Bytes out = {tag};
  if (size >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(size >> 8));
  } else if (size >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(size));
  for (const ByteView part : content) append(out, part);
  return out;
}

Bytes unsigned_integer(ByteView magnitude) {
  while (!magnitude.empty() && magnitude[0] == 0) magnitude = magnitude.subspan(1);
  constexpr ByteArray<1> kZero = {0};
  const bool padded = magnitude.empty() || magnitude[0] >= 0x80;
  return element(kInteger, {padded ? ByteView(kZero) : ByteView(), magnitude});
}

bool is_oid(ByteView content) {
  if (content.empty() || content.back() >= 0x80) return false;
  bool first = true;
  for (const std::uint8_t octet : content) {
    if (first && octet == 0x80) return false;
    first = octet < 0x80;
  }
  return true;
}

optional<ByteView> next_oid(Reader& reader) {
  const auto element = reader.next(kOid);
  if (!element || !is_oid(element->content)) return nullopt;
  return element->content;
}

bool is_integer(ByteView content) {
  if (content.empty()) return false;
  if (content.size() == 1) return true;
  return !(content[0] == 0x00 && content[1] < 0x80) && !(content[0] == 0xff && content[1] >= 0x80);
}

optional<ByteView> next_unsigned(Reader& reader) {
  const auto element = reader.next(kInteger);
  if (!element || !is_integer(element->content) || element->content[0] >= 0x80) return nullopt;
  return element->content;
}

bool next_is_number(Reader& reader, std::uint8_t number) {
  const auto content = next_unsigned(reader);
  return content && content->size() == 1 && (*content)[0] == number;
}

optional<ByteView> octets_of(const optional<Element>& bit_string) {
  if (!bit_string || bit_string->content.empty() || bit_string->content[0] != 0) return nullopt;
  return bit_string->content.subspan(1);
}

optional<bool> next_default_false(Reader& reader) {
  if (!reader.next_is(kBoolean)) return false;
  const auto flag = reader.next();
  if (!flag || flag->content.size() != 1 || flag->content[0] != 0xff) return nullopt;
  return true;
}

optional<std::int64_t> unix_seconds(ByteView digits) {
  if (digits.size() != 14 ||
      !std::all_of(digits.begin(), digits.end(), [](std::uint8_t c) { return c >= '0' && c <= '9'; }))
    return nullopt;
  std::size_t at = 0;
  const auto two = [&] {
    const int value = (digits[at] - '0') * 10 + (digits[at + 1] - '0');
    at += 2;
    return value;
  };
  int year = two() * 100;
  year += two();
  const int month = two();
  const int day = two();
  const int hour = two();
  const int minute = two();
  const int second = two();
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  constexpr std::int64_t kMinute = 60;
  return days * 24 * 60 * kMinute + hour * (60 * kMinute) + minute * kMinute + second;
}

optional<std::int64_t> next_generalized_time(Reader& reader, Fraction fraction) {
  const auto element = reader.next(kGeneralizedTime);
  if (!element || element->content.size() < 15 || element->content.back() != 'Z') return nullopt;
  const ByteView text = element->content.first(element->content.size() - 1);
  const ByteView behind = text.subspan(14);
  if (!behind.empty()) {
    if (fraction == Fraction::kForbidden || behind[0] != '.' || behind.size() < 2 || behind.size() > 10 ||
        behind.back() == '0' ||
        !std::all_of(behind.begin() + 1, behind.end(), [](std::uint8_t c) { return c >= '0' && c <= '9'; }))
      return nullopt;
  }
  return unix_seconds(text.first(14));
}

optional<std::vector<Extension>> read_extensions(ByteView content) {
  std::vector<Extension> out;
  for (Reader reader(content); !reader.at_end();) {
    const auto extension = reader.next(kSequence);
    if (!extension) return nullopt;
    Reader fields(extension->content);
    const auto oid = next_oid(fields);
    const auto critical = next_default_false(fields);
    const auto value = fields.next(kOctetString);
    if (!oid || !critical || !value || !fields.at_end()) return nullopt;
    if (std::any_of(out.begin(), out.end(), [&](const Extension& seen) { return equal(seen.oid, *oid); }))
      return nullopt;
    out.push_back({*oid, *critical, value->content});
  }
  if (out.empty()) return nullopt;
  return out;
}

optional<std::vector<Element>> read_set(ByteView content) {
  std::vector<Element> out;
  for (Reader reader(content); !reader.at_end();) {
    const auto element = reader.next();
    if (!element) return nullopt;
    // No element is the beginning of another one, so that X.690's padding with zeros changes nothing.
    if (!out.empty() && !std::lexicographical_compare(out.back().whole.begin(), out.back().whole.end(),
                                                      element->whole.begin(), element->whole.end()))
      return nullopt;
    out.push_back(*element);
  }
  return out;
}

bool is_algorithm(ByteView content) {
  Reader fields(content);
  return next_oid(fields) && (fields.at_end() || (fields.next() && fields.at_end()));
}

}  // namespace psephos::der
