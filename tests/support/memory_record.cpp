#include "tests/support/memory_record.h"

#include <gtest/gtest.h>

#include "protocol/record_layout.h"

namespace psephos::test {

Result<RecordBytes, Rejection> MemoryRecord::read(const std::string& path) const {
  const auto it = files.find(path);
  if (it == files.end()) return reject(Reason::kEvidenceFileMissing, path);
  return RecordBytes{it->second, nullptr};
}

std::vector<std::string> MemoryRecord::paths() const {
  std::vector<std::string> out;
  for (const auto& [path, bytes] : files) out.push_back(path);
  return out;
}

void Findings::begin(std::string_view name, std::uint64_t, std::string_view) {
  EXPECT_TRUE(name_.empty()) << "checks do not nest: " << name_ << ", " << name;
  name_ = name;
  checks.emplace_back(name);
}
void Findings::advance(std::uint64_t) {}
void Findings::fail(const Rejection& rejection) {
  all.push_back({name_, rejection});
}
void Findings::end() {
  name_.clear();
}
std::string Findings::first() const {
  if (all.empty()) return "";
  return all[0].check + " " + std::string(name_of(all[0].rejection.reason));
}
bool Findings::has(std::string_view check, Reason reason) const {
  return std::ranges::any_of(
      all, [&](const Finding& f) { return f.check == check && f.rejection.reason == reason; });
}

void export_log(MemoryRecord& record, TestElection& e, const TestLog& log) {
  record.files[layout::manifest()] = e.election().signed_manifest();
  record.files[layout::log_checkpoint()] = copy_of(bytes_of(e.cosigned_checkpoint(log.tree).encode()));
  Bytes entries;
  Bytes items;
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    append(entries, log.entries[i]);
    const Bytes item = encode(log.items[i]);
    append_u32be(items, static_cast<std::uint32_t>(item.size()));
    append(items, item);
    if (type_of(log.entries[i]) == EntryType::kPhase) record.files[layout::log_event(i)] = item;
  }
  record.files[layout::log_entries()] = std::move(entries);
  record.files[layout::log_items()] = std::move(items);
}

void small_log(TestElection& e, TestLog& log) {
  log.open_casting({6, 4, 2});
  log.vote(1, {0, 1});
  log.vote(2, {1, 1});
  log.vote(1, {2, 3});  // recast
  log.vote(3, {3, 0});
  log.vote(4, {0, 0});
  log.vote(5, {0, 2});
  for (std::uint64_t n = 7; n <= 9; ++n) log.vote(n, {n % 4, 2});
  log.vote(11, {1, 1});
  const auto& id = [&](std::uint64_t n) { return e.card(n).person.national_id; };
  log.document(EntryType::kRevocation, e.revocation(1, RevocationKind::kRevoke, {id(2), id(4)}));
  log.document(EntryType::kRevocation, e.revocation(2, RevocationKind::kRestore, {id(4)}));
  log.close_and_seal();
}

}  // namespace psephos::test
