#include "collector/export.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "collector/ledger.h"
#include "protocol/files/files.h"
#include "protocol/files/progress.h"
#include "protocol/record_layout.h"

namespace psephos::collector {

namespace {

namespace fs = std::filesystem;

std::unexpected<Rejection> unwritable(const fs::path& path, const char* why) {
  return reject(Reason::kFileUnreadable, path.string() + ": " + why);
}

/// A file that grows by pieces and is on disk when `finish` has succeeded.
class PieceWriter {
 public:
  static Result<PieceWriter, Rejection> create(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::unique_ptr<std::FILE, Close> file(error ? nullptr : std::fopen(path.c_str(), "wbx"));
    if (!file) return unwritable(path, error ? error.message().c_str() : std::strerror(errno));
    return PieceWriter(path, std::move(file));
  }
  void write(ByteView bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) failed_ = true;
  }
  Result<void, Rejection> finish() {
    if (failed_ || std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0)
      return unwritable(path_, std::strerror(errno));
    return {};
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  PieceWriter(fs::path path, std::unique_ptr<std::FILE, Close> file)
      : path_(std::move(path)), file_(std::move(file)) {}
  fs::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  bool failed_ = false;
};

Result<void, Rejection> write_log(const Election& election, Store& store, const StoredCheckpoint& checkpoint,
                                  const fs::path& record) {
  if (auto ok = write_file(record / layout::manifest(), election.signed_manifest()); !ok) return ok;
  if (auto ok = write_file(record / layout::log_checkpoint(), bytes_of(checkpoint.note)); !ok) return ok;
  auto entries = PieceWriter::create(record / layout::log_entries());
  if (!entries) return std::unexpected(entries.error());
  auto items = PieceWriter::create(record / layout::log_items());
  if (!items) return std::unexpected(items.error());
  Progress progress("export", checkpoint.head.size, "entries");
  const auto visited = store.for_each(0, [&](const StoredEntry& stored) -> Result<void, Rejection> {
    const Bytes logged = encode(LoggedItem{stored.salt, stored.item});
    Bytes length;
    append_u32be(length, static_cast<std::uint32_t>(logged.size()));
    entries->write(stored.entry);
    items->write(length);
    items->write(logged);
    progress.advance();
    if (type_of(stored.entry) != EntryType::kPhase) return {};
    return write_file(record / layout::log_event(stored.index), logged);
  });
  if (!visited) return visited;
  if (auto ok = entries->finish(); !ok) return ok;
  return items->finish();
}

}  // namespace

Result<void, Rejection> export_record(const Election& election, Store& store, const fs::path& record) {
  Ledger ledger(election);
  if (auto ok = replay_store(store, ledger); !ok) return ok;
  if (ledger.state.phase() != Phase::kSealed)
    return reject(Reason::kPhaseNotClosed, "phase " + std::string(name_of(ledger.state.phase())));
  const auto latest = store.latest_checkpoint();
  if (!latest) return std::unexpected(latest.error());
  if (!*latest || (*latest)->head.size != ledger.tree.size())
    return reject(Reason::kHeadUnwitnessed, "log of " + std::to_string(ledger.tree.size()) + " entries");

  std::error_code error;
  if (fs::exists(record, error) && (!fs::is_directory(record, error) || !fs::is_empty(record, error)))
    return unwritable(record, "exists and is not empty");
  fs::path unfinished = fs::absolute(record, error).lexically_normal();
  if (!unfinished.has_filename()) unfinished = unfinished.parent_path();
  const fs::path target = unfinished;
  unfinished += ".unfinished";
  fs::remove_all(unfinished, error);
  // Names inside: closed to others before the first of them is written.
  const fs::path sworn = unfinished / layout::tier_dir(Tier::kSworn);
  if (fs::create_directories(sworn, error); !error) fs::permissions(sworn, fs::perms::owner_all, error);
  if (error) return unwritable(sworn, error.message().c_str());
  auto written = write_log(election, store, **latest, unfinished);
  if (written) {
    fs::rename(unfinished, target, error);  // replaces an empty directory
    if (error) written = unwritable(target, error.message().c_str());
  }
  if (!written) fs::remove_all(unfinished, error);
  return written;
}

}  // namespace psephos::collector
