#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

/// The operator's way to a running collector: a UNIX socket in its directory that only its account can open.
/// A request is u32(|command|) ‖ command ‖ u64(|argument|) ‖ argument, its answer u32(reason, 0 if none) ‖
/// u32(|text|) ‖ text.
namespace psephos::collector {

using AdminHandler =
    std::function<Result<std::string, Rejection>(const std::string& command, Bytes argument)>;

class AdminServer {
 public:
  /// Answers one request after another on a thread of its own. @return kFileUnreadable.
  static Result<std::unique_ptr<AdminServer>, Rejection> listen(const std::filesystem::path& socket,
                                                                AdminHandler handler);
  ~AdminServer();

 private:
  AdminServer(int listener, std::filesystem::path socket, AdminHandler handler);
  void run(const std::stop_token& stop);
  const int listener_;
  const std::filesystem::path socket_;
  const AdminHandler handler_;
  std::jthread thread_;
};

/// Asks the collector that serves from that socket. @return what it refuses with; kServiceUnavailable if none
/// serves there.
Result<std::string, Rejection> ask_admin(const std::filesystem::path& socket, const std::string& command,
                                         ByteView argument);

}  // namespace psephos::collector
