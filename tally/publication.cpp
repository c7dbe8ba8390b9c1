#include "tally/publication.h"

#include <algorithm>

#include "crypto/parallel.h"
#include "protocol/checks/lists.h"
#include "protocol/checks/result_text.h"
#include "protocol/checks/upstream.h"
#include "protocol/log_entry.h"
#include "protocol/record_layout.h"

namespace psephos {

namespace {

Result<Sheet, Rejection> read_sheet(const Election& election, const RecordReader& record) {
  const auto file = record.read(layout::sheet());
  if (!file) return std::unexpected(file.error());
  auto sheet = decode<Sheet>(file->view);
  if (!sheet) return sheet;
  if (auto ok = check_sheet(election, *sheet); !ok) return std::unexpected(ok.error());
  return sheet;
}

/// The votes in a group's published plaintexts, which must be those of its last list.
Result<GroupResult, Rejection> count_published(const Election& election, const RecordReader& record,
                                               const Sheet& sheet, std::size_t g) {
  const GroupSheet& group = sheet.groups[g];
  const auto mixed = record.read(layout::mix(g, election.definition().mixers.size()));
  if (!mixed) return std::unexpected(mixed.error());
  const auto file = record.read(layout::plaintexts(g));
  if (!file) return std::unexpected(file.error());
  const auto list = parse_list(file->view, Stage::kPlaintexts, layout::plaintexts(g));
  if (!list) return std::unexpected(list.error());
  if (encode(list->header) != encode(plaintext_header(election, group, sha256(mixed->view))))
    return reject(Reason::kChainHashMismatch, layout::plaintexts(g));
  const auto plaintexts = read_points(*list, layout::plaintexts(g));
  if (!plaintexts) return std::unexpected(plaintexts.error());
  return count_group(election, group, *plaintexts);
}

}  // namespace

Result<std::vector<NewFile>, Rejection> result_files(const Election& election, const RecordReader& record) {
  const auto sheet = read_sheet(election, record);
  if (!sheet) return std::unexpected(sheet.error());
  std::vector<Result<GroupResult, Rejection>> counted(sheet->groups.size(), GroupResult{});
  parallel_for(counted.size(), 1,
               [&](std::size_t g) { counted[g] = count_published(election, record, *sheet, g); });
  std::vector<GroupResult> groups;
  for (auto& group : counted) {
    if (!group) return std::unexpected(group.error());
    groups.push_back(std::move(*group));
  }
  const ElectionResult result = total(election, *sheet, std::move(groups));
  std::vector<NewFile> files{{layout::result(), encode(result)}};
  const auto render = [&](const char* extension, const std::string& text) {
    files.push_back({layout::result_as(extension), copy_of(bytes_of(text))});
  };
  render("json", result_json(election, *sheet, result));
  render("csv", result_csv(election, *sheet, result));
  render("html", result_html(election, *sheet, result));
  return files;
}

Result<std::vector<NewFile>, Rejection> index_files(const Election& election, const RecordReader& record) {
  const auto sheet = read_sheet(election, record);
  if (!sheet) return std::unexpected(sheet.error());
  const auto entries = record.read(layout::log_entries());
  if (!entries) return std::unexpected(entries.error());
  std::vector<std::uint64_t> phase_events;
  EntryBytes entry{};
  for (std::size_t i = 0; (i + 1) * entry.size() <= entries->view.size(); ++i) {
    std::ranges::copy(entries->view.subspan(i * entry.size(), entry.size()), entry.begin());
    if (type_of(entry) == EntryType::kPhase) phase_events.push_back(i);
  }
  const auto trustees = trustees_present(election, record);
  std::vector<std::string> present = record.paths();
  std::vector<NewFile> files;
  for (const Tier tier : {Tier::kPublic, Tier::kSworn}) {
    const auto expected = expected_paths(election, tier, sheet->groups.size(), phase_events, trustees);
    std::erase_if(present, [&](const std::string& path) {
      return path == layout::index(tier) || std::ranges::binary_search(expected, path);
    });
    const auto index = make_index(election, record, tier, expected);
    if (!index) return std::unexpected(index.error());
    files.push_back({layout::index(tier), encode(*index)});
  }
  if (!present.empty()) return reject(Reason::kEvidenceFileExtra, present.front());
  return files;
}

}  // namespace psephos
