#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

template <class G>
typename G::Point point(std::string_view name) {
  return hash_to_group<G>("fuzz", bytes_of(name));
}

template <class G>
void try_shuffle(ByteView bytes, std::uint64_t rows, std::uint64_t width) {
  const auto proof = decode_proof<G>(bytes, rows, width);
  if (!proof) return;
  require(proof->u.size() == rows && proof->k_F.size() == width * (rows > 0),
          "shuffle: the statement's shape");
  require(equal(encode_proof<G>(*proof), bytes), "shuffle: accepted bytes are canonical");
}

template <class G>
void try_decryption(ByteView bytes) {
  const auto proof = decode_decryption_proof<G>(bytes);
  if (proof) require(equal(proof->encode(), bytes), "decryption: accepted bytes are canonical");
}

/// Decodes for a table of n entries. What is accepted is then verified, alone and in a batch, for a statement
/// that it cannot prove: both refuse, with the same equation.
template <class G>
void try_one_of_many(ByteView bytes, std::size_t n) {
  const auto proof = OneOfManyProof<G>::decode(bytes, n);
  if (!proof) return;
  require(proof->E.size() == digits_for(n) && proof->f.size() == 3 * digits_for(n),
          "one of many: the statement's shape");
  require(equal(proof->encode(), bytes), "one of many: accepted bytes are canonical");
  if constexpr (G::Point::kWidth == 32) {
    if (n > 16) return;
    static const auto kGenerators = DigitGenerators<G>::derive("fuzz", Digest256{}, 16, point<G>("Y"));
    std::vector<typename G::Point> points;
    for (std::size_t i = 0; i < n; ++i) points.push_back(point<G>("choice " + std::to_string(i)));
    const ChoiceTable<G> table(std::move(points));
    const OneOfManyStatement<G> statement{point<G>("Y"), point<G>("alpha"), point<G>("beta"), table};
    const Transcript context({"psephos-1", Digest256{}, kOneOfManyLabel, "voter", 0});
    Transcript alone = context;
    Transcript batch = context;
    const auto verdict = verify_one_of_many_vartime(statement, *proof, alone, *kGenerators);
    const std::vector<OneOfManyClaim<G>> claims{{statement, *proof, context}};
    const auto folded = verify_one_of_many_batch_vartime<G>(claims, batch, *kGenerators);
    require(!verdict && folded[0] == verdict.error(), "one of many: refused alone as in a batch");
  }
}

}  // namespace

/// Over the tiny group, where nearly every byte is an element, and over the real one.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 3) return 0;
  const ByteView input(data, size);
  const ByteView bytes = input.subspan(3);
  // Some counts are as absurd as a statement can make them.
  const std::uint64_t rows = input[1] == 255 ? UINT64_MAX / 5 + 2 : input[1] % 32;
  const std::uint64_t width = input[2] == 255 ? UINT64_MAX / 3 : input[2] % 8;
  switch (input[0] % 6) {
    case 0:
      try_shuffle<Ristretto>(bytes, rows, width);
      break;
    case 1:
      try_shuffle<Tiny7>(bytes, rows, width);
      break;
    case 2:
      try_decryption<Ristretto>(bytes);
      break;
    case 3:
      try_decryption<Tiny7>(bytes);
      break;
    case 4:
      try_one_of_many<Ristretto>(bytes, std::size_t{1} + input[1]);
      break;
    default:
      try_one_of_many<Tiny7>(bytes, input[1] == 255 ? SIZE_MAX / 8 : std::size_t{1} + input[1]);
  }
  return 0;
}
