#include "protocol/files/passphrase.h"

#include <fcntl.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace psephos {

namespace {

constexpr std::size_t kMaxBytes = 1024;

/// Switches the terminal's echo off for its lifetime.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &saved_) != 0) return;
    termios silent = saved_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &saved_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  explicit operator bool() const { return changed_; }

 private:
  int fd_;
  termios saved_{};
  bool changed_ = false;
};

struct File {
  int fd;
  explicit File(int descriptor) : fd(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

Passphrase::Passphrase(std::size_t capacity) {
  bytes_.reserve(capacity);
}

Passphrase& Passphrase::operator=(Passphrase&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Passphrase::~Passphrase() {
  if (bytes_.capacity() > 0) sodium_memzero(bytes_.data(), bytes_.capacity());
}

class PassphraseReader {
 public:
  /// Up to the end of the line or of the input.
  static Result<Passphrase, Rejection> line(int fd, const std::string& object) {
    Passphrase out(kMaxBytes);
    for (std::uint8_t c = 0;;) {
      const ssize_t n = ::read(fd, &c, 1);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return reject(Reason::kFileUnreadable, object + ": " + std::strerror(errno));
      if (n == 0 || c == '\n') break;
      if (out.bytes_.size() == kMaxBytes) return reject(Reason::kUsage, object + ": passphrase too long");
      out.bytes_.push_back(c);
    }
    if (!out.bytes_.empty() && out.bytes_.back() == '\r') out.bytes_.pop_back();
    return non_empty(std::move(out), object);
  }

  static Result<Passphrase, Rejection> text(const char* value, const std::string& object) {
    const std::size_t size = std::strlen(value);
    if (size > kMaxBytes) return reject(Reason::kUsage, object + ": passphrase too long");
    Passphrase out(kMaxBytes);
    out.bytes_.assign(value, value + size);
    return non_empty(std::move(out), object);
  }

  static bool same(const Passphrase& a, const Passphrase& b) {
    return a.bytes_.size() == b.bytes_.size() &&
           sodium_memcmp(a.bytes_.data(), b.bytes_.data(), a.bytes_.size()) == 0;
  }

 private:
  static Result<Passphrase, Rejection> non_empty(Passphrase&& passphrase, const std::string& object) {
    if (passphrase.bytes_.empty()) return reject(Reason::kUsage, object + ": the passphrase is empty");
    return std::move(passphrase);
  }
};

namespace {

Result<Passphrase, Rejection> ask(int terminal, const std::string& prompt) {
  const NoEcho silent(terminal);
  if (!silent) return reject(Reason::kUsage, "the terminal cannot hide what is typed");
  if (::write(terminal, prompt.data(), prompt.size()) < 0) return reject(Reason::kFileUnreadable, "/dev/tty");
  auto answer = PassphraseReader::line(terminal, "terminal");
  if (::write(terminal, "\n", 1) < 0) return reject(Reason::kFileUnreadable, "/dev/tty");
  return answer;
}

}  // namespace

Result<Passphrase, Rejection> ask_terminal(const std::string& prompt) {
  const File terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.fd < 0) return reject(Reason::kUsage, "there is no terminal to ask on");
  return ask(terminal.fd, prompt);
}

Result<Passphrase, Rejection> read_line_of(const std::string& file) {
  const File input(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (input.fd < 0) return reject(Reason::kFileUnreadable, file + ": " + std::strerror(errno));
  return PassphraseReader::line(input.fd, file);
}

Result<Passphrase, Rejection> read_passphrase(const std::optional<std::string>& file, const std::string& what,
                                              PassphraseUse use) {
  if (file) return read_line_of(*file);
  if (const char* value = std::getenv("PSEPHOS_PASSPHRASE"); value != nullptr)
    return PassphraseReader::text(value, "PSEPHOS_PASSPHRASE");
  const File terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.fd < 0)
    return reject(Reason::kUsage,
                  "no passphrase for " + what + ": no --passphrase-file, no PSEPHOS_PASSPHRASE, no terminal");
  auto first = ask(terminal.fd, "Passphrase for " + what + ": ");
  if (!first || use == PassphraseUse::kOpen) return first;
  const auto second = ask(terminal.fd, "The same again: ");
  if (!second) return std::unexpected(second.error());
  if (!PassphraseReader::same(*first, *second))
    return reject(Reason::kUsage, "the two passphrases differ; nothing was written");
  return first;
}

}  // namespace psephos
