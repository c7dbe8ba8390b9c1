#include "crypto/group/kernels.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "crypto/group/kernels/interface.h"
#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "tests/ct/emulated_kernels.h"

/// The kernels against libsodium and against each other, on lists of every length around their lanes and on
/// every input that is special. PSEPHOS_KERNEL_POINTS sets how many random ones (the slow test: 1,000,000).
namespace psephos {
namespace {

using kernels::FixedBaseTable;
using kernels::Kernels;
using kernels::Row;
using kernels::WidePoint;
using Encoding = ByteArray<32>;
using G = Ristretto;

std::size_t random_points() {
  const char* wish = std::getenv("PSEPHOS_KERNEL_POINTS");
  return wish != nullptr ? std::stoul(wish) : 20'000;
}

/// Every kernel set that runs here, with its name. The emulated one runs everywhere: the vector path's
/// formulas on machines without its instructions.
std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> out = {&kernels::portable(), &kernels::emulated()};
  if (kernels::ifma() != nullptr) out.push_back(kernels::ifma());
  return out;
}
class EveryKernel : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& k = *GetParam();
};
INSTANTIATE_TEST_SUITE_P(Kernels, EveryKernel, testing::ValuesIn(all_kernels()), [](const auto& param) {
  std::string name = param.param->name;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

/// A generator that repeats itself: SHA-512 of a counter.
struct Stream {
  std::uint64_t seed;
  std::uint64_t at = 0;
  Digest512 next() { return Sha512().update(u64be(seed)).update(u64be(at++)).finish(); }
  Encoding point() {
    Encoding out{};
    EXPECT_EQ(crypto_core_ristretto255_from_hash(out.data(), next().data()), 0);
    return out;
  }
  Encoding scalar() {
    Encoding out{};
    crypto_core_ristretto255_scalar_reduce(out.data(), next().data());
    return out;
  }
};

// libsodium, with the identity where it reports failure.
Encoding times(const Encoding& s, const Encoding& p) {
  Encoding out{};
  if (crypto_scalarmult_ristretto255(out.data(), s.data(), p.data()) != 0) out.fill(0);
  return out;
}
Encoding plus(const Encoding& p, const Encoding& q) {
  Encoding out{};
  EXPECT_EQ(crypto_core_ristretto255_add(out.data(), p.data(), q.data()), 0);
  return out;
}

Encoding generator() {
  Encoding out{}, one{1};
  EXPECT_EQ(crypto_scalarmult_ristretto255_base(out.data(), one.data()), 0);
  return out;
}
Encoding scalar_of(std::uint64_t n) {
  Encoding out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return out;
}
Encoding minus(const Encoding& s) {
  Encoding out{};
  crypto_core_ristretto255_scalar_negate(out.data(), s.data());
  return out;
}
/// 2^n − 1.
Encoding ones(unsigned n) {
  Encoding out{};
  for (unsigned i = 0; i < n; ++i) out[i / 8] = static_cast<std::uint8_t>(out[i / 8] | (1 << (i % 8)));
  return out;
}

/// Scalars on which recoding could trip: 0, 1, ℓ − 1, all digits extreme, carries through all of them.
std::vector<Encoding> special_scalars() {
  std::vector<Encoding> out = {scalar_of(0),        scalar_of(1), minus(scalar_of(1)), scalar_of(2),
                               minus(scalar_of(2)), ones(252),    ones(128),           ones(127)};
  for (const int byte : {0x77, 0x78, 0x80, 0x87, 0x88, 0x0f, 0xf0, 0x84, 0x10, 0x55, 0xaa}) {
    Encoding repeated{};
    repeated.fill(static_cast<std::uint8_t>(byte));
    repeated[31] &= 0x0f;
    out.push_back(repeated);
  }
  for (const unsigned bit : {3U, 4U, 5U, 63U, 64U, 127U, 128U, 191U, 192U, 250U, 251U, 252U}) {
    Encoding power{};
    power[bit / 8] = static_cast<std::uint8_t>(1 << (bit % 8));
    out.push_back(power);
  }
  return out;
}
/// The identity, the generator and its negative, small multiples, equal points, points that cancel.
std::vector<Encoding> special_points() {
  const Encoding G1 = generator();
  std::vector<Encoding> out = {Encoding{}, G1, times(minus(scalar_of(1)), G1), G1, G1};
  for (std::uint64_t n = 2; n < 12; ++n) out.push_back(times(scalar_of(n), G1));
  return out;
}

/// `n` points and scalars: the special ones against each other first, then random ones.
struct Lists {
  std::vector<Encoding> points, scalars;
  std::vector<Row> rows;
  Lists(const Kernels& k, std::size_t n, std::uint64_t seed = 1) {
    Stream random{seed};
    const auto edge_points = special_points();
    const auto edge_scalars = special_scalars();
    for (std::size_t i = 0; i < n; ++i) {
      const bool special = i % 3 == 0;
      points.push_back(special ? edge_points[i / 3 % edge_points.size()] : random.point());
      scalars.push_back(i % 2 == 0 ? edge_scalars[i / 2 % edge_scalars.size()] : random.scalar());
    }
    rows.resize(n);
    EXPECT_EQ(k.decode(bytes(points), n, rows.data()), n);
  }
  static const std::uint8_t* bytes(const std::vector<Encoding>& list) {
    return reinterpret_cast<const std::uint8_t*>(list.data());
  }
  const std::uint8_t* point_bytes() const { return bytes(points); }
  const std::uint8_t* scalar_bytes() const { return bytes(scalars); }
};

struct Scratch {
  explicit Scratch(std::size_t n) : memory(std::aligned_alloc(64, (n + 63) / 64 * 64)) {}
  ~Scratch() { std::free(memory); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* memory;
};

Encoding encoded(const Kernels& k, const WidePoint& p) {
  Encoding out{};
  k.encode_wide(&p, 1, out.data());
  return out;
}
std::uint8_t* bytes(std::vector<Encoding>& list) {
  return reinterpret_cast<std::uint8_t*>(list.data());
}

constexpr std::array<std::size_t, 13> kLengths = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 65, 130};

TEST_P(EveryKernel, DecodeAndEncodeAreInverse) {
  for (const std::size_t n : kLengths) {
    const Lists x(k, n);
    std::vector<Encoding> out(n);
    k.encode(x.rows.data(), n, bytes(out));
    EXPECT_EQ(out, x.points) << n;
  }
}

// Random strings: about one in sixteen is a point; the kernels and libsodium agree on which. libsodium 1.0.18
// ignores the top bit, and the wrapper in crypto/group/ristretto.cpp looks at it; so here.
TEST_P(EveryKernel, DecodeAcceptsWhatLibsodiumAccepts) {
  Stream random{7};
  std::size_t accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    Encoding candidate{};
    const auto digest = random.next();
    std::copy_n(digest.begin(), 32, candidate.begin());
    if (i % 2 == 0) candidate[31] &= 0x7f;
    if (i % 4 == 0) candidate[0] &= 0xfe;
    Row row;
    const bool here = k.decode(candidate.data(), 1, &row) == 1;
    EXPECT_EQ(here, Ristretto::Point::decode(candidate).has_value()) << to_hex(candidate);
    accepted += here ? 1 : 0;
  }
  EXPECT_GT(accepted, 100U);
}

// p − 1, p, p + 1, 2^255 − 1 and the like, and every encoding near them.
TEST_P(EveryKernel, DecodeRefusesWhatIsNotCanonical) {
  std::vector<Encoding> edges;
  for (int low = 0; low < 256; ++low)
    for (const std::uint8_t top : {std::uint8_t{0x7f}, std::uint8_t{0xff}, std::uint8_t{0x00}}) {
      Encoding e{};
      e.fill(top == 0 ? 0x00 : 0xff);
      e[0] = static_cast<std::uint8_t>(low);
      e[31] = top;
      edges.push_back(e);
    }
  for (const Encoding& e : edges) {
    Row row;
    EXPECT_EQ(k.decode(e.data(), 1, &row) == 1, Ristretto::Point::decode(e).has_value()) << to_hex(e);
  }
}

// The first bad one is found wherever it stands, behind another bad one or not.
TEST_P(EveryKernel, DecodeNamesTheFirstBadOne) {
  const Lists x(k, 40);
  Encoding not_canonical{1};
  Encoding no_point{};
  for (std::uint8_t i = 2; Ristretto::Point::decode(no_point); i = static_cast<std::uint8_t>(i + 2))
    no_point[0] = i;
  std::vector<Row> rows(40);
  for (const Encoding& bad : {not_canonical, no_point})
    for (std::size_t at = 0; at < 40; ++at)
      for (const std::size_t later : {at, std::size_t{39}}) {
        std::vector<Encoding> list = x.points;
        list[at] = bad;
        list[later] = at == later ? bad : not_canonical;
        EXPECT_EQ(k.decode(Lists::bytes(list), 40, rows.data()), at);
      }
}

TEST_P(EveryKernel, FromUniformIsLibsodiums) {
  for (const std::size_t n : kLengths) {
    Stream random{n + 3};
    Bytes uniform;
    std::vector<Encoding> expected, out(n);
    for (std::size_t i = 0; i < n; ++i) {
      Digest512 d = random.next();
      if (i == 1) d.fill(0);     // the exceptional field element
      if (i == 2) d.fill(0xff);  // not reduced
      append(uniform, d);
      Encoding e{};
      EXPECT_EQ(crypto_core_ristretto255_from_hash(e.data(), d.data()), 0);
      expected.push_back(e);
    }
    k.from_uniform(uniform.data(), n, bytes(out));
    EXPECT_EQ(out, expected) << n;
  }
}

TEST_P(EveryKernel, MultiScalarMultiplication) {
  for (const std::size_t n : kLengths) {
    if (n == 0) continue;  // the group never asks for it
    const Lists x(k, n), y(k, n, 2);
    Encoding expected{}, expected_y{};
    for (std::size_t i = 0; i < n; ++i) {
      expected = plus(expected, times(x.scalars[i], x.points[i]));
      expected_y = plus(expected_y, times(x.scalars[i], y.points[i]));
    }
    const std::array<const Row*, 2> arrays = {x.rows.data(), y.rows.data()};
    std::array<WidePoint, 2> sums{};
    Scratch scratch(k.msm_scratch_bytes(n, 253));
    k.msm(arrays.data(), 2, x.scalar_bytes(), n, 253, scratch.memory, sums.data());
    EXPECT_EQ(encoded(k, sums[0]), expected) << n;
    EXPECT_EQ(encoded(k, sums[1]), expected_y) << n;
    Scratch secret(k.secret_msm_scratch_bytes());
    k.secret_msm(x.rows.data(), x.scalar_bytes(), n, secret.memory, sums.data());
    EXPECT_EQ(encoded(k, sums[0]), expected) << n;
    Encoding plain{};
    for (const Encoding& p : x.points) plain = plus(plain, p);
    k.sum(x.rows.data(), n, sums.data());
    EXPECT_EQ(encoded(k, sums[0]), plain) << n;
  }
}

// Scalars of every length, up to the largest of that length: the digits must hold them all.
TEST_P(EveryKernel, MultiScalarMultiplicationOfEveryLength) {
  const std::size_t n = 300;
  const Lists x(k, n);
  for (unsigned bits = 1; bits <= 252; bits += bits < 20 ? 1 : 7) {
    std::vector<Encoding> scalars;
    Encoding expected{};
    const Encoding mask = ones(bits);
    for (std::size_t i = 0; i < n; ++i) {
      Encoding s = i % 4 == 0 ? mask : x.scalars[i];
      for (std::size_t b = 0; b < 32; ++b) s[b] &= mask[b];
      scalars.push_back(s);
    }
    for (std::size_t i = 0; i < n; i += 4) expected = plus(expected, x.points[i]);
    expected = times(mask, expected);
    for (std::size_t i = 0; i < n; ++i)
      if (i % 4 != 0) expected = plus(expected, times(scalars[i], x.points[i]));
    const Row* rows = x.rows.data();
    WidePoint sum;
    Scratch scratch(k.msm_scratch_bytes(n, bits));
    k.msm(&rows, 1, Lists::bytes(scalars), n, bits, scratch.memory, &sum);
    EXPECT_EQ(encoded(k, sum), expected) << bits;
  }
}

// All scalars equal, all points equal, all terms cancelling: buckets of one length, and of all.
TEST_P(EveryKernel, RepeatedScalarsAndEqualPoints) {
  const std::size_t n = 1000;
  Lists x(k, n);
  for (const Encoding& s : special_scalars()) {
    std::vector<Encoding> scalars(n, s);
    WidePoint sum;
    const Row* rows = x.rows.data();
    Scratch scratch(k.msm_scratch_bytes(n, 253));
    k.sum(rows, n, &sum);
    const Encoding expected = times(s, encoded(k, sum));
    k.msm(&rows, 1, Lists::bytes(scalars), n, 253, scratch.memory, &sum);
    EXPECT_EQ(encoded(k, sum), expected);
  }
  const std::vector<Row> equal(n, x.rows[1]);
  const Row* rows = equal.data();
  std::vector<Encoding> scalars = x.scalars;
  for (std::size_t i = 0; i < n; i += 2) scalars[i + 1] = minus(scalars[i]);
  WidePoint sum;
  Scratch scratch(k.msm_scratch_bytes(n, 253));
  k.msm(&rows, 1, Lists::bytes(scalars), n, 253, scratch.memory, &sum);
  EXPECT_EQ(encoded(k, sum), Encoding{});
}

TEST_P(EveryKernel, MulEach) {
  for (const std::size_t n : kLengths) {
    const Lists x(k, n);
    std::vector<Encoding> each, one, out(n);
    for (std::size_t i = 0; i < n; ++i) {
      each.push_back(times(x.scalars[i], x.points[i]));
      one.push_back(times(x.scalars[0], x.points[i]));
    }
    k.mul_each(x.rows.data(), x.scalar_bytes(), 32, n, bytes(out));
    EXPECT_EQ(out, each) << n;
    k.mul_each(x.rows.data(), x.scalar_bytes(), 0, n, bytes(out));
    EXPECT_EQ(out, one) << n;
  }
}

TEST_P(EveryKernel, FixedBase) {
  const Lists bases(k, 9, 4);
  for (const std::size_t which : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{8}}) {
    const auto table = std::make_unique<FixedBaseTable>(), other = std::make_unique<FixedBaseTable>();
    k.make_table(&bases.rows[which], table.get());
    k.make_table(&bases.rows[5], other.get());
    const std::array<const FixedBaseTable*, 2> tables = {table.get(), other.get()};
    for (const std::size_t n : kLengths) {
      const Lists x(k, n), y(k, n, 9);
      std::vector<Encoding> single, both, out(n);
      for (std::size_t i = 0; i < n; ++i) {
        single.push_back(times(x.scalars[i], bases.points[which]));
        both.push_back(plus(plus(single[i], times(y.scalars[i], bases.points[5])), y.points[i]));
      }
      const std::array<const std::uint8_t*, 2> scalars = {x.scalar_bytes(), y.scalar_bytes()};
      k.fixed_base(tables.data(), scalars.data(), 1, nullptr, n, bytes(out));
      EXPECT_EQ(out, single) << n;
      k.fixed_base(tables.data(), scalars.data(), 2, y.rows.data(), n, bytes(out));
      EXPECT_EQ(out, both) << n;
    }
  }
}

// Many random inputs, the paths against each other; libsodium on a sample, for it is slow.
TEST(Kernels, PathsAgreeOnManyRandomInputs) {
  if (kernels::ifma() == nullptr) GTEST_SKIP() << "this machine has no AVX-512 IFMA: there is one path only";
  const std::size_t n = random_points(), step = std::max<std::size_t>(1, n / 2000);
  const Kernels &a = kernels::portable(), &b = *kernels::ifma();
  Stream random{11};
  Bytes uniform;
  std::vector<Encoding> scalars, points(n), again(n);
  for (std::size_t i = 0; i < n; ++i) {
    append(uniform, random.next());
    scalars.push_back(random.scalar());
  }
  a.from_uniform(uniform.data(), n, bytes(points));
  b.from_uniform(uniform.data(), n, bytes(again));
  EXPECT_EQ(points, again);
  std::vector<Row> rows_a(n), rows_b(n);
  ASSERT_EQ(a.decode(bytes(points), n, rows_a.data()), n);
  ASSERT_EQ(b.decode(bytes(points), n, rows_b.data()), n);
  const auto table_a = std::make_unique<FixedBaseTable>(), table_b = std::make_unique<FixedBaseTable>();
  a.make_table(&rows_a[0], table_a.get());
  b.make_table(&rows_b[0], table_b.get());
  const FixedBaseTable *ta = table_a.get(), *tb = table_b.get();
  const std::uint8_t* s = Lists::bytes(scalars);
  std::vector<Encoding> out_a(n), out_b(n);
  a.fixed_base(&ta, &s, 1, rows_a.data(), n, bytes(out_a));
  b.fixed_base(&tb, &s, 1, rows_b.data(), n, bytes(out_b));
  EXPECT_EQ(out_a, out_b);
  for (std::size_t i = 0; i < n; i += step)
    EXPECT_EQ(out_a[i], plus(points[i], times(scalars[i], points[0]))) << i;
  a.mul_each(rows_a.data(), s, 32, n, bytes(out_a));
  b.mul_each(rows_b.data(), s, 32, n, bytes(out_b));
  EXPECT_EQ(out_a, out_b);
  for (std::size_t i = 0; i < n; i += step) EXPECT_EQ(out_a[i], times(scalars[i], points[i])) << i;
  WidePoint sum_a, sum_b, slow;
  const Row *ra = rows_a.data(), *rb = rows_b.data();
  Scratch scratch(std::max(a.msm_scratch_bytes(n, 253), a.secret_msm_scratch_bytes()));
  Scratch scratch_b(std::max(b.msm_scratch_bytes(n, 253), b.secret_msm_scratch_bytes()));
  a.msm(&ra, 1, s, n, 253, scratch.memory, &sum_a);
  b.msm(&rb, 1, s, n, 253, scratch_b.memory, &sum_b);
  b.secret_msm(rb, s, n, scratch_b.memory, &slow);
  EXPECT_EQ(encoded(a, sum_a), encoded(b, sum_b));
  EXPECT_EQ(encoded(a, sum_a), encoded(b, slow));
}

}  // namespace
}  // namespace psephos
