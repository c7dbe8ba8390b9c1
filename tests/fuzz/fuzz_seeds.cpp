#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "crypto/group/tiny.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/secret/dkg_participant.h"
#include "crypto/secret/signing_key.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "protocol/list_file.h"
#include "tests/fuzz/messages.h"

/// Writes seeds for the fuzz targets: one honest input for each thing that a decoder reads. Only what a
/// target cannot find by itself in reasonable time is made here; short seeds were typed.
/// The same seeds every time.
using namespace psephos;

namespace {

std::filesystem::path corpus;

void write(const std::string& target, const std::string& name, std::initializer_list<std::uint8_t> selector,
           ByteView bytes) {
  const std::filesystem::path directory = corpus / target;
  std::filesystem::create_directories(directory);
  Bytes whole(selector);
  append(whole, bytes);
  std::ofstream(directory / name, std::ios::binary)
      .write(reinterpret_cast<const char*>(whole.data()), static_cast<std::streamsize>(whole.size()));
}

struct CountingRng final : Rng {
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next = static_cast<std::uint8_t>(next * 5 + 13);
  }
  std::uint8_t next = 0;
};

/// Gives every field a value that the codec accepts: the least one, or something in each optional field and
/// list too.
class Filler {
 public:
  explicit Filler(bool full) : full_(full) {}
  template <class T>
  void operator()(std::uint32_t, const char*, T& value, Bound bound = {}) const {
    if constexpr (wire::IsOptional<T>::value) {
      if (full_) (*this)(0, "", value.emplace(), bound);
    } else if constexpr (wire::IsVector<T>::value) {
      value.resize(std::max<std::uint64_t>(bound.min, full_ ? 2 : 0));
      for (auto& element : value) (*this)(0, "", element);
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      value = std::max<std::uint64_t>(bound.min, full_ ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(1);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bytes>) {
      value.assign(std::max<std::uint64_t>(bound.min, full_ ? 3 : 0), 'a');
    } else if constexpr (std::is_same_v<T, Id>) {
      value.text = "a";
    } else if constexpr (std::is_same_v<T, Ristretto::Point>) {
      value = Ristretto::Point::generator();
    } else if constexpr (std::is_same_v<T, VerifyKey>) {
      CountingRng rng;
      value = SigningKey::generate(rng).verify_key();
    } else if constexpr (wire::Message<T>) {
      T::fields(value, *this);
    }  // what remains are byte arrays, for which zeros will do
  }

 private:
  bool full_;
};

template <class M>
M sample(bool full) {
  M message{};
  M::fields(message, Filler(full));
  return message;
}

void codec() {
  std::uint8_t number = 0;
  const auto one = [&]<class M>() {
    for (const bool full : {false, true})
      write("fuzz_codec", std::string(M::kName) + (full ? "-full" : "-least"), {number},
            encode(sample<M>(full)));
    ++number;
  };
#define PSEPHOS_X(type) one.operator()<type>();
  PSEPHOS_MESSAGES(PSEPHOS_X)
#undef PSEPHOS_X
}

void lists() {
  ListHeader header = sample<ListHeader>(true);
  header.parameters.reset();
  header.count = 2;
  header.width = 1;
  const Ristretto::Point G = Ristretto::Point::generator();
  const std::vector<Ciphertext<Ristretto>> ciphertexts = {{G, G}, {G + G, G}};
  const std::vector<Ristretto::Point> points = {G, G + G};
  for (std::uint8_t number = 0; number < 6; ++number) {
    header.stage = static_cast<Stage>(number + 1);
    const bool pairs = header.stage == Stage::kInput || header.stage == Stage::kMixed;
    write("fuzz_list_file", "stage-" + std::to_string(number + 1), {number},
          pairs ? write_ciphertexts(header, ciphertexts) : write_points(header, points));
  }
}

/// A proof with the right number of elements; whether it proves anything is no matter to its decoder.
template <class G>
Bytes shuffle_bytes(std::uint64_t rows, std::uint64_t width) {
  Bytes out;
  const std::uint64_t points = 3 * rows + 3 + 2 * width;
  for (std::uint64_t i = 0; i < shuffle_proof_elements(rows, width); ++i) {
    if (i < points)
      append(out, G::Point::generator().encode());
    else
      append(out, G::Scalar::from_u64(i).encode());
  }
  return out;
}

void proofs() {
  write("fuzz_proofs", "shuffle-ristretto", {0, 2, 1}, shuffle_bytes<Ristretto>(2, 1));
  write("fuzz_proofs", "shuffle-ristretto-wide", {0, 1, 2}, shuffle_bytes<Ristretto>(1, 2));
  write("fuzz_proofs", "shuffle-empty", {0, 0, 1}, {});
  write("fuzz_proofs", "shuffle-tiny", {1, 3, 2}, shuffle_bytes<Tiny7>(3, 2));
  write("fuzz_proofs", "shuffle-absurd", {1, 255, 255}, shuffle_bytes<Tiny7>(1, 1));
  const auto one = Ristretto::Scalar::from_u64(1);
  write("fuzz_proofs", "decryption-ristretto", {2, 0, 0}, DecryptionProof<Ristretto>{one, one}.encode());
  write("fuzz_proofs", "decryption-tiny", {3, 0, 0}, Bytes{1, 2});
}

template <class G>
Bytes one_of_many_bytes(std::size_t n) {
  Bytes out;
  for (std::size_t i = 0; i < one_of_many_elements(n); ++i) {
    if (i < 4 + 2 * digits_for(n))
      append(out, G::Point::generator().encode());
    else
      append(out, G::Scalar::from_u64(i).encode());
  }
  return out;
}

void one_of_many() {
  write("fuzz_proofs", "one-of-many-ristretto-2", {4, 1, 0}, one_of_many_bytes<Ristretto>(2));
  write("fuzz_proofs", "one-of-many-ristretto-5", {4, 4, 0}, one_of_many_bytes<Ristretto>(5));
  write("fuzz_proofs", "one-of-many-ristretto-138", {4, 137, 0}, one_of_many_bytes<Ristretto>(138));
  write("fuzz_proofs", "one-of-many-tiny", {5, 17, 0}, one_of_many_bytes<Tiny7>(18));
}

void keys() {
  CountingRng rng;
  write("fuzz_keys", "public", {}, SigningKey::generate(rng).verify_key().encode());
  write("fuzz_keys", "ceremony-secret", {}, DkgSecret::create(rng).seal_bytes().expose());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds CORPUS\n", stderr);
    return 2;
  }
  corpus = argv[1];
  codec();
  lists();
  proofs();
  one_of_many();
  keys();
  return 0;
}
