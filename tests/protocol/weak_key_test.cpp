// A76: RSA keys that can be broken, each beside a twin that cannot.
#include "protocol/eid/weak_key.h"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "crypto/random.h"
#include "tests/trust-services/test_ca/rsa_key.h"

namespace psephos {
namespace {

const Bytes kExponent = {0x01, 0x00, 0x01};

Bytes bytes_of(const mpz_class& number) {
  Bytes out((mpz_sizeinbase(number.get_mpz_t(), 2) + 7) / 8);
  mpz_export(out.data(), nullptr, 1, 1, 1, 0, number.get_mpz_t());
  return out;
}
mpz_class number_of(ByteView bytes) {
  mpz_class out;
  mpz_import(out.get_mpz_t(), bytes.size(), 1, 1, 1, 0, bytes.data());
  return out;
}

class WeakKey : public ::testing::Test {
 protected:
  mpz_class random(std::size_t bits) {
    Bytes bytes((bits + 7) / 8);
    rng_.fill(bytes);
    mpz_class out = number_of(bytes);
    mpz_fdiv_r_2exp(out.get_mpz_t(), out.get_mpz_t(), bits);
    mpz_setbit(out.get_mpz_t(), bits - 1);
    return out;
  }
  mpz_class random_prime(std::size_t bits) {
    mpz_class out = random(bits);
    mpz_nextprime(out.get_mpz_t(), out.get_mpz_t());
    return out;
  }
  std::optional<RsaWeakness> weakness(const mpz_class& modulus, const Bytes& exponent = kExponent) {
    return rsa_weakness(bytes_of(modulus), exponent);
  }
  SystemRng rng_;
};

std::vector<unsigned> primes_from_3_to(unsigned last) {
  std::vector<unsigned> out;
  for (unsigned p = 3; p <= last; p += 2) {
    bool prime = true;
    for (unsigned q = 3; q * q <= p && prime; q += 2) prime = p % q != 0;
    if (prime) out.push_back(p);
  }
  return out;
}

TEST_F(WeakKey, KeysOfOpensslAreNot) {
  for (const unsigned bits : {2048U, 2048U, 3072U}) {
    const trust::RsaKey key = trust::generate_rsa(bits);
    EXPECT_EQ(rsa_weakness(key.modulus, key.exponent), std::nullopt);
  }
}

TEST_F(WeakKey, A76_Exponents) {
  const Bytes modulus = bytes_of(random_prime(1024) * random_prime(1024));
  const auto with = [&](const Bytes& exponent) { return rsa_weakness(modulus, exponent); };
  for (const Bytes& good : {kExponent, Bytes{0x01, 0x00, 0x03}, Bytes(8, 0xff)})
    EXPECT_EQ(with(good), std::nullopt);
  const Bytes of_65_bits = {1, 0, 0, 0, 0, 0, 0, 0, 1};
  for (const Bytes& bad :
       {Bytes{}, Bytes{1}, Bytes{3}, Bytes{17}, Bytes{0xff, 0xff}, Bytes{0x01, 0x00, 0x02}, of_65_bits})
    EXPECT_EQ(with(bad), RsaWeakness::kExponent);
}

// Corrupted moduli (Parsovs, USENIX Security 2020) have small factors.
TEST_F(WeakKey, A76_EverySmallFactorIsFound) {
  const mpz_class good = random_prime(1024) * random_prime(1024);
  ASSERT_EQ(weakness(good), std::nullopt);
  EXPECT_EQ(weakness(good * 2), RsaWeakness::kSmallFactor);
  const auto primes = primes_from_3_to(65536);
  ASSERT_EQ(primes.size(), 6541U);
  for (const unsigned p : primes) ASSERT_EQ(weakness(good * p), RsaWeakness::kSmallFactor) << p;
  EXPECT_EQ(weakness(good * 65537), std::nullopt);    // the first prime that is not looked for
  for (std::size_t bits = 1984; bits < 2112; ++bits)  // every length, whole words or not
    ASSERT_EQ(weakness(random(bits) / 65521 * 65521), RsaWeakness::kSmallFactor) << bits;
}

TEST_F(WeakKey, A76_CloseFactors) {
  const mpz_class p = random_prime(1024);
  mpz_class q;
  mpz_nextprime(q.get_mpz_t(), p.get_mpz_t());
  EXPECT_EQ(weakness(p * p), RsaWeakness::kCloseFactors);
  EXPECT_EQ(weakness(p * q), RsaWeakness::kCloseFactors);
  EXPECT_EQ(weakness(p * random_prime(1024)), std::nullopt);
  // (a − b)·(a + b) with b² near 2·a·step is found at about that step.
  const auto at_step = [&](unsigned step) {
    for (mpz_class a = random(1024);; ++a) {
      const mpz_class b = sqrt(2 * a * step);
      const mpz_class n = (a - b) * (a + b);
      const auto found = weakness(n);
      if (found != RsaWeakness::kSmallFactor) return found;
    }
  };
  EXPECT_EQ(at_step(2), RsaWeakness::kCloseFactors);
  EXPECT_EQ(at_step(98), RsaWeakness::kCloseFactors);
  EXPECT_EQ(at_step(102), std::nullopt);
}

TEST_F(WeakKey, A76_RocaIsRecognised) {
  // Primes k·M + (g^a mod M) with M the product of the first 126 primes, as for keys of 1,984 to 3,936 bits.
  const auto primes = primes_from_3_to(701);
  mpz_class m = 2;
  for (const unsigned p : primes) m *= p;
  ASSERT_EQ(primes.size(), 125U);
  const auto prime_from = [&](unsigned generator) {
    const std::size_t bits_of_k = 1024 - mpz_sizeinbase(m.get_mpz_t(), 2);
    for (;;) {
      mpz_class power;
      const mpz_class g = generator, a = random(256);
      mpz_powm(power.get_mpz_t(), g.get_mpz_t(), a.get_mpz_t(), m.get_mpz_t());
      const mpz_class p = random(bits_of_k) * m + power;
      if (mpz_probab_prime_p(p.get_mpz_t(), 20) != 0) return p;
    }
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(weakness(prime_from(65537) * prime_from(65537)), RsaWeakness::kRoca);
  // The same form from other generators, and one ordinary prime, are no ROCA.
  EXPECT_EQ(weakness(prime_from(65539) * prime_from(65539)), std::nullopt);
  EXPECT_EQ(weakness(prime_from(65537) * random_prime(1024)), std::nullopt);
}

// An ordinary modulus falls into every subgroup with a probability that can be computed exactly; and none of
// many random ones does.
TEST_F(WeakKey, OrdinaryModuliAreNoRoca) {
  double bits = 0;
  for (const unsigned p : primes_from_3_to(701)) {
    unsigned order = 1;
    for (std::uint64_t x = 65537 % p; x != 1; x = x * 65537 % p) ++order;
    bits += std::log2(static_cast<double>(p - 1) / order);
  }
  EXPECT_NEAR(bits, 167.27, 0.01);  // SPEC §9.8
  int passed = 0;
  for (int i = 0; i < 4000; ++i) {
    mpz_class n = random(2048);
    mpz_setbit(n.get_mpz_t(), 0);
    const auto found = weakness(n);
    if (found == RsaWeakness::kSmallFactor) continue;
    ASSERT_EQ(found, std::nullopt);
    ++passed;
  }
  EXPECT_GT(passed, 250);  // about one odd number in ten has no factor below 2^16
}

}  // namespace
}  // namespace psephos
