#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <thread>

#include "collector/sqlite_store.h"
#include "tests/collector/collector_fixture.h"

namespace psephos::test {
namespace {

using collector::Head;
using collector::NewEntry;
using collector::SqliteStore;
using collector::StoreAccess;

class StoreTest : public testing::Test {
 protected:
  StoreTest() { fingerprint_.fill(7); }
  std::unique_ptr<SqliteStore> open() {
    return SqliteStore::open(file(), fingerprint_, StoreAccess::kReadWrite).value();
  }
  std::filesystem::path file() const { return directory_.path() / "store.sqlite"; }
  NewEntry entry(std::uint8_t n, bool ballot) {
    NewEntry out{
        .type = EntryType::kBallot, .entry = {}, .salt = {}, .item = Bytes(n, n), .ballot = std::nullopt};
    out.salt.fill(n);
    out.entry = make_entry(out.type, out.salt, out.item);
    if (ballot) out.ballot = collector::BallotKey{sha256(out.item), sha256(out.salt)};
    return out;
  }
  static Head head(std::uint64_t size, std::uint8_t n) {
    Head out{size, {}};
    out.root.fill(n);
    return out;
  }
  TemporaryDirectory directory_;
  Digest256 fingerprint_{};
};

TEST_F(StoreTest, A_new_store_is_an_empty_log_and_knows_its_election) {
  {
    const auto store = open();
    EXPECT_EQ(store->head().value(), (Head{0, empty_root()}));
    EXPECT_EQ(store->latest_checkpoint().value(), std::nullopt);
  }
  Digest256 other = fingerprint_;
  other[0] ^= 1;
  EXPECT_EQ(SqliteStore::open(file(), other, StoreAccess::kReadWrite).error().reason,
            Reason::kElectionFpMismatch);
  EXPECT_TRUE(SqliteStore::open(file(), fingerprint_, StoreAccess::kReadOnly));
  EXPECT_EQ(
      SqliteStore::open(directory_.path() / "none", fingerprint_, StoreAccess::kReadOnly).error().reason,
      Reason::kFileUnreadable);
}

TEST_F(StoreTest, One_lease_at_a_time_and_an_old_epoch_writes_nothing) {
  using std::chrono::milliseconds;
  const auto one = open();
  const auto other = open();
  EXPECT_FALSE(one->lease()->runs);
  ASSERT_TRUE(one->take_lease("one", "https://one", milliseconds(60'000)).value());
  EXPECT_FALSE(other->take_lease("other", "https://other", milliseconds(60'000)).value());
  const auto lease = other->lease().value();
  EXPECT_TRUE(lease.runs);
  EXPECT_EQ(lease.holder, "one");
  EXPECT_EQ(lease.address, "https://one");
  const Head empty{0, empty_root()};
  ASSERT_TRUE(one->append(empty, std::vector{entry(1, true)}, head(1, 1)));
  ASSERT_TRUE(one->put_signed_head(head(1, 1)));

  // It falls asleep, and another takes over.
  ASSERT_TRUE(one->renew_lease(milliseconds(1)).value());
  std::this_thread::sleep_for(milliseconds(5));
  ASSERT_TRUE(other->take_lease("other", "https://other", milliseconds(60'000)).value());
  EXPECT_EQ(other->lease()->epoch, lease.epoch + 1);
  EXPECT_EQ(one->append(head(1, 1), std::vector{entry(2, true)}, head(2, 2)).error().reason,
            Reason::kNotSequencing);
  EXPECT_EQ(one->put_signed_head(head(1, 1)).error().reason, Reason::kNotSequencing);
  EXPECT_FALSE(one->renew_lease(milliseconds(60'000)).value());
  ASSERT_TRUE(one->release_lease());
  EXPECT_TRUE(other->lease()->runs);
  EXPECT_EQ(other->head().value(), head(1, 1));
  ASSERT_TRUE(other->append(head(1, 1), std::vector{entry(2, true)}, head(2, 2)));
  ASSERT_TRUE(other->release_lease());
  EXPECT_FALSE(one->lease()->runs);
}

TEST_F(StoreTest, A_size_is_signed_under_one_root_and_never_before_the_log_has_it) {
  const auto store = open();
  ASSERT_TRUE(store->append({0, empty_root()}, std::vector{entry(1, true)}, head(1, 1)));
  EXPECT_EQ(store->put_signed_head(head(2, 2)).error().reason, Reason::kStoreInconsistent);
  ASSERT_TRUE(store->put_signed_head(head(1, 1)));
  ASSERT_TRUE(store->put_signed_head(head(1, 1)));
  EXPECT_EQ(store->put_signed_head(head(1, 2)).error().reason, Reason::kStoreInconsistent);
}

TEST_F(StoreTest, A_store_of_the_first_version_is_brought_up_to_date) {
  {
    const auto store = open();
    ASSERT_TRUE(store->append({0, empty_root()}, std::vector{entry(1, true)}, head(1, 1)));
  }
  const auto run = [this](const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  };
  run("DROP TABLE lease; DROP TABLE signed_heads; ALTER TABLE head DROP COLUMN epoch; PRAGMA user_version=0");
  {
    const auto store = open();
    EXPECT_EQ(store->head().value(), head(1, 1));
    ASSERT_TRUE(store->take_lease("one", "", std::chrono::milliseconds(1000)).value());
    ASSERT_TRUE(store->append(head(1, 1), std::vector{entry(2, true)}, head(2, 2)));
  }
  run("PRAGMA user_version=99");
  EXPECT_EQ(SqliteStore::open(file(), fingerprint_, StoreAccess::kReadWrite).error().reason,
            Reason::kStoreInconsistent);
}

TEST_F(StoreTest, An_append_is_whole_or_not_at_all) {
  const Head empty{0, empty_root()};
  const std::vector<NewEntry> first{entry(1, true), entry(2, false)};
  {
    const auto store = open();
    ASSERT_TRUE(store->append(empty, first, head(2, 2)));
    // Another head than the store's, or a length that does not fit.
    EXPECT_EQ(store->append(empty, first, head(2, 2)).error().reason, Reason::kStoreInconsistent);
    EXPECT_EQ(store->append(head(2, 9), std::vector{entry(3, true)}, head(3, 3)).error().reason,
              Reason::kStoreInconsistent);
    EXPECT_EQ(store->append(head(2, 2), std::vector{entry(3, true)}, head(4, 3)).error().reason,
              Reason::kStoreInconsistent);
    // The second of two entries repeats a ballot id: the first is not stored either.
    EXPECT_EQ(
        store->append(head(2, 2), std::vector{entry(3, true), entry(1, true)}, head(4, 4)).error().reason,
        Reason::kStoreInconsistent);
    EXPECT_EQ(store->head().value(), head(2, 2));
    EXPECT_EQ(store->entry(2).error().reason, Reason::kStoreInconsistent);
    EXPECT_EQ(store->fetch_record(sha256(entry(3, true).item)).value(), std::nullopt);
    ASSERT_TRUE(store->append(head(2, 2), std::vector{entry(3, true)}, head(3, 3)));
  }
  const auto store = open();
  EXPECT_EQ(store->head().value(), head(3, 3));
  EXPECT_EQ(store->entry(1)->item, first[1].item);
  EXPECT_EQ(store->entry(1)->ballot_id, std::nullopt);
  EXPECT_EQ(store->entry(0)->ballot_id, first[0].ballot->id);
  EXPECT_EQ(store->entry_bytes(1, 10)->size(), 2 * 34U);
  std::vector<std::uint64_t> seen;
  ASSERT_TRUE(store->for_each(0, [&](const collector::StoredEntry& e) -> Result<void, Rejection> {
    seen.push_back(e.index);
    return {};
  }));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST_F(StoreTest, One_root_for_a_size_and_the_first_note_stands) {
  const auto store = open();
  ASSERT_TRUE(store->put_checkpoint({head(2, 2), "first"}));
  ASSERT_TRUE(store->put_checkpoint({head(2, 2), "second"}));
  EXPECT_EQ(store->put_checkpoint({head(2, 3), "fork"}).error().reason, Reason::kStoreInconsistent);
  ASSERT_TRUE(store->put_checkpoint({head(5, 5), "fifth"}));
  EXPECT_EQ(store->checkpoint_covering(1).value()->note, "first");
  EXPECT_EQ(store->checkpoint_covering(2).value()->note, "fifth");
  EXPECT_EQ(store->checkpoint_covering(5).value(), std::nullopt);
  EXPECT_EQ(store->latest_checkpoint().value()->head, head(5, 5));
}

TEST_F(StoreTest, Fetches_are_counted_and_secrets_erased) {
  const auto store = open();
  ASSERT_TRUE(store->append({0, empty_root()}, std::vector{entry(1, true)}, head(1, 1)));
  const BallotId id = sha256(entry(1, true).item);
  EXPECT_EQ(store->fetch_record(id).value()->fetch_secret_hash, entry(1, true).ballot->fetch_secret_hash);
  EXPECT_TRUE(store->count_fetch(id, 2).value());
  EXPECT_TRUE(store->count_fetch(id, 2).value());
  EXPECT_FALSE(store->count_fetch(id, 2).value());
  EXPECT_FALSE(store->count_fetch(BallotId{}, 2).value());
  EXPECT_EQ(store->fetch_record(id).value()->fetches, 2U);
  ASSERT_TRUE(store->erase_fetch_secrets());
  EXPECT_EQ(store->fetch_record(id).value()->fetch_secret_hash, std::nullopt);
  // Neither table nor write-ahead log keeps the hash.
  const Digest256 secret = entry(1, true).ballot->fetch_secret_hash;
  for (const auto& path : std::filesystem::directory_iterator(directory_.path())) {
    std::ifstream in(path.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(bytes.find(std::string(text_of(secret))), std::string::npos) << path.path();
  }
}

TEST_F(StoreTest, A_damaged_file_is_no_store) {
  {
    std::ofstream(file()) << "this is no database at all, however long the text may go on and on and on";
  }
  EXPECT_EQ(SqliteStore::open(file(), fingerprint_, StoreAccess::kReadWrite).error().reason,
            Reason::kStoreInconsistent);
}

/// What the collector says when it starts over a store that somebody changed.
class TamperedStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    w.start();
    w.open(3);
    for (std::uint64_t n = 1; n <= 3; ++n) {
      const auto cast = w.cast(n);
      w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
    }
    w.running.reset();
  }
  void sql(const std::string& statement) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(collector::store_path(w.directory.path()).c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_changes(db), 1) << statement;
    sqlite3_close(db);
  }
  void expect(Reason reason, const std::string& where) {
    const auto opened = w.try_start();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, reason) << to_string(opened.error());
    EXPECT_NE(opened.error().object.find(where), std::string::npos) << opened.error().object;
  }
  CollectorWorld w;
};

TEST_F(TamperedStoreTest, Untouched_it_opens) {
  EXPECT_TRUE(w.try_start());
}
TEST_F(TamperedStoreTest, A_changed_item_is_not_what_its_entry_commits_to) {
  sql("UPDATE entries SET item = CAST(item || x'00' AS BLOB) WHERE idx = 3");
  expect(Reason::kLogLeafMismatch, "entry 3");
}
TEST_F(TamperedStoreTest, A_changed_salt_too) {
  sql("UPDATE entries SET salt = zeroblob(32) WHERE idx = 2");
  expect(Reason::kLogLeafMismatch, "entry 2");
}
TEST_F(TamperedStoreTest, A_missing_entry_is_missed) {
  sql("DELETE FROM entries WHERE idx = 3");
  expect(Reason::kStoreInconsistent, "entry 3");
}
TEST_F(TamperedStoreTest, A_cut_log_is_shorter_than_its_head) {
  sql("DELETE FROM entries WHERE idx = 4");
  expect(Reason::kStoreInconsistent, "head");
}
TEST_F(TamperedStoreTest, A_log_rolled_back_with_its_head_is_behind_its_own_checkpoint) {
  sql("DELETE FROM entries WHERE idx = 4");
  MerkleTree tree;
  {
    const auto store = SqliteStore::open(collector::store_path(w.directory.path()),
                                         w.e->election().fingerprint(), StoreAccess::kReadOnly);
    ASSERT_TRUE((*store)->for_each(0, [&](const collector::StoredEntry& e) -> Result<void, Rejection> {
      tree.append(leaf_hash(e.entry));
      return {};
    }));
  }
  sql("UPDATE head SET size = 4, root = x'" + to_hex(tree.root()) + "'");
  expect(Reason::kStoreInconsistent, "checkpoint of 5");
}
TEST_F(TamperedStoreTest, A_rolled_back_store_without_its_checkpoints_meets_witnesses_who_remember) {
  sql("DELETE FROM entries WHERE idx = 4");
  sql("DELETE FROM ballots WHERE idx = 4");
  MerkleTree tree;
  {
    const auto store = SqliteStore::open(collector::store_path(w.directory.path()),
                                         w.e->election().fingerprint(), StoreAccess::kReadOnly);
    ASSERT_TRUE((*store)->for_each(0, [&](const collector::StoredEntry& e) -> Result<void, Rejection> {
      tree.append(leaf_hash(e.entry));
      return {};
    }));
  }
  sql("UPDATE head SET size = 4, root = x'" + to_hex(tree.root()) + "'");
  sql("DELETE FROM checkpoints WHERE size = 5");
  w.start();
  const auto cast = w.cast(3);  // another fifth entry
  const auto answer = decode<SubmitAnswer>(w.post("/v1/ballot", cast.body()).body).value();
  EXPECT_TRUE(answer.receipt.checkpoint.empty()) << "no witness cosigns a second history";
}
TEST_F(TamperedStoreTest, Another_root_in_the_head_does_not_follow_from_the_entries) {
  sql("UPDATE head SET root = zeroblob(32)");
  expect(Reason::kLogRootMismatch, "head");
}
TEST_F(TamperedStoreTest, An_unknown_kind_of_entry_is_named) {
  sql("UPDATE entries SET entry = CAST(x'0199' || substr(entry, 3) AS BLOB) WHERE idx = 2");
  expect(Reason::kLogEntryUnknown, "entry 2");
}
TEST_F(TamperedStoreTest, A_ballot_id_that_points_elsewhere_is_noticed) {
  sql("UPDATE ballots SET id = zeroblob(32) WHERE idx = 2");
  expect(Reason::kStoreInconsistent, "entry 2");
}

}  // namespace
}  // namespace psephos::test
