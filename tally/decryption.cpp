#include "tally/decryption.h"

#include "crypto/threshold/decryption.h"
#include "protocol/labels.h"
#include "protocol/list_file.h"
#include "protocol/record_layout.h"

namespace psephos {

Digest256 decryption_set(const Election& election, const VerifiedLists& lists,
                         const std::vector<VerifiedList>& mixed) {
  Sha256 hash;
  hash.update(bytes_of(labels::kDecryptionSet)).update(election.fingerprint()).update(lists.sheet_hash);
  for (const VerifiedList& list : mixed) hash.update(list.file_hash);
  return hash.finish();
}

Result<void, Rejection> share_lists(const Election& election, const VerifiedLists& lists,
                                    const std::vector<VerifiedList>& mixed, std::uint64_t trustee,
                                    const Ristretto::SecretScalar& x, const SigningKey& key, Rng& rng,
                                    const FileSink& write,
                                    const std::function<void(std::uint64_t n)>& progress) {
  const Sheet& sheet = lists.sheet;
  StageStatement statement{.fingerprint = election.fingerprint(),
                           .author = trustee,
                           .position = 0,
                           .sheet_hash = lists.sheet_hash,
                           .groups = {}};
  statement.groups.resize(sheet.groups.size());
  const auto share_group = [&](std::size_t g, Rng& shared, const FileSink& put) -> Result<void, Rejection> {
    const GroupSheet& group = sheet.groups[g];
    const VerifiedList& before = mixed[g];
    const auto shares = decryption_shares<Ristretto>(x, before.list.items);
    const ListHeader header = share_header(election, group, trustee, before.file_hash);
    const NewFile share_file{layout::share(g, trustee), write_points(header, shares)};
    const Digest256 share_hash = sha256(share_file.bytes);
    if (auto ok = put(share_file); !ok) return ok;
    Transcript transcript = share_transcript(election, group, trustee, before.file_hash);
    const DecryptionStatement<Ristretto> claim{election.Y_of(trustee), before.list.items, shares};
    const auto proof = prove_decryption_shares(claim, x, transcript, shared);
    const NewFile proof_file{layout::share_proof(g, trustee),
                             write_elements(share_proof_header(header, share_hash), proof.encode())};
    statement.groups[g] = {group.group, before.file_hash, share_hash, sha256(proof_file.bytes)};
    if (auto ok = put(proof_file); !ok) return ok;
    progress(group.counted);
    return {};
  };
  if (auto ok = make_group_files(sheet.groups.size(), rng, write, share_group); !ok) return ok;
  SignedDocument document{.body = encode(statement), .signatures = {}};
  document.signatures.push_back(
      {.signer = trustee, .signature = key.sign_labelled(labels::kSignDecryption, document.body)});
  return write({layout::share_statement(trustee), encode(document)});
}

Result<VerifiedMixes, Rejection> read_last_mix_unproven(const Election& election, const RecordReader& record,
                                                        const VerifiedLists& lists) {
  const Sheet& sheet = lists.sheet;
  const std::uint64_t last = election.definition().mixers.size();
  const auto file = record.read(layout::mix_statement(last));
  if (!file) return std::unexpected(file.error());
  const auto statement =
      check_stage_statement(election, file->view, Stagehand::kMixer, last, sheet, lists.sheet_hash);
  if (!statement) return std::unexpected(statement.error());
  VerifiedMixes mixes;
  for (std::size_t g = 0; g < sheet.groups.size(); ++g) {
    const std::string path = layout::mix(g, last);
    const auto bytes = record.read(path);
    if (!bytes) return std::unexpected(bytes.error());
    const auto list = parse_list(bytes->view, Stage::kMixed, path);
    if (!list) return std::unexpected(list.error());
    const Digest256 hash = sha256(bytes->view);
    const ListHeader expected =
        mixed_header(election, sheet.groups[g], last, statement->author, statement->groups[g].input);
    if (statement->groups[g].output != hash || encode(list->header) != encode(expected))
      return reject(Reason::kChainHashMismatch, path);
    auto items = read_ciphertexts(*list, path);
    if (!items) return std::unexpected(items.error());
    mixes.last.push_back({hash, std::move(*items)});
  }
  return mixes;
}

Result<Combination, Rejection> combine(const Election& election, const RecordReader& record,
                                       const VerifiedLists& lists, const VerifiedMixes& mixes) {
  const Sheet& sheet = lists.sheet;
  Combination out;
  std::vector<std::vector<GroupShares>> by_group(sheet.groups.size());
  std::string faults;
  for (const std::uint64_t trustee : trustees_present(election, record)) {
    Gate gate;
    auto shares = verify_shares({election, record, gate, nullptr}, lists, mixes, trustee);
    if (const auto ok = gate.first(); !ok) {
      faults += "; " + to_string(ok.error());
      out.left_out.emplace_back(trustee, ok.error());
      continue;
    }
    out.used.push_back(trustee);
    for (std::size_t g = 0; g < by_group.size(); ++g)
      by_group[g].push_back({trustee, std::move((*shares)[g])});
  }
  const std::uint64_t quorum = election.definition().trustee_quorum;
  if (out.used.size() < quorum)
    return reject(reason_of(Fault::kTallyInsufficientShares),
                  std::to_string(out.used.size()) + " of " + std::to_string(quorum) + " trustees" + faults);
  Progress progress("combine", sheet.groups.size(), "groups");
  for (std::size_t g = 0; g < sheet.groups.size(); ++g, progress.advance()) {
    const GroupSheet& group = sheet.groups[g];
    const auto plaintexts = combine_shares(election, group, mixes.last[g], by_group[g]);
    if (!plaintexts) return std::unexpected(plaintexts.error());
    if (const auto counted = count_group(election, group, *plaintexts); !counted)
      return std::unexpected(counted.error());
    out.plaintexts.push_back(
        {layout::plaintexts(g),
         write_points(plaintext_header(election, group, mixes.last[g].file_hash), *plaintexts)});
  }
  return out;
}

}  // namespace psephos
