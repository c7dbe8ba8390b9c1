#pragma once
#include <cstdint>
#include <filesystem>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

/// Files as the programs use them: read whole or mapped, written whole or not at all. Environment faults are
/// FILE_UNREADABLE with the path and the system's words for it.
namespace psephos {

/// The bytes of a regular file. @return FILE_UNREADABLE; WIRE_LIMIT with the path if it has more than
/// `max_bytes`.
Result<Bytes, Rejection> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// A regular file in memory, read-only, for lists too large to copy. Nobody may cut the file while it is
/// mapped: records are written once and never in place. Move-only.
class MappedFile {
 public:
  /// @return FILE_UNREADABLE.
  static Result<MappedFile, Rejection> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  ByteView view() const { return {data_, size_}; }
  /// Bytes `begin` to `end` will not be read soon: their memory may serve for something else.
  void forget(std::size_t begin, std::size_t end) const;

 private:
  MappedFile(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  void unmap();
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Whole or not at all, even over a power cut: a temporary file beside it, fsync, rename, fsync of the
/// directory. Replaces what was there. Creates missing directories. @return FILE_UNREADABLE.
Result<void, Rejection> write_file(const std::filesystem::path& path, ByteView bytes);
/// The same, readable by its owner only.
Result<void, Rejection> write_secret_file(const std::filesystem::path& path, ByteView bytes);
/// The same for a file that must not exist yet. @return STORE_KEY_EXISTS besides, and then nothing changed.
Result<void, Rejection> write_new_secret_file(const std::filesystem::path& path, ByteView bytes);

/// One of many new files, readable by its owner only: they are safe from a power cut once sync_files has
/// returned, all together and so much sooner than one by one. @return FILE_UNREADABLE, also if it exists.
Result<void, Rejection> add_secret_file(const std::filesystem::path& path, ByteView bytes);
/// What was written in this directory is on the disk. @return FILE_UNREADABLE.
Result<void, Rejection> sync_files(const std::filesystem::path& directory);

}  // namespace psephos
