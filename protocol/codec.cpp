#include "protocol/codec.h"

#include "crypto/utf8.h"

namespace psephos {

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')) return false;
  return true;
}

bool is_clean_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto c = take_code_point(text);
    if (!c || *c < 0x20 || (*c >= 0x7f && *c < 0xa0)) return false;
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

namespace {

/// Takes a varint of at most 64 bits in its least number of bytes from the front; nullopt if there is none.
std::optional<std::uint64_t> take_varint(ByteView& rest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10 && i < rest.size(); ++i) {
    const std::uint64_t bits = rest[i] & 0x7f;
    if (i == 9 && bits > 1) break;
    value |= bits << (7 * i);
    if ((rest[i] & 0x80) == 0) {
      if (i > 0 && rest[i] == 0) break;  // not minimal
      rest = rest.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

std::size_t count_of_field(ByteView message, std::uint32_t number) {
  std::size_t count = 0;
  while (!message.empty()) {
    const auto tag = take_varint(message);
    const auto value = tag ? take_varint(message) : std::nullopt;
    if (!value) break;
    if ((*tag & 7) == 2) {
      if (*value > message.size()) break;
      message = message.subspan(static_cast<std::size_t>(*value));
    } else if ((*tag & 7) != 0) {
      break;
    }
    if (*tag >> 3 == number) ++count;
  }
  return count;
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

std::optional<std::uint64_t> Decoder::read_varint(const Place& place) {
  const auto value = take_varint(rest_);
  if (!value) fail(Reason::kWireNoncanonical, place);
  return value;
}

bool Decoder::read_tag(std::uint32_t number, std::uint32_t type, const Place& place) {
  const auto tag = read_varint(place);
  if (!tag) return false;
  if (*tag != ((static_cast<std::uint64_t>(number) << 3) | type)) {
    fail(Reason::kWireNoncanonical, place);
    return false;
  }
  return true;
}

std::optional<ByteView> Decoder::read_bytes(std::uint32_t number, const Place& place) {
  if (!read_tag(number, 2, place)) return std::nullopt;
  const auto length = read_varint(place);
  if (!length) return std::nullopt;
  if (*length > rest_.size()) {
    fail(Reason::kWireLimit, place);
    return std::nullopt;
  }
  if (*length == 0) {
    fail(Reason::kWireNoncanonical, place);
    return std::nullopt;
  }
  const ByteView bytes = rest_.first(static_cast<std::size_t>(*length));
  rest_ = rest_.subspan(static_cast<std::size_t>(*length));
  return bytes;
}

std::string Decoder::path() const {
  std::string out = outer_ == nullptr ? std::string() : outer_->path() + ".";
  out += place_.name;
  if (place_.index != Place::kNoIndex) out += "[" + std::to_string(place_.index) + "]";
  return out;
}

void Decoder::fail(Reason reason, const Place& place) {
  if (rejection_) return;
  std::string object = path();
  if (!place.name.empty()) object += "." + std::string(place.name);
  if (place.index != Place::kNoIndex) object += "[" + std::to_string(place.index) + "]";
  rejection_ = Rejection{reason, std::move(object)};
}

}  // namespace wire
}  // namespace psephos
