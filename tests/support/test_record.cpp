#include "tests/support/test_record.h"

#include <algorithm>
#include <fstream>

#include "protocol/checks/lists.h"
#include "protocol/checks/result_text.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "protocol/signed.h"

namespace psephos::test {

namespace {

TestLog sealed_small_log(TestElection& e) {
  TestLog log(e);
  small_log(e, log);
  return log;
}

}  // namespace

TestRecord::TestRecord(TestElection& election) : TestRecord(election, sealed_small_log(election)) {}

TestRecord::TestRecord(TestElection& election, const TestLog& log) : e(election), log_(log) {
  make_from(Step::kLog);
}

void TestRecord::make_from(Step step) {
  for (auto s = static_cast<int>(step); s <= static_cast<int>(Step::kIndex); ++s) make(static_cast<Step>(s));
}

void TestRecord::make(Step step) {
  switch (step) {
    case Step::kLog:
      return export_log(record, e, log_);
    case Step::kLists:
      return make_lists();
    case Step::kMix1:
    case Step::kMix2:
    case Step::kMix3:
      return make_mix(1 + static_cast<std::uint64_t>(step) - static_cast<std::uint64_t>(Step::kMix1));
    case Step::kShares:
      for (const std::uint64_t trustee : trustees) make_shares(trustee);
      return;
    case Step::kPlaintexts:
      return make_plaintexts();
    case Step::kResult:
      return make_result();
    case Step::kIndex:
      return make_index();
  }
}

Sheet TestRecord::sheet() const {
  return decode<Sheet>(record.files.at(layout::sheet())).value();
}
void TestRecord::set_sheet(const Sheet& sheet) {
  record.files[layout::sheet()] = encode(sheet);
}

std::string TestRecord::list_path(std::size_t g, std::uint64_t position) const {
  return position == 0 ? layout::input(g, where()) : layout::mix(g, position);
}

VerifiedList TestRecord::list(std::size_t g, std::uint64_t position) const {
  const Bytes& bytes = record.files.at(list_path(g, position));
  const auto file = parse_list(bytes, position == 0 ? Stage::kInput : Stage::kMixed, "list").value();
  return {sha256(bytes), read_ciphertexts(file, "list").value()};
}

void TestRecord::set_input(std::size_t g, std::vector<Ciphertext<Ristretto>> items) {
  std::ranges::sort(items);
  Sheet changed = sheet();
  GroupSheet& group = changed.groups[g];
  Bytes& bytes = file(list_path(g, 0));
  ListHeader header = parse_list(bytes, Stage::kInput, "input").value().header;
  header.count = items.size();
  bytes = write_ciphertexts(header, items);
  group.superseded = group.superseded + group.counted - items.size();
  group.counted = items.size();
  group.input_hash = sha256(bytes);
  group.input_root = ciphertext_root(encode_all(std::span<const Ciphertext<Ristretto>>(items)));
  set_sheet(changed);
}

void TestRecord::put_statement(const std::string& path, const StageStatement& statement, std::uint64_t signer,
                               std::string_view label, const SigningKey& key) {
  SignedDocument document{.body = encode(statement), .signatures = {}};
  document.signatures.push_back({.signer = signer, .signature = key.sign_labelled(label, document.body)});
  record.files[path] = encode(document);
}

StageStatement TestRecord::mix_statement(std::uint64_t position) const {
  const auto document = decode<SignedDocument>(record.files.at(layout::mix_statement(position))).value();
  return decode<StageStatement>(document.body).value();
}

StageStatement TestRecord::share_statement(std::uint64_t trustee) const {
  const auto document = decode<SignedDocument>(record.files.at(layout::share_statement(trustee))).value();
  return decode<StageStatement>(document.body).value();
}

void TestRecord::sign_mix(const StageStatement& statement, std::uint64_t place, std::uint64_t signer) {
  sign_mix(statement, place, signer, e.mixers[signer - 1]);
}

void TestRecord::sign_mix(const StageStatement& statement, std::uint64_t place, std::uint64_t signer,
                          const SigningKey& key) {
  put_statement(layout::mix_statement(place), statement, signer, labels::kSignMix, key);
}

void TestRecord::sign_shares(const StageStatement& statement, std::uint64_t place, std::uint64_t signer,
                             const SigningKey& key) {
  put_statement(layout::share_statement(place), statement, signer, labels::kSignDecryption, key);
}

void TestRecord::resign_mix(std::uint64_t position) {
  StageStatement statement{.fingerprint = e.election().fingerprint(),
                           .author = position,
                           .position = position,
                           .sheet_hash = sha256(file(layout::sheet())),
                           .groups = {}};
  const Sheet all = sheet();
  for (std::size_t g = 0; g < all.groups.size(); ++g)
    statement.groups.push_back({all.groups[g].group, sha256(file(list_path(g, position - 1))),
                                sha256(file(layout::mix(g, position))),
                                sha256(file(layout::mix_proof(g, position, where())))});
  sign_mix(statement, position, position);
}

void TestRecord::resign_shares(std::uint64_t trustee) {
  StageStatement statement{.fingerprint = e.election().fingerprint(),
                           .author = trustee,
                           .position = 0,
                           .sheet_hash = sha256(file(layout::sheet())),
                           .groups = {}};
  const Sheet all = sheet();
  const std::uint64_t last = e.election().definition().mixers.size();
  for (std::size_t g = 0; g < all.groups.size(); ++g)
    statement.groups.push_back({all.groups[g].group, sha256(file(list_path(g, last))),
                                sha256(file(layout::share(g, trustee))),
                                sha256(file(layout::share_proof(g, trustee)))});
  sign_shares(statement, trustee, trustee, e.trustees[trustee - 1]);
}

void TestRecord::change_header(const std::string& path, const std::function<void(ListHeader&)>& change) {
  Bytes& bytes = file(path);
  const std::size_t length = read_u32be(ByteView(bytes).subspan(8, 4));
  ListHeader header = decode<ListHeader>(ByteView(bytes).subspan(12, length)).value();
  change(header);
  bytes =
      write_elements(header, Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(12 + length), bytes.end()));
}

void TestRecord::make_lists() {
  const auto groups = derive_lists(log_.state).value();
  for (std::size_t g = 0; g < groups.size(); ++g) record.files[layout::input(g, where())] = groups[g].file;
  set_sheet(make_sheet(e.election(), log_.tree.size(), log_.tree.root(), groups));
}

void TestRecord::make_mix(std::uint64_t position) {
  const Sheet all = sheet();
  const Generators generators = derive_generators_for(e.election(), all);
  for (std::size_t g = 0; g < all.groups.size(); ++g) {
    auto [output, proof] = mix(e, generators, all.groups[g], position, position, list(g, position - 1));
    record.files[layout::mix(g, position)] = std::move(output);
    record.files[layout::mix_proof(g, position, where())] = std::move(proof);
  }
  resign_mix(position);
}

void TestRecord::make_shares(std::uint64_t trustee) {
  const Sheet all = sheet();
  for (std::size_t g = 0; g < all.groups.size(); ++g) {
    auto [shares, proof] =
        decrypt(e, all.groups[g], trustee, list(g, e.election().definition().mixers.size()));
    record.files[layout::share(g, trustee)] = std::move(shares);
    record.files[layout::share_proof(g, trustee)] = std::move(proof);
  }
  resign_shares(trustee);
}

void TestRecord::make_plaintexts() {
  const Sheet all = sheet();
  for (std::size_t g = 0; g < all.groups.size(); ++g) {
    const VerifiedList last = list(g, e.election().definition().mixers.size());
    std::vector<GroupShares> shares;
    for (const std::uint64_t trustee : trustees) {
      const auto file =
          parse_list(record.files.at(layout::share(g, trustee)), Stage::kShare, "share").value();
      shares.push_back({trustee, read_points(file, "share").value()});
    }
    record.files[layout::plaintexts(g)] =
        write_points(plaintext_header(e.election(), all.groups[g], last.file_hash),
                     combine_shares(e.election(), all.groups[g], last, shares).value());
  }
}

void TestRecord::make_result() {
  const Sheet all = sheet();
  std::vector<GroupResult> groups;
  for (std::size_t g = 0; g < all.groups.size(); ++g) {
    const auto file = parse_list(record.files.at(layout::plaintexts(g)), Stage::kPlaintexts, "plain").value();
    groups.push_back(count_group(e.election(), all.groups[g], read_points(file, "plain").value()).value());
  }
  const ElectionResult result = total(e.election(), all, std::move(groups));
  record.files[layout::result()] = encode(result);
  record.files[layout::result_as("json")] = copy_of(bytes_of(result_json(e.election(), all, result)));
  record.files[layout::result_as("csv")] = copy_of(bytes_of(result_csv(e.election(), all, result)));
  record.files[layout::result_as("html")] = copy_of(bytes_of(result_html(e.election(), all, result)));
}

void TestRecord::make_index() {
  for (const Tier tier : {Tier::kPublic, Tier::kSworn}) {
    std::vector<std::string> paths = record.paths();
    std::erase_if(paths, [&](const std::string& path) {
      return !path.starts_with(layout::tier_dir(tier) + "/") || path == layout::index(tier);
    });
    record.files[layout::index(tier)] =
        encode(psephos::make_index(e.election(), record, tier, paths).value());
  }
}

void TestRecord::write_to(const std::filesystem::path& directory) const {
  for (const auto& [path, bytes] : record.files) {
    std::filesystem::create_directories((directory / path).parent_path());
    std::ofstream out(directory / path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace psephos::test
