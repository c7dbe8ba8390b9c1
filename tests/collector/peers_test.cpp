#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <map>
#include <set>
#include <thread>

#include "tests/collector/collector_fixture.h"
#include "tests/collector/wrapped_store.h"

// Several collectors over one store: one orders the log, the others hand on what they have checked, and take
// over when it is gone.
namespace psephos::test {
namespace {

using collector::Collector;
using collector::PeerTransport;
using namespace std::chrono_literals;

/// A store whose process falls asleep: whoever writes waits until it is woken.
class SleepyStore final : public WrappedStore {
 public:
  explicit SleepyStore(std::unique_ptr<collector::Store> inner)
      : WrappedStore(*inner), owned_(std::move(inner)) {}
  void sleep(bool asleep) {
    const std::lock_guard lock(mutex_);
    asleep_ = asleep;
    woken_.notify_all();
  }
  /// While it does not, whoever follows cannot look.
  std::atomic<bool> answers{true};
  Result<collector::Lease, Rejection> lease() override {
    if (!answers) return reject(Reason::kServiceUnavailable, "silenced");
    return WrappedStore::lease();
  }
  Result<bool, Rejection> renew_lease(std::chrono::milliseconds duration) override {
    wait();
    return WrappedStore::renew_lease(duration);
  }
  Result<void, Rejection> append(const collector::Head& before, std::span<const collector::NewEntry> entries,
                                 const collector::Head& after) override {
    wait();
    return WrappedStore::append(before, entries, after);
  }
  Result<void, Rejection> put_signed_head(const collector::Head& head) override {
    wait();
    return WrappedStore::put_signed_head(head);
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [this] { return !asleep_; });
  }
  std::unique_ptr<collector::Store> owned_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool asleep_ = false;
};

class PeersTest : public testing::Test {
 protected:
  PeersTest() { spdlog::set_level(spdlog::level::warn); }
  /// One of two collectors, each with its own way to the store and to the trust services.
  struct One {
    std::unique_ptr<collector::EvidenceSource> evidence;
    SleepyStore* store = nullptr;
    std::unique_ptr<Collector> collector;
    std::optional<Rejection> broken;
  };
  class InProcess final : public PeerTransport {
   public:
    InProcess(PeersTest& test, std::string address) : test_(test), address_(std::move(address)) {}
    Result<Bytes, Rejection> ask(ByteView request, std::chrono::milliseconds) override {
      Collector* peer = nullptr;
      {
        const std::lock_guard lock(test_.mutex_);
        const auto found = test_.addresses_.find(address_);
        if (found != test_.addresses_.end()) peer = found->second;
      }
      if (peer == nullptr) return reject(Reason::kServiceUnavailable, "nobody there");
      ++test_.handed_on_;
      std::promise<collector::Reply> promise;
      auto future = promise.get_future();
      peer->peers().handle({"POST", std::string(collector::kPeerPath), copy_of(request)},
                           [&promise](collector::Reply reply) { promise.set_value(std::move(reply)); });
      auto reply = future.get();
      if (reply.status != 200) return reject(Reason::kServiceUnavailable, std::string(text_of(reply.body)));
      return std::move(reply.body);
    }

   private:
    PeersTest& test_;
    const std::string address_;
  };

  void open(One& one, const std::string& name) {
    one.evidence = w.make_evidence();
    auto store = std::make_unique<SleepyStore>(w.open_store().value());
    one.store = store.get();
    auto settings = w.settings();
    settings.name = name;
    settings.peer_address = name;
    settings.lease = 400ms;
    settings.broken = [&one](const Rejection& why) {
      if (!one.broken) one.broken = why;
    };
    settings.connect_peer = [this](const std::string& address) {
      return Result<std::unique_ptr<PeerTransport>, Rejection>(std::make_unique<InProcess>(*this, address));
    };
    auto opened = w.open_collector(std::move(store), *one.evidence, std::move(settings));
    ASSERT_TRUE(opened) << to_string(opened.error());
    one.collector = std::move(*opened);
    const std::lock_guard lock(mutex_);
    addresses_[name] = one.collector.get();
  }
  void forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    addresses_.erase(name);
  }
  /// Voters turn to this one.
  void turn_to(One& one) {
    if (at_ != nullptr) at_->collector = std::move(w.running);
    at_ = &one;
    w.running = std::move(one.collector);
  }
  Collector& of(One& one) { return at_ == &one ? *w.running : *one.collector; }
  void wait_for(const std::function<bool()>& what) {
    for (int i = 0; i < 500 && !what(); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_TRUE(what());
  }
  /// Nobody ever signed two heads of one size, as the witnesses saw it.
  void expect_one_log() {
    for (const auto& witness : w.witnesses) {
      const std::lock_guard lock(witness->mutex);
      EXPECT_TRUE(witness->store.equivocations().value().empty());
    }
    const auto store = w.open_store().value();
    collector::Ledger ledger(w.e->election());
    const auto replayed = collector::replay_store(*store, ledger);
    EXPECT_TRUE(replayed) << to_string(replayed.error());
  }
  void TearDown() override { w.running.reset(); }

  CollectorWorld w;
  One one_, two_;
  std::atomic<int> handed_on_{0};

 private:
  One* at_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, Collector*> addresses_;
};

TEST_F(PeersTest, Any_collector_takes_ballots_and_one_orders_them) {
  open(one_, "one");
  open(two_, "two");
  turn_to(one_);
  EXPECT_TRUE(of(one_).status().sequencing);
  EXPECT_FALSE(of(two_).status().sequencing);
  w.open(6);
  const auto first = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kAccepted);

  // The other one knows the roll, the phase and the voter's chain, whoever wrote them.
  turn_to(two_);
  EXPECT_EQ(handed_on_, 0);
  const auto second = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", second.body()), second, SubmitOutcome::kAccepted);
  EXPECT_GE(handed_on_, 2);  // a ticket, and a ballot
  w.now_ms += 61'000;
  const auto again = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", again.body()), again, SubmitOutcome::kAccepted);
  w.expect_recorded(w.post("/v1/ballot", again.body()), again, SubmitOutcome::kDuplicateIdempotent);
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kDuplicateIdempotent);
  EXPECT_EQ(w.running->status().ballots, 3U);
  EXPECT_EQ(of(one_).status().head, of(two_).status().head);

  // A document that an operator gives to the one that follows is in force there when she is answered.
  ASSERT_TRUE(
      w.running->document(EntryType::kPhase, w.e->phase(PhaseEventKind::kCastingClosed, w.now_ms / 1000)));
  EXPECT_EQ(w.running->status().phase, Phase::kClosed);
  expect_one_log();
}

TEST_F(PeersTest, Refusals_are_the_same_wherever_they_are_given) {
  open(one_, "one");
  open(two_, "two");
  turn_to(one_);
  w.open(3);
  // Two ballots on one ticket: the second loses, also where nobody has seen the first.
  const auto ticket = w.ticket(1).value();
  const auto first = w.cast(1, ticket);
  const auto other = w.cast(1, ticket, {1, 0});
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kAccepted);
  turn_to(two_);
  EXPECT_EQ(w.reason_of_reply(w.post("/v1/ballot", other.body()), other.body()), Reason::kCastConflict);
  // A proof that fails is found by the one that orders, and the refusal is logged as any other.
  const auto sound = w.cast(2);
  Submission bad = sound.submission;
  Ballot ballot = ballot_of(bad.envelope);
  ballot.selections[1].proof = ballot.selections[0].proof;
  const auto bad_ticket = decode<CastTicket>(bad.envelope.ticket.body).value();
  const ServiceSigned signed_ticket = bad.envelope.ticket;
  bad.envelope = w.e->envelope(ballot, bad_ticket, w.e->card(2));
  bad.envelope.ticket = signed_ticket;
  const auto refusals = of(one_).status().head.size;
  EXPECT_EQ(w.reason_of_reply(w.post("/v1/ballot", encode(bad)), encode(bad)), Reason::kBallotProofInvalid);
  EXPECT_EQ(of(one_).status().head.size, refusals + 1);
  w.expect_recorded(w.post("/v1/ballot", sound.body()), sound, SubmitOutcome::kAccepted);
  EXPECT_EQ(w.running->status().ballots, 2U);
  // A challenge is spent for all of them.
  const Bytes challenge = w.post("/v1/challenge").body;
  const Bytes authentication = w.authentication(3, challenge);
  EXPECT_EQ(w.post("/v1/ticket", authentication).status, 200);
  EXPECT_EQ(w.reason_of_reply(w.post("/v1/ticket", authentication), authentication),
            Reason::kAuthChallengeUnknown);
  turn_to(one_);
  EXPECT_EQ(w.reason_of_reply(w.post("/v1/ticket", authentication), authentication),
            Reason::kAuthChallengeUnknown);
  expect_one_log();
}

TEST_F(PeersTest, Another_takes_over_when_the_one_that_orders_is_gone) {
  open(one_, "one");
  open(two_, "two");
  turn_to(one_);
  w.open(4);
  const auto first = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kAccepted);
  const auto epoch = of(one_).status().epoch;
  turn_to(two_);
  // It stops in order, and gives its lease up: the other goes on at once.
  forget("one");
  one_.collector.reset();
  wait_for([&] { return w.running->status().sequencing; });
  EXPECT_GT(w.running->status().epoch, epoch);
  const auto second = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", second.body()), second, SubmitOutcome::kAccepted);
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kDuplicateIdempotent);
  // And comes back as one that follows.
  open(one_, "one");
  turn_to(one_);
  EXPECT_FALSE(w.running->status().sequencing);
  const auto third = w.cast(3);
  w.expect_recorded(w.post("/v1/ballot", third.body()), third, SubmitOutcome::kAccepted);
  expect_one_log();
}

TEST_F(PeersTest, One_that_slept_through_the_loss_of_its_lease_writes_and_signs_nothing) {
  open(one_, "one");
  open(two_, "two");
  turn_to(one_);
  w.open(4);
  const auto asleep = w.cast(1);
  one_.store->sleep(true);
  // A voter waits for the sleeper; meanwhile the other takes over and takes another ballot in its place.
  auto waiting = std::async(std::launch::async, [&] {
    std::promise<collector::Reply> promise;
    auto future = promise.get_future();
    of(one_).service().handle({"POST", "/v1/ballot", asleep.body()},
                              [&promise](collector::Reply reply) { promise.set_value(std::move(reply)); });
    return future.get();
  });
  wait_for([&] { return two_.collector->status().sequencing; });
  turn_to(two_);
  const auto second = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", second.body()), second, SubmitOutcome::kAccepted);
  EXPECT_FALSE(one_.broken);
  one_.store->sleep(false);
  const auto reply = waiting.get();
  EXPECT_EQ(w.reason_of_reply(reply, asleep.body()), Reason::kServiceUnavailable);
  wait_for([&] { return one_.broken.has_value(); });
  EXPECT_EQ(one_.broken->reason, Reason::kNotSequencing);
  // The same bytes, sent again to the one that orders now, are recorded once.
  w.expect_recorded(w.post("/v1/ballot", asleep.body()), asleep, SubmitOutcome::kAccepted);
  EXPECT_EQ(w.running->status().ballots, 2U);
  expect_one_log();
}

TEST_F(PeersTest, Only_collectors_of_this_election_are_let_in) {
  open(one_, "one");
  turn_to(one_);
  w.open(2);
  const auto ask = [&](const SigningKey& key, const collector::PeerRequest& request) {
    ServiceSigned message{.body = encode(request), .signature = {}};
    message.signature = key.sign_labelled(labels::kSignPeerRequest, message.body);
    std::promise<collector::Reply> promise;
    auto future = promise.get_future();
    w.running->peers().handle({"POST", std::string(collector::kPeerPath), encode(message)},
                              [&promise](collector::Reply reply) { promise.set_value(std::move(reply)); });
    const auto reply = future.get();
    return std::pair(reply.status, std::string(text_of(reply.body)));
  };
  const SigningKey service = SigningKey::from_seed(w.e->collector[1].seed());
  const SigningKey another = SigningKey::from_seed(w.e->collector[0].seed());
  const auto cast = w.cast(1);
  const BallotItem item{cast.submission.envelope, w.now_ms};
  collector::PeerRequest request{
      .fingerprint = w.e->election().fingerprint(),
      .epoch = w.running->status().epoch,
      .works = {{.kind = collector::PeerWorkKind::kBallot, .item = encode(item), .detail = {}, .number = 0}}};
  EXPECT_EQ(ask(another, request), std::pair(403, std::string("SIG_INVALID")));
  request.fingerprint[0] ^= 1;
  EXPECT_EQ(ask(service, request), std::pair(403, std::string("ELECTION_FP_MISMATCH")));
  request.fingerprint[0] ^= 1;
  ++request.epoch;
  EXPECT_EQ(ask(service, request), std::pair(503, std::string("NOT_SEQUENCING")));
  --request.epoch;
  EXPECT_EQ(w.running->status().ballots, 0U);
  EXPECT_EQ(ask(service, request).first, 200);
  EXPECT_EQ(w.running->status().ballots, 1U);
  // A ballot is not a document, and no type is cut to fit one.
  const auto size = w.running->status().head.size;
  for (const std::uint64_t type : {0U, 3U, 4U, 257U}) {
    request.works = {{.kind = collector::PeerWorkKind::kDocument,
                      .item = w.e->phase(PhaseEventKind::kCastingClosed, w.now_ms / 1000),
                      .detail = {},
                      .number = type}};
    const auto [status, body] = ask(service, request);
    EXPECT_EQ(status, 200);
    const auto answer = decode<collector::PeerAnswer>(bytes_of(body));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->results[0].reason, static_cast<std::uint64_t>(Reason::kRequestUnknown));
  }
  EXPECT_EQ(w.running->status().head.size, size);
  request.works[0].number = 1;
  EXPECT_EQ(ask(service, request).first, 200);
  EXPECT_EQ(w.running->status().phase, Phase::kClosed);
}

TEST_F(PeersTest, Who_waits_where_another_orders_is_answered_in_time_though_the_store_is_silent) {
  open(one_, "one");
  open(two_, "two");
  turn_to(one_);
  w.open(2);
  wait_for([&] { return w.running->status().cosigned_size == 2; });
  turn_to(two_);
  const auto cast = w.cast(1);
  for (auto& witness : w.witnesses) witness->up = false;
  auto waiting = std::async(std::launch::async, [&] { return w.post("/v1/ballot", cast.body()); });
  wait_for([&] { return of(one_).status().ballots == 1; });
  two_.store->answers = false;
  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  const auto reply = waiting.get();
  ASSERT_EQ(reply.status, 200);
  EXPECT_TRUE(decode<SubmitAnswer>(reply.body)->receipt.checkpoint.empty());
  two_.store->answers = true;
}

TEST_F(PeersTest, Requests_that_look_for_the_newest_do_not_disturb_who_takes_over) {
  open(one_, "one");
  open(two_, "two");
  turn_to(one_);
  w.open(9);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    const auto cast = w.cast(n);
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  }
  turn_to(two_);
  std::atomic<bool> end{false};
  std::vector<std::jthread> asking;
  const VerifyRequest nobodys{w.e->election().fingerprint(), {}, {}};
  for (int i = 0; i < 3; ++i)
    asking.emplace_back([&] {
      while (!end) EXPECT_EQ(w.post("/v1/verify", encode(nobodys)).status, 404);
    });
  forget("one");
  one_.collector.reset();
  wait_for([&] { return w.running->status().sequencing; });
  for (std::uint64_t n = 4; n <= 9; ++n) {
    const auto cast = w.cast(n);
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  }
  end = true;
  asking.clear();
  EXPECT_EQ(w.running->status().ballots, 9U);
  expect_one_log();
}

}  // namespace
}  // namespace psephos::test
