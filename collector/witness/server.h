#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "collector/witness/witness.h"

namespace psephos {

struct WitnessServerLimits {
  std::chrono::milliseconds request{
      10'000};  ///< from the first wait for a request to its last byte; for an answer
  std::chrono::milliseconds shutdown{5'000};  ///< for requests under way when it stops
  std::size_t connections = 256;
};

/// A Witness over plain HTTP/1.1 with keep-alive, one thread. Its answers authenticate themselves; in
/// production it stands behind TLS, which keeps requests from being dropped or delayed by name.
class WitnessServer {
 public:
  /// Binds to `endpoint`, "ADDRESS:PORT" or "[ADDRESS]:PORT"; port 0 takes a free one. `witness` outlives the
  /// server. @return USAGE for another form, FILE_UNREADABLE if the address cannot be bound.
  static Result<std::unique_ptr<WitnessServer>, Rejection> listen(Witness& witness,
                                                                  const std::string& endpoint,
                                                                  const WitnessServerLimits& limits = {});
  ~WitnessServer();
  /// As bound.
  std::string endpoint() const;
  /// Serves until `stop`, or SIGTERM or SIGINT.
  void run();
  /// From any thread: accepts nothing more, answers what has arrived, then lets `run` return.
  void stop();

 private:
  class Implementation;
  explicit WitnessServer(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace psephos
