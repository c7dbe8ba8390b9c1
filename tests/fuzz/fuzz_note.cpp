#include "collector/witness/witness.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "crypto/secret/sealed.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

struct NoMemory final : HeadStore {
  Result<std::optional<WitnessedHead>, Rejection> last(const std::string&) override {
    return std::optional<WitnessedHead>();
  }
  Result<bool, Rejection> advance(const std::string&, const std::optional<WitnessedHead>&,
                                  const WitnessedHead&) override {
    return true;
  }
  Result<void, Rejection> keep(const Equivocation&) override { return {}; }
  Result<std::vector<std::string>, Rejection> origins() override { return std::vector<std::string>{}; }
  Result<std::vector<Equivocation>, Rejection> equivocations() override {
    return std::vector<Equivocation>{};
  }
};

SigningKey key_number(std::uint8_t n) {
  ByteArray<32> seed{};
  seed.fill(n);
  return SigningKey::from_seed(SecretBytes<32>::copy_from(seed));
}

/// The keys of the seeds: of the log example.com/log, and of its witness w1.example.
const NoteKey& log_key() {
  static const NoteKey key = note_key("example.com/log", NoteKeyType::kLog, key_number(1));
  return key;
}
Witness& witness() {
  static NoMemory store;
  static Witness instance("w1.example", key_number(11), {log_key()}, store, [] { return std::uint64_t{1}; });
  return instance;
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);
  const std::string_view text = text_of(input);

  if (const auto key = NoteKey::decode(text)) require(key->encode() == text, "vkey: one encoding");
  if (const auto note = SignedNote::parse(text)) require(note->encode() == text, "note: one encoding");
  if (const auto head = Checkpoint::parse(text)) require(head->encode() == text, "checkpoint: one encoding");
  if (const auto proof = LogProof::parse(text)) {
    require(proof->encode() == text, "tlog-proof: one encoding");
    (void)verify_log_proof(leaf_hash({}), *proof, log_key(), std::span(&witness().key(), 1), 1);
  }
  if (const auto head = verify_checkpoint(text, log_key(), std::span(&witness().key(), 1), 0))
    require(head->checkpoint.origin == log_key().name, "checkpoint: of the log that was asked for");
  const WitnessAnswer answer = witness().add_checkpoint(text);
  require(answer.status == 200 || answer.status == 400 || answer.status == 403 || answer.status == 404 ||
              answer.status == 409 || answer.status == 422,
          "witness: an answer of the specification");
  require((answer.status == 200) == parse_signatures(answer.body).has_value(), "witness: cosigns or refuses");
  // Not opened: that would cost what the header says.
  if (const auto purpose = purpose_of(input)) require(!purpose->empty(), "sealed: a purpose");
  return 0;
}
