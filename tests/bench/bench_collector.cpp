#include <benchmark/benchmark.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>

#include "tests/collector/collector_fixture.h"

// What a ballot of two selections costs the collector, checks, disk, witnesses and receipt included:
// throughput with many at once, latency of one at a time, processor time (the three witnesses' included), and
// that against one libsodium scalar multiplication in the same run.
namespace psephos::test {
namespace {

double processor_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& t) {
    return 1e6 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

double scalarmult_us() {
  ByteArray<32> scalar{}, point{}, out{};
  crypto_core_ristretto255_random(point.data());
  crypto_core_ristretto255_scalar_random(scalar.data());
  constexpr int kRounds = 500;
  const double before = processor_us();
  for (int i = 0; i < kRounds; ++i) {
    const int failed = crypto_scalarmult_ristretto255(out.data(), scalar.data(), point.data());
    benchmark::DoNotOptimize(failed);
  }
  return (processor_us() - before) / kRounds;
}

void Collector_accepts(benchmark::State& state) {
  spdlog::set_level(spdlog::level::warn);
  const auto voters = static_cast<std::uint64_t>(state.range(0));
  CollectorWorld w;
  w.limits.cosign_wait = std::chrono::seconds(5);
  w.start();
  w.open(voters);
  double processor = 0;
  std::size_t refused = 0;
  for (auto _ : state) {
    state.PauseTiming();
    w.now_ms += 61'000;  // another ticket each
    std::vector<Bytes> bodies;
    for (std::uint64_t n = 1; n <= voters; ++n) bodies.push_back(w.cast(n).body());
    std::mutex mutex;
    std::condition_variable all;
    std::size_t answered = 0;
    const double before = processor_us();
    state.ResumeTiming();
    for (Bytes& body : bodies)
      w.running->service().handle({"POST", "/v1/ballot", std::move(body)},
                                  [&](const collector::Reply& reply) {
                                    const std::lock_guard lock(mutex);
                                    refused += reply.status == 200 ? 0 : 1;
                                    if (++answered == voters) all.notify_one();
                                  });
    std::unique_lock lock(mutex);
    all.wait(lock, [&] { return answered == voters; });
    processor += processor_us() - before;
  }
  if (refused > 0) state.SkipWithError("a ballot was refused");
  const auto ballots = static_cast<double>(state.iterations()) * static_cast<double>(voters);
  state.SetItemsProcessed(static_cast<std::int64_t>(ballots));
  state.counters["cpu_us_per_ballot"] = processor / ballots;
  state.counters["in_scalarmults"] = processor / ballots / scalarmult_us();
}
BENCHMARK(Collector_accepts)->Arg(1)->Arg(500)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace psephos::test
