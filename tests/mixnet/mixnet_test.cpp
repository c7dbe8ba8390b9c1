// From the sealed log to three mixes, and what every mixer refuses to build on (A124, A125, A126, A168).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "crypto/group/kernels.h"
#include "crypto/group/kernels/interface.h"
#include "mixnet/mixing.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "tests/support/memory_record.h"

namespace psephos::test {
namespace {

void put(MemoryRecord& record, std::vector<NewFile> files) {
  for (NewFile& file : files) record.files[file.path] = std::move(file.bytes);
}

/// Takes the files of a stage into a record in memory.
FileSink into(MemoryRecord& record) {
  return [&record](const NewFile& file) -> Result<void, Rejection> {
    record.files[file.path] = file.bytes;
    return {};
  };
}

/// An honest record after three mixes; made once.
class MixnetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    e = new TestElection;
    log = new TestLog(*e);
    small_log(*e, *log);
    honest = new MemoryRecord;
    export_log(*honest, *e, *log);
    Findings findings;
    const auto verified = verify_log({e->election(), *honest, findings, &e->eid()});
    ASSERT_TRUE(verified);
    ASSERT_EQ(findings.first(), "");
    auto prepared = prepare_lists(*verified);
    ASSERT_TRUE(prepared) << to_string(prepared.error());
    put(*honest, std::move(*prepared));
    for (std::uint64_t position = 1; position <= 3; ++position) {
      const auto upstream = verify_upstream({e->election(), *honest, findings, &e->eid()}, position - 1);
      ASSERT_TRUE(upstream) << findings.first();
      ASSERT_EQ(findings.first(), "");
      ASSERT_TRUE(mix_lists(e->election(), upstream->lists, upstream->mixes.last, position,
                            e->mixers[position - 1], e->rng(), into(*honest), [](std::uint64_t) {}));
    }
  }
  static void TearDownTestSuite() {
    delete honest;
    delete log;
    delete e;
  }

  /// First finding of what a mixer after `mixes` or, if 3, a trustee verifies.
  static std::string upstream(const MemoryRecord& record, std::uint64_t mixes = 3) {
    Findings findings;
    const auto verified = verify_upstream({e->election(), record, findings, &e->eid()}, mixes);
    EXPECT_TRUE(verified || !findings.all.empty());
    return findings.first();
  }
  static std::string public_tier(const MemoryRecord& record) {
    Findings findings;
    const Verification v{e->election(), record, findings, nullptr};
    const auto verified = verify_log(v);
    auto lists = verified ? verify_lists(v, *verified) : std::nullopt;
    if (lists) verify_mixes(v, *lists, 3);
    return findings.first();
  }
  /// Signs a statement again after its body was changed.
  static Bytes signed_by(std::uint64_t mixer, const StageStatement& statement) {
    SignedDocument document{.body = encode(statement), .signatures = {}};
    document.signatures.push_back(
        {.signer = mixer, .signature = e->mixers[mixer - 1].sign_labelled(labels::kSignMix, document.body)});
    return encode(document);
  }
  static StageStatement statement(const MemoryRecord& record, std::uint64_t position) {
    return decode<StageStatement>(
               decode<SignedDocument>(record.files.at(layout::mix_statement(position)))->body)
        .value();
  }

  static inline TestElection* e = nullptr;
  static inline TestLog* log = nullptr;
  static inline MemoryRecord* honest = nullptr;
};

TEST_F(MixnetTest, HonestRecordVerifiesInBothTiers) {
  EXPECT_EQ(upstream(*honest), "");
  MemoryRecord open = *honest;
  std::erase_if(open.files, [](const auto& file) { return file.first.starts_with("sworn/"); });
  EXPECT_EQ(public_tier(open), "");
}

TEST_F(MixnetTest, EveryCheckIsNamedAndCovered) {
  Findings findings;
  verify_upstream({e->election(), *honest, findings, &e->eid()}, 3);
  EXPECT_EQ(findings.checks,
            (std::vector<std::string>{"log.checkpoint", "log.phases", "log.replay", "lists.sheet",
                                      "lists.derived", "lists.input", "mix.1", "mix.2", "mix.3"}));
}

TEST_F(MixnetTest, AnyChangedFileIsFound) {
  for (const auto& [path, bytes] : honest->files) {
    if (path == layout::manifest()) continue;  // Election::open
    MemoryRecord changed = *honest;
    changed.files[path][bytes.size() / 2] ^= 1;
    EXPECT_NE(upstream(changed), "") << path << " changed";
    MemoryRecord longer = *honest;
    longer.files[path].push_back(0);
    EXPECT_NE(upstream(longer), "") << path << " longer";
    MemoryRecord without = *honest;
    without.files.erase(path);
    EXPECT_NE(upstream(without), "") << path << " removed";
  }
}

TEST_F(MixnetTest, A124_StagesSkippedOrRepeated) {
  MemoryRecord skipped = *honest;  // 1 → 3
  for (std::size_t g = 0; g < 4; ++g) {
    skipped.files[layout::mix(g, 2)] = honest->files.at(layout::mix(g, 3));
    skipped.files[layout::mix_proof(g, 2, MixInputs::kSworn)] =
        honest->files.at(layout::mix_proof(g, 3, MixInputs::kSworn));
  }
  skipped.files[layout::mix_statement(2)] = honest->files.at(layout::mix_statement(3));
  EXPECT_EQ(upstream(skipped), "mix.2 MIX_CHAIN_GAP");

  MemoryRecord repeated = *honest;  // mixer 1 again, in place of mixer 2
  StageStatement again = statement(*honest, 1);
  again.position = 2;
  repeated.files[layout::mix_statement(2)] = signed_by(1, again);
  EXPECT_EQ(upstream(repeated), "mix.2 MIXER_DUPLICATE");

  MemoryRecord foreign = *honest;  // signed by a mixer that is not the author
  SignedDocument document{.body = encode(statement(*honest, 2)), .signatures = {}};
  document.signatures.push_back(
      {.signer = 3, .signature = e->mixers[2].sign_labelled(labels::kSignMix, document.body)});
  foreign.files[layout::mix_statement(2)] = encode(document);
  EXPECT_EQ(upstream(foreign), "mix.2 SIG_INVALID");
}

TEST_F(MixnetTest, A125_ValidProofOfAnotherFile) {
  // Mix 2 done anew from the same list: a valid proof, but not what mixer 2 signed, nor what mix 3 stands on.
  Findings findings;
  const auto before = verify_upstream({e->election(), *honest, findings, &e->eid()}, 1);
  ASSERT_TRUE(before);
  MemoryRecord other = *honest;
  ASSERT_TRUE(mix_lists(e->election(), before->lists, before->mixes.last, 2, e->mixers[1], e->rng(),
                        into(other), [](std::uint64_t) {}));
  EXPECT_EQ(upstream(other, 2), "");
  EXPECT_EQ(upstream(other, 3), "mix.3 CHAIN_HASH_MISMATCH");
  // Only the output of one group exchanged, proof and statement as they were.
  MemoryRecord swapped = *honest;
  swapped.files[layout::mix(0, 2)] = other.files.at(layout::mix(0, 2));
  EXPECT_EQ(upstream(swapped), "mix.2 CHAIN_HASH_MISMATCH");
  // The mixer signs for the exchanged file, with the proof of the other one.
  StageStatement lying = statement(*honest, 2);
  lying.groups[0].output = sha256(swapped.files[layout::mix(0, 2)]);
  swapped.files[layout::mix_statement(2)] = signed_by(2, lying);
  EXPECT_EQ(upstream(swapped, 2), "mix.2 CHAIN_HASH_MISMATCH");
}

TEST_F(MixnetTest, A126_A168_ListsThatTheLogDoesNotDetermine) {
  // A ballot replaced between log and mix, with sheet and everything after it consistent.
  MemoryRecord record = *honest;
  Sheet sheet = decode<Sheet>(record.files.at(layout::sheet())).value();
  const std::string path = layout::input(0, MixInputs::kSworn);
  const auto file = parse_list(record.files.at(path), Stage::kInput, "input").value();
  auto list = read_ciphertexts(file, "input").value();
  list.items[0] =
      re_encrypt<Ristretto>(e->election().Y(), list.items[0], Ristretto::SecretScalar::random(e->rng()));
  std::sort(list.items.begin(), list.items.end());
  record.files[path] = write_ciphertexts(file.header, list.items);
  sheet.groups[0].input_hash = sha256(record.files[path]);
  sheet.groups[0].input_root =
      ciphertext_root(encode_all(std::span<const Ciphertext<Ristretto>>(list.items)));
  record.files[layout::sheet()] = encode(sheet);
  Findings findings;
  EXPECT_TRUE(verify_upstream({e->election(), record, findings, &e->eid()}, 0));
  EXPECT_TRUE(findings.has("lists.derived", Reason::kBallotsetNotDerivable)) << findings.first();
  EXPECT_NE(findings.all[0].rejection.object.find("NOT_IN_LOG"), std::string::npos);

  // A number of the sheet changed: what was counted is no longer what was logged.
  for (std::uint64_t GroupSheet::* number :
       {&GroupSheet::logged, &GroupSheet::counted, &GroupSheet::superseded, &GroupSheet::revoked}) {
    MemoryRecord changed = *honest;
    Sheet one = decode<Sheet>(changed.files.at(layout::sheet())).value();
    ++(one.groups[0].*number);
    changed.files[layout::sheet()] = encode(one);
    EXPECT_EQ(upstream(changed, 0), "lists.sheet COUNT_MISMATCH");
  }
  // A superseded ballot too many, the sum kept: only the count of the log's entries shows it in public.
  MemoryRecord padded = *honest;
  Sheet more = decode<Sheet>(padded.files.at(layout::sheet())).value();
  ++more.groups[0].logged;
  ++more.groups[0].superseded;
  padded.files[layout::sheet()] = encode(more);
  EXPECT_EQ(public_tier(padded), "lists.sheet COUNT_MISMATCH");
}

/// Kernels that write to a file of a record at the moment when the first row's beta of a list has been
/// decoded.
struct Meddler {
  static inline ByteArray<32> at{};           ///< that beta
  static inline Bytes* file = nullptr;        ///< what is written to
  static inline const Bytes* with = nullptr;  ///< what its last bytes become
  static inline std::atomic<int> times = 0;
  static std::size_t decode(const std::uint8_t* in, std::size_t n, kernels::Row* out) {
    const std::size_t decoded = kernels::portable().decode(in, n, out);
    if (n > 0 && std::ranges::equal(ByteView(in, 32), at) && times++ == 0)
      std::ranges::copy(*with, file->end() - static_cast<std::ptrdiff_t>(with->size()));
    return decoded;
  }
};

// Whoever can write to the trustee's record while she verifies puts the voters' own ciphertexts in the place
// of the last mix, once that has been proved. She works on what was proved.
TEST_F(MixnetTest, A142_ListExchangedAfterItsProofWasVerified) {
  for (const std::uint64_t position : {1U, 2U, 3U}) {
    MemoryRecord record = *honest;
    const std::string path = layout::mix(0, position);
    const auto elements = [&](const std::string& file, Stage stage) {
      return copy_of(parse_list(honest->files.at(file), stage, file).value().elements);
    };
    const Bytes mixed = elements(path, Stage::kMixed);
    const Bytes raw = elements(layout::input(0, MixInputs::kSworn), Stage::kInput);
    ASSERT_EQ(mixed.size(), raw.size());
    std::ranges::copy(ByteView(mixed).subspan(32, 32), Meddler::at.begin());
    Meddler::file = &record.files.at(path);
    Meddler::with = &raw;
    Meddler::times = 0;
    kernels::Kernels meddling = kernels::portable();
    meddling.decode = Meddler::decode;
    use_kernels(meddling);
    Findings findings;
    const auto verified = verify_upstream({e->election(), record, findings, &e->eid()}, position);
    use_best_kernels();
    EXPECT_GE(Meddler::times, 1) << "the list was not decoded";
    EXPECT_FALSE(record.files.at(path) == honest->files.at(path)) << "nothing was exchanged";
    ASSERT_TRUE(verified) << findings.first();
    EXPECT_EQ(findings.first(), "");
    EXPECT_EQ(verified->mixes.last[0].file_hash, sha256(honest->files.at(path)));
    EXPECT_TRUE(encode_list(verified->mixes.last[0].list) == mixed)
        << "mix " << position << ": not what was proved";
  }
}

TEST_F(MixnetTest, LogThatIsNotSealedOrNotWitnessed) {
  TestLog unsealed(*e);
  small_log(*e, unsealed);
  unsealed.entries.pop_back();
  unsealed.items.pop_back();
  TestLog copy(*e);
  for (std::size_t i = 0; i < unsealed.entries.size(); ++i) copy.tree.append(leaf_hash(unsealed.entries[i]));
  unsealed.tree = copy.tree;
  MemoryRecord record;
  export_log(record, *e, unsealed);
  EXPECT_EQ(upstream(record, 0), "log.phases PHASE_NOT_CLOSED");

  MemoryRecord lonely = *honest;
  SignedNote note = SignedNote::parse(text_of(lonely.files.at(layout::log_checkpoint()))).value();
  note.signatures.pop_back();
  lonely.files[layout::log_checkpoint()] = copy_of(bytes_of(note.encode()));
  EXPECT_EQ(upstream(lonely, 0), "log.checkpoint HEAD_UNWITNESSED");

  MemoryRecord cut = *honest;
  auto& entries = cut.files.at(layout::log_entries());
  entries.resize(entries.size() - 34);
  EXPECT_EQ(upstream(cut, 0), "log.checkpoint LOG_TRUNCATED");
}

TEST_F(MixnetTest, ItemThatIsLost) {
  MemoryRecord record = *honest;
  Bytes& items = record.files.at(layout::log_items());
  items.resize(items.size() / 2);
  Findings findings;
  verify_upstream({e->election(), record, findings, &e->eid()}, 0);
  EXPECT_TRUE(findings.has("log.replay", Reason::kBallotLost)) << findings.first();
}

}  // namespace
}  // namespace psephos::test
