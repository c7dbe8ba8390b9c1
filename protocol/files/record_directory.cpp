#include "protocol/files/record_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "crypto/parallel.h"
#include "protocol/files/files.h"
#include "protocol/record_layout.h"

namespace psephos {

namespace fs = std::filesystem;

namespace {

class MappedKeeper final : public RecordBytesKeeper {
 public:
  explicit MappedKeeper(MappedFile file) : file_(std::move(file)) {}
  void forget(std::size_t begin, std::size_t end) const override { file_.forget(begin, end); }

 private:
  const MappedFile file_;
};

}  // namespace

Result<RecordBytes, Rejection> RecordDirectory::read(const std::string& path) const {
  const fs::path full = root_ / path;
  std::error_code error;
  const auto status = fs::symlink_status(full, error);
  if (status.type() == fs::file_type::not_found) return reject(Reason::kEvidenceFileMissing, path);
  if (status.type() != fs::file_type::regular) return reject(Reason::kFileUnreadable, path + ": not a file");
  if (fs::file_size(full, error) > limits::kRecordFileBytes && !error)
    return reject(Reason::kAuditInputLimit, path + ": larger than any file of a record");
  auto mapped = MappedFile::open(full);
  if (!mapped) return std::unexpected(mapped.error());
  const ByteView view = mapped->view();
  return RecordBytes{view, std::make_shared<const MappedKeeper>(std::move(*mapped))};
}

std::vector<std::string> RecordDirectory::paths() const {
  std::vector<std::string> out;
  std::error_code error;
  fs::recursive_directory_iterator it(root_, error);
  // A directory that leads nowhere is listed as a file that no record has; one file more than there can be is
  // enough to say so.
  for (; !error && it != fs::recursive_directory_iterator() && out.size() <= limits::kRecordFiles;
       it.increment(error))
    if (it->symlink_status().type() != fs::file_type::directory || it.depth() >= limits::kRecordDepth) {
      it.disable_recursion_pending();
      out.push_back(it->path().lexically_relative(root_).generic_string());
    }
  std::ranges::sort(out);
  return out;
}

Result<void, Rejection> RecordDirectory::write(std::span<const NewFile> files) const {
  for (const NewFile& file : files)
    if (auto ok = write_file(root_ / file.path, file.bytes); !ok) return ok;
  return {};
}

namespace {

/// One caller at a time.
class SharedRng final : public Rng {
 public:
  explicit SharedRng(Rng& rng) : rng_(rng) {}
  void fill(std::span<std::uint8_t> out) override {
    const std::lock_guard lock(mutex_);
    rng_.fill(out);
  }

 private:
  std::mutex mutex_;
  Rng& rng_;
};

}  // namespace

Result<void, Rejection> make_group_files(
    std::size_t groups, Rng& rng, const FileSink& write,
    const std::function<Result<void, Rejection>(std::size_t g, Rng& rng, const FileSink& put)>& make) {
  SharedRng shared(rng);
  std::mutex mutex;
  const FileSink put = [&](const NewFile& file) {
    const std::lock_guard lock(mutex);
    return write(file);
  };
  std::vector<Result<void, Rejection>> done(groups);
  parallel_for(groups, 1, [&](std::size_t g) { done[g] = make(g, shared, put); });
  for (auto& one : done)
    if (!one) return one;
  return {};
}

void PartClock::begin(CheckPart part) {
  const auto now = Clock::now();
  spent_[static_cast<std::size_t>(now_)] += now - since_;
  now_ = part;
  since_ = now;
}

double PartClock::seconds(CheckPart part) const {
  auto spent = spent_[static_cast<std::size_t>(part)];
  if (part == now_) spent += Clock::now() - since_;
  return std::chrono::duration<double>(spent).count();
}

std::string PartClock::text() const {
  double total = 0;
  std::string parts;
  for (const CheckPart part :
       {CheckPart::kSignatures, CheckPart::kBallotProofs, CheckPart::kEverythingElse}) {
    total += seconds(part);
    parts += fmt::format("{} {} {:.1f} s", parts.empty() ? "" : ",", name_of(part), seconds(part));
  }
  return fmt::format("time {:.1f} s:{}", total, parts);
}

void Gate::begin(std::string_view name, std::uint64_t total, std::string_view unit) {
  name_ = name;
  progress_ = std::make_unique<Progress>("check " + name_, total, std::string(unit));
}
void Gate::advance(std::uint64_t n) {
  progress_->advance(n);
}
void Gate::fail(const Rejection& rejection) {
  if (findings_++ == 0) first_ = rejection;
  if (findings_ == 1) first_check_ = name_;
}
void Gate::end() {
  clock_.begin(CheckPart::kEverythingElse);
  progress_.reset();
}
Result<void, Rejection> Gate::verdict() const {
  if (passed()) return {};
  return reject(Reason::kUpstreamUnverified,
                first_check_ + ": " + to_string(first_) +
                    (findings_ > 1 ? "; " + std::to_string(findings_) + " findings in all" : ""));
}
Result<void, Rejection> Gate::first() const {
  if (passed()) return {};
  return reject(first_.reason, first_check_ + ": " + first_.object);
}

Result<Election, Rejection> open_pinned(ByteView signed_manifest, std::string_view fingerprint) {
  if (fingerprint.empty()) return reject(Reason::kManifestFpUnpinned, "--fingerprint");
  const auto pinned = parse_fingerprint(fingerprint);
  if (!pinned) return std::unexpected(pinned.error());
  return Election::open(signed_manifest, *pinned);
}

Result<Election, Rejection> open_record(const RecordReader& record, std::string_view fingerprint) {
  const auto manifest = record.read(layout::manifest());
  if (!manifest) return std::unexpected(manifest.error());
  return open_pinned(manifest->view, fingerprint);
}

Result<Digest256, Rejection> parse_fingerprint(std::string_view text) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits),
                       [](char c) { return c != ' ' && c != '-' && c != ':' && c != '\n'; });
  const auto bytes = from_hex(digits);
  Digest256 out{};
  if (!bytes || bytes->size() != out.size())
    return reject(Reason::kUsage, "a fingerprint has 64 lower-case hexadecimal digits");
  std::ranges::copy(*bytes, out.begin());
  return out;
}

std::string spoken_fingerprint(const Digest256& fingerprint) {
  const std::string digits = to_hex(fingerprint);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 4)
    out += digits.substr(i, 4) + ((i + 4) % 16 == 0 ? "\n" : " ");
  return out;
}

}  // namespace psephos
