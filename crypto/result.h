#pragma once
#include <expected>

namespace psephos {

/// A value, or the named reason why there is none. Return early: libstdc++ 12 has no `and_then`.
template <class T, class E>
using Result = std::expected<T, E>;

}  // namespace psephos
