#include "voter-client/core/client_clock.h"

#include <chrono>
#include <thread>

namespace psephos {

ClientClock ClientClock::system() {
  return {.now_ms =
              [] {
                using std::chrono::milliseconds;
                return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(
                                                      std::chrono::system_clock::now().time_since_epoch())
                                                      .count());
              },
          .sleep_ms = [](std::uint64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }};
}

}  // namespace psephos
