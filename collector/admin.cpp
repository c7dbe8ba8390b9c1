#include "collector/admin.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "crypto/bytes.h"
#include "protocol/limits.h"

namespace psephos::collector {

namespace {

constexpr std::uint32_t kMaxCommandBytes = 64;
constexpr std::uint32_t kMaxTextBytes = 1U << 30U;  // who has voted, of a whole country
constexpr int kPeerTimeout_s = 10;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::unexpected<Rejection> failed(const std::filesystem::path& socket) {
  return reject(Reason::kFileUnreadable, socket.string() + ": " + std::strerror(errno));
}

std::optional<sockaddr_un> address_of(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}
std::optional<Bytes> read_exactly(int fd, std::uint64_t size) {
  Bytes out;
  while (out.size() < size) {
    // Grows with what arrives, not with what was announced.
    const std::size_t before = out.size();
    out.resize(before + std::min<std::uint64_t>(size - before, 1U << 20U));
    const ssize_t n = ::recv(fd, out.data() + before, out.size() - before, 0);
    if (n < 0 && errno == EINTR) {
      out.resize(before);
      continue;
    }
    if (n <= 0) return std::nullopt;
    out.resize(before + static_cast<std::size_t>(n));
  }
  return out;
}
void set_timeouts(int fd) {
  const timeval timeout{.tv_sec = kPeerTimeout_s, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

void answer_one(int fd, const AdminHandler& handler) {
  set_timeouts(fd);
  const auto command_length = read_exactly(fd, 4);
  if (!command_length || read_u32be(*command_length) > kMaxCommandBytes) return;
  const auto command = read_exactly(fd, read_u32be(*command_length));
  const auto argument_length = command ? read_exactly(fd, 8) : std::nullopt;
  if (!argument_length || read_u64be(*argument_length) > limits::kDocumentBytes) return;
  auto argument = read_exactly(fd, read_u64be(*argument_length));
  if (!argument) return;
  const auto answer = handler(std::string(text_of(*command)), std::move(*argument));
  const std::string& text = answer ? *answer : answer.error().object;
  if (text.size() > kMaxTextBytes) return;
  Bytes out;
  append_u32be(out, answer ? 0 : static_cast<std::uint32_t>(answer.error().reason));
  append_u32be(out, static_cast<std::uint32_t>(text.size()));
  append(out, bytes_of(text));
  static_cast<void>(write_all(fd, out));  // an operator who left asks for the status again
}

}  // namespace

AdminServer::AdminServer(int listener, std::filesystem::path socket, AdminHandler handler)
    : listener_(listener), socket_(std::move(socket)), handler_(std::move(handler)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

AdminServer::~AdminServer() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
  std::error_code ignored;
  std::filesystem::remove(socket_, ignored);
}

Result<std::unique_ptr<AdminServer>, Rejection> AdminServer::listen(const std::filesystem::path& socket,
                                                                    AdminHandler handler) {
  const auto address = address_of(socket);
  if (!address) return reject(Reason::kFileUnreadable, socket.string() + ": too long for a socket's path");
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listener.get() < 0) return failed(socket);
  std::error_code ignored;
  std::filesystem::remove(socket, ignored);  // of a process that was killed: the store's lock says it is gone
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  ::umask(mask);
  if (bound != 0 || ::listen(listener.get(), 8) != 0) return failed(socket);
  return std::unique_ptr<AdminServer>(new AdminServer(listener.release(), socket, std::move(handler)));
}

void AdminServer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;
    const Descriptor peer(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (peer.get() >= 0) answer_one(peer.get(), handler_);
  }
}

Result<std::string, Rejection> ask_admin(const std::filesystem::path& socket, const std::string& command,
                                         ByteView argument) {
  const auto none = [&] {
    return reject(Reason::kServiceUnavailable, "no collector serves from " + socket.parent_path().string());
  };
  const auto address = address_of(socket);
  if (!address) return none();
  const Descriptor peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (peer.get() < 0 ||
      ::connect(peer.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return none();
  Bytes request;
  append_u32be(request, static_cast<std::uint32_t>(command.size()));
  append(request, bytes_of(command));
  append_u64be(request, argument.size());
  append(request, argument);
  if (!write_all(peer.get(), request)) return none();
  const auto head = read_exactly(peer.get(), 8);
  if (!head) return reject(Reason::kServiceUnavailable, "the collector ended without an answer");
  const std::uint32_t length = read_u32be(ByteView(*head).subspan(4));
  if (length > kMaxTextBytes) return reject(Reason::kWireLimit, "the collector's answer");
  const auto text = read_exactly(peer.get(), length);
  if (!text) return reject(Reason::kServiceUnavailable, "the collector ended without an answer");
  const std::uint32_t number = read_u32be(*head);
  if (number == 0) return std::string(text_of(*text));
  const auto reason = reason_from(number);
  return reject(reason.value_or(Reason::kServiceUnavailable), std::string(text_of(*text)));
}

}  // namespace psephos::collector
