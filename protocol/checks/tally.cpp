#include "protocol/checks/tally.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_map>

#include "crypto/invariant.h"
#include "protocol/checks/admission.h"
#include "protocol/checks/lists.h"
#include "protocol/labels.h"
#include "protocol/signed.h"

namespace psephos {

namespace {

std::string hash_name(const Digest256& hash) {
  return to_hex(ByteView(hash).first(8)) + "…";
}

/// "group, mix 2" and the like, for refusals.
std::string mix_object(const GroupSheet& sheet, std::uint64_t position, std::uint64_t mixer) {
  return sheet.group + ", mix " + std::to_string(position) + " by mixer " + std::to_string(mixer);
}
std::string share_object(const GroupSheet& sheet, std::uint64_t trustee) {
  return sheet.group + ", shares of trustee " + std::to_string(trustee);
}

/// A header as it must be, field by field, so that the answer names what is wrong.
Result<void, Rejection> check_header(const ListHeader& found, const ListHeader& expected,
                                     const std::string& object) {
  if (found.fingerprint != expected.fingerprint) return reject(Reason::kElectionFpMismatch, object);
  if (found.group != expected.group) return reject(Reason::kChainHashMismatch, object + ", group");
  if (found.position != expected.position || found.author != expected.author)
    return reject(expected.position != 0 ? Reason::kMixChainGap : Reason::kProofSetMismatch,
                  object + ", author");
  if (found.previous != expected.previous)
    return reject(
        Reason::kChainHashMismatch,
        object + ", list before" + (found.previous ? " " + hash_name(*found.previous) : std::string()));
  if (found.proven != expected.proven) return reject(Reason::kChainHashMismatch, object + ", proven list");
  if (found.count != expected.count || found.width != expected.width)
    return reject(Reason::kCountMismatch, object + ", rows");
  return {};
}

/// Parses, checks the header and decodes a list of ciphertexts.
Result<VerifiedList, Rejection> read_list(ByteView bytes, const ListHeader& expected,
                                          const std::string& object) {
  const auto file = parse_list(bytes, expected.stage, object);
  if (!file) return std::unexpected(file.error());
  if (auto ok = check_header(file->header, expected, object); !ok) return std::unexpected(ok.error());
  auto list = read_ciphertexts(*file, object);
  if (!list) return std::unexpected(list.error());
  return VerifiedList{sha256(bytes), std::move(*list)};
}

Result<std::vector<Ristretto::Point>, Rejection> read_point_list(ByteView bytes, const ListHeader& expected,
                                                                 const std::string& object) {
  const auto file = parse_list(bytes, expected.stage, object);
  if (!file) return std::unexpected(file.error());
  if (auto ok = check_header(file->header, expected, object); !ok) return std::unexpected(ok.error());
  return read_points(*file, object);
}

/// What is wrong with a list by itself is named before what is said of it. Lists are decoded while their
/// proof is verified; where it does not come to that, they are looked at here.
std::optional<Rejection> bad_element(const ListFile& file, const std::string& object) {
  const auto points = read_points(file, object);
  if (points) return std::nullopt;
  return points.error();
}

/// The first ciphertext of `after` that stands in `before` too; both encoded.
std::optional<std::size_t> first_unchanged(ByteView before, ByteView after) {
  constexpr std::size_t kWidth = Ciphertext<Ristretto>::kWidth;
  // Eight bytes of alpha tell nearly all rows apart; only of those that they do not, all bytes are looked at.
  const auto mark = [](ByteView list, std::size_t i) {
    std::uint64_t out = 0;
    std::memcpy(&out, list.data() + i * kWidth, sizeof out);
    return out;
  };
  std::vector<std::uint64_t> marks(before.size() / kWidth);
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] = mark(before, i);
  std::ranges::sort(marks);
  std::vector<std::size_t> suspects;
  for (std::size_t i = 0; i < after.size() / kWidth; ++i)
    if (std::ranges::binary_search(marks, mark(after, i))) suspects.push_back(i);
  if (suspects.empty()) return std::nullopt;
  const auto row = [](ByteView list, std::size_t i) {
    const ByteView bytes = list.subspan(i * kWidth, kWidth);
    return Bytes(bytes.begin(), bytes.end());
  };
  std::set<Bytes> rows;
  for (std::size_t i = 0; i < marks.size(); ++i) rows.insert(row(before, i));
  const auto unchanged =
      std::ranges::find_if(suspects, [&](std::size_t i) { return rows.contains(row(after, i)); });
  return unchanged == suspects.end() ? std::nullopt : std::optional(*unchanged);
}

}  // namespace

ListHeader mixed_header(const Election& election, const GroupSheet& sheet, std::uint64_t position,
                        std::uint64_t mixer, const Digest256& before) {
  return {.fingerprint = election.fingerprint(),
          .group = sheet.group,
          .stage = Stage::kMixed,
          .author = mixer,
          .position = position,
          .count = sheet.counted,
          .width = 1,
          .previous = before,
          .proven = std::nullopt,
          .parameters = std::nullopt};
}

ListHeader mix_proof_header(const ListHeader& mixed, const Digest256& output_hash) {
  ListHeader header = mixed;
  header.stage = Stage::kMixProof;
  header.proven = output_hash;
  return header;
}

ListHeader share_header(const Election& election, const GroupSheet& sheet, std::uint64_t trustee,
                        const Digest256& mixed_hash) {
  ListHeader header = mixed_header(election, sheet, 0, trustee, mixed_hash);
  header.stage = Stage::kShare;
  return header;
}

ListHeader share_proof_header(const ListHeader& share, const Digest256& share_hash) {
  ListHeader header = share;
  header.stage = Stage::kShareProof;
  header.proven = share_hash;
  return header;
}

ListHeader plaintext_header(const Election& election, const GroupSheet& sheet, const Digest256& mixed_hash) {
  ListHeader header = mixed_header(election, sheet, 0, 0, mixed_hash);
  header.stage = Stage::kPlaintexts;
  return header;
}

Transcript mix_transcript(const Election& election, const GroupSheet& sheet, std::uint64_t position,
                          std::uint64_t mixer, const Digest256& before) {
  Transcript transcript(election.proof_context(kShuffleLabel, "mixer", mixer));
  transcript.append("group", bytes_of(sheet.group));
  transcript.append_u64("position", position);
  transcript.append("before", before);
  return transcript;
}

Transcript share_transcript(const Election& election, const GroupSheet& sheet, std::uint64_t trustee,
                            const Digest256& mixed_hash) {
  Transcript transcript(election.proof_context(kDecryptionLabel, "trustee", trustee));
  transcript.append("group", bytes_of(sheet.group));
  transcript.append("before", mixed_hash);
  return transcript;
}

Generators derive_generators_for(const Election& election, const Sheet& sheet) {
  std::uint64_t largest = 0;
  for (const GroupSheet& group : sheet.groups) largest = std::max(largest, group.counted);
  return Generators::derive(labels::kGenerator, election.fingerprint(), static_cast<std::size_t>(largest));
}

Result<VerifiedList, Rejection> check_input(const Election& election, const GroupSheet& sheet,
                                            ByteView input_file) {
  const std::string object = sheet.group + ", input";
  ListHeader expected = mixed_header(election, sheet, 0, 0, {});
  expected.stage = Stage::kInput;
  expected.previous = std::nullopt;
  auto list = read_list(input_file, expected, object);
  if (!list) return list;
  const auto& items = list->list.items;
  if (!std::is_sorted(items.begin(), items.end())) return reject(Reason::kListNotSorted, sheet.group);
  for (std::size_t i = 1; i < items.size(); ++i)  // sorted by alpha first, so equals are neighbours
    if (items[i].alpha == items[i - 1].alpha)
      return reject(Reason::kBallotRReuse, object + ", row " + std::to_string(i));
  if (list->file_hash != sheet.input_hash) return reject(Reason::kChainHashMismatch, object);
  // The rows are what remains after the header, as read_list found.
  if (ciphertext_root(input_file.last(items.size() * Ciphertext<Ristretto>::kWidth)) != sheet.input_root)
    return reject(Reason::kChainHashMismatch, object + ", root");
  return list;
}

Result<VerifiedList, Rejection> check_mix(const Election& election, const Generators& generators,
                                          const GroupSheet& sheet, std::uint64_t position,
                                          std::uint64_t mixer, const VerifiedList& before,
                                          ByteView output_file, ByteView proof_file) {
  const std::string object = mix_object(sheet, position, mixer);
  const ListHeader header = mixed_header(election, sheet, position, mixer, before.file_hash);
  const auto after = parse_list(output_file, header.stage, object);
  if (!after) return std::unexpected(after.error());
  if (auto ok = check_header(after->header, header, object); !ok) return std::unexpected(ok.error());
  if (auto ok = check_no_identity(*after, object); !ok) return std::unexpected(ok.error());
  const Bytes input = encode_list(before.list);
  if (const auto row = first_unchanged(input, after->elements))
    return reject(Reason::kMixOutputUnchanged, object + ", row " + std::to_string(*row));

  const Digest256 output_hash = sha256(output_file);
  const auto file = parse_list(proof_file, Stage::kMixProof, object + ", proof");
  if (!file) return std::unexpected(bad_element(*after, object).value_or(file.error()));
  if (auto ok = check_header(file->header, mix_proof_header(header, output_hash), object + ", proof"); !ok)
    return std::unexpected(bad_element(*after, object).value_or(ok.error()));
  Transcript transcript = mix_transcript(election, sheet, position, mixer, before.file_hash);
  const auto decoded = std::make_shared<DecodedList<Ristretto>>();
  const EncodedShuffle<Ristretto> shuffle{election.Y(),   before.list.width,    input,        after->elements,
                                          file->elements, before.decoded.get(), decoded.get()};
  if (auto ok = verify_shuffle_vartime(shuffle, transcript, generators); !ok) {
    const bool of_list = ok.error().part == ShufflePart::kOutput;
    return reject(ok.error().fault, object + (of_list ? ", " : ", proof, ") + describe(ok.error()));
  }
  // Every element of the output was decoded on the way.
  return VerifiedList{output_hash, adopt_ciphertexts(*after), decoded};
}

Result<VerifiedList, Rejection> check_first_mix_unproven(const Election& election, const GroupSheet& sheet,
                                                         std::uint64_t mixer, ByteView output_file) {
  return read_list(output_file, mixed_header(election, sheet, 1, mixer, sheet.input_hash),
                   mix_object(sheet, 1, mixer));
}

Result<std::vector<Ristretto::Point>, Rejection> check_shares(const Election& election,
                                                              const GroupSheet& sheet, std::uint64_t trustee,
                                                              const VerifiedList& mixed, ByteView share_file,
                                                              ByteView proof_file) {
  const std::string object = share_object(sheet, trustee);
  const ListHeader header = share_header(election, sheet, trustee, mixed.file_hash);
  const auto shares = parse_list(share_file, header.stage, object);
  if (!shares) return std::unexpected(shares.error());
  if (auto ok = check_header(shares->header, header, object); !ok) return std::unexpected(ok.error());
  if (auto ok = check_no_identity(*shares, object); !ok) return std::unexpected(ok.error());
  const auto file = parse_list(proof_file, Stage::kShareProof, object + ", proof");
  if (!file) return std::unexpected(file.error());
  if (auto ok =
          check_header(file->header, share_proof_header(header, sha256(share_file)), object + ", proof");
      !ok)
    return std::unexpected(bad_element(*shares, object).value_or(ok.error()));
  if (shares->elements.empty() && file->elements.empty()) return std::vector<Ristretto::Point>{};
  const auto proof = decode_decryption_proof<Ristretto>(file->elements);
  if (!proof) return reject(proof.error(), object + ", proof");
  Transcript transcript = share_transcript(election, sheet, trustee, mixed.file_hash);
  const Bytes ciphertexts = encode_list(mixed.list);
  const EncodedDecryption<Ristretto> decryption{election.Y_of(trustee), ciphertexts, shares->elements,
                                                mixed.decoded.get()};
  if (auto ok = verify_decryption_shares_vartime(decryption, *proof, transcript); !ok)
    return reject(ok.error().fault, ok.error().list == DecryptionRejection::List::kShares
                                        ? object + ", element " + std::to_string(ok.error().element)
                                        : object);
  // Every share was decoded on the way.
  return Ristretto::adopt_judged(shares->elements);
}

namespace {

std::vector<TrusteeShares<Ristretto>> as_given(std::span<const GroupShares> shares) {
  std::vector<TrusteeShares<Ristretto>> given;
  for (const GroupShares& one : shares)
    given.push_back({static_cast<std::uint32_t>(one.trustee), one.shares});
  return given;
}
Quorum quorum_of(const Election& election) {
  return {static_cast<std::uint32_t>(election.definition().trustee_quorum),
          static_cast<std::uint32_t>(election.definition().trustees.size())};
}

}  // namespace

Result<std::vector<Ristretto::Point>, Rejection> combine_shares(const Election& election,
                                                                const GroupSheet& sheet,
                                                                const VerifiedList& mixed,
                                                                std::span<const GroupShares> shares) {
  auto plaintexts = combine_vartime<Ristretto>(mixed.list.items, as_given(shares), quorum_of(election));
  if (!plaintexts) return reject(plaintexts.error(), sheet.group);
  return std::move(*plaintexts);
}

Result<std::vector<Ristretto::Point>, Rejection> check_plaintexts(const Election& election,
                                                                  const GroupSheet& sheet,
                                                                  const VerifiedList& mixed,
                                                                  std::span<const GroupShares> shares,
                                                                  ByteView plaintext_file) {
  auto published = read_point_list(plaintext_file, plaintext_header(election, sheet, mixed.file_hash),
                                   sheet.group + ", plaintexts");
  if (!published) return published;
  Transcript transcript(election.proof_context(kCombinationLabel, "auditor", 0));
  transcript.append("group", bytes_of(sheet.group));
  if (check_combination_vartime<Ristretto>(mixed.list.items, as_given(shares), quorum_of(election),
                                           *published, transcript))
    return published;
  // Which row it is, one by one.
  const auto combined = combine_shares(election, sheet, mixed, shares);
  if (!combined) return combined;
  for (std::size_t i = 0; i < combined->size(); ++i)
    if ((*combined)[i] != (*published)[i])
      return reject(Reason::kPlaintextMismatch, sheet.group + ", row " + std::to_string(i));
  invariant(false, "weighted sums of equal points are equal");
  return published;
}

Result<GroupResult, Rejection> count_group(const Election& election, const GroupSheet& sheet,
                                           std::span<const Ristretto::Point> plaintexts) {
  const CandidateTable* table = election.table(sheet.contest, sheet.list);
  if (table == nullptr || sheet.slot >= table->slots())
    return reject(Reason::kCountMismatch, sheet.group + ", list");
  std::unordered_map<ByteArray<32>, std::size_t, ByteHash> choice_of;
  GroupResult result{.group = sheet.group, .counts = {}};
  for (std::size_t k = 0; k < table->points.size(); ++k) choice_of.emplace(table->points[k].encode(), k);
  for (const Choice& choice : table->choices_of(sheet.slot)) result.counts.push_back({choice.id, 0});
  for (std::size_t i = 0; i < plaintexts.size(); ++i) {
    const auto it = choice_of.find(plaintexts[i].encode());
    if (it == choice_of.end())
      return reject(Reason::kInvalidPlaintext, sheet.group + ", row " + std::to_string(i));
    if (table->marks)
      result.counts[0].votes += it->second;  // not marked is 0, marked is 1
    else
      ++result.counts[it->second].votes;
  }
  return result;
}

ElectionResult total(const Election& election, const Sheet& sheet, std::vector<GroupResult> groups) {
  ElectionResult result{.fingerprint = election.fingerprint(), .groups = std::move(groups), .totals = {}};
  for (const CandidateTable& table : election.tables()) {
    ListResult sum{.contest = table.contest->id, .list = table.list->id, .counts = {}};
    for (const Choice& choice : table.list->choices) sum.counts.push_back({choice.id, 0});
    for (std::size_t g = 0; g < result.groups.size(); ++g)
      if (sheet.groups[g].contest == sum.contest && sheet.groups[g].list == sum.list) {
        const auto& counts = result.groups[g].counts;
        const std::size_t first = table.marks ? sheet.groups[g].slot : 0;
        for (std::size_t k = 0; k < counts.size(); ++k) sum.counts[first + k].votes += counts[k].votes;
      }
    result.totals.push_back(std::move(sum));
  }
  return result;
}

namespace {

Result<void, Rejection> check_counts(const std::vector<ChoiceCount>& counted,
                                     const std::vector<ChoiceCount>& published, const std::string& object) {
  if (counted.size() != published.size()) return reject(Reason::kResultMismatch, object);
  for (std::size_t k = 0; k < counted.size(); ++k)
    if (counted[k].choice != published[k].choice || counted[k].votes != published[k].votes)
      return reject(Reason::kResultMismatch, object + ", choice " + counted[k].choice.text + ": counted " +
                                                 std::to_string(counted[k].votes) + ", published " +
                                                 std::to_string(published[k].votes));
  return {};
}

}  // namespace

Result<void, Rejection> check_result(const ElectionResult& counted, const ElectionResult& published) {
  if (counted.fingerprint != published.fingerprint) return reject(Reason::kElectionFpMismatch, "result");
  if (counted.groups.size() != published.groups.size() || counted.totals.size() != published.totals.size())
    return reject(Reason::kResultMismatch, "number of groups");
  for (std::size_t g = 0; g < counted.groups.size(); ++g) {
    if (counted.groups[g].group != published.groups[g].group)
      return reject(Reason::kResultMismatch, published.groups[g].group);
    if (auto ok = check_counts(counted.groups[g].counts, published.groups[g].counts, counted.groups[g].group);
        !ok)
      return ok;
  }
  for (std::size_t l = 0; l < counted.totals.size(); ++l) {
    const std::string object =
        "total of " + counted.totals[l].contest.text + "/" + counted.totals[l].list.text;
    if (counted.totals[l].contest != published.totals[l].contest ||
        counted.totals[l].list != published.totals[l].list)
      return reject(Reason::kResultMismatch, object);
    if (auto ok = check_counts(counted.totals[l].counts, published.totals[l].counts, object); !ok) return ok;
  }
  return {};
}

Result<StageStatement, Rejection> check_stage_statement(const Election& election, ByteView signed_statement,
                                                        Stagehand who, std::uint64_t position,
                                                        const Sheet& sheet, const Digest256& sheet_hash) {
  const bool mixer = who == Stagehand::kMixer;
  const std::string object =
      mixer ? "statement of mix " + std::to_string(position) : "statement of a trustee";
  auto document = decode<SignedDocument>(signed_statement);
  if (!document) return std::unexpected(document.error());
  auto statement = decode<StageStatement>(document->body);
  if (!statement) return std::unexpected(statement.error());
  if (statement->fingerprint != election.fingerprint()) return reject(Reason::kElectionFpMismatch, object);
  const auto keys = mixer ? election.mixer_keys() : election.trustee_keys();
  if (statement->author > keys.size())
    return reject(mixer ? Reason::kMixerNotInRoster : reason_of(Fault::kShareTrustee), object);
  if (document->signatures.size() != 1 || document->signatures[0].signer != statement->author ||
      !verify_labelled(keys[statement->author - 1], mixer ? labels::kSignMix : labels::kSignDecryption,
                       document->body, document->signatures[0].signature))
    return reject(Reason::kSigInvalid, object);
  if (statement->position != position) return reject(Reason::kMixChainGap, object);
  if (statement->sheet_hash != sheet_hash) return reject(Reason::kChainHashMismatch, object + ", sheet");
  if (statement->groups.size() != sheet.groups.size()) return reject(Reason::kProofSetMismatch, object);
  for (std::size_t g = 0; g < sheet.groups.size(); ++g)
    if (statement->groups[g].group != sheet.groups[g].group) return reject(Reason::kProofSetMismatch, object);
  return statement;
}

}  // namespace psephos
