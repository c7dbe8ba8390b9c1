#include "tests/trust-services/services/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>
#include <vector>

namespace psephos::trust {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using Body = http::vector_body<std::uint8_t>;

/// Completes with an error code instead of throwing: a peer that goes away is no exception.
constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::chrono::seconds kSend{30};

}  // namespace

struct HttpServer::State {
  net::awaitable<void> accept();
  net::awaitable<void> session(beast::tcp_stream stream);

  HttpHandler handler;
  Settings settings;
  // Last, because connections that go with it use what is above.
  net::io_context io;
  tcp::acceptor acceptor{net::make_strand(io)};
  std::vector<std::jthread> threads;
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
    net::co_spawn(executor, session(beast::tcp_stream(std::move(socket))), net::detached);
  }
}

net::awaitable<void> HttpServer::State::session(beast::tcp_stream stream) {
  beast::flat_buffer buffer;
  for (bool open = true; open;) {
    http::request_parser<Body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxBodyBytes);
    stream.expires_after(settings.idle);
    HttpReply reply;
    auto [error, size] = co_await http::async_read(stream, buffer, parser, kAwait);
    if (error == http::error::body_limit || error == http::error::header_limit) {
      reply = text_reply(413, "the request is too long\n");
      open = false;
    } else if (error) {
      co_return;
    } else {
      auto& message = parser.get();
      open = message.keep_alive();
      const HttpRequest request{.method = std::string(message.method_string()),
                                .target = std::string(message.target()),
                                .content_type = std::string(message[http::field::content_type]),
                                .body = std::move(message.body())};
      reply = handler(request);
    }
    stream.expires_never();
    if (reply.delay.count() > 0) {
      net::steady_timer timer(co_await net::this_coro::executor, reply.delay);
      co_await timer.async_wait(kAwait);
    }
    if (reply.dropped) co_return;
    http::response<Body> response;
    response.version(11);
    response.result(reply.status);
    response.body() = std::move(reply.body);
    response.set(http::field::content_type, reply.content_type);
    response.keep_alive(open);
    response.prepare_payload();
    stream.expires_after(kSend);
    if (auto [failed, sent] = co_await http::async_write(stream, response, kAwait); failed) co_return;
  }
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->io.stop();
  state_->threads.clear();
}

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::listen(HttpHandler handler,
                                                                    const Settings& settings) {
  auto state = std::make_unique<State>();
  state->handler = std::move(handler);
  state->settings = settings;
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
    return std::unexpected(settings.address + ":" + std::to_string(settings.port) + ": " + error.message());
  net::co_spawn(state->acceptor.get_executor(), state->accept(), net::detached);
  for (std::size_t i = 0; i < settings.threads; ++i)
    state->threads.emplace_back([io = &state->io] { io->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::uint16_t HttpServer::port() const {
  beast::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

}  // namespace psephos::trust
