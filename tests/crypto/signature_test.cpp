#include "crypto/signature.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <type_traits>

#include "crypto/hash.h"
#include "crypto/secret/signing_key.h"

namespace psephos {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

SigningKey key_of(std::string_view seed_hex) {
  const Bytes seed = hex(seed_hex);
  return SigningKey::from_seed(SecretBytes<32>::copy_from(std::span<const std::uint8_t, 32>(seed)));
}

struct Rfc8032 {
  const char* seed;
  const char* key;
  const char* message;
  const char* signature;
};

// RFC 8032 §7.1, tests 1, 2, 3 and SHA(abc).
constexpr Rfc8032 kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
     "454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
     "3dca179c138ac17ad9bef1177331a704"},
};

TEST(Signature, Rfc8032Vectors) {
  for (const Rfc8032& v : kVectors) {
    const SigningKey key = key_of(v.seed);
    EXPECT_EQ(to_hex(key.verify_key().encode()), v.key);
    EXPECT_EQ(to_hex(key.sign(hex(v.message))), v.signature);
    EXPECT_TRUE(verify_signature(VerifyKey::decode(hex(v.key)).value(), hex(v.message), hex(v.signature)));
    // declassified: a published test vector.
    EXPECT_EQ(to_hex(declassify(key.seed())), v.seed);
  }
}

TEST(Signature, EveryBitCounts) {
  const SigningKey key = key_of(kVectors[2].seed);
  const Bytes message = hex(kVectors[2].message);
  const Signature signature = key.sign(message);
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Signature bad = signature;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    EXPECT_EQ(verify_signature(key.verify_key(), message, bad).error(), Fault::kSigInvalid) << bit;
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes bad = message;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    EXPECT_EQ(verify_signature(key.verify_key(), bad, signature).error(), Fault::kSigInvalid) << bit;
  }
  EXPECT_FALSE(verify_signature(key_of(kVectors[1].seed).verify_key(), message, signature));
  EXPECT_FALSE(verify_signature(key.verify_key(), message, ByteView(signature).first(63)));
  EXPECT_FALSE(verify_signature(key.verify_key(), message, {}));
}

// A06: where the key is not hashed into the challenge, any signature is one under a key made to fit it. The
// key whose equation holds in that careless way is worked out, and refused by us.
TEST(Signature, A06_NoSignatureFitsAKeyMadeForIt) {
  using Field = ByteArray<32>;
  const SigningKey key = key_of(kVectors[2].seed);
  const Bytes message = hex(kVectors[2].message);
  const Signature signature = key.sign(message);
  Field R{}, S{};
  std::copy_n(signature.begin(), 32, R.begin());
  std::copy_n(signature.begin() + 32, 32, S.begin());
  // h = SHA-512(R ‖ m) without the key, and A' = h⁻¹·(S·B − R).
  const Digest512 wide = Sha512().update(R).update(message).finish();
  Field h{}, inverse{}, SB{}, difference{}, other{}, product{}, right{};
  crypto_core_ed25519_scalar_reduce(h.data(), wide.data());
  ASSERT_EQ(crypto_core_ed25519_scalar_invert(inverse.data(), h.data()), 0);
  ASSERT_EQ(crypto_scalarmult_ed25519_base_noclamp(SB.data(), S.data()), 0);
  ASSERT_EQ(crypto_core_ed25519_sub(difference.data(), SB.data(), R.data()), 0);
  ASSERT_EQ(crypto_scalarmult_ed25519_noclamp(other.data(), inverse.data(), difference.data()), 0);
  // The careless equation S·B = R + h·A' holds, and A' is a key like any other.
  ASSERT_EQ(crypto_scalarmult_ed25519_noclamp(product.data(), h.data(), other.data()), 0);
  ASSERT_EQ(crypto_core_ed25519_add(right.data(), R.data(), product.data()), 0);
  EXPECT_EQ(right, SB);
  const auto made = VerifyKey::decode(other);
  ASSERT_TRUE(made.has_value());
  EXPECT_NE(*made, key.verify_key());
  EXPECT_EQ(verify_signature(*made, message, signature).error(), Fault::kSigInvalid);
  EXPECT_TRUE(verify_signature(key.verify_key(), message, signature).has_value());
}

// S + L satisfies the same equation; accepting it would give every signature a second encoding.
TEST(Signature, RefusesUnreducedS) {
  const SigningKey key = key_of(kVectors[1].seed);
  const Bytes message = hex(kVectors[1].message);
  Signature signature = key.sign(message);
  const Bytes order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned>(signature[32 + i]) + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0U);
  EXPECT_EQ(verify_signature(key.verify_key(), message, signature).error(), Fault::kSigInvalid);
}

TEST(VerifyKey, RefusesWhatIsNoKey) {
  EXPECT_EQ(VerifyKey::decode({}).error(), Fault::kWireLength);
  EXPECT_EQ(VerifyKey::decode(Bytes(31)).error(), Fault::kWireLength);
  EXPECT_EQ(VerifyKey::decode(Bytes(33)).error(), Fault::kWireLength);
  // Points of order 1, 2, 4 and 8, with either sign of x.
  for (const char* y : {"0100000000000000000000000000000000000000000000000000000000000000",
                        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                        "0000000000000000000000000000000000000000000000000000000000000000",
                        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"}) {
    Bytes key = hex(y);
    EXPECT_EQ(VerifyKey::decode(key).error(), Fault::kPointInvalid) << y;
    key[31] = static_cast<std::uint8_t>(key[31] | 0x80);
    EXPECT_EQ(VerifyKey::decode(key).error(), Fault::kPointInvalid) << y;
  }
  // p, p + 1 and 2^255 − 1 as y.
  for (const char* y : {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})
    EXPECT_EQ(VerifyKey::decode(hex(y)).error(), Fault::kPointNoncanonical) << y;
  // y = 2 is on no point of the curve.
  EXPECT_EQ(
      VerifyKey::decode(hex("0200000000000000000000000000000000000000000000000000000000000000")).error(),
      Fault::kPointInvalid);
}

// The forgery that small order allows: under such a key, R = S·B and any S verify for some messages.
TEST(VerifyKey, NothingVerifiesUnderNoKey) {
  const SigningKey key = key_of(kVectors[0].seed);
  EXPECT_FALSE(verify_signature(VerifyKey(), {}, key.sign({})));
  EXPECT_FALSE(verify_signature(VerifyKey(), {}, Signature{}));
  Signature zero_s{};
  zero_s[0] = 1;
  EXPECT_FALSE(verify_signature(VerifyKey(), {}, zero_s));
}

TEST(Signature, LabelsSeparate) {
  SystemRng rng;
  const SigningKey key = SigningKey::generate(rng);
  const Bytes body = hex("00ff");
  const Signature signature = key.sign_labelled("psephos-1/a", body);
  EXPECT_EQ(to_hex(signed_bytes("ab", body)), "61620000ff");
  EXPECT_TRUE(verify_labelled(key.verify_key(), "psephos-1/a", body, signature));
  EXPECT_TRUE(verify_signature(key.verify_key(), signed_bytes("psephos-1/a", body), signature));
  EXPECT_FALSE(verify_labelled(key.verify_key(), "psephos-1/b", body, signature));
  EXPECT_FALSE(verify_labelled(key.verify_key(), "psephos-1/", hex("6100ff"), signature));
  EXPECT_FALSE(verify_signature(key.verify_key(), body, signature));
}

TEST(SigningKey, IsMoveOnlyAndComesBackFromItsSeed) {
  static_assert(!std::is_copy_constructible_v<SigningKey> && !std::is_copy_assignable_v<SigningKey>);
  static_assert(std::is_nothrow_move_constructible_v<SigningKey>);
  SystemRng rng;
  const SigningKey key = SigningKey::generate(rng);
  const SigningKey again = SigningKey::from_seed(key.seed());
  EXPECT_EQ(again.verify_key(), key.verify_key());
  EXPECT_NE(SigningKey::generate(rng).verify_key(), key.verify_key());
}

}  // namespace
}  // namespace psephos
