#pragma once
#include <filesystem>
#include <random>
#include <string>

namespace psephos::test {

/// What a power cut would leave of the store: a disk that keeps every byte written up to a file's last sync,
/// and of what was written since keeps some sectors and loses others, at random. Between SQLite and its
/// files, as the default VFS of this process; files whose name does not hold `store.sqlite` pass untouched.
class LossyDisk {
 public:
  enum class Sync {
    kHonest,
    kLying,  ///< says that it synced, and has not: to see that the test would notice
  };
  static LossyDisk& instance();
  /// Forgets all files; they must be closed.
  void reset(Sync sync);
  /// Writes what a power cut at this moment would leave into `directory`.
  void cut(const std::filesystem::path& directory, std::mt19937_64& random);
  /// Files synced since reset.
  std::size_t syncs() const;

  LossyDisk(const LossyDisk&) = delete;
  LossyDisk& operator=(const LossyDisk&) = delete;

 private:
  LossyDisk();
};

}  // namespace psephos::test
