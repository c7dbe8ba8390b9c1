#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "protocol/codec.h"
#include "protocol/messages.h"

/// Bytes of messages taken apart and put together, for tests of whoever reads them.
namespace psephos::wire_test {

/// Fills every field of a message with its least valid value.
class Filler {
 public:
  template <class T>
  void operator()(std::uint32_t /*number*/, const char* /*name*/, T& value, Bound bound = {}) {
    fill(value, bound);
  }
  template <class T>
  static T made() {
    T value{};
    Filler filler;
    T::fields(value, filler);
    return value;
  }

 private:
  template <class T>
  void fill(T& value, Bound bound) {
    if constexpr (wire::IsOptional<T>::value) {
      value.emplace();
      fill(*value, bound);
    } else if constexpr (wire::IsVector<T>::value) {
      value.resize(std::max<std::uint64_t>(bound.min, 2));
      for (auto& element : value) fill(element, Bound{1, UINT64_MAX});
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      value = std::max<std::uint64_t>(bound.min, 1);
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(1);
    } else if constexpr (wire::Message<T>) {
      value = made<T>();
    } else if constexpr (std::is_same_v<T, Ristretto::Point>) {
      value = Ristretto::Point::generator();
    } else if constexpr (std::is_same_v<T, Id>) {
      value.text = "id";
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = std::string(std::max<std::uint64_t>(bound.min, 1), 't');
    } else if constexpr (std::is_same_v<T, Bytes>) {
      value = Bytes(std::max<std::uint64_t>(bound.min, 1), 7);
    } else {
      value.fill(9);
    }
  }
};

/// Where each field of an encoding lies: number, and the span of tag, length and content.
struct Field {
  std::uint32_t number;
  std::size_t begin, content, end;
  bool is_bytes;
};
inline std::vector<Field> fields_of(ByteView bytes) {
  std::vector<Field> out;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t b = bytes[at++];
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return value;
    }
  };
  while (at < bytes.size()) {
    Field field{.number = 0, .begin = at, .content = 0, .end = 0, .is_bytes = false};
    const std::uint64_t tag = varint();
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.is_bytes = (tag & 7) == 2;
    const std::uint64_t value = varint();
    field.content = at;
    if (field.is_bytes) at += value;
    field.end = at;
    out.push_back(field);
  }
  return out;
}

inline Bytes with(ByteView bytes, const Field& field, ByteView replacement) {
  Bytes out = copy_of(bytes.first(field.begin));
  append(out, replacement);
  append(out, bytes.subspan(field.end));
  return out;
}
inline Bytes length_delimited(std::uint32_t number, ByteView content) {
  Bytes out;
  wire::write_tag(out, number, 2);
  wire::write_varint(out, content.size());
  append(out, content);
  return out;
}

template <class Test>
void for_all_messages(Test&& test) {
  std::apply([&]<class... M>(const M&... message) { (test(message), ...); }, AllMessages{});
}

}  // namespace psephos::wire_test
