#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "crypto/hash.h"

namespace psephos {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

// RFC 9496 appendix A.1: multiples 0 to 15 of the generator.
TEST(Ristretto, MultiplesOfTheGenerator) {
  const char* const expected[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                  "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
                                  "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
                                  "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
                                  "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
                                  "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
                                  "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
                                  "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
                                  "903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c",
                                  "02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031",
                                  "20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f",
                                  "bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42",
                                  "e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460",
                                  "aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f",
                                  "46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e",
                                  "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e"};
  Ristretto::Point sum;
  for (std::uint64_t i = 0; i < 16; ++i) {
    EXPECT_EQ(to_hex(sum.encode()), expected[i]);
    EXPECT_EQ(Ristretto::mul_base_vartime(Ristretto::Scalar::from_u64(i)), sum);
    EXPECT_EQ(Ristretto::Point::decode(hex(expected[i])).value(), sum);
    sum = sum + Ristretto::Point::generator();
  }
}

struct BadEncoding {
  const char* hex;
  Fault fault;
};
// RFC 9496 appendix A.2, and a set top bit over a valid encoding.
constexpr BadEncoding kBadEncodings[] = {
    // non-canonical field elements
    {"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Fault::kPointNoncanonical},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointNoncanonical},
    {"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointNoncanonical},
    {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointNoncanonical},
    // negative field elements
    {"0100000000000000000000000000000000000000000000000000000000000000", Fault::kPointNoncanonical},
    {"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointNoncanonical},
    {"ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20", Fault::kPointNoncanonical},
    {"c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562", Fault::kPointNoncanonical},
    {"c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78", Fault::kPointNoncanonical},
    {"47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24", Fault::kPointNoncanonical},
    {"f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72", Fault::kPointNoncanonical},
    {"87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309", Fault::kPointNoncanonical},
    // non-square x²
    {"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", Fault::kPointInvalid},
    {"4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f", Fault::kPointInvalid},
    {"de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b", Fault::kPointInvalid},
    {"bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042", Fault::kPointInvalid},
    {"2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08", Fault::kPointInvalid},
    {"f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22", Fault::kPointInvalid},
    {"8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731", Fault::kPointInvalid},
    {"2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b", Fault::kPointInvalid},
    // negative xy
    {"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e", Fault::kPointInvalid},
    {"a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220", Fault::kPointInvalid},
    {"d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e", Fault::kPointInvalid},
    {"8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32", Fault::kPointInvalid},
    {"32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b", Fault::kPointInvalid},
    {"227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165", Fault::kPointInvalid},
    {"5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e", Fault::kPointInvalid},
    {"445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b", Fault::kPointInvalid},
    // s = −1, so that y = 0
    {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointInvalid},
    // generator, top bit set
    {"e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6", Fault::kPointNoncanonical},
};

// A08, A11.
TEST(Ristretto, BadEncodingsAreRefusedByName) {
  for (const BadEncoding& bad : kBadEncodings) {
    const Bytes bytes = hex(bad.hex);
    EXPECT_EQ(Ristretto::Point::decode(bytes).error(), bad.fault) << bad.hex;
    EXPECT_EQ(Ristretto::Point::decode_nonidentity(bytes).error(), bad.fault) << bad.hex;
    // the same inside a list, with its index
    Bytes list;
    for (std::uint64_t i = 1; i <= 3; ++i)
      append(list, Ristretto::mul_base_vartime(Ristretto::Scalar::from_u64(i)).encode());
    append(list, bytes);
    append(list, Ristretto::Point::generator().encode());
    const auto batch = Ristretto::decode_batch(list);
    ASSERT_FALSE(batch.has_value());
    EXPECT_EQ(batch.error(), (std::pair<Fault, std::size_t>{bad.fault, 3}));
  }
}

TEST(Ristretto, OtherLengthsAreRefused) {
  const auto good = Ristretto::Point::generator().encode();
  for (const std::size_t length : {0U, 1U, 31U, 33U, 64U}) {
    Bytes bytes = copy_of(good);
    bytes.resize(length);
    EXPECT_EQ(Ristretto::Point::decode(bytes).error(), Fault::kWireLength) << length;
    EXPECT_EQ(Ristretto::Point::decode_nonidentity(bytes).error(), Fault::kWireLength) << length;
    EXPECT_EQ(Ristretto::Scalar::decode(bytes).error(), Fault::kWireLength) << length;
  }
  Bytes list = copy_of(good);
  append(list, ByteView(good).first(31));
  EXPECT_EQ(Ristretto::decode_batch(list).error(), (std::pair<Fault, std::size_t>{Fault::kWireLength, 1}));
  EXPECT_TRUE(Ristretto::decode_batch({}).value().empty());
}

// A12.
TEST(Ristretto, IdentityIsRefusedWhereTheRoleForbidsIt) {
  const ByteArray<32> zero{};
  EXPECT_TRUE(Ristretto::Point::decode(zero).value().is_identity());
  EXPECT_EQ(Ristretto::Point::decode_nonidentity(zero).error(), Fault::kPointIdentity);
  EXPECT_EQ(Tiny13::Point::decode_nonidentity(Tiny13::Point::identity().encode()).error(),
            Fault::kPointIdentity);
  EXPECT_TRUE(Ristretto::Point::decode_nonidentity(Ristretto::Point::generator().encode()).has_value());
}

// A11: every string that decodes is the encoding of what it decodes to.
TEST(Ristretto, WhatDecodesReEncodes) {
  ByteArray<32> candidate{};
  int decoded = 0;
  int noncanonical = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Digest256 random = sha256(u64be(i));
    std::copy(random.begin(), random.end(), candidate.begin());
    if (i % 4 != 0) candidate[0] &= 0xfe;
    if (i % 4 != 0) candidate[31] &= 0x7f;
    const auto point = Ristretto::Point::decode(candidate);
    if ((candidate[31] & 0x80) != 0) {  // which libsodium 1.0.18 ignores
      EXPECT_EQ(point.error(), Fault::kPointNoncanonical);
    } else {
      EXPECT_EQ(point.has_value(), crypto_core_ristretto255_is_valid_point(candidate.data()) == 1);
    }
    if (!point) {
      noncanonical += point.error() == Fault::kPointNoncanonical ? 1 : 0;
      continue;
    }
    ++decoded;
    EXPECT_EQ(point->encode(), candidate);
    EXPECT_EQ((*point + Ristretto::Point::identity()).encode(), candidate);
    ByteArray<32> aliased = candidate;  // top bit
    aliased[31] |= 0x80;
    EXPECT_EQ(Ristretto::Point::decode(aliased).error(), Fault::kPointNoncanonical);
    aliased = candidate;  // the negative, p − s
    unsigned borrow = 0;
    for (std::size_t k = 0; k < 32; ++k) {
      const unsigned p = k == 0 ? 0xed : k == 31 ? 0x7f : 0xff;
      const unsigned difference = p - candidate[k] - borrow;
      aliased[k] = static_cast<std::uint8_t>(difference);
      borrow = difference >> 31;
    }
    EXPECT_EQ(Ristretto::Point::decode(aliased).error(), Fault::kPointNoncanonical);
  }
  EXPECT_GT(decoded, 400);
  EXPECT_GT(noncanonical, 700);
}

// RFC 9496 appendix A.3: the one-way map, the last four inputs being aliases of one.
TEST(Ristretto, OneWayMap) {
  const std::pair<const char*, const char*> expected[] = {
      {"5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
       "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
       "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"},
      {"f116b34b8f17ceb56e8732a60d913dd10cce47a6d53bee9204be8b44f6678b27"
       "0102a56902e2488c46120e9276cfe54638286b9e4b3cdb470b542d46c2068d38",
       "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b"},
      {"8422e1bbdaab52938b81fd602effb6f89110e1e57208ad12d9ad767e2e25510c"
       "27140775f9337088b982d83d7fcf0b2fa1edffe51952cbe7365e95c86eaf325c",
       "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826"},
      {"ac22415129b61427bf464e17baee8db65940c233b98afce8d17c57beeb7876c2"
       "150d15af1cb1fb824bbd14955f2b57d08d388aab431a391cfc33d5bafb5dbbaf",
       "f8f0c87cf237953c5890aec3998169005dae3eca1fbb04548c635953c817f92a"},
      {"165d697a1ef3d5cf3c38565beefcf88c0f282b8e7dbd28544c483432f1cec767"
       "5debea8ebb4e5fe7d6f6e5db15f15587ac4d4d4a1de7191e0c1ca6664abcc413",
       "ae81e7dedf20a497e10c304a765c1767a42d6e06029758d2d7e8ef7cc4c41179"},
      {"a836e6c9a9ca9f1e8d486273ad56a78c70cf18f0ce10abb1c7172ddd605d7fd2"
       "979854f47ae1ccf204a33102095b4200e5befc0465accc263175485f0e17ea5c",
       "e2705652ff9f5e44d3e841bf1c251cf7dddb77d140870d1ab2ed64f1a9ce8628"},
      {"2cdc11eaeb95daf01189417cdddbf95952993aa9cb9c640eb5058d09702c7462"
       "2c9965a697a3b345ec24ee56335b556e677b30e6f90ac77d781064f866a3c982",
       "80bd07262511cdde4863f8a7434cef696750681cb9510eea557088f76d9e5065"},
      {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
       "1200000000000000000000000000000000000000000000000000000000000000",
       "304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"},
      {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
       "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
       "304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"},
      {"0000000000000000000000000000000000000000000000000000000000000080"
       "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       "304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"},
      {"0000000000000000000000000000000000000000000000000000000000000000"
       "1200000000000000000000000000000000000000000000000000000000000080",
       "304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"},
  };
  for (const auto& [input, output] : expected)
    EXPECT_EQ(to_hex(Ristretto::Point::from_uniform(hex(input)).encode()), output);
}

TEST(Ristretto, ScalarsAreCanonical) {
  const Bytes order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  Bytes below = order;
  below[0] -= 1;
  EXPECT_EQ(Ristretto::Scalar::decode(below).value(), -Ristretto::Scalar::from_u64(1));
  Bytes above = order;
  above[0] += 1;
  Bytes high = order;
  high[31] = 0x80;
  for (const Bytes& bad : {order, above, high, Bytes(32, 0xff)}) {
    EXPECT_EQ(Ristretto::Scalar::decode(bad).error(), Fault::kScalarNoncanonical);
    const auto secret = SecretBytes<32>::copy_from(std::span<const std::uint8_t, 32>(bad));
    EXPECT_EQ(Ristretto::SecretScalar::from_secret_bytes(secret).error(), Fault::kScalarNoncanonical);
  }
  EXPECT_TRUE(Ristretto::Scalar::from_wide(order).is_zero());
}

// Everything the group computes, against libsodium called directly; and identities where it answers −1.
TEST(Ristretto, AgreesWithLibsodium) {
  SystemRng rng;
  for (int i = 0; i < 50; ++i) {
    ByteArray<64> wide{};
    rng.fill(wide);
    const auto p = Ristretto::Point::from_uniform(wide);
    rng.fill(wide);
    const auto q = Ristretto::Point::from_uniform(wide);
    rng.fill(wide);
    const auto s = Ristretto::Scalar::from_wide(wide);
    ByteArray<32> expected{};
    crypto_core_ristretto255_scalar_reduce(expected.data(), wide.data());
    EXPECT_EQ(s.encode(), expected);
    const auto x = Ristretto::SecretScalar::of(s);
    ASSERT_EQ(crypto_scalarmult_ristretto255(expected.data(), s.encode().data(), p.encode().data()), 0);
    EXPECT_EQ((x * p).encode(), expected);
    EXPECT_EQ(Ristretto::mul_vartime(s, p).encode(), expected);
    ASSERT_EQ(crypto_scalarmult_ristretto255_base(expected.data(), s.encode().data()), 0);
    EXPECT_EQ(Ristretto::mul_base(x).encode(), expected);
    EXPECT_EQ(Ristretto::mul_base_vartime(s).encode(), expected);
    EXPECT_EQ((x * Ristretto::Point::generator()).encode(), expected);
    ASSERT_EQ(crypto_core_ristretto255_add(expected.data(), p.encode().data(), q.encode().data()), 0);
    EXPECT_EQ((p + q).encode(), expected);
    ASSERT_EQ(crypto_core_ristretto255_sub(expected.data(), p.encode().data(), q.encode().data()), 0);
    EXPECT_EQ((p - q).encode(), expected);
    EXPECT_EQ(p + (q - p), q);
    EXPECT_TRUE((p + -p).is_identity());
    EXPECT_TRUE(Ristretto::mul_vartime({}, p).is_identity());
    EXPECT_TRUE(Ristretto::mul_vartime(s, {}).is_identity());
    EXPECT_TRUE((Ristretto::SecretScalar::of({}) * p).is_identity());
    EXPECT_EQ(s * s.inverse_vartime(), Ristretto::Scalar::from_u64(1));
    EXPECT_EQ(s - s, Ristretto::Scalar());
    EXPECT_EQ(declassify(x + x), s + s);
    EXPECT_EQ(declassify(x - x * s), s - s * s);
    EXPECT_EQ(declassify(x * x + s), s * s + s);
  }
}

TEST(Ristretto, SelectReadsTheOneAskedFor) {
  std::vector<Ristretto::Point> points;
  for (std::uint64_t i = 0; i < 20; ++i)
    points.push_back(Ristretto::mul_base_vartime(Ristretto::Scalar::from_u64(i + 1)));
  for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(Ristretto::select(points, i), points[i]);
  for (const std::size_t beyond : {points.size(), ~std::size_t{0}})
    EXPECT_TRUE(Ristretto::select(points, beyond).is_identity());
  EXPECT_TRUE(Ristretto::select({}, 0).is_identity());
}

TEST(Ristretto, BulkOperationsAgreeWithSingleOnes) {
  SystemRng rng;
  for (const std::size_t n : {0U, 1U, 2U, 63U, 64U, 65U, 255U, 256U, 257U, 600U}) {
    std::vector<Ristretto::Scalar> scalars;
    std::vector<Ristretto::SecretScalar> secrets;
    std::vector<Ristretto::Point> points;
    ByteArray<64> wide{};
    Ristretto::Point sum;
    for (std::size_t i = 0; i < n; ++i) {
      rng.fill(wide);
      points.push_back(i % 17 == 5 ? Ristretto::Point() : Ristretto::Point::from_uniform(wide));
      // full, 128-bit, zero and one
      scalars.push_back(i % 7 == 3 ? Ristretto::Scalar()
                        : i % 7 == 4
                            ? Ristretto::Scalar::from_u64(1)
                            : Ristretto::Scalar::from_wide(ByteView(wide).first(i % 2 == 0 ? 16 : 64)));
      secrets.push_back(Ristretto::SecretScalar::of(scalars.back()));
      sum = sum + Ristretto::mul_vartime(scalars.back(), points.back());
    }
    EXPECT_EQ(Ristretto::msm_vartime(scalars, points), sum) << n;
    const Ristretto::Point base = Ristretto::Point::from_uniform(wide);
    const auto on_base = Ristretto::mul_batch(secrets, base);
    const auto on_generator = Ristretto::mul_batch(secrets, Ristretto::Point::generator());
    ASSERT_EQ(on_base.size(), n);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(on_base[i], Ristretto::mul_vartime(scalars[i], base));
      EXPECT_EQ(on_generator[i], Ristretto::mul_base_vartime(scalars[i]));
    }
    EXPECT_EQ(Ristretto::decode_batch(encode_all(std::span<const Ristretto::Point>(points))).value(), points);
  }
}

// A08 in small: of all 256 bytes exactly the order's many decode, each to itself.
template <class G>
void decode_every_byte(std::uint32_t modulus) {
  std::uint32_t accepted = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::array<std::uint8_t, 1> encoded{static_cast<std::uint8_t>(byte)};
    const auto point = G::Point::decode(encoded);
    if (point) {
      EXPECT_EQ(point->encode(), encoded);
      ++accepted;
    } else {
      EXPECT_EQ(point.error(), byte >= modulus ? Fault::kPointNoncanonical : Fault::kPointInvalid);
    }
    EXPECT_EQ(G::Scalar::decode(encoded).has_value(), byte < G::kOrder);
  }
  EXPECT_EQ(accepted, G::kOrder);
  EXPECT_EQ(G::Point::decode({}).error(), Fault::kWireLength);
}
TEST(TinyGroup, EveryByteIsDecodedOrRefused) {
  decode_every_byte<Tiny7>(29);
  decode_every_byte<Tiny13>(53);
}

TEST(TinyGroup, IsAGroupOfItsOrder) {
  Tiny13::Point sum;
  for (std::uint32_t i = 0; i < 13; ++i) {
    EXPECT_EQ(sum.is_identity(), i == 0);
    EXPECT_EQ(Tiny13::mul_base_vartime(Tiny13::Scalar::from_u64(i)), sum);
    sum = sum + Tiny13::Point::generator();
  }
  EXPECT_TRUE(sum.is_identity());
}

}  // namespace
}  // namespace psephos
