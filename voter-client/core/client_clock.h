#pragma once
#include <cstdint>
#include <functional>

namespace psephos {

/// The client's time, passed in so that tests decide it.
struct ClientClock {
  std::function<std::uint64_t()> now_ms;
  std::function<void(std::uint64_t milliseconds)> sleep_ms;
  static ClientClock system();
  std::uint64_t now_s() const { return now_ms() / 1000; }
};

}  // namespace psephos
