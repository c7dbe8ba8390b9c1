#pragma once
#include <algorithm>

#include "protocol/codec.h"

/// Honest things changed as a fuzz input says: bytes as they stand, or fields inside their encoding, so that
/// what is changed still decodes and meets the checks behind the decoder.
namespace psephos {

/// A fuzz input read from the front; zeros after its end.
class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  ByteView rest() const { return rest_; }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t out = rest_[0];
    rest_ = rest_.subspan(1);
    return out;
  }
  std::uint16_t word() {
    const auto high = static_cast<std::uint16_t>(byte() << 8);
    return static_cast<std::uint16_t>(high | byte());
  }

 private:
  ByteView rest_;
};

/// Bytes changed, taken out, put in, or cut off, as long as the input lasts.
inline void edit_bytes(Bytes& bytes, Input& in) {
  while (!in.empty() && !bytes.empty()) {
    const std::uint8_t what = in.byte() % 4;
    const std::size_t where = in.word() % bytes.size();
    const std::uint8_t value = in.byte();
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(where);
    if (what == 0) {
      *at ^= value;
    } else if (what == 1) {
      bytes.erase(at, at + std::min<std::ptrdiff_t>(1 + value % 40, bytes.end() - at));
    } else if (what == 2) {
      bytes.insert(at, value, 1);
    } else {
      bytes.resize(where);
    }
  }
}

/// Changes one field, the `target`-th in the order of the listing, of a message or anything nested in it.
class FieldEditor {
 public:
  FieldEditor(std::size_t target, Input& in) : target_(target), in_(in) {}
  bool done() const { return done_; }

  template <class T>
  void operator()(std::uint32_t, const char*, T& value, Bound = {}) {
    if (done_) return;
    if constexpr (wire::IsOptional<T>::value) {
      if (mine()) {
        if (value)
          value.reset();
        else
          value.emplace();
      } else if (value) {
        (*this)(0, "", *value);
      }
    } else if constexpr (wire::IsVector<T>::value) {
      if (mine()) {
        edit_list(value);
      } else {
        for (auto& element : value) (*this)(0, "", element);
      }
    } else if constexpr (wire::Message<T>) {
      T::fields(value, *this);
    } else if (mine()) {
      edit(value);
    }
  }

 private:
  bool mine() { return !done_ && (done_ = target_-- == 0); }
  template <class T>
  void edit_list(T& list) {
    if (list.empty()) {
      list.emplace_back();
      return;
    }
    const std::size_t i = in_.byte() % list.size();
    const auto what = in_.byte() % 3;
    if (what == 0) list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
    if (what == 1) list.push_back(list[i]);
    if (what == 2) std::swap(list[i], list.back());
  }
  void edit(std::uint64_t& number) { number += in_.byte() - std::uint64_t{128}; }
  void edit(Id& id) { id.text += 'a'; }
  template <std::size_t N>
  void edit(ByteArray<N>& bytes) {
    bytes[in_.byte() % N] ^= in_.byte();
  }
  void edit(Bytes& bytes) {
    Input three(in_.rest().first(std::min<std::size_t>(in_.rest().size(), 4)));
    for (int i = 0; i < 4; ++i) static_cast<void>(in_.byte());
    edit_bytes(bytes, three);
  }
  void edit(std::string& text) { text += 'a'; }
  template <class T>
  void edit(T& other) {
    if constexpr (std::is_enum_v<T>)
      other = static_cast<T>(in_.byte());
    else
      other = other + T::generator();  // a point
  }

  std::size_t target_;
  Input& in_;
  bool done_ = false;
};

/// Changes the field that the input names; nothing if the message has fewer.
template <class M>
void edit_field(M& message, Input& in) {
  FieldEditor editor(in.byte(), in);
  M::fields(message, editor);
}

}  // namespace psephos
