#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <random>
#include <set>
#include <thread>

#include "collector/sqlite_store.h"
#include "tests/collector/collector_fixture.h"
#include "tests/collector/lossy_disk.h"

// A power cut at any moment (A91): what was not synced is lost in part, and still every acknowledged ballot
// is there, under the same index, and no witness knows more of the log than the disk does.
namespace psephos::test {
namespace {

struct Image {
  std::filesystem::path directory;
  std::map<BallotId, std::uint64_t> acknowledged;  // before the cut, with their index
  std::vector<WitnessedHead> witnessed;            // before the cut
};

/// Voters cast at full speed while images of power cuts are taken.
class PowerCutTest : public testing::Test {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::warn); }
  void TearDown() override { LossyDisk::instance().reset(LossyDisk::Sync::kHonest); }

  std::vector<Image> images_under_load(CollectorWorld& w, LossyDisk::Sync sync, int cuts,
                                       std::mt19937_64& random) {
    LossyDisk& disk = LossyDisk::instance();
    disk.reset(sync);
    w.start();
    w.open(kVoters);
    std::mutex mutex;
    std::map<BallotId, std::uint64_t> acknowledged;
    std::atomic<bool> end{false};
    std::vector<std::jthread> voters;
    for (std::uint64_t t = 0; t < kThreads; ++t)
      voters.emplace_back([&, t] {
        for (std::uint64_t n = 1 + t; !end; n = n + kThreads > kVoters ? 1 + t : n + kThreads) {
          w.now_ms += 1000;  // so that tickets are not refused for their number
          const auto ticket = w.ticket(n);
          if (!ticket) continue;
          const auto cast = w.cast(n, *ticket);
          const auto reply = w.post("/v1/ballot", cast.body());
          const auto answer = decode<SubmitAnswer>(reply.body);
          if (reply.status != 200 || !answer) continue;
          const auto statement = check_receipt_statement(w.e->election(), answer->receipt, cast.id);
          const std::lock_guard lock(mutex);
          if (statement) acknowledged.emplace(cast.id, statement->index);
        }
      });
    std::vector<Image> images;
    for (int i = 0; i < cuts; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 + random() % 60));
      Image image{w.directory.path() / ("cut-" + std::to_string(i)), {}, {}};
      {
        const std::lock_guard lock(mutex);
        image.acknowledged = acknowledged;
      }
      for (auto& witness : w.witnesses) {
        const std::lock_guard lock(witness->mutex);
        if (const auto last = witness->store.last(w.e->election().log_origin()).value())
          image.witnessed.push_back(*last);
      }
      disk.cut(image.directory, random);
      images.push_back(std::move(image));
    }
    end = true;
    voters.clear();
    EXPECT_GT(acknowledged.size(), 10U);
    w.running.reset();
    return images;
  }

  /// Empty if the image is a sound store with all that was acknowledged; else what is wrong.
  static std::string verdict(const CollectorWorld& w, const Image& image) {
    const Election& election = w.e->election();
    const auto store = collector::SqliteStore::open(
        collector::store_path(image.directory), election.fingerprint(), collector::StoreAccess::kReadWrite);
    if (!store) return to_string(store.error());
    collector::Ledger ledger(election);
    if (const auto replayed = replay_store(**store, ledger); !replayed) return to_string(replayed.error());
    for (const auto& [id, index] : image.acknowledged)
      if (ledger.state.index_of(id) != index)
        return "an acknowledged ballot is missing: " + std::to_string(index) + " of " +
               std::to_string(ledger.tree.size()) + " acks " + std::to_string(image.acknowledged.size());
    for (const WitnessedHead& head : image.witnessed) {
      if (head.size > ledger.tree.size()) return "a witness knows more of the log than the disk";
      if (ledger.tree.root(head.size) != head.root) return "a witness knows another log";
    }
    return "";
  }

  static constexpr std::uint64_t kVoters = 24;
  static constexpr std::uint64_t kThreads = 4;
};

TEST_F(PowerCutTest, A91_whatever_was_not_synced_no_acknowledged_ballot_is_lost) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  CollectorWorld w;
  const auto images = images_under_load(w, LossyDisk::Sync::kHonest, 40, random);
  EXPECT_GT(LossyDisk::instance().syncs(), 40U);
  std::size_t acknowledged = 0;
  for (const Image& image : images) {
    EXPECT_EQ(verdict(w, image), "") << image.directory;
    acknowledged = image.acknowledged.size();
  }
  std::cout << images.size() << " power cuts, " << acknowledged << " ballots acknowledged before the last\n";
}

TEST_F(PowerCutTest, A_disk_that_lies_about_syncing_is_found_out) {
  std::mt19937_64 random(1);
  CollectorWorld w;
  const auto images = images_under_load(w, LossyDisk::Sync::kLying, 10, random);
  int lost = 0;
  for (const Image& image : images) lost += verdict(w, image).empty() ? 0 : 1;
  EXPECT_GT(lost, 5);
}

}  // namespace
}  // namespace psephos::test
