#include "collector/witness_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <optional>

namespace psephos::collector {

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;

constexpr std::size_t kMaxReplyBytes = 65'536;
constexpr auto kAwait = net::as_tuple(net::use_awaitable);

class HttpWitness final : public WitnessTransport {
 public:
  HttpWitness(std::string host, std::string port, std::string target)
      : host_(std::move(host)), port_(std::move(port)), target_(std::move(target)) {}

  Result<WitnessReply, Rejection> add_checkpoint(const std::string& body,
                                                 std::chrono::milliseconds timeout) override {
    const bool reused = stream_.has_value();
    auto reply = exchange(body, timeout);
    // A connection that was kept may have been closed by the peer meanwhile: once more on a new one. Asking a
    // witness twice for the same checkpoint does no harm.
    if (!reply && reused) reply = exchange(body, timeout);
    return reply;
  }

 private:
  Result<WitnessReply, Rejection> exchange(const std::string& body, std::chrono::milliseconds timeout) {
    Result<WitnessReply, Rejection> out = reject(Reason::kServiceUnavailable, "no answer");
    net::co_spawn(io_, talk(body, timeout),
                  [&out](const std::exception_ptr& thrown, Result<WitnessReply, Rejection> reply) {
                    if (!thrown) out = std::move(reply);
                  });
    io_.restart();
    io_.run();
    if (!out) stream_.reset();
    return out;
  }

  net::awaitable<Result<WitnessReply, Rejection>> talk(const std::string& body,
                                                       std::chrono::milliseconds timeout) {
    const auto failed = [](const beast::error_code& error) {
      return Result<WitnessReply, Rejection>(reject(Reason::kServiceUnavailable, error.message()));
    };
    if (!stream_) {
      stream_.emplace(io_);
      buffer_.clear();
      tcp::resolver resolver(io_);
      auto [unresolved, addresses] = co_await resolver.async_resolve(host_, port_, kAwait);
      if (unresolved) co_return failed(unresolved);
      stream_->expires_after(timeout);
      auto [unconnected, endpoint] = co_await stream_->async_connect(addresses, kAwait);
      if (unconnected) co_return failed(unconnected);
      beast::error_code ignored;
      stream_->socket().set_option(tcp::no_delay(true), ignored);
    }
    http::request<http::string_body> request(http::verb::post, target_, 11, body);
    request.set(http::field::host, host_);
    request.set(http::field::content_type, "text/plain; charset=utf-8");
    request.prepare_payload();
    stream_->expires_after(timeout);
    auto [unsent, sent] = co_await http::async_write(*stream_, request, kAwait);
    if (unsent) co_return failed(unsent);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxReplyBytes);
    auto [unread, read] = co_await http::async_read(*stream_, buffer_, parser, kAwait);
    if (unread) co_return failed(unread);
    WitnessReply reply{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
    if (!parser.get().keep_alive()) stream_.reset();
    co_return reply;
  }

  const std::string host_, port_, target_;
  net::io_context io_;
  std::optional<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
};

}  // namespace

Result<std::unique_ptr<WitnessTransport>, Rejection> http_witness(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme() != "http" || parsed->host().empty() || parsed->has_query() ||
      parsed->has_fragment() || parsed->has_userinfo())
    return reject(Reason::kUsage, "--witness " + url + ": not http://HOST:PORT");
  std::string path(parsed->encoded_path());
  while (path.ends_with('/')) path.pop_back();
  const std::string port = parsed->has_port() ? std::string(parsed->port()) : "80";
  return std::make_unique<HttpWitness>(parsed->host(), port, path + "/add-checkpoint");
}

}  // namespace psephos::collector
