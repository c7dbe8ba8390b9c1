#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "crypto/group/kernels/edwards.h"
#include "crypto/group/kernels/field_portable.h"
#include "crypto/group/kernels/interface.h"
#include "tests/crypto/shuffle_fixture.h"

// Points of small order (A09, A122). An element of ristretto255 is a point of the Edwards curve up to the
// four points of order 1, 2 and 4: whoever adds one of these changes the point and not the element. So
// nothing can be carried along in them, and no check of a subgroup is needed, which libraries have had wrong.
namespace psephos {
namespace {

using kernels::FieldPortable;
using kernels::Kernels;
using kernels::Row;
using kernels::WidePoint;
using One = kernels::Edwards<FieldPortable>;
using Encoding = ByteArray<32>;
using G = Ristretto;

using Clean = FieldPortable::Clean;

One::Point affine(const Clean& x, const Clean& y) {
  return {One::add(y, x), One::sub(y, x), FieldPortable::small(1), One::mul(x, y)};
}
/// The points of order 1, 2, 4 and 4.
std::array<One::Point, 4> torsion() {
  const Clean zero = FieldPortable::small(0), one = FieldPortable::small(1);
  const Clean i = One::constant(kernels::kSqrtMinusOne);
  return {affine(zero, one), affine(zero, One::neg(one)), affine(i, zero), affine(One::neg(i), zero)};
}
One::Point add(const One::Point& p, const One::Point& q) {
  return One::add(p, One::cached(q));
}

One::Point point_of(const WidePoint& p) {
  return {FieldPortable::from_words(p.S), FieldPortable::from_words(p.D), FieldPortable::from_words(p.Z),
          FieldPortable::from_words(p.T)};
}
WidePoint wide_of(const One::Point& p) {
  WidePoint out;
  FieldPortable::to_words(FieldPortable::canonical(p.S), out.S);
  FieldPortable::to_words(FieldPortable::canonical(p.D), out.D);
  FieldPortable::to_words(FieldPortable::canonical(p.Z), out.Z);
  FieldPortable::to_words(FieldPortable::canonical(p.T), out.T);
  return out;
}
Encoding bytes_of_field(const Clean& a) {
  std::array<std::uint64_t, 4> words{};
  FieldPortable::to_words(FieldPortable::canonical(a), words.data());
  Encoding out{};
  FieldPortable::store_bytes(words.data(), out.data(), 32);
  return out;
}
/// The point itself, as RFC 8032 §5.1.2 writes it: y, and whether x is odd on top. Two points of one element
/// differ here.
Encoding edwards_bytes(const One::Point& p) {
  // S + D is 2Y and S − D is 2X, for Z.
  const FieldPortable::Fe inverse = One::invert(One::add(p.Z, p.Z));
  const Clean S = FieldPortable::clean(p.S), D = FieldPortable::clean(p.D);
  Encoding out = bytes_of_field(One::cmul(One::add(S, D), inverse));
  const Encoding x = bytes_of_field(One::cmul(One::sub(S, D), inverse));
  out[31] = static_cast<std::uint8_t>(out[31] | (x[0] & 1) << 7);
  return out;
}

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> out = {&kernels::portable()};
  if (kernels::ifma() != nullptr) out.push_back(kernels::ifma());
  return out;
}
class Torsion : public testing::TestWithParam<const Kernels*> {
 protected:
  /// The point that the kernels make of an element.
  One::Point decoded(const Encoding& element) const {
    Row row;
    EXPECT_EQ(k.decode(element.data(), 1, &row), 1U);
    WidePoint wide;
    k.sum(&row, 1, &wide);
    return point_of(wide);
  }
  Encoding encoded(const One::Point& p) const {
    const WidePoint wide = wide_of(p);
    Encoding out{};
    k.encode_wide(&wide, 1, out.data());
    return out;
  }
  const Kernels& k = *GetParam();
};
INSTANTIATE_TEST_SUITE_P(Kernels, Torsion, testing::ValuesIn(all_kernels()), [](const auto& param) {
  std::string name = param.param->name;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

/// The identity, small multiples of the generator and their negatives, and points nobody knows the logarithm
/// of.
std::vector<Encoding> elements() {
  std::vector<Encoding> out;
  for (std::uint64_t n = 0; n < 40; ++n) {
    out.push_back(sigma_test::multiple<G>(n).encode());
    out.push_back((-sigma_test::multiple<G>(n)).encode());
    out.push_back(sigma_test::unknown_point<G>("torsion " + std::to_string(n)).encode());
  }
  return out;
}

TEST_P(Torsion, A09_EveryPointOfAnElementHasItsEncoding) {
  const Encoding generator = G::Point::generator().encode();
  for (const Encoding& element : elements()) {
    const One::Point P = decoded(element);
    std::set<Encoding> points;
    for (const One::Point& T : torsion()) {
      EXPECT_EQ(encoded(add(P, T)), element);
      EXPECT_EQ(encoded(add(add(P, T), T)), element);
      points.insert(edwards_bytes(add(P, T)));
    }
    EXPECT_EQ(points.size(), 4U);  // four different points, all the same
    // Another element has another encoding, whatever is added besides.
    for (const One::Point& T : torsion()) EXPECT_NE(encoded(add(add(P, decoded(generator)), T)), element);
  }
}

// What follows from elements does not depend on which of its points stands for each.
TEST_P(Torsion, A09_SumsAndDoublesOfAnyPoints) {
  const auto list = elements();
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    const One::Point P = decoded(list[i]), Q = decoded(list[i + 1]);
    const Encoding sum = encoded(add(P, Q)), twice = encoded(One::twice(P));
    EXPECT_EQ(sum, (*G::Point::decode(list[i]) + *G::Point::decode(list[i + 1])).encode());
    for (const One::Point& T : torsion())
      for (const One::Point& U : torsion()) {
        EXPECT_EQ(encoded(add(add(P, T), add(Q, U))), sum);
        WidePoint wide_sum;
        const WidePoint p = wide_of(add(P, T)), q = wide_of(add(Q, U));
        k.add_wide(&p, &q, &wide_sum);
        EXPECT_EQ(encoded(point_of(wide_sum)), sum);
        EXPECT_EQ(encoded(One::twice(add(P, T))), twice);
        // Doubled in the encoding, by itself and among others.
        const std::array<One::Point, 4> several{add(P, T), add(Q, U), T, add(P, U)};
        std::array<Clean, 4> s{};
        One::encode_doubled(several.data(), 1, s.data(), One::invert);
        EXPECT_EQ(bytes_of_field(s[0]), twice);
        One::encode_doubled(several.data(), 4, s.data(), One::invert);
        EXPECT_EQ(bytes_of_field(s[0]), twice);
        EXPECT_EQ(bytes_of_field(s[1]), encoded(One::twice(Q)));
        EXPECT_EQ(bytes_of_field(s[2]), Encoding{});
        EXPECT_EQ(bytes_of_field(s[3]), twice);
      }
  }
}

// The points themselves, written as Ed25519 writes them, among them those that a wrong subgroup check has let
// pass (CVE-2025-69277: a point of order 2 added): read as an element some are one by chance. All decoders
// agree on which, and each of these has the one encoding that was read.
TEST_P(Torsion, A09_EdwardsEncodingsAreNoSecondEncodings) {
  std::size_t accepted = 0, refused = 0;
  for (const Encoding& element : elements())
    for (const One::Point& T : torsion()) {
      const Encoding bytes = edwards_bytes(add(decoded(element), T));
      Row row;
      const auto read = G::Point::decode(bytes);
      EXPECT_EQ(k.decode(bytes.data(), 1, &row) == 1, read.has_value());
      if (!read) {
        ++refused;
        continue;
      }
      ++accepted;
      EXPECT_EQ(encoded(decoded(bytes)), bytes);
    }
  EXPECT_GT(refused, accepted);
}

// A122: a mixer marks the ciphertexts that it puts out with points of small order. What leaves is what an
// honest mixer puts out; and bytes that carry the mark are no list, or not the one that is proved.
TEST_P(Torsion, A122_NoMarkSurvivesAMix) {
  using shuffle_test::invalid;
  const shuffle_test::Mix mix(4, 1);
  const Bytes honest = encode_list(mix.output), input = encode_list(mix.input),
              proof = encode_proof(mix.proof);
  const auto verify = [&](const Bytes& output) {
    Transcript t = shuffle_test::group_transcript();
    return verify_shuffle_vartime(EncodedShuffle<G>{mix.Y, 1, input, output, proof}, t, mix.generators);
  };
  for (std::size_t mark = 0; mark < 4; ++mark) {
    const One::Point T = torsion()[mark];
    Bytes marked, raw;
    for (std::size_t at = 0; at < honest.size(); at += 32) {
      Encoding element{};
      std::copy_n(honest.begin() + static_cast<std::ptrdiff_t>(at), 32, element.begin());
      const One::Point P = add(decoded(element), T);
      append(marked, encoded(P));
      append(raw, edwards_bytes(P));
    }
    EXPECT_EQ(marked, honest);
    EXPECT_EQ(verify(marked), (Result<void, ShuffleRejection>{}));
    for (std::size_t at = 0; at < honest.size(); at += 32) {
      Bytes one_raw = honest;
      std::copy_n(raw.begin() + static_cast<std::ptrdiff_t>(at), 32,
                  one_raw.begin() + static_cast<std::ptrdiff_t>(at));
      const auto verdict = verify(one_raw);
      ASSERT_FALSE(verdict.has_value());
      const bool is_element = G::Point::decode(ByteView(raw).subspan(at, 32)).has_value();
      if (is_element) {
        EXPECT_EQ(verdict, invalid(ShuffleEquation::kA));
      } else {
        const Fault fault = G::Point::decode(ByteView(raw).subspan(at, 32)).error();
        EXPECT_EQ(verdict.error(),
                  (ShuffleRejection{fault, ShuffleEquation::kNone, at / 32, ShufflePart::kOutput}));
      }
    }
    EXPECT_FALSE(verify(raw).has_value());
  }
}

}  // namespace
}  // namespace psephos
