#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>
#include <set>
#include <string>

#include "tests/ct/avx512_table.h"

/// The emulation of AVX-512 against the processor: what is shown of the emulated kernels holds for the real
/// ones as far as each instruction does what its emulation does.
namespace psephos::ct {
namespace {

// So that no instruction is emulated without being compared.
TEST(EmulatedAvx512, EveryInstructionOfTheFieldIsCompared) {
  std::ifstream file(PSEPHOS_SOURCE_DIR "/crypto/group/kernels/field_ifma.h");
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  const std::regex name("_mm[0-9]*_[a-z0-9_]+");
  std::set<std::string> used, compared;
  for (std::sregex_iterator at(source.begin(), source.end(), name), end; at != end; ++at)
    used.insert(at->str());
  const Avx512Calls calls = emulated_avx512_calls();
  for (std::size_t i = 0; i < calls.size; ++i) compared.insert(calls.first[i].name);
  EXPECT_EQ(used, compared);
  EXPECT_GT(used.size(), 20U);
}

TEST(EmulatedAvx512, DoesWhatTheProcessorDoes) {
  const Avx512Calls real = avx512_calls(), emulated = emulated_avx512_calls();
  if (real.size == 0 || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512ifma"))
    GTEST_SKIP() << "this machine has no AVX-512 IFMA to compare with";
  ASSERT_EQ(real.size, emulated.size);
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  // Words of all lengths, and the edges of 52, 63 and 64 bits.
  const std::uint64_t edges[] = {0,
                                 1,
                                 2,
                                 15,
                                 16,
                                 (std::uint64_t{1} << 52) - 1,
                                 std::uint64_t{1} << 52,
                                 (std::uint64_t{1} << 63) - 1,
                                 std::uint64_t{1} << 63,
                                 ~std::uint64_t{0}};
  const auto word = [&] {
    const std::uint64_t kind = random() % 4;
    if (kind == 0) return edges[random() % std::size(edges)];
    return kind == 1 ? random() >> (random() % 64) : random();
  };
  for (int round = 0; round < 20'000; ++round) {
    Avx512Inputs x{};
    std::ranges::generate(x.a, word);
    std::ranges::generate(x.b, word);
    std::ranges::generate(x.c, word);
    if (round % 3 == 0) x.b[random() % 8] = x.a[0];
    if (round % 5 == 0) std::ranges::copy(x.a, x.b);
    x.mask = static_cast<unsigned>(random() % 256);
    x.n = static_cast<int>(random() % 64);
    for (std::size_t i = 0; i < real.size; ++i) {
      ASSERT_STREQ(real.first[i].name, emulated.first[i].name);
      alignas(64) std::uint64_t expected[8] = {}, out[8] = {};
      real.first[i].run(x, expected);
      emulated.first[i].run(x, out);
      ASSERT_TRUE(std::ranges::equal(out, expected)) << real.first[i].name;
    }
  }
}

}  // namespace
}  // namespace psephos::ct
