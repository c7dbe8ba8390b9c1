#include "collector/witness/witness.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "collector/witness/server.h"
#include "crypto/merkle.h"

namespace psephos {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

constexpr const char* kOrigin = "example.com/log";
constexpr const char* kName = "witness.example/w1";

SigningKey key_number(std::uint8_t n) {
  ByteArray<32> seed{};
  seed.fill(n);
  return SigningKey::from_seed(SecretBytes<32>::copy_from(seed));
}

/// A log that can be made to lie: it signs whatever tree it is given.
struct Log {
  SigningKey key = key_number(1);
  MerkleTree tree;
  std::uint64_t salt = 0;
  void grow_to(std::uint64_t size) {
    while (tree.size() < size) tree.append(leaf_hash(u64be(tree.size() + salt)));
  }
  SignedNote head(std::uint64_t size, const std::string& origin = kOrigin) {
    grow_to(size);
    return sign_checkpoint({.origin = origin, .size = size, .root = tree.root(size)}, key);
  }
  std::string request(std::uint64_t old_size, std::uint64_t size) {
    const SignedNote note = head(size);
    return body(
        old_size,
        old_size == 0 || old_size > size ? std::vector<Digest256>{} : tree.consistency_proof(old_size, size),
        note.encode());
  }
  static std::string body(std::uint64_t old_size, const std::vector<Digest256>& proof,
                          const std::string& note) {
    std::string out = "old " + std::to_string(old_size) + "\n";
    for (const Digest256& hash : proof) out += to_base64(hash) + "\n";
    return out + "\n" + note;
  }
};

class WitnessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("psephos-witness-" + std::to_string(::getpid()) + "-" + std::string(test->name()));
    fs::create_directories(folder_);
    SqliteHeadStore::create(state(), public_key_).value();
    restart();
  }
  void TearDown() override {
    witness_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  fs::path state() const { return folder_ / "state"; }
  std::unique_ptr<Witness> witness_over(HeadStore& store) {
    return std::make_unique<Witness>(kName, key_number(7), std::vector{log_key_}, store,
                                     [this] { return now_; });
  }
  void restart() {
    witness_.reset();
    store_.reset();
    store_.emplace(SqliteHeadStore::open(state()).value());
    witness_ = witness_over(*store_);
  }
  /// The answer is exactly one cosignature, valid for this head.
  void expect_cosigned(const WitnessAnswer& answer, const SignedNote& head) {
    ASSERT_EQ(answer.status, 200U) << answer.body;
    SignedNote note = head;
    EXPECT_EQ(add_cosignatures(note, answer.body, std::span(&public_key_, 1)).value(), 1U);
    EXPECT_EQ(parse_signatures(answer.body).value().size(), 1U);
    const auto verified = verify_checkpoint(note.encode(), log_key_, std::span(&public_key_, 1), 1);
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->cosigners.at(0).timestamp, now_);
  }
  static void expect_refused(const WitnessAnswer& answer, unsigned status, std::string_view reason) {
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, std::string(reason) + "\n");
    EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("\u2014")));
  }
  static void expect_conflict(const WitnessAnswer& answer, std::uint64_t size) {
    expect_refused(answer, 409, std::to_string(size));
    EXPECT_EQ(answer.content_type, "text/x.tlog.size");
  }

  fs::path folder_;
  std::uint64_t now_ = 1'700'000'000;
  Log log_;
  const NoteKey log_key_ = note_key(kOrigin, NoteKeyType::kLog, log_.key);
  const NoteKey public_key_ = note_key(kName, NoteKeyType::kCosigner, key_number(7));
  std::optional<SqliteHeadStore> store_;
  std::unique_ptr<Witness> witness_;
};

TEST_F(WitnessTest, FollowsALogAsItGrows) {
  std::uint64_t held = 0;
  for (const std::uint64_t size : {0ULL, 1ULL, 2ULL, 7ULL, 7ULL, 8ULL, 100ULL, 1000ULL}) {
    ++now_;
    SCOPED_TRACE(size);
    const WitnessAnswer answer = witness_->add_checkpoint(log_.request(held, size));
    expect_cosigned(answer, log_.head(size));
    EXPECT_EQ(answer.event, "cosigned");
    EXPECT_EQ(answer.origin, kOrigin);
    EXPECT_EQ(answer.size, size);
    held = size;
  }
}

TEST_F(WitnessTest, AnswersWithTheSizeItHolds) {
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  expect_conflict(witness_->add_checkpoint(log_.request(0, 9)), 5);
  expect_conflict(witness_->add_checkpoint(log_.request(4, 9)), 5);
  expect_conflict(witness_->add_checkpoint(log_.request(6, 9)), 5);
  expect_conflict(witness_->add_checkpoint(log_.request(0, 5)), 5);
  expect_cosigned(witness_->add_checkpoint(log_.request(5, 9)), log_.head(9));
}

// A smaller head, even an honest one that it cosigned before, is never cosigned again.
TEST_F(WitnessTest, NeverGoesBack) {
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  ASSERT_EQ(witness_->add_checkpoint(log_.request(5, 9)).status, 200U);
  expect_refused(witness_->add_checkpoint(log_.request(9, 5)), 400, "LOG_PROOF_DEGENERATE");
  expect_conflict(witness_->add_checkpoint(log_.request(5, 5)), 9);
  expect_conflict(witness_->add_checkpoint(log_.request(0, 5)), 9);
  expect_conflict(witness_->add_checkpoint(log_.request(5, 9)), 9);
}

// A158: the log shows one tree to the witness and wants another cosigned.
TEST_F(WitnessTest, CosignsNoFork) {
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  Log fork;
  fork.salt = 1000;
  fork.grow_to(20);
  // The fork's own proofs, the honest log's proofs, none, and a proof that is too long.
  expect_refused(witness_->add_checkpoint(fork.request(5, 9)), 422, "LOG_PROOF_INVALID");
  log_.grow_to(9);
  expect_refused(
      witness_->add_checkpoint(Log::body(5, log_.tree.consistency_proof(5, 9), fork.head(9).encode())), 422,
      "LOG_PROOF_INVALID");
  expect_refused(witness_->add_checkpoint(Log::body(5, {}, fork.head(9).encode())), 422,
                 "LOG_PROOF_DEGENERATE");
  auto longer = fork.tree.consistency_proof(5, 9);
  longer.push_back(longer.back());
  expect_refused(witness_->add_checkpoint(Log::body(5, longer, fork.head(9).encode())), 422,
                 "LOG_PROOF_DEGENERATE");
  // A larger head without its old size; the honest head of the same size still passes.
  expect_conflict(witness_->add_checkpoint(fork.request(0, 9)), 5);
  EXPECT_TRUE(store_->equivocations().value().empty());
  expect_cosigned(witness_->add_checkpoint(log_.request(5, 9)), log_.head(9));
}

// Two heads of one size convict the log; both notes are kept and verify without the witness.
TEST_F(WitnessTest, KeepsTheProofOfEquivocation) {
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  Log fork;
  fork.salt = 1000;
  const WitnessAnswer answer = witness_->add_checkpoint(Log::body(5, {}, fork.head(5).encode()));
  expect_refused(answer, 422, "LOG_EQUIVOCATION");
  expect_conflict(witness_->add_checkpoint(Log::body(3, {}, fork.head(5).encode())), 5);
  const auto proofs = store_->equivocations().value();
  ASSERT_EQ(proofs.size(), 1U);  // once, however often it is tried
  EXPECT_EQ(proofs[0].origin, kOrigin);
  const auto held = verify_checkpoint(proofs[0].held, log_key_, std::span(&public_key_, 1), 1);
  const auto offered = verify_checkpoint(proofs[0].offered, log_key_, {}, 0);
  ASSERT_TRUE(held);
  ASSERT_TRUE(offered);
  EXPECT_EQ(held->checkpoint.size, offered->checkpoint.size);
  EXPECT_NE(held->checkpoint.root, offered->checkpoint.root);
  // Nobody can put such a proof there without the log's key.
  SignedNote forged = fork.head(5);
  forged.text = Checkpoint{.origin = kOrigin, .size = 5, .root = leaf_hash({})}.encode();
  expect_refused(witness_->add_checkpoint(Log::body(5, {}, forged.encode())), 403, "SIG_INVALID");
  EXPECT_EQ(store_->equivocations().value().size(), 1U);
}

TEST_F(WitnessTest, RemembersAcrossRestarts) {
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  restart();
  Log fork;
  fork.salt = 1000;
  expect_conflict(witness_->add_checkpoint(fork.request(0, 5)), 5);
  expect_conflict(witness_->add_checkpoint(fork.request(0, 9)), 5);
  expect_refused(witness_->add_checkpoint(fork.request(5, 9)), 422, "LOG_PROOF_INVALID");
  restart();
  expect_cosigned(witness_->add_checkpoint(log_.request(5, 9)), log_.head(9));
  restart();
  expect_conflict(witness_->add_checkpoint(log_.request(5, 9)), 9);
}

// Two processes over one state file: each request is decided against what is stored, not what was read.
TEST_F(WitnessTest, TwoProcessesCannotBothMoveTheHead) {
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  SqliteHeadStore second = SqliteHeadStore::open(state()).value();
  const auto stale = second.last(kOrigin).value();
  ASSERT_EQ(witness_->add_checkpoint(log_.request(5, 9)).status, 200U);
  EXPECT_FALSE(second.advance(kOrigin, stale, {.size = 7, .root = log_.tree.root(7), .note = "x"}).value());
  EXPECT_FALSE(
      second.advance(kOrigin, std::nullopt, {.size = 7, .root = log_.tree.root(7), .note = "x"}).value());
  EXPECT_EQ(second.last(kOrigin).value()->size, 9U);
}

/// A store whose disk fails, or whose head moves between reading and writing.
struct BadStore final : HeadStore {
  std::optional<WitnessedHead> held;
  bool fail_last = false;
  bool fail_advance = false;
  std::optional<WitnessedHead> moves_to;
  std::unexpected<Rejection> fault() const { return reject(Reason::kFileUnreadable, "disk"); }
  Result<std::optional<WitnessedHead>, Rejection> last(const std::string&) override {
    if (fail_last) return fault();
    return held;
  }
  Result<bool, Rejection> advance(const std::string&, const std::optional<WitnessedHead>&,
                                  const WitnessedHead& next) override {
    if (fail_advance) return fault();
    if (moves_to) {
      held = moves_to;
      return false;
    }
    held = next;
    return true;
  }
  Result<void, Rejection> keep(const Equivocation&) override { return fault(); }
  Result<std::vector<std::string>, Rejection> origins() override {
    if (fail_last) return fault();
    return std::vector<std::string>{};
  }
  Result<std::vector<Equivocation>, Rejection> equivocations() override { return fault(); }
};

TEST_F(WitnessTest, NoCosignatureLeavesWithoutADurableHead) {
  BadStore store;
  const auto witness = witness_over(store);
  store.fail_advance = true;
  expect_refused(witness->add_checkpoint(log_.request(0, 5)), 500, "STORE");
  store.fail_advance = false;
  log_.grow_to(8);
  store.moves_to = WitnessedHead{.size = 8, .root = log_.tree.root(8), .note = ""};
  expect_conflict(witness->add_checkpoint(log_.request(0, 5)), 8);
  store.moves_to.reset();
  store.fail_last = true;
  expect_refused(witness->add_checkpoint(log_.request(0, 5)), 500, "STORE");
  EXPECT_EQ(witness->health().status, 500U);
  store.fail_last = false;
  EXPECT_EQ(witness->health().status, 200U);
  expect_cosigned(witness->add_checkpoint(log_.request(8, 9)), log_.head(9));
  // A proof of equivocation that cannot be kept is an error, not silence.
  Log fork;
  fork.salt = 1000;
  expect_refused(witness->add_checkpoint(Log::body(9, {}, fork.head(9).encode())), 500, "STORE");
  now_ = 0;
  expect_refused(witness->add_checkpoint(log_.request(9, 10)), 500, "CLOCK");
  EXPECT_EQ(store.held->size, 9U);
}

TEST_F(WitnessTest, ChecksTheLogsSignature) {
  const SignedNote good = log_.head(5);
  // Unknown log; unsigned; another key; another key's name; a second, false line beside the good one.
  expect_refused(witness_->add_checkpoint(Log::body(0, {}, log_.head(5, "example.com/other").encode())), 404,
                 "LOG_ORIGIN_MISMATCH");
  SignedNote bad = good;
  bad.signatures[0].bytes[3] ^= 1;
  expect_refused(witness_->add_checkpoint(Log::body(0, {}, bad.encode())), 403, "SIG_INVALID");
  bad = good;
  bad.signatures[0].name = "example.com/else";
  expect_refused(witness_->add_checkpoint(Log::body(0, {}, bad.encode())), 403, "SIG_INVALID");
  Log impostor;
  impostor.key = key_number(2);
  expect_refused(witness_->add_checkpoint(impostor.request(0, 5)), 403, "SIG_INVALID");
  bad = good;
  bad.signatures = {cosign(good.text, kOrigin, log_.key, 5)};
  expect_refused(witness_->add_checkpoint(Log::body(0, {}, bad.encode())), 403, "SIG_INVALID");
  bad = good;
  bad.signatures.push_back(good.signatures[0]);
  bad.signatures.back().bytes[3] ^= 1;
  expect_refused(witness_->add_checkpoint(Log::body(0, {}, bad.encode())), 403, "SIG_INVALID");
  // Lines of strangers do not matter, and are not passed on.
  SignedNote more = good;
  more.signatures.push_back(cosign(good.text, "stranger.example", key_number(9), 5));
  expect_cosigned(witness_->add_checkpoint(Log::body(0, {}, more.encode())), good);
  EXPECT_THAT(store_->last(kOrigin).value()->note, ::testing::Not(HasSubstr("stranger")));
}

TEST_F(WitnessTest, SizeZeroAndOldSizeZero) {
  const SignedNote lie = sign_checkpoint({.origin = kOrigin, .size = 0, .root = leaf_hash({})}, log_.key);
  expect_refused(witness_->add_checkpoint(Log::body(0, {}, lie.encode())), 422, "LOG_PROOF_INVALID");
  expect_refused(witness_->add_checkpoint(Log::body(0, {leaf_hash({})}, log_.head(5).encode())), 422,
                 "LOG_PROOF_DEGENERATE");
  expect_cosigned(witness_->add_checkpoint(log_.request(0, 0)), log_.head(0));
}

TEST_F(WitnessTest, RefusesOtherBodies) {
  const std::string note = log_.head(5).encode();
  const std::string hash = to_base64(leaf_hash({})) + "\n";
  std::string many = "old 0\n";
  for (int i = 0; i < 64; ++i) many += hash;
  for (const std::string& body :
       {std::string(),
        std::string("old 0\n"),
        std::string("old 0\n\n"),
        "old 0\n" + note,
        "old\n\n" + note,
        "old 00\n\n" + note,
        "old -1\n\n" + note,
        "old 0 \n\n" + note,
        "old  0\n\n" + note,
        "Old 0\n\n" + note,
        "old 9223372036854775808\n\n" + note,
        "old 0\r\n\r\n" + note,
        "old 0\nAAAA\n\n" + note,
        "old 0\n " + hash + "\n" + note,
        "old 0\n\n\n" + note,
        many + "\n" + note,
        "\nold 0\n\n" + note,
        "old 0\n\n" + note.substr(0, note.size() - 1),
        "old 0\n\n" + note + "\n",
        "old 0\n\nexample.com/log\n5\n" + hash + "extension\n\n" + note.substr(note.find("\u2014")),
        "old 0\n\n" + note + std::string(kMaxWitnessBody, 'x')})
    expect_refused(witness_->add_checkpoint(body), 400, "NOTE_FORMAT");
  EXPECT_FALSE(store_->last(kOrigin).value());
  expect_cosigned(witness_->add_checkpoint("old 0\n\n" + note), log_.head(5));
}

TEST_F(WitnessTest, ServesTheLastNote) {
  const std::string hash = to_hex(sha256(bytes_of(kOrigin)));
  EXPECT_EQ(witness_->checkpoint(hash).status, 404U);
  ASSERT_EQ(witness_->add_checkpoint(log_.request(0, 5)).status, 200U);
  const WitnessAnswer answer = witness_->checkpoint(hash);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(verify_checkpoint(answer.body, log_key_, std::span(&public_key_, 1), 1).value().checkpoint.size,
            5U);
  EXPECT_EQ(witness_->checkpoint(std::string(64, '0')).status, 404U);
  EXPECT_EQ(witness_->checkpoint("").status, 404U);
}

// The requests of the tests of litewitness (FiloSottile/litetlog, cmd/litewitness/testdata/litewitness.txt),
// whose log signs checkpoints; there they come by another HTTP call, with the same checks and the same
// outcomes.
TEST_F(WitnessTest, AgreesWithAnotherImplementation) {
  const NoteKey log{
      .name = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562",
      .type = NoteKeyType::kLog,
      .key = VerifyKey::decode(
                 from_hex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f").value())
                 .value()};
  Witness witness(kName, key_number(7), {log}, *store_, [this] { return now_; });
  const auto digest = [](std::string_view hex) {
    Digest256 out{};
    std::ranges::copy(from_hex(hex).value(), out.begin());
    return out;
  };
  const auto node = [](std::uint8_t i) {
    Digest256 out{};
    out[0] = 0x2a;
    out[1] = i;
    return out;
  };
  const auto head = [&](std::uint64_t size, const Digest256& root, std::string_view signature) {
    return SignedNote{
        .text = Checkpoint{.origin = log.name, .size = size, .root = root}.encode(),
        .signatures = {{.name = log.name, .key_id = log.id(), .bytes = from_hex(signature).value()}}}
        .encode();
  };
  const std::string head1 =
      head(1, node(0),
           "b7cf653aa9c565a1ca359db81bd3bc656ab2890c6ea4c0aec42295e80aa05049423505026434f98792"
           "3ccdf07d440c152cd59e736e5914d8ada8d7a4d51b2106");
  const Digest256 root3 = digest("45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d");
  const std::string signature3 =
      "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def971b023d9a418c3226b7b7ea47b33686d9b3849"
      "451dadc6"
      "b07c007c595af1ea0a";
  const std::string head3 = head(3, root3, signature3);
  const std::string forged3 = head(3, root3, signature3.substr(0, 127) + "b");
  const std::string head5 =
      head(5, digest("42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36"),
           "0fc43899968b48b5150b0e8fe7ad07b17c21c7056a6fe381deb0cd19ece103d59b2119b5dbe5d54d8a1262ce67f01245c"
           "5898b4b"
           "56f747495804a17a2eec0f0c");
  EXPECT_EQ(witness.add_checkpoint(Log::body(0, {}, head1)).status, 200U);
  EXPECT_EQ(witness.add_checkpoint(Log::body(1, {node(1), node(2)}, forged3)).status, 403U);
  EXPECT_EQ(witness.add_checkpoint(Log::body(1, {}, head3)).status, 422U);
  Digest256 wrong = node(2);
  wrong[31] = 1;
  EXPECT_EQ(witness.add_checkpoint(Log::body(1, {node(1), wrong}, head3)).status, 422U);
  EXPECT_EQ(witness.add_checkpoint(Log::body(1, {node(1), node(2)}, head3)).status, 200U);
  const Digest256 inner = digest("f9f50357e93def4078237b8aaea24ce1a3f5965a0f64ff26bebd99e30470d8b2");
  EXPECT_EQ(witness.add_checkpoint(Log::body(1, {node(1), inner, node(4)}, head5)).status, 409U);
  const Digest256 left = digest("c2088815d65f60dbfa594d4e96504ab169cb6084bf0c132ab7c521fd2e0eba41");
  EXPECT_EQ(witness.add_checkpoint(Log::body(3, {node(2), node(3), left, node(4)}, head5)).status, 200U);
}

TEST_F(WitnessTest, StateFilesAreBoundAndChecked) {
  EXPECT_EQ(SqliteHeadStore::create(state(), public_key_).error().reason, Reason::kStoreKeyExists);
  EXPECT_EQ(SqliteHeadStore::open(folder_ / "absent").error().reason, Reason::kFileUnreadable);
  EXPECT_FALSE(fs::exists(folder_ / "absent"));
  EXPECT_EQ(store_->witness(), public_key_);
  std::ofstream(folder_ / "text") << std::string(5000, 'x');
  EXPECT_EQ(SqliteHeadStore::open(folder_ / "text").error().reason, Reason::kFileUnreadable);
  std::ofstream(folder_ / "empty").close();
  EXPECT_EQ(SqliteHeadStore::open(folder_ / "empty").error().reason, Reason::kStoreInconsistent);
}

/// A connection to the server, without any HTTP library.
class Connection {
 public:
  explicit Connection(const std::string& endpoint) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }
  bool connected() const { return connected_; }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void post(const std::string& body) const {
    send("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body);
  }
  /// One response with its body; what there is if the peer closes.
  std::string receive() {
    const auto complete = [&] {
      const std::size_t head = buffer_.find("\r\n\r\n");
      const std::size_t field = buffer_.find("Content-Length: ");
      return head != std::string::npos && field < head &&
             buffer_.size() >= head + 4 + static_cast<std::size_t>(std::stoi(buffer_.substr(field + 16)));
    };
    char chunk[4096];
    while (!complete()) {
      const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) break;
      buffer_.append(chunk, static_cast<std::size_t>(n));
    }
    return std::exchange(buffer_, {});
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string buffer_;
};

class WitnessHttp : public WitnessTest {
 protected:
  void SetUp() override {
    WitnessTest::SetUp();
    server_ =
        WitnessServer::listen(*witness_, "127.0.0.1:0", {.request = std::chrono::milliseconds(2000)}).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    stop();
    WitnessTest::TearDown();
  }
  void stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  std::unique_ptr<WitnessServer> server_;
  std::thread thread_;
};

TEST_F(WitnessHttp, ARoundTripWithKeepAlive) {
  Connection connection(server_->endpoint());
  ASSERT_TRUE(connection.connected());
  connection.post(log_.request(0, 5));
  const std::string answer = connection.receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  SignedNote note = log_.head(5);
  const std::string line = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_EQ(add_cosignatures(note, line, std::span(&public_key_, 1)).value(), 1U);
  EXPECT_TRUE(verify_checkpoint(note.encode(), log_key_, std::span(&public_key_, 1), 1));

  connection.post(log_.request(0, 9));  // the same connection
  const std::string conflict = connection.receive();
  EXPECT_THAT(conflict, StartsWith("HTTP/1.1 409 Conflict\r\n"));
  EXPECT_THAT(conflict, HasSubstr("Content-Type: text/x.tlog.size\r\n"));
  EXPECT_THAT(conflict, ::testing::EndsWith("\r\n\r\n5\n"));
  connection.send("GET /health HTTP/1.1\r\nHost: w\r\n\r\n");
  EXPECT_THAT(connection.receive(), StartsWith("HTTP/1.1 200"));
  connection.send("GET /" + to_hex(sha256(bytes_of(kOrigin))) + "/checkpoint HTTP/1.1\r\nHost: w\r\n\r\n");
  EXPECT_THAT(connection.receive(), HasSubstr("\r\n\r\nexample.com/log\n5\n"));
  connection.send("GET /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n");
  EXPECT_THAT(connection.receive(), HasSubstr("Allow: POST\r\n"));
  connection.send("GET /else HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(connection.receive(), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(connection.receive(), "");  // closed, as asked
}

TEST_F(WitnessHttp, BoundsWhatItReads) {
  Connection large(server_->endpoint());
  large.send("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 131073\r\n\r\n");
  EXPECT_THAT(large.receive(), StartsWith("HTTP/1.1 413"));
  Connection header(server_->endpoint());
  header.send("GET /health HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
  EXPECT_THAT(header.receive(), StartsWith("HTTP/1.1 400"));
  Connection garbage(server_->endpoint());
  garbage.send("GARBAGE\r\n\r\n");
  EXPECT_THAT(garbage.receive(), StartsWith("HTTP/1.1 400"));
  // Half a request, then silence: closed without an answer.
  Connection slow(server_->endpoint());
  slow.send("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 10\r\n\r\nold");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(slow.receive(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
}

TEST_F(WitnessHttp, StopsWithConnectionsOpen) {
  Connection idle(server_->endpoint());
  idle.send("GET /health HTTP/1.1\r\nHost: w\r\n\r\n");
  EXPECT_THAT(idle.receive(), StartsWith("HTTP/1.1 200"));
  const auto begin = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(idle.receive(), "");
  EXPECT_FALSE(Connection(server_->endpoint()).connected());
}

TEST_F(WitnessTest, EndpointsThatAreNone) {
  for (const std::string endpoint :
       {"", "1234", "localhost:1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:1x"})
    EXPECT_EQ(WitnessServer::listen(*witness_, endpoint).error().reason, Reason::kUsage) << endpoint;
  const auto first = WitnessServer::listen(*witness_, "[::1]:0");
  if (first) {
    EXPECT_THAT((*first)->endpoint(), StartsWith("[::1]:"));
  }
}

}  // namespace
}  // namespace psephos
