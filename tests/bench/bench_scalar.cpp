#include <benchmark/benchmark.h>
#include <sodium.h>
#include <time.h>

#include <cstdint>
#include <vector>

#include "crypto/bulk_random.h"
#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/transcript.h"

// Scalars, hashing and randomness. The counter `libsodium` says how many times longer libsodium takes for the
// same, in processor time of the same run, right after.
namespace psephos {
namespace {

using Scalar = Ristretto::Scalar;
using SecretScalar = Ristretto::SecretScalar;

constexpr std::size_t kMany = 1024;

double cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Times `ours`, which does `items`, then `theirs`, which does one and gives bytes.
template <class Ours, class Theirs>
void compare(benchmark::State& state, std::size_t items, Ours&& ours, Theirs&& theirs) {
  double before_s = cpu_s();
  for (auto _ : state) ours();
  const double ours_s =
      (cpu_s() - before_s) / static_cast<double>(state.iterations()) / static_cast<double>(items);
  before_s = cpu_s();
  std::size_t done = 0;
  for (; done < 16 || cpu_s() - before_s < 0.02; done += 16)
    for (int i = 0; i < 16; ++i) benchmark::DoNotOptimize(theirs());
  const double theirs_s = (cpu_s() - before_s) / static_cast<double>(done);
  state.counters["libsodium"] = theirs_s / ours_s;
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

/// Scalars, and libsodium's functions on the first two of them.
struct Inputs {
  std::vector<Scalar> a, b, out{kMany};
  ByteArray<32> sodium{};
  Inputs() {
    SystemRng rng;
    for (std::size_t i = 0; i < kMany; ++i) {
      a.push_back(declassify(SecretScalar::random(rng)));  // public: a benchmark's own
      b.push_back(declassify(SecretScalar::random(rng)));  // likewise
    }
  }
  auto with(void (*function)(unsigned char*, const unsigned char*, const unsigned char*)) {
    return [this, function] {
      function(sodium.data(), a[0].encode().data(), b[0].encode().data());
      return sodium;
    };
  }
};

void ScalarMul(benchmark::State& state) {
  Inputs in;
  compare(
      state, kMany,
      [&] {
        for (std::size_t i = 0; i < kMany; ++i) in.out[i] = in.a[i] * in.b[i];
        benchmark::ClobberMemory();
      },
      in.with(crypto_core_ristretto255_scalar_mul));
}
BENCHMARK(ScalarMul);

void ScalarMulEachWaitingForTheLast(benchmark::State& state) {
  Inputs in;
  compare(
      state, 1, [&] { benchmark::DoNotOptimize(in.a[0] = in.a[0] * in.b[0]); },
      in.with(crypto_core_ristretto255_scalar_mul));
}
BENCHMARK(ScalarMulEachWaitingForTheLast);

void ScalarAdd(benchmark::State& state) {
  Inputs in;
  compare(
      state, kMany,
      [&] {
        for (std::size_t i = 0; i < kMany; ++i) in.out[i] = in.a[i] + in.b[i];
        benchmark::ClobberMemory();
      },
      in.with(crypto_core_ristretto255_scalar_add));
}
BENCHMARK(ScalarAdd);

void SecretScalarMulAddWiped(benchmark::State& state) {
  Inputs in;
  const SecretScalar x = SecretScalar::of(in.a[1]);
  const SecretScalar y = SecretScalar::of(in.a[2]);
  compare(
      state, 1, [&] { benchmark::DoNotOptimize(x * in.b[0] + y); },
      [&] {
        in.with(crypto_core_ristretto255_scalar_mul)();
        return in.with(crypto_core_ristretto255_scalar_add)();
      });
}
BENCHMARK(SecretScalarMulAddWiped);

void ScalarFromWide(benchmark::State& state) {
  Inputs in;
  const Digest512 wide = sha512(in.a[0].encode());
  compare(
      state, 1, [&] { benchmark::DoNotOptimize(Scalar::from_wide(wide)); },
      [&] {
        crypto_core_ristretto255_scalar_reduce(in.sodium.data(), wide.data());
        return in.sodium;
      });
}
BENCHMARK(ScalarFromWide);

void ScalarInverse(benchmark::State& state) {
  Inputs in;
  compare(
      state, 1, [&] { benchmark::DoNotOptimize(in.a[0].inverse_vartime()); },
      [&] {
        if (crypto_core_ristretto255_scalar_invert(in.sodium.data(), in.a[0].encode().data()) != 0)
          std::abort();
        return in.sodium;
      });
}
BENCHMARK(ScalarInverse);

/// Σ a_i·b_i, reduced now and then.
void SumOfProducts(benchmark::State& state) {
  Inputs in;
  compare(
      state, kMany,
      [&] {
        Scalar sum;
        for (std::size_t i = 0; i < kMany; ++i) sum = sum + in.a[i] * in.b[i];
        benchmark::DoNotOptimize(sum);
      },
      [&] {
        in.with(crypto_core_ristretto255_scalar_mul)();
        return in.with(crypto_core_ristretto255_scalar_add)();
      });
}
BENCHMARK(SumOfProducts);

/// Secrets drawn one by one from the generator; libsodium's way is a call of the system for each.
template <bool kBulk>
void SecretScalarRandom(benchmark::State& state) {
  SystemRng system;
  BulkRng bulk(system);
  Rng& rng = kBulk ? static_cast<Rng&>(bulk) : system;
  compare(
      state, 1, [&] { benchmark::DoNotOptimize(SecretScalar::random(rng)); },
      [&] {
        ByteArray<32> out{};
        crypto_core_ristretto255_scalar_random(out.data());
        return out;
      });
}
BENCHMARK(SecretScalarRandom<false>)->Name("SecretScalarRandom/SystemRng");
BENCHMARK(SecretScalarRandom<true>)->Name("SecretScalarRandom/BulkRng");

template <class Hash, auto kSodium, std::size_t kDigest>
void HashOf(benchmark::State& state) {
  const Bytes message(static_cast<std::size_t>(state.range(0)), 7);
  compare(
      state, 1, [&] { benchmark::DoNotOptimize(Hash().update(message).finish()); },
      [&] {
        ByteArray<kDigest> out{};
        kSodium(out.data(), message.data(), message.size());
        return out;
      });
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(HashOf<Sha512, crypto_hash_sha512, 64>)->Name("Sha512")->Arg(64)->Arg(1 << 20);
BENCHMARK(HashOf<Sha256, crypto_hash_sha256, 32>)->Name("Sha256")->Arg(64)->Arg(1 << 20);

/// A challenge vector of a million; time is of all cores, an item a scalar.
void ChallengeVector(benchmark::State& state) {
  const Digest512 seed = sha512({});
  constexpr std::size_t kN = 1'000'000;
  for (auto _ : state) benchmark::DoNotOptimize(Transcript::expand_challenge_vector<Ristretto>(seed, kN));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kN));
}
BENCHMARK(ChallengeVector)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace psephos
