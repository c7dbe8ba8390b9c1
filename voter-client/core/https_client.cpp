#include "voter-client/core/https_client.h"

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

namespace psephos {

namespace {

namespace net = boost::asio;
namespace ssl = net::ssl;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using Stream = beast::ssl_stream<beast::tcp_stream>;
using Body = http::vector_body<std::uint8_t>;

constexpr std::uint32_t kMaxHeaderBytes = 8192;

}  // namespace

Result<ServerAddress, Rejection> ServerAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos) || port.empty() ||
      port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
    return reject(Reason::kUsage, "'" + std::string(text) + "' is no server address HOST:PORT");
  return ServerAddress{std::string(host), std::string(port)};
}

struct HttpsClient::State {
  State(ServerAddress to, std::optional<Digest256> certificate_sha256, const Timeouts& limits)
      : server(std::move(to)),
        pin(certificate_sha256),
        timeouts(limits),
        tls(ssl::context::tls_client),
        resolver(io) {
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_3_VERSION);
    // OpenSSL judges no chain here; `connect` compares the certificate itself before anything is sent.
    tls.set_verify_mode(ssl::verify_none);
  }

  Result<void, Rejection> connect();
  /// nullopt: the connection was found closed before any of an answer came.
  Result<std::optional<HttpReply>, Rejection> request(std::string_view method, const std::string& target,
                                                      ByteView body, std::size_t max_bytes);
  /// Runs one asynchronous operation to its end; its time limit is the stream's.
  template <class Start>
  beast::error_code complete(Start start) {
    beast::error_code result;
    start([&result](const beast::error_code& error, auto&&...) { result = error; });
    io.restart();
    io.run();
    return result;
  }
  std::unexpected<Rejection> unavailable(const std::string& why) const {
    return reject(Reason::kServiceUnavailable, server.host + ":" + server.port + ": " + why);
  }

  const ServerAddress server;
  const std::optional<Digest256> pin;
  const Timeouts timeouts;
  net::io_context io{1};
  ssl::context tls;
  tcp::resolver resolver;
  std::optional<Stream> stream;
  beast::flat_buffer buffer;
};

Result<void, Rejection> HttpsClient::State::connect() {
  stream.reset();
  buffer.clear();
  beast::error_code error;
  const auto endpoints = resolver.resolve(server.host, server.port, error);
  if (error) return unavailable(error.message());
  Stream fresh(io, tls);
  auto& socket = beast::get_lowest_layer(fresh);
  socket.expires_after(timeouts.connect);
  error = complete([&](auto handler) { socket.async_connect(endpoints, std::move(handler)); });
  if (error) return unavailable(error.message());
  socket.socket().set_option(tcp::no_delay(true), error);
  error =
      complete([&](auto handler) { fresh.async_handshake(ssl::stream_base::client, std::move(handler)); });
  if (error && error.category() == net::error::get_ssl_category())
    return reject(Reason::kTlsPinMismatch, "no TLS 1.3 with " + server.host + ":" + server.port);
  if (error) return unavailable(error.message());
  if (pin) {
    X509* certificate = SSL_get0_peer_certificate(fresh.native_handle());
    std::uint8_t* der = nullptr;
    const int size = certificate == nullptr ? -1 : i2d_X509(certificate, &der);
    const bool same = size > 0 && sha256({der, static_cast<std::size_t>(size)}) == *pin;
    OPENSSL_free(der);
    if (!same) return reject(Reason::kTlsPinMismatch, server.host + ":" + server.port);
  }
  stream.emplace(std::move(fresh));
  return {};
}

Result<std::optional<HttpReply>, Rejection> HttpsClient::State::request(std::string_view method,
                                                                        const std::string& target,
                                                                        ByteView body,
                                                                        std::size_t max_bytes) {
  http::request<Body> out(http::string_to_verb(beast::string_view(method.data(), method.size())), target, 11);
  out.set(http::field::host, server.host + ":" + server.port);
  out.body() = copy_of(body);
  out.prepare_payload();
  auto& socket = beast::get_lowest_layer(*stream);
  socket.expires_after(timeouts.answer);
  auto error = complete([&](auto handler) { http::async_write(*stream, out, std::move(handler)); });
  if (error == beast::error::timeout) return unavailable("no answer in time");
  if (error) return std::optional<HttpReply>();

  http::response_parser<Body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(max_bytes);
  error = complete([&](auto handler) { http::async_read(*stream, buffer, parser, std::move(handler)); });
  if (error == http::error::body_limit) return reject(Reason::kWireLimit, target + ", answer");
  if (error == beast::error::timeout) return unavailable("no answer in time");
  if (error && !parser.got_some()) return std::optional<HttpReply>();
  if (error) return unavailable(error.message());
  const bool keep = parser.get().keep_alive();
  HttpReply reply{parser.get().result_int(), std::move(parser.get().body())};
  if (!keep) stream.reset();
  return std::optional(std::move(reply));
}

HttpsClient::HttpsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpsClient::HttpsClient(ServerAddress server, const Digest256& certificate_sha256, const Timeouts& timeouts)
    : HttpsClient(std::make_unique<State>(std::move(server), certificate_sha256, timeouts)) {}
HttpsClient HttpsClient::unpinned(ServerAddress server, const Timeouts& timeouts) {
  return HttpsClient(std::make_unique<State>(std::move(server), std::nullopt, timeouts));
}
HttpsClient::HttpsClient(HttpsClient&&) noexcept = default;
HttpsClient::~HttpsClient() = default;

Result<HttpReply, Rejection> HttpsClient::exchange(std::string_view method, const std::string& target,
                                                   ByteView body, std::size_t max_bytes) {
  const bool kept = state_->stream.has_value();
  for (const bool again : {true, false}) {
    if (!state_->stream)
      if (auto connected = state_->connect(); !connected) return std::unexpected(connected.error());
    auto reply = state_->request(method, target, body, max_bytes);
    if (reply && *reply) return std::move(**reply);
    state_->stream.reset();
    if (!reply) return std::unexpected(reply.error());
    if (!(kept && again)) break;
  }
  return state_->unavailable("the connection was closed without an answer");
}

}  // namespace psephos
