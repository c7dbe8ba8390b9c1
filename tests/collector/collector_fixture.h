#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "collector/collector.h"
#include "collector/sqlite_store.h"
#include "collector/tls_certificate.h"
#include "collector/witness/head_store.h"
#include "collector/witness/witness.h"
#include "protocol/checks/receipt.h"
#include "protocol/labels.h"
#include "tests/support/test_election.h"

namespace psephos::test {

/// A directory of its own for each test, gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "psephos-collector-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A witness of the election, the real one over its real store, whom a test can silence.
struct TestWitness {
  TestWitness(const TestElection& e, std::size_t i, const std::filesystem::path& directory)
      : store(
            SqliteHeadStore::create(directory / ("witness-" + std::to_string(i)), e.election().witnesses()[i])
                .value()),
        witness(e.election().witnesses()[i].name, SigningKey::from_seed(e.witnesses[i].seed()),
                {e.election().log_key()}, store, [] { return std::uint64_t{1'900'000'000}; }) {}
  std::mutex mutex;
  SqliteHeadStore store;
  Witness witness;
  std::atomic<bool> up{true};
  std::atomic<int> delay_ms{0};
  std::atomic<int> requests{0};
};

class WitnessInProcess final : public collector::WitnessTransport {
 public:
  explicit WitnessInProcess(TestWitness& witness) : witness_(witness) {}
  Result<collector::WitnessReply, Rejection> add_checkpoint(const std::string& body,
                                                            std::chrono::milliseconds) override {
    ++witness_.requests;
    std::this_thread::sleep_for(std::chrono::milliseconds(witness_.delay_ms));
    if (!witness_.up) return reject(Reason::kServiceUnavailable, "silenced");
    const std::lock_guard lock(witness_.mutex);
    const WitnessAnswer answer = witness_.witness.add_checkpoint(body);
    return collector::WitnessReply{static_cast<int>(answer.status), answer.body};
  }

 private:
  TestWitness& witness_;
};

/// A collector with its three witnesses and its trust services, without sockets, at a time the test chooses.
class CollectorWorld {
  class TrustInProcess final : public collector::TrustTransport {
   public:
    explicit TrustInProcess(CollectorWorld& world) : world_(world) {}
    Result<Bytes, Rejection> time_stamp(ByteView request, unsigned /*attempt*/) override {
      return answer(world_.e->trust().tsa, request);
    }
    Result<Bytes, Rejection> status(ByteView request, unsigned /*attempt*/) override {
      return answer(world_.e->trust().ocsp, request);
    }

   private:
    template <class TrustService>
    Result<Bytes, Rejection> answer(TrustService& service, ByteView request) const {
      if (!world_.trust_services_up) return reject(Reason::kServiceUnavailable, "silenced");
      return service.answer(request, static_cast<std::int64_t>(world_.now_ms / 1000));
    }
    CollectorWorld& world_;
  };

 public:
  explicit CollectorWorld(Options options = {})
      : identity_(collector::make_tls_identity("localhost", 1'900'000'000)) {
    const auto amend = options.amend;
    options.amend = [this, amend](Definition& d) {
      d.collector.tls_certificate_sha256 = sha256(identity_.certificate_der);
      if (amend) amend(d);
    };
    e = std::make_unique<TestElection>(options);
    for (std::size_t i = 0; i < 3; ++i)
      witnesses.push_back(std::make_unique<TestWitness>(*e, i, directory.path()));
    now_ms = (options.casting_begins_s + 1000) * 1000;
    limits.cosign_wait = std::chrono::milliseconds(400);
  }

  collector::CollectorKeys keys() const {
    SecretBuffer tls_key(identity_.key_der.size());
    std::ranges::copy(identity_.key_der.expose(), tls_key.expose_mutable().begin());
    return {SigningKey::from_seed(e->collector[0].seed()), SigningKey::from_seed(e->collector[1].seed()),
            std::move(tls_key), identity_.certificate_der};
  }
  /// Anew, since a collector that stops finishes its work with them.
  void connect_trust_services() { evidence = make_evidence(); }
  std::unique_ptr<collector::EvidenceSource> make_evidence() {
    return std::make_unique<collector::EvidenceSource>(
        e->eid(), [this] { return std::make_unique<TrustInProcess>(*this); },
        collector::EvidenceSource::Limits{.connections = 2, .pause = std::chrono::milliseconds(1)});
  }
  Result<std::unique_ptr<collector::Store>, Rejection> open_store() const {
    return collector::SqliteStore::open(collector::store_path(directory.path()), e->election().fingerprint(),
                                        collector::StoreAccess::kReadWrite);
  }
  Result<std::unique_ptr<collector::Collector>, Rejection> try_start() {
    connect_trust_services();
    auto store = open_store();
    if (!store) return std::unexpected(store.error());
    return open_collector(std::move(*store), *evidence, settings());
  }
  /// As this world's collectors are set up.
  collector::Collector::Settings settings() {
    return {.clock = [this] { return now_ms.load(); },
            .limits = limits,
            .timing = {},
            .broken = [this](const Rejection& why) { broken = why; },
            .phones = phones};
  }
  Result<std::unique_ptr<collector::Collector>, Rejection> open_collector(
      std::unique_ptr<collector::Store> store, collector::EvidenceSource& source,
      collector::Collector::Settings settings) {
    std::vector<std::unique_ptr<collector::WitnessTransport>> transports;
    for (auto& witness : witnesses) transports.push_back(std::make_unique<WitnessInProcess>(*witness));
    return collector::Collector::open(e->election(), std::move(store), keys(), std::move(transports),
                                      e->eid(), source, e->rng(), std::move(settings));
  }
  void start() {
    auto opened = try_start();
    if (!opened) throw std::runtime_error(to_string(opened.error()));
    running = std::move(*opened);
  }
  void restart() {
    running.reset();
    start();
  }

  /// Rolls voters 1 to `voters` into units u1, u2, u3 in turn, and opens casting.
  void open(std::uint64_t voters) {
    std::vector<RollChange> changes;
    for (std::uint64_t n = 1; n <= voters; ++n)
      changes.push_back(
          {RollChangeKind::kAdd, e->card(n).person.national_id, Id{"u" + std::to_string(1 + n % 3)}});
    std::ranges::sort(changes, {}, &RollChange::national_id);
    ASSERT_TRUE(running->document(EntryType::kRoll, e->roll(1, std::nullopt, changes)));
    ASSERT_TRUE(running->document(EntryType::kPhase, e->phase(PhaseEventKind::kOpened, now_ms / 1000)));
  }

  collector::Reply ask(const std::string& method, const std::string& target, Bytes body = {}) {
    std::promise<collector::Reply> promise;
    auto future = promise.get_future();
    running->service().handle({method, target, std::move(body)},
                              [&promise](collector::Reply reply) { promise.set_value(std::move(reply)); });
    return future.get();
  }
  collector::Reply post(const std::string& target, Bytes body = {}) {
    return ask("POST", target, std::move(body));
  }
  /// The reason of a refusal, whose signature, election and request are checked.
  std::optional<Reason> reason_of_reply(const collector::Reply& reply, ByteView body) {
    const auto message = decode<ServiceSigned>(reply.body);
    if (!message) return std::nullopt;
    if (!check_service_signature(*message, labels::kSignRefusal, e->election().service_key(), "refusal"))
      return std::nullopt;
    const auto refusal = decode<Refusal>(message->body);
    if (!refusal || refusal->fingerprint != e->election().fingerprint() ||
        refusal->request_hash != sha256(body))
      return std::nullopt;
    return reason_from(refusal->reason);
  }

  Bytes authentication(std::uint64_t n, const Bytes& challenge) {
    const Card& card = e->card(n);
    return encode(Authentication{
        challenge, card.authentication_certificate,
        sign_r_s(card.authentication, signed_bytes(labels::kEidAuthenticate, challenge), e->rng())});
  }
  collector::Reply ask_ticket(std::uint64_t n) {
    return post("/v1/ticket", authentication(n, post("/v1/challenge").body));
  }
  std::optional<ServiceSigned> ticket(std::uint64_t n) {
    const auto reply = ask_ticket(n);
    if (reply.status != 200) return std::nullopt;
    auto signed_ticket = decode<ServiceSigned>(reply.body);
    if (!signed_ticket ||
        !check_service_signature(*signed_ticket, labels::kSignTicket, e->election().service_key(), ""))
      return std::nullopt;
    return std::move(*signed_ticket);
  }

  struct Cast {
    BallotSeed seed;
    ByteArray<16> fetch_secret{};
    BallotId id{};
    Submission submission;
    Bytes body() const { return encode(submission); }
  };
  Cast cast(std::uint64_t n, const ServiceSigned& signed_ticket,
            const std::vector<std::size_t>& choices = {0, 1}) {
    const auto ticket = decode<CastTicket>(signed_ticket.body).value();
    Cast out{.seed = BallotSeed::random(e->rng()), .fetch_secret = {}, .id = {}, .submission = {}};
    const Ballot ballot =
        make_ballot(e->election(), ticket, sha256(signed_ticket.body), choices, out.seed, e->rng());
    out.submission.envelope = e->envelope(ballot, ticket, e->card(n));
    out.submission.envelope.ticket = signed_ticket;
    out.id = id_of(out.submission.envelope);
    e->rng().fill(out.fetch_secret);
    out.submission.fetch_secret_hash = sha256(out.fetch_secret);
    return out;
  }
  Cast cast(std::uint64_t n, const std::vector<std::size_t>& choices = {0, 1}) {
    return cast(n, ticket(n).value(), choices);
  }

  /// What a client checks: the answer is for this ballot, complete, and commits to the bytes that were sent.
  void expect_recorded(const collector::Reply& reply, const Cast& sent, SubmitOutcome outcome) {
    ASSERT_EQ(reply.status, 200);
    const auto answer = decode<SubmitAnswer>(reply.body);
    ASSERT_TRUE(answer) << to_string(answer.error());
    EXPECT_EQ(answer->outcome, outcome);
    const auto recorded = check_receipt(e->election(), answer->receipt, sent.id);
    ASSERT_TRUE(recorded) << to_string(recorded.error());
    EXPECT_TRUE(check_entry(recorded->statement, answer->salt, logged_as(sent.submission.envelope, *answer)));
  }

  TemporaryDirectory directory;
  std::unique_ptr<TestElection> e;
  std::vector<std::unique_ptr<TestWitness>> witnesses;
  std::atomic<std::uint64_t> now_ms{0};
  collector::Service::Limits limits;
  std::optional<Rejection> broken;
  std::atomic<bool> trust_services_up{true};
  std::unique_ptr<collector::EvidenceSource> evidence;
  collector::PhoneRelay* phones = nullptr;
  std::unique_ptr<collector::Collector> running;

 private:
  collector::TlsIdentity identity_;
};

}  // namespace psephos::test
