#pragma once
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

/// The canonical profile of the protobuf wire format (SPEC §3.1): one encoding per value. A message is a
/// struct with one listing of its fields, from which encoder, decoder and printer come:
///
///     struct Member {
///       std::string name;
///       ByteArray<32> key{};
///       template <class M, class V> static void fields(M& m, V&& v) { v(1, "name", m.name, Bound{1, 80});
///       v(2, "key", m.key); }
///     };
///
/// Fields come in rising order. Kinds: std::uint64_t (zero is absent), enumerations (zero is no value;
/// `valid(E)` by argument-dependent lookup), ByteArray<N> and group elements (exactly N bytes), std::string,
/// Id, Bytes, nested messages, std::optional of these but the first, and std::vector. What is not optional
/// must be present. Nothing of length zero is ever on the wire.
namespace psephos {

/// Least and greatest size (text, bytes), count (vector) or value (integer).
struct Bound {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
};

/// A short name for machines: a-z, 0-9, '.', '-', 1 to 64 characters.
struct Id {
  std::string text;
  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;
};
bool is_id(std::string_view text);
/// Well-formed UTF-8 (no surrogates, no overlong forms) without control characters.
bool is_clean_utf8(std::string_view text);

namespace wire {

struct Probe {
  template <class T>
  void operator()(std::uint32_t, const char*, T&, Bound = {}) {}
};
template <class T>
concept Message = requires(T& m, Probe p) { T::fields(m, p); };
template <class T>
concept GroupElement = requires(ByteView b, const T& t) {
  { T::kWidth } -> std::convertible_to<std::size_t>;
  t.encode();
  { T::decode(b) };
} && !Message<T>;
template <class T>
struct IsByteArray : std::false_type {};
template <std::size_t N>
struct IsByteArray<ByteArray<N>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <>
struct IsVector<Bytes> : std::false_type {};

void write_varint(Bytes& out, std::uint64_t value);
inline void write_tag(Bytes& out, std::uint32_t number, std::uint32_t type) {
  write_varint(out, (static_cast<std::uint64_t>(number) << 3) | type);
}

/// How often a field stands in an encoded message, told from tags and lengths alone: for bounds that have to
/// hold before anything is decoded. What stands behind something that is no field is not counted.
std::size_t count_of_field(ByteView message, std::uint32_t number);

template <Message M>
Bytes encode_message(const M& message);

class Encoder {
 public:
  explicit Encoder(Bytes& out) : out_(out) {}
  template <class T>
  void operator()(std::uint32_t number, const char* /*name*/, const T& value, Bound = {}) {
    if constexpr (IsOptional<T>::value) {
      if (value) write(number, *value);
    } else if constexpr (IsVector<T>::value) {
      for (const auto& element : value) write(number, element);
    } else {
      write(number, value);
    }
  }

 private:
  template <class T>
  void write(std::uint32_t number, const T& value) {
    if constexpr (std::is_same_v<T, std::uint64_t> || std::is_enum_v<T>) {
      if (static_cast<std::uint64_t>(value) == 0) return;
      write_tag(out_, number, 0);
      write_varint(out_, static_cast<std::uint64_t>(value));
    } else if constexpr (Message<T>) {
      write_bytes(number, encode_message(value));
    } else if constexpr (GroupElement<T>) {
      write_bytes(number, value.encode());
    } else if constexpr (std::is_same_v<T, std::string>) {
      write_bytes(number, bytes_of(value));
    } else if constexpr (std::is_same_v<T, Id>) {
      write_bytes(number, bytes_of(value.text));
    } else {
      write_bytes(number, value);  // Bytes, ByteArray
    }
  }
  void write_bytes(std::uint32_t number, ByteView bytes) {
    if (bytes.empty()) return;
    write_tag(out_, number, 2);
    write_varint(out_, bytes.size());
    append(out_, bytes);
  }
  Bytes& out_;
};

template <Message M>
Bytes encode_message(const M& message) {
  Bytes out;
  Encoder encoder(out);
  M::fields(message, encoder);
  return out;
}

/// A field, or an element of a repeated one.
struct Place {
  static constexpr std::size_t kNoIndex = SIZE_MAX;
  std::string_view name;
  std::size_t index = kNoIndex;
};

/// Reads one message from its bytes, checking that they are the canonical ones. The first refusal stands; all
/// later fields are skipped. The path of a field is put together only where it is refused.
class Decoder {
 public:
  Decoder(ByteView bytes, std::string_view message) : rest_(bytes), place_{message} {}
  /// Of a message inside another.
  Decoder(ByteView bytes, const Decoder& outer, const Place& place)
      : rest_(bytes), outer_(&outer), place_(place) {}

  template <class T>
  void operator()(std::uint32_t number, const char* name, T& value, Bound bound = {}) {
    if (rejection_) return;
    if constexpr (IsVector<T>::value) {
      std::size_t count = 0;
      while (!rejection_ && next_is(number)) {
        if (++count > bound.max) return fail(Reason::kWireLimit, {name});
        typename T::value_type element{};
        read(number, {name, count - 1}, element, element_bound<typename T::value_type>());
        value.push_back(std::move(element));
      }
      if (!rejection_ && count < bound.min) fail(Reason::kWireMissingField, {name});
    } else if constexpr (IsOptional<T>::value) {
      if (!next_is(number)) return;
      typename T::value_type inner{};
      read(number, {name}, inner, bound);
      value = std::move(inner);
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (next_is(number)) {
        read(number, {name}, value, bound);
      } else {
        value = 0;
        if (bound.min > 0) fail(Reason::kWireMissingField, {name});
      }
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bytes>) {
      if (next_is(number))
        read(number, {name}, value, bound);
      else if (bound.min > 0)
        fail(Reason::kWireMissingField, {name});
    } else {
      if (!next_is(number)) return fail(Reason::kWireMissingField, {name});
      read(number, {name}, value, bound);
    }
  }
  /// What remains belongs to no field, repeats one, or is out of order.
  std::optional<Rejection> finish() {
    if (!rejection_ && !rest_.empty()) fail(Reason::kWireNoncanonical, {});
    return std::move(rejection_);
  }

 private:
  template <class T>
  static constexpr Bound element_bound() {
    // Elements of a repeated text or bytes field: the widest limit of the profile; tighter ones are checked
    // by the message's reader.
    if constexpr (std::is_same_v<T, std::string>) return {1, 4096};
    if constexpr (std::is_same_v<T, Bytes>) return {1, 1U << 20U};
    return {};
  }
  bool next_is(std::uint32_t number) const;
  bool read_tag(std::uint32_t number, std::uint32_t type, const Place& place);
  std::optional<std::uint64_t> read_varint(const Place& place);
  std::optional<ByteView> read_bytes(std::uint32_t number, const Place& place);
  void fail(Reason reason, const Place& place);
  std::string path() const;

  template <class T>
  void read(std::uint32_t number, const Place& place, T& value, Bound bound) {
    if constexpr (std::is_same_v<T, std::uint64_t> || std::is_enum_v<T>) {
      if (!read_tag(number, 0, place)) return;
      const auto raw = read_varint(place);
      if (!raw) return;
      if (*raw == 0) return fail(Reason::kWireNoncanonical, place);
      if constexpr (std::is_enum_v<T>) {
        if (*raw > 255 || !valid(static_cast<T>(*raw))) return fail(Reason::kWireNoncanonical, place);
      } else if (*raw < bound.min || *raw > bound.max) {
        return fail(Reason::kWireLimit, place);
      }
      value = static_cast<T>(*raw);
    } else {
      const auto bytes = read_bytes(number, place);
      if (!bytes) return;
      if constexpr (Message<T>) {
        Decoder inner(*bytes, *this, place);
        T::fields(value, inner);
        rejection_ = inner.finish();
      } else if constexpr (GroupElement<T>) {
        auto element = decode_element<T>(*bytes);
        if (!element) return fail(reason_of(element.error()), place);
        value = *element;
      } else if constexpr (IsByteArray<T>::value) {
        if (bytes->size() != value.size()) return fail(Reason::kWireLength, place);
        std::copy(bytes->begin(), bytes->end(), value.begin());
      } else if constexpr (std::is_same_v<T, Id>) {
        if (!is_id(text_of(*bytes))) return fail(Reason::kIdNotAscii, place);
        value.text = text_of(*bytes);
      } else {
        if (bytes->size() < bound.min || bytes->size() > bound.max) return fail(Reason::kWireLimit, place);
        if constexpr (std::is_same_v<T, std::string>) {
          if (!is_clean_utf8(text_of(*bytes))) return fail(Reason::kFieldCharset, place);
          value = text_of(*bytes);
        } else {
          value = copy_of(*bytes);
        }
      }
    }
  }
  /// Group elements on the wire are never the identity (SPEC §3.2); scalars have no such rule.
  template <class T>
  static auto decode_element(ByteView bytes) {
    if constexpr (requires { T::decode_nonidentity(bytes); })
      return T::decode_nonidentity(bytes);
    else
      return T::decode(bytes);
  }

  ByteView rest_;
  const Decoder* outer_ = nullptr;
  Place place_;
  std::optional<Rejection> rejection_;
};

}  // namespace wire

/// The canonical bytes of a message.
template <wire::Message M>
Bytes encode(const M& message) {
  return wire::encode_message(message);
}

/// Strict: for every accepted b, encode(decode(b)) == b. @return kWireNoncanonical, kWireLimit,
/// kWireMissingField, kWireLength, kFieldCharset, kIdNotAscii, or a group element's fault, with the path of
/// the field.
template <wire::Message M>
Result<M, Rejection> decode(ByteView bytes) {
  wire::Decoder decoder(bytes, M::kName);
  M message{};
  M::fields(message, decoder);
  if (auto rejection = decoder.finish()) return std::unexpected(std::move(*rejection));
  return message;
}

}  // namespace psephos
