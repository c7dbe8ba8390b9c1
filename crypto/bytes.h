#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace psephos {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
template <std::size_t N>
using ByteArray = std::array<std::uint8_t, N>;

/// The bytes of a text, without its terminator.
inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes copy_of(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}
inline void append(Bytes& out, ByteView more) {
  out.insert(out.end(), more.begin(), more.end());
}
/// Variable time: public bytes only. Secrets have no comparison (crypto/secret/secret_bytes.h).
inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
inline void append_u32be(Bytes& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}
inline void append_u64be(Bytes& out, std::uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}
inline ByteArray<8> u64be(std::uint64_t v) {
  ByteArray<8> out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(v >> (56 - 8 * i));
  return out;
}
inline std::uint64_t read_u64be(ByteView eight) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < 8; ++i) v = v << 8 | eight[i];
  return v;
}
inline std::uint32_t read_u32be(ByteView four) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v = v << 8 | four[i];
  return v;
}

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
/// Lower-case hexadecimal of even length, nothing else; nullopt otherwise.
std::optional<Bytes> from_hex(std::string_view text);
/// RFC 4648 section 4, with padding.
std::string to_base64(ByteView bytes);
/// Canonical RFC 4648 section 4 only (padding present, surplus bits zero); nullopt otherwise.
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace psephos
