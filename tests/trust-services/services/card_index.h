#pragma once
#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

struct sqlite3;

namespace psephos::trust {

/// The certificates in files of software cards (layout: voter-client/file_signer.h), by serial number: 16
/// bytes of memory each. Thread-safe.
class CardIndex {
 public:
  /// Reads every certificate once. `progress(n)`: n more cards are read. The error names the file.
  static Result<std::unique_ptr<CardIndex>, std::string> open(
      const std::vector<std::filesystem::path>& files,
      const std::function<void(std::uint64_t n)>& progress = {});
  CardIndex(const CardIndex&) = delete;
  CardIndex& operator=(const CardIndex&) = delete;
  ~CardIndex();

  std::size_t certificates() const { return serials_.size(); }
  /// Whether some certificate has this serial number (content of the INTEGER).
  bool issued(ByteView serial) const;
  /// The serial numbers of that person's certificates; none if the files have no card of hers.
  std::vector<Bytes> serials_of(std::string_view national_id) const;

 private:
  CardIndex() = default;
  using Serial = std::array<std::uint8_t, 16>;
  std::vector<Serial> serials_;  // sorted
  mutable std::mutex mutex_;     // guards the use of the databases
  std::vector<sqlite3*> databases_;
};

}  // namespace psephos::trust
