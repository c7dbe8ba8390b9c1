#include "crypto/threshold/cocktail.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/secret/secret_bytes.h"

// The published vectors of C2SP cocktail-dkg (CCTV, cocktail-dkg-ristretto255-sha512.json), byte for byte.

namespace psephos {
namespace {

namespace json = boost::json;
using Point = Ristretto::Point;
using Scalar = Ristretto::Scalar;
using SecretScalar = Ristretto::SecretScalar;

std::optional<json::value> load_vectors() {
  const char* directory = std::getenv("PSEPHOS_VECTORS");
  const std::string base =
      directory != nullptr && *directory != '\0' ? directory : PSEPHOS_SOURCE_DIR "/../shared/vectors";
  std::ifstream file(base + "/dkg/cocktail-dkg-ristretto255-sha512.json");
  if (!file) return std::nullopt;
  return json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::string text(const json::value& v, std::string_view key) {
  return json::value_to<std::string>(v.at(key));
}
Bytes hex(const json::value& v) {
  return from_hex(json::value_to<std::string>(v)).value();
}
Bytes hex(const json::value& v, std::string_view key) {
  return hex(v.at(key));
}
std::uint32_t number(const json::value& v, std::string_view key) {
  return json::value_to<std::uint32_t>(v.at(key));
}
SecretScalar secret(ByteView bytes) {
  return SecretScalar::of(Scalar::decode(bytes).value());
}
template <std::size_t N>
void append_little_endian(Bytes& out, std::uint64_t v) {
  for (std::size_t i = 0; i < N; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

/// The vectors' derivation: H(seed ‖ suite ‖ u32le(t) ‖ u32le(n) ‖ label), and for the stream of round 1 a
/// counter of 64 bits, little-endian, after the label.
struct VectorRng final : Rng {
  Bytes prefix;
  std::uint64_t counter = 0;
  VectorRng(ByteView seed, std::uint32_t t, std::uint32_t n, const std::string& label)
      : prefix(copy_of(seed)) {
    append(prefix, bytes_of(kCocktailSuite));
    append_little_endian<4>(prefix, t);
    append_little_endian<4>(prefix, n);
    append(prefix, bytes_of(label));
  }
  void fill(std::span<std::uint8_t> out) override {
    ASSERT_EQ(out.size(), 64U);
    Bytes input = prefix;
    append_little_endian<8>(input, counter++);
    const Digest512 block = sha512(input);
    std::ranges::copy(block, out.begin());
  }
};

struct Vector {
  const json::value& v;
  std::uint32_t n;
  std::uint32_t t;
  CocktailSession session;
  std::vector<SecretScalar> d;
  std::vector<CocktailMsg1> all;  ///< as published

  explicit Vector(const json::value& vector) : v(vector), n(number(v, "n")), t(number(v, "t")) {
    session.quorum = t;
    for (const auto& key : v.at("config").at("static_public_keys").as_array())
      session.static_keys.push_back(Point::decode(hex(key)).value());
    for (const auto& key : v.at("config").at("static_secret_keys").as_array()) d.push_back(secret(hex(key)));
    session.context = cocktail_context(hex(v, "session_tag"), session.static_keys);
    session.payload_size = payload(1).size();
    for (std::uint32_t i = 1; i <= n; ++i) all.push_back(published(i));
  }
  Bytes payload(std::uint32_t i) const {
    if (!v.as_object().contains("payloads")) return {};
    return hex(v.at("payloads").as_array().at(i - 1));
  }
  const json::value& round1(std::uint32_t i) const { return v.at("round1").as_array().at(i - 1); }
  Bytes published_bytes(std::uint32_t i) const {
    Bytes out;
    for (const auto& C : round1(i).at("vss_commitment").as_array()) append(out, hex(C));
    append(out, hex(round1(i), "pop"));
    append(out, hex(round1(i), "ephemeral_public_key"));
    for (const auto& c : round1(i).at("encrypted_shares").as_array()) {
      append_u64be(out, hex(c).size());
      append(out, hex(c));
    }
    return out;
  }
  CocktailMsg1 published(std::uint32_t i) const {
    return CocktailMsg1::decode(session, published_bytes(i)).value();
  }
  CocktailSharedPoints shared(std::uint32_t dealer, std::uint32_t recipient) const {
    const SecretScalar& own = d[recipient - 1];
    return {own * all[dealer - 1].E, own * session.static_keys[dealer - 1]};
  }
};

class CocktailVectors : public testing::Test {
 protected:
  void SetUp() override {
    file = load_vectors();
    if (!file) GTEST_SKIP() << "no vectors; set PSEPHOS_VECTORS";
    seed = hex(*file, "seed");
    ASSERT_EQ(text(*file, "ciphersuite"), kCocktailSuite);
    for (const auto& v : file->at("vectors").as_array()) vectors.emplace_back(v);
    ASSERT_EQ(vectors.size(), 4U);
  }
  std::optional<json::value> file;
  Bytes seed;
  std::vector<Vector> vectors;
};

TEST_F(CocktailVectors, StaticKeysAndContext) {
  for (const Vector& v : vectors) {
    EXPECT_EQ(to_hex(v.session.context), text(v.v, "context"));
    for (std::uint32_t i = 1; i <= v.n; ++i)
      EXPECT_EQ(Ristretto::mul_base(v.d[i - 1]), v.session.static_keys[i - 1]);
  }
}

TEST_F(CocktailVectors, ProofsOfPossession) {
  for (const Vector& v : vectors)
    for (std::uint32_t i = 1; i <= v.n; ++i) {
      const json::value& inner = v.round1(i).at("pop_intermediate");
      const Bytes nonce_input = hex(inner, "nonce_input");
      const Bytes message = hex(inner, "message");
      // The nonce's input holds the secret: prefix ‖ a_0 ‖ message.
      const SecretScalar a0 =
          secret(ByteView(nonce_input).subspan(nonce_input.size() - message.size() - 32, 32));
      EXPECT_EQ(Ristretto::mul_base(a0), v.all[i - 1].C[0]);
      EXPECT_EQ(to_hex(cocktail_sign(a0, message)), text(v.round1(i), "pop"));
      EXPECT_TRUE(cocktail_pop_valid(v.session, v.all[i - 1]));
    }
}

TEST_F(CocktailVectors, RoundOne) {
  for (const Vector& v : vectors)
    for (std::uint32_t i = 1; i <= v.n; ++i) {
      VectorRng rng(seed, v.t, v.n, "round1_participant_" + std::to_string(i));
      const CocktailMsg1 msg1 = cocktail_deal(v.session, i, v.d[i - 1], v.payload(i), rng);
      EXPECT_EQ(to_hex(msg1.encode()), to_hex(v.published_bytes(i))) << v.t << " of " << v.n;
      EXPECT_EQ(rng.counter, v.t + 1);
    }
}

TEST_F(CocktailVectors, RoundTwo) {
  for (const Vector& v : vectors) {
    const std::vector<Point> sum = cocktail_aggregate(v.session, v.all);
    EXPECT_EQ(to_hex(sum[0].encode()), text(v.v, "group_public_key"));
    for (std::uint32_t i = 1; i <= v.n; ++i) {
      SecretScalar x;
      for (std::uint32_t j = 1; j <= v.n; ++j) {
        const auto opened = cocktail_open(v.session, j, i, v.all[j - 1], v.shared(j, i));
        ASSERT_TRUE(opened.has_value());
        EXPECT_EQ(opened->payload, v.payload(j));
        x = x + opened->share;
      }
      const json::value& expected = v.v.at("round2").as_array().at(i - 1);
      EXPECT_EQ(to_hex(declassify(x).encode()), text(expected, "secret_share"));  // published vector
      EXPECT_EQ(to_hex(cocktail_evaluate_vartime(sum, i).encode()), text(expected, "verification_share"));
      EXPECT_EQ(Ristretto::mul_base(x), cocktail_evaluate_vartime(sum, i));
    }
  }
}

TEST_F(CocktailVectors, Extension) {
  const Vector& v = vectors[3];
  Bytes input;
  append_little_endian<8>(input, v.n);
  for (std::uint32_t i = 1; i <= v.n; ++i) {
    append_little_endian<8>(input, v.payload(i).size());
    append(input, v.payload(i));
  }
  EXPECT_EQ(to_hex(sha512(input)), text(v.v, "extension"));
}

TEST_F(CocktailVectors, RoundThree) {
  for (const Vector& v : vectors) {
    const Bytes T = cocktail_transcript(v.session, v.all, hex(v.v, "extension"));
    const json::value& round3 = v.v.at("round3");
    EXPECT_EQ(to_hex(sha512(T)), text(round3, "transcript_hash"));
    for (std::uint32_t i = 1; i <= v.n; ++i) {
      const auto& entry = round3.at("signatures").as_array().at(i - 1);
      ASSERT_EQ(number(entry, "signer_id"), i);
      const ByteArray<64> signature = cocktail_sign(v.d[i - 1], T);
      EXPECT_EQ(to_hex(signature), text(entry, "signature"));
      EXPECT_TRUE(cocktail_verify_vartime(v.session.static_keys[i - 1], T, signature));
      EXPECT_FALSE(cocktail_verify_vartime(v.session.static_keys[i % v.n], T, signature));
    }
  }
}

TEST_F(CocktailVectors, Recovery) {
  for (const std::size_t which : {0U, 3U}) {
    const Vector& v = vectors[which];
    const json::value& recovery = v.v.at("recovery");
    const std::uint32_t i = number(recovery, "participant_id");
    SecretScalar x;
    for (std::uint32_t j = 1; j <= v.n; ++j) {
      CocktailMsg1 msg1 = v.all[j - 1];
      msg1.ciphertexts[i - 1] = hex(recovery.at("ciphertexts").as_array().at(j - 1));
      x = x + cocktail_open(v.session, j, i, msg1, v.shared(j, i)).value().share;
    }
    EXPECT_EQ(to_hex(declassify(x).encode()), text(recovery, "recovered_secret_share"));  // published vector
    EXPECT_EQ(to_hex(Ristretto::mul_base(x).encode()), text(recovery, "recovered_verification_share"));
  }
}

}  // namespace
}  // namespace psephos
