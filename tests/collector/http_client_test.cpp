#include "collector/http_client.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "collector/tls_certificate.h"

namespace psephos::collector {
namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using std::chrono::milliseconds;

constexpr milliseconds kPlenty{10'000};

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}
std::string answer_of(std::string_view head, std::string_view body) {
  return "HTTP/1.1 " + std::string(head) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

/// What the server does with one request: pieces of an answer with a pause before each, then whether the
/// connection stays.
struct Reaction {
  std::vector<std::string> pieces;
  milliseconds pause{0};
  bool close = false;
};

/// A server that says exactly what a test wants said, one connection after another.
class Server {
 public:
  using React = std::function<Reaction(std::size_t request)>;
  explicit Server(React react, const TlsIdentity* identity = nullptr)
      : react_(std::move(react)), acceptor_(io_, tcp::endpoint(net::ip::make_address("127.0.0.1"), 0)) {
    if (identity != nullptr) {
      tls_.emplace(net::ssl::context::tls_server);
      const auto key = identity->key_der.expose();
      const std::uint8_t* at = key.data();
      EVP_PKEY* parsed = d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(key.size()));
      EXPECT_EQ(SSL_CTX_use_PrivateKey(tls_->native_handle(), parsed), 1);
      EVP_PKEY_free(parsed);
      EXPECT_EQ(SSL_CTX_use_certificate_ASN1(tls_->native_handle(),
                                             static_cast<int>(identity->certificate_der.size()),
                                             identity->certificate_der.data()),
                1);
    }
    thread_ = std::jthread([this] { serve(); });
  }
  ~Server() {
    stopping_ = true;
    boost::system::error_code ignored;
    tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    const std::lock_guard lock(mutex_);
    if (open_ != nullptr) open_->shutdown(tcp::socket::shutdown_both, ignored);
  }
  std::string url(std::string_view scheme = "http", std::string_view host = "127.0.0.1") const {
    return std::string(scheme) + "://" + std::string(host) + ":" +
           std::to_string(acceptor_.local_endpoint().port());
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t connections() const { return connections_; }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code error;
      tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error || stopping_) return;
      ++connections_;
      {
        const std::lock_guard lock(mutex_);
        open_ = &socket;
      }
      if (tls_) {
        net::ssl::stream<tcp::socket&> stream(socket, *tls_);
        stream.handshake(net::ssl::stream_base::server, error);
        if (!error) talk(stream);
      } else {
        talk(socket);
      }
      const std::lock_guard lock(mutex_);
      open_ = nullptr;
    }
  }
  template <class Stream>
  void talk(Stream& stream) {
    for (std::string unread; !stopping_;) {
      const auto request = receive(stream, unread);
      if (!request) return;
      std::size_t number = 0;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(*request);
        number = requests_.size();
      }
      const Reaction reaction = react_(number);
      for (const std::string& piece : reaction.pieces) {
        std::this_thread::sleep_for(reaction.pause);
        boost::system::error_code error;
        net::write(stream, net::buffer(piece), error);
        if (error || stopping_) return;
      }
      if (reaction.close) return;
    }
  }
  template <class Stream>
  static std::optional<std::string> receive(Stream& stream, std::string& unread) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    for (;;) {
      if (const std::size_t end = unread.find("\r\n\r\n"); end != std::string::npos) {
        const std::size_t at = unread.find(kLength);
        const std::size_t body = at == std::string::npos ? 0 : std::stoul(unread.substr(at + kLength.size()));
        if (unread.size() >= end + 4 + body) {
          std::string request = unread.substr(0, end + 4 + body);
          unread.erase(0, request.size());
          return request;
        }
      }
      std::array<char, 4096> more{};
      boost::system::error_code error;
      const std::size_t size = stream.read_some(net::buffer(more), error);
      if (error) return std::nullopt;
      unread.append(more.data(), size);
    }
  }

  const React react_;
  net::io_context io_;
  tcp::acceptor acceptor_;
  std::optional<net::ssl::context> tls_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  tcp::socket* open_ = nullptr;
  std::jthread thread_;  // last
};

Reaction ok(std::size_t /*request*/) {
  return {{answer_of("200 OK", "yes")}};
}
std::unique_ptr<HttpClient> client_of(const std::string& url, const HttpTrust& trust = {}) {
  auto client = HttpClient::of(url, trust);
  EXPECT_TRUE(client) << to_string(client.error());
  return std::move(*client);
}
Result<HttpAnswer, Rejection> get(HttpClient& client, milliseconds timeout = kPlenty) {
  return client.exchange("GET", "/x", "", {}, timeout);
}
/// `cause`: part of what the refusal says of it.
void expect_unavailable(const Result<HttpAnswer, Rejection>& answer, const std::string& cause = "") {
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::kServiceUnavailable);
  EXPECT_NE(answer.error().object, "");
  EXPECT_NE(answer.error().object.find(cause), std::string::npos) << answer.error().object;
}

TEST(HttpClient, SaysWhatItIsToldAndReturnsTheAnswer) {
  Server server([](std::size_t) {
    return Reaction{{answer_of("418 Teapot\r\nContent-Type: application/ocsp-response", "short and stout")}};
  });
  const auto client = client_of(server.url() + "/base/");
  const auto answer = client->exchange("PUT", "/path?a=1", "application/x", bytes_of("body"), kPlenty);
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->status, 418);
  EXPECT_EQ(answer->content_type, "application/ocsp-response");
  EXPECT_EQ(text_of(answer->body), "short and stout");
  EXPECT_TRUE(client->exchange("GET", "", "", {}, kPlenty));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  const std::string host = "\r\nHost: " + server.url().substr(7) + "\r\n";
  EXPECT_TRUE(requests[0].starts_with("PUT /base/path?a=1 HTTP/1.1\r\n")) << requests[0];
  EXPECT_NE(requests[0].find(host), std::string::npos) << requests[0];
  EXPECT_NE(requests[0].find("\r\nContent-Type: application/x\r\n"), std::string::npos) << requests[0];
  EXPECT_TRUE(requests[0].ends_with("\r\n\r\nbody")) << requests[0];
  EXPECT_TRUE(requests[1].starts_with("GET /base HTTP/1.1\r\n")) << requests[1];
  EXPECT_EQ(server.connections(), 1U);  // it was kept
}

TEST(HttpClient, FollowsNoRedirect) {
  Server elsewhere(ok);
  Server server([&](std::size_t) {
    return Reaction{{answer_of("302 Found\r\nLocation: " + elsewhere.url() + "/", "")}};
  });
  const auto client = client_of(server.url());
  const auto answer = get(*client);
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->status, 302);
  EXPECT_TRUE(elsewhere.requests().empty());
}

// What a path can hold is decided before anything is sent: it cannot smuggle a header or a second request in.
TEST(HttpClient, SendsNothingButVisiblePaths) {
  Server server(ok);
  const auto client = client_of(server.url());
  for (const char* path : {"/a b", "/a\r\nX: y", "/\x7f", "/\xc3\xa4"})
    expect_unavailable(client->exchange("GET", path, "", {}, kPlenty), "not a path");
  EXPECT_EQ(server.connections(), 0U);
  EXPECT_TRUE(client->exchange("GET", "/a%20b", "", {}, kPlenty));
}

TEST(HttpClient, ReplacesAConnectionThatWasClosed) {
  for (const bool announced : {true, false}) {
    Server server([&](std::size_t) {
      return Reaction{.pieces = {answer_of(announced ? "200 OK\r\nConnection: close" : "200 OK", "yes")},
                      .close = true};
    });
    const auto client = client_of(server.url());
    for (std::size_t i = 1; i <= 3; ++i) {
      const auto answer = get(*client);
      ASSERT_TRUE(answer) << to_string(answer.error());
      std::this_thread::sleep_for(milliseconds(100));  // for the close to arrive
      EXPECT_EQ(server.requests().size(), i);
      EXPECT_EQ(server.connections(), i);
    }
  }
}

// A request that may have been read is not sent again by itself: it could ring somebody's phone twice.
TEST(HttpClient, SendsNoRequestTwice) {
  Server server(
      [](std::size_t request) { return request == 2 ? Reaction{.pieces = {}, .close = true} : ok(request); });
  const auto client = client_of(server.url());
  EXPECT_TRUE(get(*client));
  expect_unavailable(client->exchange("POST", "/x", "text/plain", bytes_of("ring"), kPlenty));
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_TRUE(get(*client));  // and is none the worse for it
  EXPECT_EQ(server.connections(), 2U);
}

TEST(HttpClient, OneTimeLimitForAllOfTheExchange) {
  // Each piece comes well within the limit, all of them do not.
  Server server([](std::size_t) {
    Reaction slow{{"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"}, milliseconds(50)};
    for (int i = 0; i < 40; ++i) slow.pieces.emplace_back("x");
    return slow;
  });
  const auto client = client_of(server.url());
  const auto begin = std::chrono::steady_clock::now();
  expect_unavailable(get(*client, milliseconds(400)), "timeout");
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, milliseconds(390));
  EXPECT_LT(took, milliseconds(1900));
  const auto patient = client_of(server.url());
  EXPECT_TRUE(get(*patient));
}

TEST(HttpClient, BoundsTheBody) {
  std::string body(HttpClient::kMaxBodyBytes, 'x');
  Server server([&](std::size_t) { return Reaction{{answer_of("200 OK", body)}}; });
  const auto client = client_of(server.url());
  const auto answer = get(*client);
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->body.size(), body.size());
  body += 'x';
  expect_unavailable(get(*client), "body limit");
}

TEST(HttpClient, RefusesWhatIsNoAnswer) {
  for (const char* words :
       {"", "220 smtp.example ready\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}) {
    Server server([&](std::size_t) { return Reaction{.pieces = {words}, .close = true}; });
    const auto client = client_of(server.url());
    expect_unavailable(get(*client));
  }
  std::string nobody;
  {
    Server gone(ok);
    nobody = gone.url();
  }
  expect_unavailable(get(*client_of(nobody)));
}

/// A directory with a CA file that goes with the test.
class HttpClientTls : public ::testing::Test {
 protected:
  HttpClientTls() : identity_(make_tls_identity("localhost", now_s())) {
    std::string name = (std::filesystem::temp_directory_path() / "psephos-http-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~HttpClientTls() override {
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
  }
  HttpTrust ca_file_of(const TlsIdentity& identity) const {
    const std::string path = (directory_ / "ca.pem").string();
    const std::uint8_t* at = identity.certificate_der.data();
    X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(identity.certificate_der.size()));
    std::FILE* file = std::fopen(path.c_str(), "w");
    EXPECT_EQ(PEM_write_X509(file, certificate), 1);
    std::fclose(file);
    X509_free(certificate);
    return {.ca_file = path, .certificate_sha256 = {}};
  }
  static HttpTrust pin_of(const TlsIdentity& identity) {
    return {.ca_file = {}, .certificate_sha256 = sha256(identity.certificate_der)};
  }

  const TlsIdentity identity_;
  std::filesystem::path directory_;
};

TEST_F(HttpClientTls, PinIsTheCertificateItself) {
  Server server(ok, &identity_);
  {
    const auto pinned = client_of(server.url("https"), pin_of(identity_));  // whatever its name
    for (int i = 0; i < 2; ++i) {
      const auto answer = get(*pinned);
      ASSERT_TRUE(answer) << to_string(answer.error());
      EXPECT_EQ(text_of(answer->body), "yes");
    }
    EXPECT_EQ(server.connections(), 1U);
  }
  const auto other = client_of(server.url("https"), pin_of(make_tls_identity("localhost", now_s())));
  expect_unavailable(get(*other), "not the pinned certificate");
  EXPECT_EQ(server.requests().size(), 2U);  // nothing was said to a stranger
}

TEST_F(HttpClientTls, ChainAndNameAreJudgedWithoutAPin) {
  Server server(ok, &identity_);
  const HttpTrust trust = ca_file_of(identity_);
  {
    const auto client = client_of(server.url("https", "localhost"), trust);
    const auto answer = get(*client);
    ASSERT_TRUE(answer) << to_string(answer.error());
  }
  expect_unavailable(get(*client_of(server.url("https", "127.0.0.1"), trust)),
                     "certificate verify failed");  // another name
  expect_unavailable(get(*client_of(server.url("https", "localhost"))),
                     "certificate verify failed");  // the system's authorities
  const HttpTrust foreign = ca_file_of(make_tls_identity("localhost", now_s()));
  expect_unavailable(get(*client_of(server.url("https", "localhost"), foreign)), "certificate verify failed");
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpClientTls, SpeaksTlsWhereItWasToldTo) {
  Server plain(
      [](std::size_t) { return Reaction{.pieces = {"HTTP/1.1 400 Bad Request\r\n\r\n"}, .close = true}; });
  expect_unavailable(get(*client_of(plain.url("https"), pin_of(identity_)), milliseconds(500)));
  Server encrypted(ok, &identity_);
  expect_unavailable(get(*client_of(encrypted.url("http")), milliseconds(500)));
  EXPECT_TRUE(encrypted.requests().empty());
}

TEST_F(HttpClientTls, AddressesAndTheirTrust) {
  const auto refused_as = [](const std::string& url, const HttpTrust& trust) {
    const auto client = HttpClient::of(url, trust);
    return client ? std::nullopt : std::optional(client.error().reason);
  };
  for (const char* url :
       {"", "localhost", "ftp://a", "http://", "http:///x", "http://a?x=1", "http://a#x", "http://user@a",
        "http://a:b", "http://a:0", "http://a:65536", "http://a:", "https:a"})
    EXPECT_EQ(refused_as(url, {}), Reason::kUsage) << url;
  for (const char* url :
       {"http://a", "http://a/", "http://a:1/b/c", "http://[::1]:80", "https://a.example/mid-api"})
    EXPECT_EQ(refused_as(url, {}), std::nullopt) << url;
  const HttpTrust nowhere{.ca_file = (directory_ / "none.pem").string(), .certificate_sha256 = {}};
  EXPECT_EQ(refused_as("https://a", nowhere), Reason::kFileUnreadable);
}

}  // namespace
}  // namespace psephos::collector
