#include <gmp.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "crypto/bulk_random.h"
#include "crypto/bytes.h"
#include "crypto/group/ristretto.h"
#include "crypto/group/scalar_arithmetic.h"

// Arithmetic modulo ℓ against GMP, which shares nothing with it.
namespace psephos {
namespace {

using scalar_arithmetic::Limbs;
using scalar_arithmetic::WideLimbs;
using Scalar = Ristretto::Scalar;
using SecretScalar = Ristretto::SecretScalar;

static_assert(scalar_arithmetic::mul({2}, scalar_arithmetic::inverse({2})) == Limbs{1});
static_assert(scalar_arithmetic::add({1}, scalar_arithmetic::negate({1})) == Limbs{});

/// An integer of GMP.
class Integer {
 public:
  Integer() { mpz_init(value_); }
  explicit Integer(const char* decimal) { mpz_init_set_str(value_, decimal, 10); }
  template <std::size_t N>
  explicit Integer(const std::array<std::uint64_t, N>& limbs) : Integer() {
    mpz_import(value_, N, -1, 8, 0, 0, limbs.data());
  }
  Integer(const Integer& other) { mpz_init_set(value_, other.value_); }
  Integer& operator=(const Integer& other) {
    mpz_set(value_, other.value_);
    return *this;
  }
  ~Integer() { mpz_clear(value_); }
  static Integer power_of_two(unsigned long exponent) {
    Integer out;
    mpz_setbit(out.value_, exponent);
    return out;
  }
  friend Integer operator+(const Integer& a, const Integer& b) { return apply(mpz_add, a, b); }
  friend Integer operator-(const Integer& a, const Integer& b) { return apply(mpz_sub, a, b); }
  friend Integer operator*(const Integer& a, const Integer& b) { return apply(mpz_mul, a, b); }
  friend Integer operator%(const Integer& a, const Integer& b) { return apply(mpz_fdiv_r, a, b); }
  friend bool operator<(const Integer& a, const Integer& b) { return mpz_cmp(a.value_, b.value_) < 0; }
  bool is_negative() const { return mpz_sgn(value_) < 0; }
  /// @pre 0 ≤ value < 2^(64·N).
  template <std::size_t N>
  std::array<std::uint64_t, N> limbs() const {
    std::array<std::uint64_t, N> out{};
    EXPECT_LE(mpz_sizeinbase(value_, 2), 64 * N);
    mpz_export(out.data(), nullptr, -1, 8, 0, 0, value_);
    return out;
  }

 private:
  using Function = void (*)(mpz_ptr, mpz_srcptr, mpz_srcptr);
  static Integer apply(Function function, const Integer& a, const Integer& b) {
    Integer out;
    function(out.value_, a.value_, b.value_);
    return out;
  }
  mpz_t value_;
};

const Integer& order() {
  static const Integer kOrder =
      Integer::power_of_two(252) + Integer("27742317777372353535851937790883648493");
  return kOrder;
}
/// What is to be expected of a function modulo ℓ.
Limbs mod_order(const Integer& x) {
  return (x % order()).limbs<4>();
}

template <std::size_t N>
Bytes bytes_of_limbs(const std::array<std::uint64_t, N>& limbs) {
  Bytes out;
  for (const std::uint64_t limb : limbs)
    for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<std::uint8_t>(limb >> shift));
  return out;
}
Scalar scalar_of(const Limbs& limbs) {
  return Scalar::decode(bytes_of_limbs(limbs)).value();
}
SecretScalar secret_of(const Limbs& limbs) {
  return SecretScalar::of(scalar_of(limbs));
}
Limbs limbs_of(const SecretScalar& x) {
  return declassify(x).limbs();  // public: a test's own
}

/// Values around every boundary that the arithmetic knows, below 2^bits.
std::vector<Integer> edges(unsigned long bits) {
  std::vector<Integer> centres = {Integer(), order()};
  const auto add_multiples = [&](const Integer& x) {
    for (const char* k : {"2", "3", "15", "16"}) centres.push_back(x * Integer(k));
  };
  add_multiples(order());
  for (const unsigned long exponent :
       {63UL,  64UL,  124UL, 125UL, 127UL, 128UL, 191UL, 192UL, 251UL, 252UL, 253UL, 255UL, 256UL, 259UL,
        260UL, 319UL, 320UL, 377UL, 378UL, 384UL, 385UL, 447UL, 448UL, 503UL, 504UL, 505UL, 511UL, 512UL}) {
    centres.push_back(Integer::power_of_two(exponent));
    if (exponent <= 260) centres.push_back(Integer::power_of_two(exponent) * order());
  }
  centres.push_back((order() - Integer("1")) * (order() - Integer("1")));
  centres.push_back(order() * order());
  std::vector<Integer> out;
  for (const Integer& centre : centres)
    for (const char* distance : {"-2", "-1", "0", "1", "2"}) {
      const Integer x = centre + Integer(distance);
      if (!x.is_negative() && x < Integer::power_of_two(bits)) out.push_back(x);
    }
  return out;
}

/// Random limbs, of which some are all zeros or all ones, where carries run far.
struct Random {
  std::mt19937_64 engine;
  template <std::size_t N>
  std::array<std::uint64_t, N> limbs() {
    std::array<std::uint64_t, N> out{};
    for (std::uint64_t& limb : out) {
      limb = engine();
      const std::uint64_t kind = engine() % 8;
      if (kind == 0) limb = 0;
      if (kind == 1) limb = ~std::uint64_t{0};
    }
    return out;
  }
};
std::uint64_t seed() {
  static const std::uint64_t kSeed = std::random_device{}();
  return kSeed;
}

void check_pair(const Integer& x, const Integer& y) {
  const Limbs a = x.limbs<4>();
  const Limbs b = y.limbs<4>();
  const Scalar s = scalar_of(a);
  const Scalar t = scalar_of(b);
  const Limbs sum = mod_order(x + y);
  const Limbs difference = mod_order(x - y);
  const Limbs product = mod_order(x * y);
  ASSERT_EQ((s + t).limbs(), sum);
  ASSERT_EQ((s - t).limbs(), difference);
  ASSERT_EQ((s * t).limbs(), product);
  ASSERT_EQ((-s).limbs(), mod_order(Integer() - x));
  ASSERT_EQ(scalar_arithmetic::mul_add(a, b, a), mod_order(x * y + x));
  const SecretScalar p = SecretScalar::of(s);
  const SecretScalar q = SecretScalar::of(t);
  ASSERT_EQ(limbs_of(p + q), sum);
  ASSERT_EQ(limbs_of(p + t), sum);
  ASSERT_EQ(limbs_of(p - q), difference);
  ASSERT_EQ(limbs_of(p * q), product);
  ASSERT_EQ(limbs_of(p * t), product);
}

void check_wide(const Integer& x) {
  const WideLimbs wide = x.limbs<8>();
  const Limbs expected = mod_order(x);
  ASSERT_EQ(scalar_arithmetic::reduce<5>(wide), expected);
  ASSERT_EQ(Scalar::from_wide(bytes_of_limbs(wide)).limbs(), expected);
  ASSERT_EQ(limbs_of(SecretScalar::from_wide(bytes_of_limbs(wide))), expected);
  if (x < Integer::power_of_two(505)) {
    ASSERT_EQ(scalar_arithmetic::reduce<4>(wide), expected);
  }
}

void check_decode(const Integer& x) {
  const Bytes bytes = bytes_of_limbs(x.limbs<4>());
  const auto decoded = Scalar::decode(bytes);
  const auto secret = SecretScalar::from_secret_bytes(
      SecretBytes<32>::copy_from(std::span<const std::uint8_t, 32>(bytes.data(), 32)));
  if (x < order()) {
    ASSERT_TRUE(decoded && secret);
    ASSERT_EQ(copy_of(decoded->encode()), bytes);
    ASSERT_EQ(limbs_of(*secret), decoded->limbs());
    ASSERT_EQ(copy_of(secret->seal_bytes().expose()), bytes);
  } else {
    ASSERT_EQ(decoded.error(), Fault::kScalarNoncanonical);
    ASSERT_EQ(secret.error(), Fault::kScalarNoncanonical);
  }
}

TEST(ScalarAgainstGmp, EveryPairOfEdges) {
  std::vector<Integer> reduced;
  for (const Integer& x : edges(256))
    if (x < order()) reduced.push_back(x);
  ASSERT_GT(reduced.size(), 40U);
  for (const Integer& x : reduced)
    for (const Integer& y : reduced) ASSERT_NO_FATAL_FAILURE(check_pair(x, y));
}

TEST(ScalarAgainstGmp, EveryWideEdge) {
  for (const Integer& x : edges(512)) ASSERT_NO_FATAL_FAILURE(check_wide(x));
}

TEST(ScalarAgainstGmp, DecodingTakesExactlyTheValuesBelowTheOrder) {
  for (const Integer& x : edges(256)) ASSERT_NO_FATAL_FAILURE(check_decode(x));
}

TEST(ScalarAgainstGmp, MillionRandomInputs) {
  RecordProperty("seed", std::to_string(seed()));
  SCOPED_TRACE(seed());
  Random random{std::mt19937_64(seed())};
  for (int i = 0; i < 1'000'000; ++i) {
    const Integer wide(random.limbs<8>());
    ASSERT_NO_FATAL_FAILURE(check_wide(wide));
    ASSERT_NO_FATAL_FAILURE(check_decode(Integer(random.limbs<4>())));
    ASSERT_NO_FATAL_FAILURE(check_pair(wide % order(), Integer(random.limbs<4>()) % order()));
  }
}

// The accumulator holds what its contract says: 255 products and a value more, all as large as can be.
TEST(ScalarAgainstGmp, SumsOfProducts) {
  SCOPED_TRACE(seed());
  Random random{std::mt19937_64(seed())};
  const Integer largest = order() - Integer("1");
  for (int round = 0; round < 100; ++round) {
    Integer expected = round == 0 ? largest : Integer(random.limbs<4>()) % order();
    const Limbs start = expected.limbs<4>();
    WideLimbs sum{start[0], start[1], start[2], start[3]};
    for (int i = 0; i < 255; ++i) {
      const Integer x = round == 0 ? largest : Integer(random.limbs<4>()) % order();
      const Integer y = round == 0 ? largest : Integer(random.limbs<4>()) % order();
      scalar_arithmetic::accumulate(sum, x.limbs<4>(), y.limbs<4>());
      expected = expected + x * y;
      ASSERT_EQ(sum, expected.limbs<8>());
    }
    ASSERT_EQ(scalar_arithmetic::reduce<5>(sum), mod_order(expected));
  }
}

TEST(ScalarAgainstGmp, Inverses) {
  SCOPED_TRACE(seed());
  Random random{std::mt19937_64(seed())};
  std::vector<Integer> values = edges(256);
  for (int i = 0; i < 1000; ++i) values.emplace_back(random.limbs<4>());
  for (const Integer& x : values) {
    const Limbs a = mod_order(x);
    if (a == Limbs{}) {
      EXPECT_EQ(scalar_arithmetic::inverse(a), Limbs{});
      continue;
    }
    const Limbs inverse = scalar_of(a).inverse_vartime().limbs();
    ASSERT_EQ(mod_order(x * Integer(inverse)), Limbs{1});
  }
  EXPECT_DEATH(Scalar{}.inverse_vartime(), "zero has no inverse");
}

// Short wide inputs are little-endian integers too, and libsodium agrees on all of it.
TEST(Scalar, AgreesWithLibsodium) {
  SCOPED_TRACE(seed());
  Random random{std::mt19937_64(seed())};
  for (int i = 0; i < 1000; ++i) {
    ByteArray<64> wide{};
    const Bytes bytes = bytes_of_limbs(random.limbs<8>());
    const auto length = static_cast<std::size_t>(i % 65);
    std::copy_n(bytes.begin(), length, wide.begin());
    ByteArray<32> expected{};
    crypto_core_ristretto255_scalar_reduce(expected.data(), wide.data());
    ASSERT_EQ(Scalar::from_wide(ByteView(bytes).first(length)).encode(), expected) << length;
    const Scalar a = Scalar::from_wide(bytes);
    const SecretScalar b = secret_of(Scalar::from_wide(wide).limbs());
    crypto_core_ristretto255_scalar_mul(expected.data(), a.encode().data(), b.seal_bytes().expose().data());
    ASSERT_EQ(declassify(b * a).encode(), expected);  // public: a test's own
  }
}

// A15, known answers: 64 bytes, all of which count. Computed with Python's integers.
TEST(WideReduction, KnownAnswers) {
  const std::pair<std::string, const char*> vectors[] = {
      {"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
       "fffffffffffffffffffffffffff",
       "000f9c44e31106a447938568a71b0ed065bef517d273ecce3d9a307c1b419903"},
      {"b25aac8202650ef1e7662d54e98667d594d5c9404b22bfa7ce878659547e1deca2103010fbf40fc3885ba9744325a97e3f877"
       "80fc88855e9721b06c9fd6530d3",
       "7b47d5e8ffa74c09f97f222a5495d6b2bb01f8cab13e35167a7818ae67fe0a00"},
      {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313"
       "2333435363738393a3b3c3d3e3f",
       "7a3c6282f02d37a05023b60d5428e6cc5961d4c31221937adae0b574e4d07205"},
      {"00000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000000000"
       "000000000000000000000000000",
       "1d95988d7431ecd670cf7d73f45befc6feffffffffffffffffffffffffffff0f"},
      {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000"
       "000000000000000000000000080",
       "fc511ae9ab21793d5cb101eecdbb7e4b32dffa0be93976e71e4d18be8da0cc09"},
      {"0500000000000000000000000000000000000000000000000000000000000000689faee7d21893c0b2e6bc17f5cef7a600000"
       "000000000000000000000000080",
       "0500000000000000000000000000000000000000000000000000000000000000"},
  };
  for (const auto& [wide, reduced] : vectors) {
    const Bytes bytes = from_hex(wide).value();
    ASSERT_EQ(bytes.size(), 64U);
    EXPECT_EQ(to_hex(Scalar::from_wide(bytes).encode()), reduced) << wide;
    EXPECT_EQ(to_hex(SecretScalar::from_wide(bytes).seal_bytes().expose()), reduced) << wide;
  }
}

/// Gives known bytes and counts them.
class CountingRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(drawn++);
  }
  std::size_t drawn = 0;
};

// A15: a random scalar is 64 bytes of the generator, reduced.
TEST(WideReduction, RandomScalarsTake64Bytes) {
  CountingRng rng;
  Bytes bytes(64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(limbs_of(SecretScalar::random(rng)), Scalar::from_wide(bytes).limbs());
  EXPECT_EQ(rng.drawn, 64U);
}

/// Pearson's statistic of the top 8 bits (244 to 251) of a million draws. For uniform ones it has mean 255
/// and standard deviation 22.6.
template <class Draw>
double chi_squared_of_top_bits(Draw&& draw) {
  constexpr int kDraws = 1'000'000;
  std::array<int, 256> count{};
  for (int i = 0; i < kDraws; ++i) ++count.at(limbs_of(draw())[3] >> 52);
  constexpr double kExpected = kDraws / 256.0;
  double sum = 0;
  for (const int n : count) sum += (n - kExpected) * (n - kExpected) / kExpected;
  return sum;
}

// A15: nine standard deviations are chance once in 10^15; a sampler with two draws in a hundred off shows
// twice that.
TEST(WideReduction, TopBitsOfAMillionDraws) {
  constexpr double kLimit = 255 + 9 * 22.6;
  SystemRng system;
  BulkRng rng(system);
  EXPECT_LT(chi_squared_of_top_bits([&] { return SecretScalar::random(rng); }), kLimit);
  int i = 0;
  const double biased = chi_squared_of_top_bits([&] {
    SecretScalar x = SecretScalar::random(rng);
    if (++i % 50 != 0) return x;
    Limbs halved = limbs_of(x);
    halved[3] >>= 1;
    return secret_of(halved);
  });
  EXPECT_GT(biased, kLimit);
}

}  // namespace
}  // namespace psephos
