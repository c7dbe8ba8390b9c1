#include "tests/collector/lossy_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <vector>

namespace psephos::test {

namespace {

using Contents = std::vector<char>;
constexpr std::size_t kSector = 512;

struct Write {
  std::size_t offset;
  Contents bytes;
};

struct TrackedFile {
  bool exists = false;  // durable at all: synced once
  Contents synced;
  std::vector<Write> pending;  // since the last sync, in order; truncation is only ever seen with a sync
};

void put(Contents& contents, std::size_t offset, const char* bytes, std::size_t size) {
  if (contents.size() < offset + size) contents.resize(offset + size);
  std::copy_n(bytes, size, contents.begin() + static_cast<std::ptrdiff_t>(offset));
}

struct Tracker {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<TrackedFile>> files;
  LossyDisk::Sync sync = LossyDisk::Sync::kHonest;
  std::size_t syncs = 0;
};
Tracker& tracker() {
  static Tracker instance;
  return instance;
}
sqlite3_vfs* real_vfs = nullptr;

/// A file handle: ours, followed in memory by the real one.
struct Handle {
  sqlite3_file base;
  std::shared_ptr<TrackedFile>* tracked;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
Handle* handle(sqlite3_file* file) {
  return reinterpret_cast<Handle*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return handle(file)->real();
}

int close_file(sqlite3_file* file) {
  delete handle(file)->tracked;
  return real(file)->pMethods->xClose(real(file));
}
int read_file_at(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), out, size, offset);
}
int write_file_at(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  const std::lock_guard lock(tracker().mutex);
  const auto* data = static_cast<const char*>(bytes);
  (*handle(file)->tracked)
      ->pending.push_back({static_cast<std::size_t>(offset), Contents(data, data + size)});
  return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const std::lock_guard lock(tracker().mutex);
  TrackedFile& tracked = **handle(file)->tracked;
  // Worst case for us: the truncation is durable at once.
  if (tracked.synced.size() > static_cast<std::size_t>(size))
    tracked.synced.resize(static_cast<std::size_t>(size));
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int) {
  const std::lock_guard lock(tracker().mutex);
  TrackedFile& tracked = **handle(file)->tracked;
  ++tracker().syncs;
  if (tracker().sync == LossyDisk::Sync::kLying && tracked.exists) return SQLITE_OK;
  for (const Write& write : tracked.pending)
    put(tracked.synced, write.offset, write.bytes.data(), write.bytes.size());
  tracked.pending.clear();
  tracked.exists = true;
  return SQLITE_OK;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}
constexpr sqlite3_io_methods kMethods = {
    2,         close_file,  read_file_at, write_file_at, truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_lock,   control_file,  sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,    nullptr,       nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const std::string path = name != nullptr ? name : "";
  if (path.find("store.sqlite") == std::string::npos)  // the real file alone, in our memory
    return real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
  auto* mine = new (file) Handle{};
  const int code = real_vfs->xOpen(real_vfs, name, mine->real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  const std::lock_guard lock(tracker().mutex);
  auto& tracked = tracker().files[path];
  if (!tracked) tracked = std::make_shared<TrackedFile>();
  mine->tracked = new std::shared_ptr<TrackedFile>(tracked);
  mine->base.pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_directory) {
  {
    const std::lock_guard lock(tracker().mutex);
    tracker().files.erase(name);
  }
  return real_vfs->xDelete(real_vfs, name, sync_directory);
}

}  // namespace

LossyDisk::LossyDisk() {
  real_vfs = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs = *real_vfs;
  vfs.zName = "lossy";
  vfs.szOsFile = static_cast<int>(sizeof(Handle)) + real_vfs->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) throw std::runtime_error("sqlite3_vfs_register");
}

LossyDisk& LossyDisk::instance() {
  static LossyDisk disk;
  return disk;
}

void LossyDisk::reset(Sync sync) {
  const std::lock_guard lock(tracker().mutex);
  tracker().files.clear();
  tracker().sync = sync;
  tracker().syncs = 0;
}

std::size_t LossyDisk::syncs() const {
  const std::lock_guard lock(tracker().mutex);
  return tracker().syncs;
}

void LossyDisk::cut(const std::filesystem::path& directory, std::mt19937_64& random) {
  std::filesystem::create_directories(directory);
  const std::lock_guard lock(tracker().mutex);
  for (const auto& [path, file] : tracker().files) {
    if (!file->exists) continue;
    Contents contents = file->synced;
    for (const Write& write : file->pending)
      for (std::size_t at = 0; at < write.bytes.size(); at += kSector)
        if (random() % 2 == 0)
          put(contents, write.offset + at, write.bytes.data() + at,
              std::min(kSector, write.bytes.size() - at));
    std::ofstream out(directory / std::filesystem::path(path).filename(), std::ios::binary);
    out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  }
}

}  // namespace psephos::test
