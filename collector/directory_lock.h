#pragma once
#include <filesystem>

#include "protocol/rejection.h"

namespace psephos::collector {

/// One process to a collector's directory. The lock goes with the process, however it ends. Move-only.
class DirectoryLock {
 public:
  /// @return kServiceUnavailable if another process has it, kFileUnreadable.
  static Result<DirectoryLock, Rejection> take(const std::filesystem::path& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace psephos::collector
