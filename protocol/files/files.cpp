#include "protocol/files/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace psephos {

namespace {

namespace fs = std::filesystem;

std::unexpected<Rejection> system_fault(const fs::path& path, int error) {
  return reject(Reason::kFileUnreadable, path.string() + ": " + std::strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Size of a regular file that is open; a directory or device is no file to read.
Result<std::uint64_t, Rejection> regular_size(const Descriptor& file, const fs::path& path) {
  if (!file) return system_fault(path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return system_fault(path, errno);
  if (!S_ISREG(status.st_mode)) return reject(Reason::kFileUnreadable, path.string() + ": not a file");
  return static_cast<std::uint64_t>(status.st_size);
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Result<void, Rejection> sync_directory(const fs::path& directory) {
  const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_fault(directory, errno);
  return {};
}

/// Creates the missing directories and makes their names durable.
Result<void, Rejection> make_directories(const fs::path& directory) {
  std::error_code error;
  if (fs::is_directory(directory, error)) return {};
  if (const auto parent = make_directories(directory_of(directory)); !parent) return parent;
  if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) return system_fault(directory, errno);
  return sync_directory(directory_of(directory));
}

/// False: errno says why.
bool write_all(const Descriptor& file, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

enum class Existing { kReplace, kRefuse };

Result<void, Rejection> write_whole(const fs::path& path, ByteView bytes, mode_t mode, Existing existing) {
  const fs::path directory = directory_of(path);
  if (const auto made = make_directories(directory); !made) return made;
  std::string temporary = (directory / ("." + path.filename().string() + ".XXXXXX")).string();
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return system_fault(path, errno);
  const auto fail = [&] {
    const int error = errno;
    ::unlink(temporary.c_str());
    return system_fault(path, error);
  };
  if (::fchmod(file.get(), mode) != 0) return fail();
  if (!write_all(file, bytes) || ::fsync(file.get()) != 0) return fail();
  if (existing == Existing::kReplace) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail();
  } else {
    // Unlike rename, link fails if the name is taken.
    if (::link(temporary.c_str(), path.c_str()) != 0) {
      if (errno != EEXIST) return fail();
      ::unlink(temporary.c_str());
      return reject(Reason::kStoreKeyExists, path.string());
    }
    if (::unlink(temporary.c_str()) != 0) return system_fault(temporary, errno);
  }
  return sync_directory(directory);
}

mode_t usual_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

Result<Bytes, Rejection> read_file(const fs::path& path, std::uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = regular_size(file, path);
  if (!size) return std::unexpected(size.error());
  if (*size > max_bytes) return reject(Reason::kWireLimit, path.string());
  Bytes bytes(static_cast<std::size_t>(*size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_fault(path, errno);
    if (n == 0) return reject(Reason::kFileUnreadable, path.string() + ": cut while it was read");
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

Result<MappedFile, Rejection> MappedFile::open(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = regular_size(file, path);
  if (!size) return std::unexpected(size.error());
  if (*size == 0) return MappedFile(nullptr, 0);  // mmap knows no empty mapping
  void* data = ::mmap(nullptr, static_cast<std::size_t>(*size), PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return system_fault(path, errno);
  return MappedFile(static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(*size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

MappedFile::~MappedFile() {
  unmap();
}

void MappedFile::forget(std::size_t begin, std::size_t end) const {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  end = std::min(end, size_);
  begin = begin / page * page;
  // Nothing is lost: the mapping is read-only, and whoever reads these pages again gets them from the file.
  if (begin < end) ::madvise(const_cast<std::uint8_t*>(data_) + begin, end - begin, MADV_DONTNEED);
}

void MappedFile::unmap() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

Result<void, Rejection> write_file(const fs::path& path, ByteView bytes) {
  static const mode_t mode = usual_mode();
  return write_whole(path, bytes, mode, Existing::kReplace);
}

Result<void, Rejection> write_secret_file(const fs::path& path, ByteView bytes) {
  return write_whole(path, bytes, 0600, Existing::kReplace);
}

Result<void, Rejection> write_new_secret_file(const fs::path& path, ByteView bytes) {
  return write_whole(path, bytes, 0600, Existing::kRefuse);
}

Result<void, Rejection> add_secret_file(const fs::path& path, ByteView bytes) {
  if (const auto made = make_directories(directory_of(path)); !made) return made;
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return system_fault(path, errno);
  if (!write_all(file, bytes)) {
    const int error = errno;
    ::unlink(path.c_str());
    return system_fault(path, error);
  }
  return {};
}

Result<void, Rejection> sync_files(const fs::path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::syncfs(opened.get()) != 0) return system_fault(directory, errno);
  return {};
}

}  // namespace psephos
