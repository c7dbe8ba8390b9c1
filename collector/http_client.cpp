#include "collector/http_client.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

namespace psephos::collector {

namespace {

namespace net = boost::asio;
namespace ssl = net::ssl;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using Body = http::vector_body<std::uint8_t>;
using Secure = beast::ssl_stream<beast::tcp_stream>;

constexpr std::uint32_t kMaxHeaderBytes = 16'384;

std::unexpected<Rejection> unavailable(std::string why) {
  return reject(Reason::kServiceUnavailable, std::move(why));
}
bool visible_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}
beast::string_view as_beast(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct HttpClient::State {
  bool encrypted = false;
  std::string address;    // of the host, without brackets
  std::string authority;  // as the Host header says it
  std::string port;
  std::string prefix;  // of every path
  std::optional<Digest256> pin;
  net::io_context io{1};
  ssl::context tls{ssl::context::tls_client};
  // The connection, if there is one: `secure` when encrypted.
  std::optional<beast::tcp_stream> plain;
  std::optional<Secure> secure;
  beast::flat_buffer buffer;

  bool connected() const { return plain || secure; }
  void disconnect() {
    plain.reset();
    secure.reset();
    buffer.clear();
  }
  beast::tcp_stream& lowest() { return secure ? secure->next_layer() : *plain; }
  /// Runs one asynchronous operation to its end; its time limit is the stream's.
  template <class Start>
  beast::error_code complete(Start start) {
    beast::error_code result;
    start([&result](const beast::error_code& error, auto&&...) { result = error; });
    io.restart();
    io.run();
    return result;
  }
  /// True if the server has closed the connection, or said something that nobody asked for.
  bool spent() {
    auto& socket = lowest().socket();
    beast::error_code error;
    socket.non_blocking(true, error);
    std::uint8_t byte = 0;
    socket.receive(net::buffer(&byte, 1), tcp::socket::message_peek, error);
    return error != net::error::would_block && error != net::error::try_again;
  }
  Result<void, Rejection> connect(std::chrono::steady_clock::time_point deadline);
  Result<void, Rejection> handshake();
  template <class Stream>
  Result<HttpAnswer, Rejection> talk(Stream& stream, const http::request<Body>& request);
};

Result<void, Rejection> HttpClient::State::connect(std::chrono::steady_clock::time_point deadline) {
  disconnect();
  beast::error_code error;
  tcp::resolver resolver(io);
  const auto endpoints = resolver.resolve(address, port, error);
  if (error) return unavailable(error.message());
  if (encrypted)
    secure.emplace(io, tls);
  else
    plain.emplace(io);
  lowest().expires_at(deadline);
  error = complete([&](auto handler) { lowest().async_connect(endpoints, std::move(handler)); });
  if (error) return unavailable(error.message());
  lowest().socket().set_option(tcp::no_delay(true), error);
  return encrypted ? handshake() : Result<void, Rejection>();
}

Result<void, Rejection> HttpClient::State::handshake() {
  SSL* const session = secure->native_handle();
  beast::error_code error;
  const bool named = (net::ip::make_address(address, error), error.failed());  // RFC 6066 §3: no addresses
  if (named && SSL_set_tlsext_host_name(session, address.c_str()) != 1)
    return unavailable("TLS cannot name the host");
  if (!pin) secure->set_verify_callback(ssl::host_name_verification(address));
  error =
      complete([&](auto handler) { secure->async_handshake(ssl::stream_base::client, std::move(handler)); });
  if (error) return unavailable("TLS: " + error.message());
  if (!pin) return {};
  X509* const certificate = SSL_get0_peer_certificate(session);
  std::uint8_t* der = nullptr;
  const int size = certificate == nullptr ? -1 : i2d_X509(certificate, &der);
  const bool same = size > 0 && sha256({der, static_cast<std::size_t>(size)}) == *pin;
  OPENSSL_free(der);
  if (!same) return unavailable("TLS: not the pinned certificate");
  return {};
}

template <class Stream>
Result<HttpAnswer, Rejection> HttpClient::State::talk(Stream& stream, const http::request<Body>& request) {
  auto error = complete([&](auto handler) { http::async_write(stream, request, std::move(handler)); });
  if (error) return unavailable(error.message());
  http::response_parser<Body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(kMaxBodyBytes);
  error = complete([&](auto handler) { http::async_read(stream, buffer, parser, std::move(handler)); });
  if (error) return unavailable(error.message());
  HttpAnswer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  const auto type = parser.get()[http::field::content_type];
  answer.content_type.assign(type.data(), type.size());
  const bool keep = parser.get().keep_alive();
  answer.body = std::move(parser.get().body());
  if (!keep) disconnect();
  return answer;
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>, Rejection> HttpClient::of(const std::string& url,
                                                              const HttpTrust& trust) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") || parsed->host().empty() ||
      parsed->has_query() || parsed->has_fragment() || parsed->has_userinfo() ||
      (parsed->has_port() && parsed->port_number() == 0))
    return reject(Reason::kUsage, "'" + url + "' is not http://HOST:PORT or https://HOST:PORT");
  auto state = std::make_unique<State>();
  state->encrypted = parsed->scheme() == "https";
  state->address = parsed->host_address();
  state->authority = std::string(parsed->encoded_host());
  state->port = state->encrypted ? "443" : "80";
  if (parsed->has_port()) {
    state->port = std::string(parsed->port());
    state->authority += ":" + state->port;
  }
  state->prefix = std::string(parsed->encoded_path());
  while (state->prefix.ends_with('/')) state->prefix.pop_back();
  if (state->encrypted) {
    SSL_CTX_set_min_proto_version(state->tls.native_handle(), TLS1_2_VERSION);
    state->pin = trust.certificate_sha256;
    // With a pin OpenSSL judges no chain: `handshake` compares the certificate before anything is sent.
    state->tls.set_verify_mode(state->pin ? ssl::verify_none : ssl::verify_peer);
    beast::error_code error;
    if (!trust.ca_file.empty())
      state->tls.load_verify_file(trust.ca_file, error);
    else
      state->tls.set_default_verify_paths(error);
    if (error) return reject(Reason::kFileUnreadable, trust.ca_file + ": " + error.message());
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(state)));
}

Result<HttpAnswer, Rejection> HttpClient::exchange(std::string_view method, std::string_view path,
                                                   std::string_view content_type, ByteView body,
                                                   std::chrono::milliseconds timeout) {
  State& state = *state_;
  if (!visible_ascii(path)) return unavailable("not a path");
  std::string target = state.prefix + std::string(path);
  if (!target.starts_with('/')) target.insert(0, "/");
  http::request<Body> request;
  request.version(11);
  request.method_string(as_beast(method));
  request.target(target);
  request.set(http::field::host, state.authority);
  if (!content_type.empty()) request.set(http::field::content_type, as_beast(content_type));
  request.body() = copy_of(body);
  request.prepare_payload();

  const auto deadline = std::chrono::steady_clock::now() + timeout;
  if (state.connected() && state.spent()) state.disconnect();
  if (!state.connected()) {
    if (auto connected = state.connect(deadline); !connected) {
      state.disconnect();
      return std::unexpected(connected.error());
    }
  }
  state.lowest().expires_at(deadline);
  auto answer = state.encrypted ? state.talk(*state.secure, request) : state.talk(*state.plain, request);
  if (!answer) state.disconnect();
  return answer;
}

}  // namespace psephos::collector
