#include <gmp.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "crypto/group/kernels/field_portable.h"

// The portable field against GMP. A representation has 2^256 values for fewer residues, and sums carry up to
// three times: which random inputs never see, but these edges do.
namespace psephos {
namespace {

using kernels::FieldPortable;
using Fe = FieldPortable::Fe;
using Clean = FieldPortable::Clean;
using Product = FieldPortable::Product;
using Wide = FieldPortable::Wide;
using Words = std::array<std::uint64_t, 4>;

constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

class Integer {
 public:
  Integer() { mpz_init(value_); }
  explicit Integer(const Words& words) : Integer() {
    mpz_import(value_, words.size(), -1, 8, 0, 0, words.data());
  }
  Integer(const Integer&) = delete;
  Integer& operator=(const Integer&) = delete;
  ~Integer() { mpz_clear(value_); }
  mpz_t& get() { return value_; }

 private:
  mpz_t value_;
};

class PortableField : public testing::Test {
 protected:
  PortableField() {
    mpz_setbit(p_.get(), 255);
    mpz_sub_ui(p_.get(), p_.get(), 19);
    mpz_setbit(product_bound_.get(), 255);
    mpz_setbit(product_bound_.get(), 11);
    // Words on the edges of carries, in all places; the neighbourhoods of 0, p, 2^255 + 2^11 and 2p.
    const std::array<std::uint64_t, 5> edges = {0, 1, kAllOnes - 37, kAllOnes >> 1, kAllOnes};
    for (const std::uint64_t a : edges)
      for (const std::uint64_t b : edges)
        for (const std::uint64_t c : edges)
          for (const std::uint64_t d : edges)
            if (b == c || c == kAllOnes || d == kAllOnes) values_.push_back({a, b, c, d});
    for (std::uint64_t n = 0; n < 60; ++n) {
      values_.push_back({n, 0, 0, 0});
      values_.push_back({kAllOnes - n, kAllOnes, kAllOnes, kAllOnes >> 1});
      values_.push_back({kAllOnes - n, kAllOnes, kAllOnes, kAllOnes});
    }
    for (const std::uint64_t n : {0U, 1U, 18U, 19U, 20U, 2047U})
      values_.push_back({n, 0, 0, std::uint64_t{1} << 63});
    for (int i = 0; i < 60; ++i) values_.push_back({random_(), random_(), random_(), random_()});
    for (const Words& x : values_)
      if (mpz_cmp(Integer(x).get(), product_bound_.get()) < 0) clean_.push_back(x);
  }
  static Fe fe(const Words& x) { return {{x[0], x[1], x[2], x[3]}}; }
  static Clean clean(const Words& x) { return {fe(x)}; }
  static Wide wide(const Words& x) { return {{x[0], x[1], x[2], x[3]}}; }
  static Words words(const Fe& x) { return {x.l[0], x.l[1], x.l[2], x.l[3]}; }
  /// Stands for `expected` modulo p; `expected` is reduced.
  bool is(const Fe& x, Integer& expected) {
    mpz_mod(expected.get(), expected.get(), p_.get());
    Integer residue(words(x));
    mpz_mod(residue.get(), residue.get(), p_.get());
    return mpz_cmp(residue.get(), expected.get()) == 0;
  }
  bool is_bounded(const Clean& x) { return mpz_cmp(Integer(words(x)).get(), product_bound_.get()) < 0; }

  const unsigned seed_ = std::random_device{}();
  testing::ScopedTrace trace_{__FILE__, __LINE__, seed_};
  std::mt19937_64 random_{seed_};
  Integer p_, product_bound_, expected_;
  std::vector<Words> values_;  ///< any below 2^256
  std::vector<Words> clean_;   ///< those of a Clean or a Product
};

TEST_F(PortableField, ProductsAndSquares) {
  for (const Words& a : values_) {
    const Clean square = FieldPortable::reduce(FieldPortable::sqr(fe(a)));
    mpz_mul(expected_.get(), Integer(a).get(), Integer(a).get());
    ASSERT_TRUE(is(square, expected_) && is_bounded(square));
    for (const Words& b : values_) {
      const Clean product = FieldPortable::reduce(FieldPortable::mul(fe(a), fe(b)));
      mpz_mul(expected_.get(), Integer(a).get(), Integer(b).get());
      ASSERT_TRUE(is(product, expected_) && is_bounded(product));
    }
  }
}

TEST_F(PortableField, SumsAndDifferencesOfAnything) {
  for (const Words& a : values_)
    for (const Words& b : values_) {
      mpz_add(expected_.get(), Integer(a).get(), Integer(b).get());
      ASSERT_TRUE(is(FieldPortable::reduce(wide(a) + wide(b)), expected_));
      mpz_sub(expected_.get(), Integer(a).get(), Integer(b).get());
      ASSERT_TRUE(is(FieldPortable::reduce(wide(a) - wide(b)), expected_));
    }
}

TEST_F(PortableField, SumsAndDifferencesOfProducts) {
  EXPECT_GT(clean_.size(), 100U);
  for (const Words& a : clean_)
    for (const Words& b : clean_) {
      const Product x = FieldPortable::wide(clean(a)), y = FieldPortable::wide(clean(b));
      mpz_add(expected_.get(), Integer(a).get(), Integer(b).get());
      ASSERT_TRUE(is(FieldPortable::reduce(x + y), expected_));
      mpz_sub(expected_.get(), Integer(a).get(), Integer(b).get());
      ASSERT_TRUE(is(FieldPortable::reduce(x - y), expected_));
    }
}

TEST_F(PortableField, OneRepresentativeIsCanonical) {
  for (const Words& a : values_) {
    Integer residue(a);
    const Clean once = FieldPortable::clean(fe(a));
    ASSERT_TRUE(is(once, residue) && is_bounded(once));
    const Clean canonical = FieldPortable::canonical(fe(a));
    ASSERT_EQ(mpz_cmp(Integer(words(canonical)).get(), residue.get()), 0);
    ASSERT_EQ(FieldPortable::is_zero(canonical), mpz_sgn(residue.get()) == 0 ? 1U : 0U);
    ASSERT_EQ(FieldPortable::is_odd(canonical), static_cast<unsigned>(mpz_odd_p(residue.get())));
  }
}

TEST_F(PortableField, NegatesIfAsked) {
  for (const Words& a : clean_) {
    Integer same(a);
    ASSERT_TRUE(is(FieldPortable::negate_if(0, clean(a)), same));
    mpz_neg(expected_.get(), Integer(a).get());
    ASSERT_TRUE(is(FieldPortable::negate_if(1, clean(a)), expected_));
  }
}

TEST_F(PortableField, LooksUpAnyRowOrNone) {
  std::array<std::uint64_t, 3 * 4> rows{};
  for (std::uint64_t& x : rows) x = random_();
  for (std::size_t index = 0; index <= 3; ++index) {
    Words out{};
    FieldPortable::look_up<3, 4>(rows.data(), index, out.data());
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(out[k], index == 0 ? 0 : rows[4 * (index - 1) + k]);
  }
}

}  // namespace
}  // namespace psephos
