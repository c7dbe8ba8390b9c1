#include "collector/http_server.h"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace psephos::collector {

namespace {

namespace net = boost::asio;
namespace ssl = net::ssl;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using Stream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::uint32_t kMaxHeaderBytes = 8192;
constexpr std::uint64_t kMaxDiscardedBytes = 1U << 20U;
constexpr std::chrono::seconds kDiscardTime{2};

/// Completes with an error code instead of throwing: a peer that goes away is no exception.
constexpr auto kAwait = net::as_tuple(net::use_awaitable);

using Body = http::vector_body<std::uint8_t>;

}  // namespace

struct HttpServer::State {
  State(RequestHandler& h, const Settings& wanted)
      : handler(h), settings(wanted), tls(ssl::context::tls_server) {}

  net::awaitable<void> accept();
  net::awaitable<void> session(std::shared_ptr<Stream> stream);
  net::awaitable<Reply> ask(Request request);
  net::awaitable<bool> send(Stream& stream, Reply reply, bool keep_alive);
  static net::awaitable<void> discard(Stream& stream, std::uint64_t bytes);

  class Slot;

  RequestHandler& handler;
  const Settings settings;

  std::mutex mutex;  // guards all below
  std::map<std::string, std::size_t> per_address;
  std::size_t connections = 0;
  std::size_t busy = 0;  // requests at hand
  bool stopping = false;

  // Last, because connections that go with it use what is above.
  net::io_context io;
  ssl::context tls;
  tcp::acceptor acceptor{net::make_strand(io)};
  std::vector<std::jthread> threads;
};

/// One connection's share of the limits.
class HttpServer::State::Slot {
 public:
  Slot(State& state, std::string address) : state_(state), address_(std::move(address)) {
    const std::lock_guard lock(state_.mutex);
    if (state_.stopping || state_.connections >= state_.settings.max_connections) return;
    std::size_t& here = state_.per_address[address_];
    if (here >= state_.settings.max_connections_per_address) return;
    ++here;
    ++state_.connections;
    granted_ = true;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (!granted_) return;
    const std::lock_guard lock(state_.mutex);
    --state_.connections;
    if (--state_.per_address[address_] == 0) state_.per_address.erase(address_);
  }
  bool granted() const { return granted_; }

 private:
  State& state_;
  const std::string address_;
  bool granted_ = false;
};

net::awaitable<void> HttpServer::State::accept() {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(net::make_strand(io), kAwait);
    if (error == net::error::operation_aborted) co_return;
    if (error) {  // out of file descriptors, or a peer that left already
      net::steady_timer pause(co_await net::this_coro::executor, std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto executor = socket.get_executor();
    auto stream = std::make_shared<Stream>(beast::tcp_stream(std::move(socket)), tls);
    net::co_spawn(executor, session(std::move(stream)), net::detached);
  }
}

net::awaitable<Reply> HttpServer::State::ask(Request request) {
  const auto executor = co_await net::this_coro::executor;
  co_return co_await net::async_initiate<decltype(net::use_awaitable), void(Reply)>(
      [this, executor](auto resume, Request r) {
        auto shared = std::make_shared<decltype(resume)>(std::move(resume));
        handler.handle(std::move(r), [shared, executor](Reply reply) {
          net::post(executor, [shared, reply = std::move(reply)]() mutable { (*shared)(std::move(reply)); });
        });
      },
      net::use_awaitable, std::move(request));
}

net::awaitable<bool> HttpServer::State::send(Stream& stream, Reply reply, bool keep_alive) {
  http::response<Body> response(static_cast<http::status>(reply.status), 11, std::move(reply.body));
  response.set(http::field::content_type, reply.content_type);
  response.set(http::field::cache_control, "no-store");
  response.keep_alive(keep_alive);
  response.prepare_payload();
  beast::get_lowest_layer(stream).expires_after(settings.send);
  const auto [error, bytes] = co_await http::async_write(stream, response, kAwait);
  co_return !error && keep_alive;
}

/// Reads so many bytes past a refusal, within bounds: a connection closed over bytes nobody read is reset,
/// and the reset can overtake the refusal (RFC 9112 §9.6).
net::awaitable<void> HttpServer::State::discard(Stream& stream, std::uint64_t bytes) {
  std::array<std::uint8_t, 16384> unread{};
  beast::get_lowest_layer(stream).expires_after(kDiscardTime);
  for (std::uint64_t left = std::min(bytes, kMaxDiscardedBytes); left > 0;) {
    const auto [error, n] = co_await stream.async_read_some(net::buffer(unread), kAwait);
    if (error) co_return;
    left -= std::min<std::uint64_t>(left, n);
  }
}

net::awaitable<void> HttpServer::State::session(std::shared_ptr<Stream> stream) {
  auto& lowest = beast::get_lowest_layer(*stream);
  beast::error_code ignored;
  const Slot slot(*this, lowest.socket().remote_endpoint(ignored).address().to_string());
  if (!slot.granted()) co_return;
  lowest.expires_after(settings.receive);
  if (auto [error] = co_await stream->async_handshake(ssl::stream_base::server, kAwait); error) co_return;

  beast::flat_buffer buffer;
  for (bool open = true; open;) {
    http::request_parser<Body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);  // set below, when the request is known
    lowest.expires_after(settings.idle);
    if (auto [error, n] = co_await http::async_read_header(*stream, buffer, parser, kAwait); error) co_return;
    const std::string method(parser.get().method_string());
    const std::string target(parser.get().target());
    const auto limit = handler.body_limit(method, target);
    const auto length = parser.content_length();
    const bool has_body = !parser.is_done();
    // Bodies come with their length, and no larger than such a request can be: nothing is read in vain.
    if (!limit || (has_body && (!length || *length > *limit))) {
      co_await send(*stream, handler.refuse({}, limit ? Reason::kWireLimit : Reason::kRequestUnknown), false);
      if (has_body) {
        const std::uint64_t here = buffer.size();
        const std::uint64_t announced = length ? *length : kMaxDiscardedBytes;
        co_await discard(*stream, announced - std::min(announced, here));
      }
      break;
    }
    parser.body_limit(*limit);
    lowest.expires_after(settings.receive);
    if (auto [error, n] = co_await http::async_read(*stream, buffer, parser, kAwait); error) co_return;
    const bool keep_alive = parser.get().keep_alive();
    {
      const std::lock_guard lock(mutex);
      if (stopping) open = false;
      ++busy;
    }
    lowest.expires_never();  // the handler answers within its own limits
    Reply reply = co_await ask({method, target, std::move(parser.get().body())});
    {
      const std::lock_guard lock(mutex);
      open = open && keep_alive && !stopping;
    }
    open = co_await send(*stream, std::move(reply), open);
    const std::lock_guard lock(mutex);
    --busy;
  }
  lowest.expires_after(settings.send);
  co_await stream->async_shutdown(kAwait);
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  stop(std::chrono::seconds(0));
}

Result<std::unique_ptr<HttpServer>, Rejection> HttpServer::listen(RequestHandler& handler,
                                                                  ByteView certificate_der,
                                                                  std::span<const std::uint8_t> key_der,
                                                                  const Settings& settings) {
  auto state = std::make_unique<State>(handler, settings);
  SSL_CTX* context = state->tls.native_handle();
  const std::uint8_t* key_at = key_der.data();
  EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &key_at, static_cast<long>(key_der.size()));
  const bool usable = key != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                      SSL_CTX_use_certificate_ASN1(context, static_cast<int>(certificate_der.size()),
                                                   certificate_der.data()) == 1 &&
                      SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
  EVP_PKEY_free(key);
  if (!usable) return reject(Reason::kFileUnreadable, "the TLS key and certificate do not fit");
  SSL_CTX_set_num_tickets(context, 1);

  beast::error_code error;
  const auto address = net::ip::make_address(settings.address, error);
  if (!error) {
    const tcp::endpoint endpoint(address, settings.port);
    state->acceptor.open(endpoint.protocol(), error);
    if (!error) state->acceptor.set_option(net::socket_base::reuse_address(true), error);
    if (!error) state->acceptor.bind(endpoint, error);
    if (!error) state->acceptor.listen(net::socket_base::max_listen_connections, error);
  }
  if (error)
    return reject(Reason::kFileUnreadable,
                  settings.address + ":" + std::to_string(settings.port) + ": " + error.message());
  net::co_spawn(state->acceptor.get_executor(), state->accept(), net::detached);
  for (std::size_t i = 0; i < settings.threads; ++i)
    state->threads.emplace_back([io = &state->io] { io->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::uint16_t HttpServer::port() const {
  beast::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

void HttpServer::stop(std::chrono::seconds grace) {
  State& state = *state_;
  net::post(state.acceptor.get_executor(), [&state] {
    beast::error_code ignored;
    state.acceptor.close(ignored);
  });
  {
    const std::lock_guard lock(state.mutex);
    state.stopping = true;
  }
  const auto deadline = std::chrono::steady_clock::now() + grace;
  for (;;) {
    {
      const std::lock_guard lock(state.mutex);
      if (state.busy == 0 || std::chrono::steady_clock::now() >= deadline) break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  state.io.stop();
  state.threads.clear();
}

}  // namespace psephos::collector
