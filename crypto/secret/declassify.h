#pragma once
#include <cstddef>
#include <span>
#include <type_traits>

namespace psephos {

/// Told of bytes that were computed from secrets and are public from here on. Does nothing in programs. The
/// tests under valgrind (tests/ct/) bring another definition, to which the linker gives precedence over the
/// one in the library: so they follow secrets through the very code that programs run.
void note_public(const void* bytes, std::size_t size_bytes);

/// `value`, unchanged: a point, a scalar, a verdict or a list of them that was computed from secrets and is
/// given to everybody from here on, or that everybody knows beforehand. Each call says why, where its
/// function does not. Secret types have `declassify`, which is the only way out of them.
template <class T>
[[nodiscard]] T published(T value) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    note_public(&value, sizeof value);
  } else {
    const std::span items(value);
    static_assert(std::is_trivially_copyable_v<typename decltype(items)::value_type>);
    note_public(items.data(), items.size_bytes());
  }
  return value;
}

}  // namespace psephos
