#include "collector/witness/server.h"

#include <spdlog/spdlog.h>

#include <boost/asio.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/beast.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <csignal>
#include <set>

namespace psephos {

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using Response = http::response<http::string_body>;

constexpr auto kAwait = net::experimental::as_tuple(net::use_awaitable);
constexpr std::uint32_t kMaxHeaderBytes = 8192;

/// One line of JSON an event. Requests carry nothing secret; who sent them is not recorded.
void log_event(const WitnessAnswer& answer, std::chrono::steady_clock::duration took) {
  boost::json::object line = {{"event", answer.event},
                              {"status", answer.status},
                              {"us", std::chrono::duration_cast<std::chrono::microseconds>(took).count()}};
  if (!answer.origin.empty()) {
    line["origin"] = answer.origin;
    line["size"] = answer.size;
  }
  const std::string text = boost::json::serialize(line);
  if (answer.event == "LOG_EQUIVOCATION" || answer.status >= 500)
    spdlog::error("{}", text);
  else
    spdlog::info("{}", text);
}

WitnessAnswer plain(unsigned status, std::string event) {
  std::string body = event + "\n";
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = std::move(body),
          .event = std::move(event)};
}

std::optional<tcp::endpoint> parse_endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, port);
  boost::system::error_code bad_address;
  const auto ip = net::ip::make_address(address, bad_address);
  if (error != std::errc() || rest != end || bad_address) return std::nullopt;
  return tcp::endpoint(ip, port);
}

}  // namespace

class WitnessServer::Implementation {
 public:
  Implementation(Witness& witness, const WitnessServerLimits& limits) : witness_(witness), limits_(limits) {}

  boost::system::error_code bind(const tcp::endpoint& endpoint) {
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (!error) bound_ = acceptor_.local_endpoint(error);
    return error;
  }
  const tcp::endpoint& endpoint() const { return bound_; }

  void run() {
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) begin_stop();
    });
    net::co_spawn(context_, accept(), net::detached);
    context_.run();
  }
  void stop() {
    net::post(context_, [this] { begin_stop(); });
  }

 private:
  struct Session {
    explicit Session(tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream stream;
    bool is_reading = false;
  };

  void begin_stop() {
    if (stopping_) return;
    stopping_ = true;
    spdlog::info("{}", R"({"event":"stopping"})");
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    signals_.cancel(ignored);
    for (Session* session : sessions_)
      if (session->is_reading) session->stream.cancel();
    deadline_.expires_after(limits_.shutdown);
    deadline_.async_wait([this](boost::system::error_code error) {
      if (!error) context_.stop();
    });
    if (sessions_.empty()) deadline_.cancel();
  }

  net::awaitable<void> accept() {
    while (!stopping_) {
      auto [error, socket] = co_await acceptor_.async_accept(kAwait);
      if (stopping_) break;
      if (error) {  // out of descriptors, or the peer is gone already
        net::steady_timer pause(context_, std::chrono::milliseconds(100));
        co_await pause.async_wait(kAwait);
        continue;
      }
      if (sessions_.size() >= limits_.connections) continue;  // closes it
      net::co_spawn(context_, serve(std::move(socket)), net::detached);
    }
  }

  net::awaitable<void> serve(tcp::socket socket) {
    Session session(std::move(socket));
    sessions_.insert(&session);
    beast::flat_buffer buffer;
    while (!stopping_) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(kMaxWitnessBody);
      parser.header_limit(kMaxHeaderBytes);
      session.stream.expires_after(limits_.request);
      session.is_reading = true;
      const auto [error, size] = co_await http::async_read(session.stream, buffer, parser, kAwait);
      session.is_reading = false;
      Response response;
      bool keep_alive = false;
      if (!error) {
        keep_alive = parser.get().keep_alive() && !stopping_;
        response = handle(parser.get());
      } else if (error == http::error::body_limit) {
        response = respond(plain(413, "TOO_LARGE"));
      } else if (error.category() == http::make_error_code(http::error::end_of_stream).category() &&
                 error != http::error::end_of_stream && error != http::error::partial_message) {
        response = respond(plain(400, "HTTP"));
      } else {
        break;  // gone, silent for too long, or told to stop
      }
      response.keep_alive(keep_alive);
      response.prepare_payload();
      session.stream.expires_after(limits_.request);
      const auto [write_error, written] = co_await http::async_write(session.stream, response, kAwait);
      if (write_error || !keep_alive) break;
    }
    boost::system::error_code ignored;
    session.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    sessions_.erase(&session);
    if (stopping_ && sessions_.empty()) deadline_.cancel();
  }

  Response handle(const http::request<http::string_body>& request) {
    const auto begin = std::chrono::steady_clock::now();
    const WitnessAnswer answer = dispatch(request);
    log_event(answer, std::chrono::steady_clock::now() - begin);
    return respond(answer);
  }

  WitnessAnswer dispatch(const http::request<http::string_body>& request) {
    constexpr std::string_view kCheckpoint = "/checkpoint";
    const std::string_view target = {request.target().data(), request.target().size()};
    const bool is_get = request.method() == http::verb::get;
    if (target == "/add-checkpoint")
      return request.method() == http::verb::post ? witness_.add_checkpoint(request.body())
                                                  : plain(405, "USE_POST");
    if (target == "/health") return is_get ? witness_.health() : plain(405, "USE_GET");
    if (target.size() == 1 + 64 + kCheckpoint.size() && target.ends_with(kCheckpoint))
      return is_get ? witness_.checkpoint(target.substr(1, 64)) : plain(405, "USE_GET");
    return plain(404, "UNKNOWN");
  }

  static Response respond(const WitnessAnswer& answer) {
    Response response{static_cast<http::status>(answer.status), 11};
    response.set(http::field::content_type, answer.content_type);
    response.set(http::field::cache_control, "no-store");
    if (answer.status == 405) response.set(http::field::allow, answer.event == "USE_POST" ? "POST" : "GET");
    response.body() = answer.body;
    return response;
  }

  Witness& witness_;
  const WitnessServerLimits limits_;
  net::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  tcp::endpoint bound_;
  net::signal_set signals_{context_, SIGTERM, SIGINT};
  net::steady_timer deadline_{context_};
  std::set<Session*> sessions_;
  bool stopping_ = false;
};

WitnessServer::WitnessServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
WitnessServer::~WitnessServer() = default;

Result<std::unique_ptr<WitnessServer>, Rejection> WitnessServer::listen(Witness& witness,
                                                                        const std::string& endpoint,
                                                                        const WitnessServerLimits& limits) {
  const auto address = parse_endpoint(endpoint);
  if (!address) return reject(Reason::kUsage, "not ADDRESS:PORT: " + endpoint);
  auto implementation = std::make_unique<Implementation>(witness, limits);
  if (const auto error = implementation->bind(*address))
    return reject(Reason::kFileUnreadable, endpoint + ": " + error.message());
  return std::unique_ptr<WitnessServer>(new WitnessServer(std::move(implementation)));
}

std::string WitnessServer::endpoint() const {
  const tcp::endpoint bound = implementation_->endpoint();
  const std::string address = bound.address().to_string();
  return (bound.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(bound.port());
}
void WitnessServer::run() {
  implementation_->run();
}
void WitnessServer::stop() {
  implementation_->stop();
}

}  // namespace psephos
