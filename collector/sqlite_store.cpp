#include "collector/sqlite_store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <mutex>

namespace psephos::collector {

namespace {

/// The schema, step by step: a store of an earlier version is brought up to date when it is opened for
/// writing. PRAGMA user_version counts the steps taken.
constexpr const char* kMigrations[] = {R"(
CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one = 1), size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE entries(idx INTEGER PRIMARY KEY, entry BLOB NOT NULL, salt BLOB NOT NULL, item BLOB NOT NULL);
CREATE TABLE ballots(id BLOB PRIMARY KEY, idx INTEGER NOT NULL UNIQUE, fetch_hash BLOB,
                     fetches INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE checkpoints(size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL);
)",
                                       R"(
ALTER TABLE head ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
CREATE TABLE lease(one INTEGER PRIMARY KEY CHECK(one = 1), holder TEXT NOT NULL, address TEXT NOT NULL,
                   until_ms INTEGER NOT NULL);
INSERT INTO lease(one, holder, address, until_ms) VALUES (1, '', '', 0);
CREATE TABLE signed_heads(size INTEGER PRIMARY KEY, root BLOB NOT NULL);
)"};
constexpr std::uint64_t kVersion = std::size(kMigrations);
constexpr std::string_view kFormat = "psephos-collector-store/1";

/// What a result code of SQLite means to the caller (collector/store.h).
Rejection failure(sqlite3* db, int code) {
  const std::string words =
      std::string("store: ") + (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
      return {Reason::kServiceUnavailable, words};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
      return {Reason::kStoreInconsistent, words};
    default:
      return {Reason::kFileUnreadable, words};
  }
}
std::unexpected<Rejection> inconsistent(std::string what) {
  return reject(Reason::kStoreInconsistent, "store: " + std::move(what));
}

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// One prepared statement. The first failure is kept, and turns all that follows into nothing.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    note(sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& bind(int at, std::uint64_t value) {
    if (value > INT64_MAX) note(SQLITE_MISMATCH);
    if (!failed_) note(sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value)));
    return *this;
  }
  Statement& bind(int at, ByteView value) {
    if (!failed_)
      note(sqlite3_bind_blob64(statement_, at,
                               value.empty() ? reinterpret_cast<const std::uint8_t*>("") : value.data(),
                               value.size(), SQLITE_STATIC));
    return *this;
  }
  Statement& bind(int at, std::string_view value) {
    if (!failed_)
      note(sqlite3_bind_text64(statement_, at, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8));
    return *this;
  }
  /// Whether there is a row.
  bool step() {
    if (failed_) return false;
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) note(code);
    return code == SQLITE_ROW;
  }
  /// Runs a statement without rows, ready to be bound again.
  void run() {
    while (step()) {
    }
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }
  Result<void, Rejection> done() const {
    if (failed_) return std::unexpected(*failed_);
    return {};
  }
  std::uint64_t integer(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  ByteView blob(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  /// Exactly N bytes; anything else is the store's fault.
  template <std::size_t N>
  ByteArray<N> fixed(int column) {
    ByteArray<N> out{};
    const ByteView bytes = blob(column);
    if (bytes.size() == N)
      std::copy(bytes.begin(), bytes.end(), out.begin());
    else if (!failed_)
      failed_ = Rejection{Reason::kStoreInconsistent, "store: a value of another width"};
    return out;
  }

 private:
  void note(int code) {
    if (code != SQLITE_OK && !failed_) failed_ = failure(db_, code);
  }
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  std::optional<Rejection> failed_;
};

Result<void, Rejection> execute(sqlite3* db, const char* sql) {
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(failure(db, code));
  return {};
}

/// A write transaction that is rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(sqlite3* db) : db_(db), begun_(execute(db, "BEGIN IMMEDIATE")) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (begun_ && !committed_) static_cast<void>(execute(db_, "ROLLBACK"));
  }
  const Result<void, Rejection>& begun() const { return begun_; }
  Result<void, Rejection> commit() {
    auto outcome = execute(db_, "COMMIT");
    committed_ = outcome.has_value();
    return outcome;
  }

 private:
  sqlite3* db_;
  Result<void, Rejection> begun_;
  bool committed_ = false;
};

Result<Database, Rejection> connect(const std::filesystem::path& file, int flags) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database db(raw);
  if (code != SQLITE_OK)
    return reject(Reason::kFileUnreadable,
                  file.string() + ": " + (raw != nullptr ? sqlite3_errmsg(raw) : "no memory"));
  sqlite3_busy_timeout(raw, 5000);
  if (auto ok = execute(raw, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
      !ok)
    return std::unexpected(ok.error());
  return db;
}

Result<std::optional<StoredCheckpoint>, Rejection> read_checkpoint(Statement& statement) {
  std::optional<StoredCheckpoint> out;
  if (statement.step())
    out = StoredCheckpoint{{statement.integer(0), statement.fixed<32>(1)},
                           std::string(text_of(statement.blob(2)))};
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  return out;
}

struct FencedHead {
  Head head;
  std::uint64_t epoch = 0;
};

Result<FencedHead, Rejection> read_head(sqlite3* db) {
  Statement statement(db, "SELECT size, root, epoch FROM head");
  FencedHead out;
  const bool found = statement.step();
  if (found) out = {{statement.integer(0), statement.fixed<32>(1)}, statement.integer(2)};
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  if (!found) return inconsistent("it has no head");
  return out;
}

/// The head, for whoever writes under the newest epoch.
Result<Head, Rejection> fenced_head(sqlite3* db, std::uint64_t epoch) {
  const auto head = read_head(db);
  if (!head) return std::unexpected(head.error());
  if (head->epoch != epoch) return reject(Reason::kNotSequencing, "another collector orders the log");
  return head->head;
}

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Result<void, Rejection> migrate(sqlite3* db, const std::string& file, const Digest256& fingerprint) {
  Statement tables(db, "SELECT count(*) FROM sqlite_schema");
  const bool is_new = tables.step() && tables.integer(0) == 0;
  if (auto ok = tables.done(); !ok) return ok;
  Statement user_version(db, "PRAGMA user_version");
  std::uint64_t version = user_version.step() ? user_version.integer(0) : 0;
  if (auto ok = user_version.done(); !ok) return ok;
  if (version == 0 && !is_new) version = 1;  // the first stores did not say
  if (version > kVersion) return inconsistent(file + " was written by a newer program");
  for (; version < kVersion; ++version)
    if (auto ok = execute(db, kMigrations[version]); !ok) return ok;
  if (auto ok = execute(db, ("PRAGMA user_version=" + std::to_string(kVersion)).c_str()); !ok) return ok;
  if (!is_new) return {};
  Statement meta(db, "INSERT INTO meta(key, value) VALUES (?, ?)");
  meta.bind(1, std::string_view("format")).bind(2, bytes_of(kFormat)).run();
  meta.bind(1, std::string_view("fingerprint")).bind(2, fingerprint).run();
  Statement head(db, "INSERT INTO head(one, size, root) VALUES (1, 0, ?)");
  const Digest256 empty = sha256({});  // RFC 6962: the root of no entries
  head.bind(1, empty).run();
  if (auto ok = meta.done(); !ok) return ok;
  return head.done();
}

}  // namespace

std::filesystem::path store_path(const std::filesystem::path& directory) {
  return directory / "store.sqlite";
}

struct SqliteStore::Connections {
  std::mutex writing;
  Database writer;
  std::uint64_t epoch = 0;  // of the lease that this one took
  std::mutex reading;
  Database reader;
};

SqliteStore::SqliteStore(std::unique_ptr<Connections> connections) : connections_(std::move(connections)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>, Rejection> SqliteStore::open(const std::filesystem::path& file,
                                                                  const Digest256& fingerprint,
                                                                  StoreAccess access) {
  auto connections = std::make_unique<Connections>();
  if (access == StoreAccess::kReadWrite) {
    const mode_t mask = ::umask(0077);  // names and ballots: for the operator's account only
    auto writer = connect(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    ::umask(mask);
    if (!writer) return std::unexpected(writer.error());
    connections->writer = std::move(*writer);
    sqlite3* db = connections->writer.get();
    if (auto ok = execute(db, "PRAGMA journal_mode=WAL"); !ok) return std::unexpected(ok.error());
    Transaction transaction(db);
    if (!transaction.begun()) return std::unexpected(transaction.begun().error());
    if (auto ok = migrate(db, file.string(), fingerprint); !ok) return std::unexpected(ok.error());
    if (auto ok = transaction.commit(); !ok) return std::unexpected(ok.error());
  }
  auto reader = connect(file, SQLITE_OPEN_READONLY);
  if (!reader) return std::unexpected(reader.error());
  connections->reader = std::move(*reader);

  Statement meta(connections->reader.get(), "SELECT value FROM meta WHERE key = ?");
  const auto value_of = [&](std::string_view key) {
    Statement statement(connections->reader.get(), "SELECT value FROM meta WHERE key = ?");
    return statement.bind(1, key).step() ? copy_of(statement.blob(0)) : Bytes();
  };
  if (auto ok = meta.done(); !ok) return std::unexpected(ok.error());
  if (!equal(value_of("format"), bytes_of(kFormat)))
    return inconsistent(file.string() + " is no collector's store");
  if (!equal(value_of("fingerprint"), fingerprint)) return reject(Reason::kElectionFpMismatch, file.string());
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(connections)));
}

Result<Head, Rejection> SqliteStore::head() {
  const std::lock_guard lock(connections_->reading);
  const auto read = read_head(connections_->reader.get());
  if (!read) return std::unexpected(read.error());
  return read->head;
}

Result<Lease, Rejection> SqliteStore::lease() {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(),
                      "SELECT head.epoch, holder, address, until_ms FROM lease, head");
  Lease out;
  if (statement.step())
    out = {statement.integer(0), std::string(text_of(statement.blob(1))),
           std::string(text_of(statement.blob(2))), statement.integer(3) > now_ms()};
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  return out;
}

Result<bool, Rejection> SqliteStore::take_lease(const std::string& holder, const std::string& address,
                                                std::chrono::milliseconds duration) {
  const std::lock_guard lock(connections_->writing);
  sqlite3* db = connections_->writer.get();
  Transaction transaction(db);
  if (!transaction.begun()) return std::unexpected(transaction.begun().error());
  const std::uint64_t now = now_ms();
  Statement take(db,
                 "UPDATE lease SET holder = ?, address = ?, until_ms = ? "
                 "WHERE until_ms <= ? OR holder = ?");
  take.bind(1, std::string_view(holder)).bind(2, std::string_view(address));
  take.bind(3, now + static_cast<std::uint64_t>(duration.count())).bind(4, now);
  take.bind(5, std::string_view(holder)).run();
  if (auto ok = take.done(); !ok) return std::unexpected(ok.error());
  if (sqlite3_changes(db) == 0) return false;
  if (auto ok = execute(db, "UPDATE head SET epoch = epoch + 1"); !ok) return std::unexpected(ok.error());
  const auto head = read_head(db);
  if (!head) return std::unexpected(head.error());
  if (auto ok = transaction.commit(); !ok) return std::unexpected(ok.error());
  connections_->epoch = head->epoch;
  return true;
}

Result<bool, Rejection> SqliteStore::renew_lease(std::chrono::milliseconds duration) {
  const std::lock_guard lock(connections_->writing);
  sqlite3* db = connections_->writer.get();
  Statement statement(db, "UPDATE lease SET until_ms = ? WHERE EXISTS (SELECT 1 FROM head WHERE epoch = ?)");
  statement.bind(1, now_ms() + static_cast<std::uint64_t>(duration.count()));
  statement.bind(2, connections_->epoch).run();
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  return sqlite3_changes(db) == 1;
}

Result<void, Rejection> SqliteStore::release_lease() {
  const auto ended = renew_lease(std::chrono::milliseconds(0));
  if (!ended) return std::unexpected(ended.error());
  return {};
}

Result<void, Rejection> SqliteStore::append(const Head& before, std::span<const NewEntry> entries,
                                            const Head& after) {
  if (before.size + entries.size() != after.size) return inconsistent("an append of another length");
  const std::lock_guard lock(connections_->writing);
  sqlite3* db = connections_->writer.get();
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  const auto head = fenced_head(db, connections_->epoch);
  if (!head) return std::unexpected(head.error());
  if (*head != before) return inconsistent("its head is another than this process left");

  Statement entry(db, "INSERT INTO entries(idx, entry, salt, item) VALUES (?, ?, ?, ?)");
  Statement ballot(db, "INSERT INTO ballots(id, idx, fetch_hash) VALUES (?, ?, ?)");
  std::uint64_t index = before.size;
  for (const NewEntry& e : entries) {
    entry.bind(1, index).bind(2, e.entry).bind(3, e.salt).bind(4, e.item).run();
    if (e.ballot) ballot.bind(1, e.ballot->id).bind(2, index).bind(3, e.ballot->fetch_secret_hash).run();
    ++index;
  }
  Statement update(db, "UPDATE head SET size = ?, root = ?");
  update.bind(1, after.size).bind(2, after.root).run();
  for (const Statement* statement : {&entry, &ballot, &update})
    if (auto ok = statement->done(); !ok) return ok;
  return transaction.commit();
}

Result<void, Rejection> SqliteStore::put_signed_head(const Head& signed_head) {
  const std::lock_guard lock(connections_->writing);
  sqlite3* db = connections_->writer.get();
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  const auto head = fenced_head(db, connections_->epoch);
  if (!head) return std::unexpected(head.error());
  if (signed_head.size > head->size) return inconsistent("a head that the log has not reached");
  Statement insert(db, "INSERT OR IGNORE INTO signed_heads(size, root) VALUES (?, ?)");
  insert.bind(1, signed_head.size).bind(2, signed_head.root).run();
  if (auto ok = insert.done(); !ok) return ok;
  Statement stored(db, "SELECT root FROM signed_heads WHERE size = ?");
  const bool same = stored.bind(1, signed_head.size).step() && stored.fixed<32>(0) == signed_head.root;
  if (auto ok = stored.done(); !ok) return ok;
  if (!same) return inconsistent("two roots of one size");
  return transaction.commit();
}

Result<void, Rejection> SqliteStore::put_checkpoint(const StoredCheckpoint& checkpoint) {
  const std::lock_guard lock(connections_->writing);
  sqlite3* db = connections_->writer.get();
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  Statement existing(db, "SELECT size, root, note FROM checkpoints WHERE size = ?");
  existing.bind(1, checkpoint.head.size);
  const auto stored = read_checkpoint(existing);
  if (!stored) return std::unexpected(stored.error());
  if (*stored) {
    if ((*stored)->head != checkpoint.head) return inconsistent("two roots of one size");
    return {};
  }
  Statement insert(db, "INSERT INTO checkpoints(size, root, note) VALUES (?, ?, ?)");
  insert.bind(1, checkpoint.head.size).bind(2, checkpoint.head.root).bind(3, checkpoint.note).run();
  if (auto ok = insert.done(); !ok) return ok;
  return transaction.commit();
}

Result<std::optional<StoredCheckpoint>, Rejection> SqliteStore::checkpoint_covering(std::uint64_t index) {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(),
                      "SELECT size, root, note FROM checkpoints WHERE size > ? ORDER BY size LIMIT 1");
  statement.bind(1, index);
  return read_checkpoint(statement);
}

Result<std::optional<StoredCheckpoint>, Rejection> SqliteStore::latest_checkpoint() {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(),
                      "SELECT size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1");
  return read_checkpoint(statement);
}

namespace {

constexpr const char* kSelectEntries =
    "SELECT e.idx, e.entry, e.salt, e.item, b.id FROM entries e LEFT JOIN ballots b ON b.idx = e.idx "
    "WHERE e.idx >= ? ORDER BY e.idx";

StoredEntry entry_of(Statement& statement) {
  StoredEntry out{.index = statement.integer(0),
                  .entry = statement.fixed<34>(1),
                  .salt = statement.fixed<32>(2),
                  .item = copy_of(statement.blob(3)),
                  .ballot_id = std::nullopt};
  if (!statement.is_null(4)) out.ballot_id = statement.fixed<32>(4);
  return out;
}

}  // namespace

Result<StoredEntry, Rejection> SqliteStore::entry(std::uint64_t index) {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(), kSelectEntries);
  StoredEntry out;
  const bool found = statement.bind(1, index).step();
  if (found) out = entry_of(statement);
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  if (!found || out.index != index) return inconsistent("entry " + std::to_string(index) + " is missing");
  return out;
}

Result<Bytes, Rejection> SqliteStore::entry_bytes(std::uint64_t from, std::uint64_t count) {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(),
                      "SELECT entry FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?");
  statement.bind(1, from).bind(2, count);
  Bytes out;
  while (statement.step()) psephos::append(out, statement.fixed<34>(0));
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  return out;
}

Result<void, Rejection> SqliteStore::for_each(
    std::uint64_t from, const std::function<Result<void, Rejection>(const StoredEntry&)>& visit) {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(), kSelectEntries);
  statement.bind(1, from);
  std::uint64_t expected = from;
  while (statement.step()) {
    const StoredEntry e = entry_of(statement);
    if (auto ok = statement.done(); !ok) return ok;
    if (e.index != expected++) return inconsistent("entry " + std::to_string(expected - 1) + " is missing");
    if (auto ok = visit(e); !ok) return ok;
  }
  return statement.done();
}

Result<std::optional<FetchRecord>, Rejection> SqliteStore::fetch_record(const BallotId& id) {
  const std::lock_guard lock(connections_->reading);
  Statement statement(connections_->reader.get(),
                      "SELECT idx, fetch_hash, fetches FROM ballots WHERE id = ?");
  std::optional<FetchRecord> out;
  if (statement.bind(1, id).step()) {
    out = FetchRecord{statement.integer(0), std::nullopt, statement.integer(2)};
    if (!statement.is_null(1)) out->fetch_secret_hash = statement.fixed<32>(1);
  }
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  return out;
}

Result<bool, Rejection> SqliteStore::count_fetch(const BallotId& id, std::uint64_t max) {
  const std::lock_guard lock(connections_->writing);
  sqlite3* db = connections_->writer.get();
  Statement statement(db, "UPDATE ballots SET fetches = fetches + 1 WHERE id = ? AND fetches < ?");
  statement.bind(1, id).bind(2, max).run();
  if (auto ok = statement.done(); !ok) return std::unexpected(ok.error());
  return sqlite3_changes(db) == 1;
}

Result<void, Rejection> SqliteStore::erase_fetch_secrets() {
  const std::lock_guard lock(connections_->writing);
  return execute(
      connections_->writer.get(),
      "PRAGMA secure_delete=ON; UPDATE ballots SET fetch_hash = NULL; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace psephos::collector
