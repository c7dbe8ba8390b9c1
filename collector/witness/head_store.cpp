#include "collector/witness/head_store.h"

#include <sqlite3.h>

#include <algorithm>

namespace psephos {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSchema = R"(
CREATE TABLE witness(vkey TEXT NOT NULL) STRICT;
CREATE TABLE head(origin TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK(size >= 0),
                  root BLOB NOT NULL CHECK(length(root) = 32), note TEXT NOT NULL) STRICT;
CREATE TABLE equivocation(origin TEXT NOT NULL, held TEXT NOT NULL, offered TEXT NOT NULL,
                          UNIQUE(origin, held, offered)) STRICT;
)";

}  // namespace

/// A connection; every failure names the file.
class SqliteHeadStore::Database {
 public:
  static Result<std::unique_ptr<Database>, Rejection> open(const fs::path& path, int flags) {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    std::unique_ptr<Database> out(new Database(handle, path.string()));
    if (code != SQLITE_OK) return out->fault();
    sqlite3_busy_timeout(handle, 5000);
    // In write-ahead mode a synced commit is durable; with a rollback journal it is so only once the
    // directory is synced too.
    for (const char* pragma :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"})
      if (auto done = out->execute(pragma); !done) return std::unexpected(done.error());
    return out;
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(handle_); }

  std::unexpected<Rejection> fault() const {
    return reject(Reason::kFileUnreadable,
                  path_ + ": " + (handle_ != nullptr ? sqlite3_errmsg(handle_) : "out of memory"));
  }
  std::unexpected<Rejection> inconsistent(const char* what) const {
    return reject(Reason::kStoreInconsistent, path_ + ": " + what);
  }
  Result<void, Rejection> execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fault();
    return {};
  }
  sqlite3* handle() const { return handle_; }

 private:
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  sqlite3* handle_;
  std::string path_;
};

namespace {

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    code_ = sqlite3_prepare_v2(database, sql, -1, &handle_, nullptr);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(handle_); }

  // Bound memory outlives the statement's steps: callers keep it.
  Statement& text(int index, std::string_view value) {
    return note(sqlite3_bind_text64(handle_, index, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  Statement& blob(int index, ByteView value) {
    return note(sqlite3_bind_blob64(handle_, index, value.data(), value.size(), SQLITE_STATIC));
  }
  Statement& number(int index, std::uint64_t value) {
    return note(sqlite3_bind_int64(handle_, index, static_cast<sqlite3_int64>(value)));
  }
  /// SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return code_ == SQLITE_OK ? sqlite3_step(handle_) : code_; }
  std::string text_at(int column) const {
    const auto* bytes = sqlite3_column_text(handle_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size);
  }
  std::uint64_t number_at(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(handle_, column));
  }
  std::optional<Digest256> digest_at(int column) const {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_, column));
    if (bytes == nullptr || sqlite3_column_bytes(handle_, column) != 32) return std::nullopt;
    Digest256 out{};
    std::copy_n(bytes, out.size(), out.begin());
    return out;
  }

 private:
  Statement& note(int code) {
    if (code_ == SQLITE_OK) code_ = code;
    return *this;
  }
  sqlite3_stmt* handle_ = nullptr;
  int code_ = SQLITE_OK;
};

}  // namespace

SqliteHeadStore::SqliteHeadStore(std::unique_ptr<Database> database, NoteKey witness)
    : database_(std::move(database)), witness_(std::move(witness)) {}
SqliteHeadStore::SqliteHeadStore(SqliteHeadStore&&) noexcept = default;
SqliteHeadStore& SqliteHeadStore::operator=(SqliteHeadStore&&) noexcept = default;
SqliteHeadStore::~SqliteHeadStore() = default;

Result<SqliteHeadStore, Rejection> SqliteHeadStore::create(const fs::path& path, const NoteKey& witness) {
  std::error_code error;
  if (fs::exists(path, error)) return reject(Reason::kStoreKeyExists, path.string());
  auto database = Database::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!database) return std::unexpected(database.error());
  if (auto begun = (*database)->execute("BEGIN IMMEDIATE"); !begun) return std::unexpected(begun.error());
  if (auto made = (*database)->execute(kSchema); !made) return std::unexpected(made.error());
  const std::string vkey = witness.encode();
  if (Statement insert((*database)->handle(), "INSERT INTO witness(vkey) VALUES (?1)");
      insert.text(1, vkey).step() != SQLITE_DONE)
    return (*database)->fault();
  if (auto done = (*database)->execute("COMMIT"); !done) return std::unexpected(done.error());
  return SqliteHeadStore(std::move(*database), witness);
}

Result<SqliteHeadStore, Rejection> SqliteHeadStore::open(const fs::path& path) {
  auto database = Database::open(path, SQLITE_OPEN_READWRITE);
  if (!database) return std::unexpected(database.error());
  if (Statement check((*database)->handle(), "PRAGMA quick_check");
      check.step() != SQLITE_ROW || check.text_at(0) != "ok")
    return (*database)->inconsistent("the file is damaged");
  Statement select((*database)->handle(), "SELECT vkey FROM witness");
  if (select.step() != SQLITE_ROW) return (*database)->inconsistent("not the state of a witness");
  auto witness = NoteKey::decode(select.text_at(0));
  if (!witness || witness->type != NoteKeyType::kCosigner || select.step() != SQLITE_DONE)
    return (*database)->inconsistent("not the state of one witness");
  return SqliteHeadStore(std::move(*database), std::move(*witness));
}

Result<std::optional<WitnessedHead>, Rejection> SqliteHeadStore::last(const std::string& origin) {
  Statement select(database_->handle(), "SELECT size, root, note FROM head WHERE origin = ?1");
  const int code = select.text(1, origin).step();
  if (code == SQLITE_DONE) return std::optional<WitnessedHead>();
  if (code != SQLITE_ROW) return database_->fault();
  const auto root = select.digest_at(1);
  if (!root) return database_->inconsistent("a root of another width");
  return std::optional<WitnessedHead>({select.number_at(0), *root, select.text_at(2)});
}

Result<bool, Rejection> SqliteHeadStore::advance(const std::string& origin,
                                                 const std::optional<WitnessedHead>& expected,
                                                 const WitnessedHead& next) {
  if (auto begun = database_->execute("BEGIN IMMEDIATE"); !begun) return std::unexpected(begun.error());
  const auto give_up = [&](Rejection why) -> Result<bool, Rejection> {
    sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    return std::unexpected(std::move(why));
  };
  const auto held = last(origin);
  if (!held) return give_up(held.error());
  const bool unchanged = held->has_value() == expected.has_value() &&
                         (!expected || ((*held)->size == expected->size && (*held)->root == expected->root));
  if (!unchanged) {
    sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    return false;
  }
  if (Statement upsert(database_->handle(),
                       "INSERT INTO head(origin, size, root, note) VALUES (?1, ?2, ?3, ?4) "
                       "ON CONFLICT(origin) DO UPDATE SET size = ?2, root = ?3, note = ?4");
      upsert.text(1, origin).number(2, next.size).blob(3, next.root).text(4, next.note).step() != SQLITE_DONE)
    return give_up(database_->fault().error());
  if (auto done = database_->execute("COMMIT"); !done) return give_up(done.error());
  return true;
}

Result<void, Rejection> SqliteHeadStore::keep(const Equivocation& proof) {
  Statement insert(database_->handle(),
                   "INSERT OR IGNORE INTO equivocation(origin, held, offered) SELECT ?1, ?2, ?3 "
                   "WHERE (SELECT count(*) FROM equivocation) < ?4");
  if (insert.text(1, proof.origin)
          .text(2, proof.held)
          .text(3, proof.offered)
          .number(4, kMaxEquivocations)
          .step() != SQLITE_DONE)
    return database_->fault();
  return {};
}

Result<std::vector<std::string>, Rejection> SqliteHeadStore::origins() {
  Statement select(database_->handle(), "SELECT origin FROM head ORDER BY origin");
  std::vector<std::string> out;
  int code = select.step();
  for (; code == SQLITE_ROW; code = select.step()) out.push_back(select.text_at(0));
  if (code != SQLITE_DONE) return database_->fault();
  return out;
}

Result<std::vector<Equivocation>, Rejection> SqliteHeadStore::equivocations() {
  Statement select(database_->handle(), "SELECT origin, held, offered FROM equivocation ORDER BY rowid");
  std::vector<Equivocation> out;
  int code = select.step();
  for (; code == SQLITE_ROW; code = select.step())
    out.push_back({select.text_at(0), select.text_at(1), select.text_at(2)});
  if (code != SQLITE_DONE) return database_->fault();
  return out;
}

}  // namespace psephos
