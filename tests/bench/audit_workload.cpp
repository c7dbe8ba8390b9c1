#include "tests/bench/audit_workload.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "crypto/invariant.h"
#include "protocol/checks/lists.h"
#include "protocol/checks/tally.h"
#include "protocol/labels.h"
#include "protocol/list_file.h"
#include "tests/bench/workloads.h"
#include "tests/support/test_election.h"

namespace psephos::bench {

namespace {

constexpr std::uint64_t kMixers = 3;
constexpr std::uint64_t kTrustees = 3;

template <class T>
T accepted(Result<T, Rejection> result) {
  invariant(result.has_value(), "honest files are accepted");
  return std::move(*result);
}

}  // namespace

struct AuditedGroup::Files {
  test::TestElection election;
  GroupSheet sheet;
  Bytes input;
  std::vector<std::pair<Bytes, Bytes>> mixes, shares;  ///< file and proof file, by mixer and trustee
  Bytes plaintexts;
  GroupResult result;
};

AuditedGroup::AuditedGroup(std::size_t n) : files_(std::make_unique<Files>()) {
  test::TestElection& e = files_->election;
  const Election& election = e.election();
  const CandidateTable& table = election.tables().front();
  GroupSheet& sheet = files_->sheet;
  sheet.group = "all/" + table.contest->id.text + "/0";
  sheet.contest = table.contest->id;
  sheet.list = table.list->id;
  sheet.logged = sheet.counted = n;

  const auto r = random_secrets<Ristretto>(n, e.rng());
  const auto alpha = Ristretto::mul_batch(r, Ristretto::Point::generator());
  const auto rY = Ristretto::mul_batch(r, election.Y());
  std::vector<Ciphertext<Ristretto>> items;
  items.reserve(n);
  for (std::size_t i = 0; i < n; ++i)
    items.push_back({alpha[i], table.points[i % table.points.size()] + rY[i]});
  std::ranges::sort(items);
  ListHeader header = mixed_header(election, sheet, 0, 0, {});
  header.stage = Stage::kInput;
  header.previous = std::nullopt;
  files_->input = write_ciphertexts(header, items);
  sheet.input_hash = sha256(files_->input);
  sheet.input_root = ciphertext_root(encode_all(std::span<const Ciphertext<Ristretto>>(items)));

  const Generators generators = Generators::derive(labels::kGenerator, election.fingerprint(), n);
  VerifiedList list{sheet.input_hash, {1, std::move(items)}};
  for (std::uint64_t m = 1; m <= kMixers; ++m) {
    files_->mixes.push_back(test::mix(e, generators, sheet, m, m, list));
    const Bytes& output = files_->mixes.back().first;
    const ListFile file = accepted(parse_list(output, Stage::kMixed, "mix"));
    list = {sha256(output), accepted(read_ciphertexts(file, "mix"))};
  }
  std::vector<GroupShares> shares;
  for (std::uint64_t t = 1; t <= kTrustees; ++t) {
    files_->shares.push_back(test::decrypt(e, sheet, t, list));
    const ListFile file = accepted(parse_list(files_->shares.back().first, Stage::kShare, "shares"));
    shares.push_back({t, accepted(read_points(file, "shares"))});
  }
  const auto plaintexts = accepted(combine_shares(election, sheet, list, shares));
  files_->plaintexts = write_points(plaintext_header(election, sheet, list.file_hash), plaintexts);
  files_->result = accepted(count_group(election, sheet, plaintexts));
}

AuditedGroup::~AuditedGroup() = default;

void AuditedGroup::verify() {
  const Election& election = files_->election.election();
  const GroupSheet& sheet = files_->sheet;
  const Generators generators =
      Generators::derive(labels::kGenerator, election.fingerprint(), static_cast<std::size_t>(sheet.counted));
  VerifiedList list = accepted(check_input(election, sheet, files_->input));
  for (std::uint64_t m = 1; m <= kMixers; ++m) {
    const auto& [output, proof] = files_->mixes[m - 1];
    list = accepted(check_mix(election, generators, sheet, m, m, list, output, proof));
  }
  std::vector<GroupShares> shares;
  for (std::uint64_t t = 1; t <= kTrustees; ++t) {
    const auto& [file, proof] = files_->shares[t - 1];
    shares.push_back({t, accepted(check_shares(election, sheet, t, list, file, proof))});
  }
  const auto plaintexts = accepted(check_plaintexts(election, sheet, list, shares, files_->plaintexts));
  const GroupResult counted = accepted(count_group(election, sheet, plaintexts));
  bool equal = counted.counts.size() == files_->result.counts.size();
  for (std::size_t k = 0; equal && k < counted.counts.size(); ++k)
    equal = counted.counts[k].votes == files_->result.counts[k].votes;
  invariant(equal, "the same plaintexts give the same count");
}

}  // namespace psephos::bench
