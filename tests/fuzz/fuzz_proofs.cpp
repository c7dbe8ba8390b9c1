#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

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

}  // namespace

/// Over the tiny group, where nearly every byte is an element, and over the real one.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 3) return 0;
  const ByteView input(data, size);
  const ByteView bytes = input.subspan(3);
  // Some counts are as absurd as a statement can make them.
  const std::uint64_t rows = input[1] == 255 ? UINT64_MAX / 5 + 2 : input[1] % 32;
  const std::uint64_t width = input[2] == 255 ? UINT64_MAX / 3 : input[2] % 8;
  switch (input[0] % 4) {
    case 0:
      try_shuffle<Ristretto>(bytes, rows, width);
      break;
    case 1:
      try_shuffle<Tiny7>(bytes, rows, width);
      break;
    case 2:
      try_decryption<Ristretto>(bytes);
      break;
    default:
      try_decryption<Tiny7>(bytes);
  }
  return 0;
}
