#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/invariant.h"

/// The few kinds of DER element that a certificate is made of (X.690), written directly, so that a test can
/// write wrong ones too.
namespace psephos::trust::der {

inline Bytes element(std::uint8_t tag, ByteView content) {
  invariant(content.size() < 0x10000, "test certificates are small");
  Bytes out = {tag};
  if (content.size() >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
  } else if (content.size() >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(content.size()));
  append(out, content);
  return out;
}
inline Bytes concat(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}
inline Bytes sequence(std::initializer_list<Bytes> parts) {
  return element(0x30, concat(parts));
}
inline Bytes set(std::initializer_list<Bytes> parts) {
  return element(0x31, concat(parts));
}
inline Bytes boolean_true() {
  return {0x01, 0x01, 0xff};
}
inline Bytes octet_string(ByteView content) {
  return element(0x04, content);
}
inline Bytes bit_string(ByteView content, std::uint8_t unused = 0) {
  Bytes value = {unused};
  append(value, content);
  return element(0x03, value);
}
/// A non-negative integer, big-endian.
inline Bytes integer(ByteView magnitude) {
  while (!magnitude.empty() && magnitude[0] == 0) magnitude = magnitude.subspan(1);
  Bytes value;
  if (magnitude.empty() || magnitude[0] >= 0x80) value.push_back(0);
  append(value, magnitude);
  return element(0x02, value);
}
inline Bytes utf8(std::string_view text) {
  return element(0x0c, bytes_of(text));
}
inline Bytes printable(std::string_view text) {
  return element(0x13, bytes_of(text));
}

/// An object identifier from its dotted form.
inline Bytes oid(std::string_view dotted) {
  Bytes value;
  std::uint64_t first = 0;
  int component = 0;
  while (!dotted.empty()) {
    std::uint64_t number = 0;
    while (!dotted.empty() && dotted[0] != '.') {
      number = number * 10 + static_cast<std::uint64_t>(dotted[0] - '0');
      dotted.remove_prefix(1);
    }
    if (!dotted.empty()) dotted.remove_prefix(1);
    if (component++ == 0) {
      first = number;
      continue;
    }
    if (component == 2) number += first * 40;
    int shift = 63;
    while (shift > 0 && (number >> shift) == 0) shift -= 7;
    for (; shift >= 0; shift -= 7)
      value.push_back(static_cast<std::uint8_t>((number >> shift & 0x7f) | (shift > 0 ? 0x80 : 0)));
  }
  return element(0x06, value);
}

}  // namespace psephos::trust::der
