// Project Wycheproof's signatures, all of them: through the function that checks ballots, under certificates
// issued for the vectors' keys; and ECDSA's once more in DER. Rule: valid is accepted, everything else
// refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "protocol/eid/certificate.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/eid/public_key.h"
#include "tests/trust-services/test_ca/ca.h"
#include "tests/trust-services/test_ca/der_writer.h"
#include "tests/trust-services/test_ca/national_ids.h"
#include "tests/vectors.h"

namespace psephos {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNow = 1'700'000'000;

std::string text(const json::value& value, std::string_view key) {
  return json::value_to<std::string>(value.at(key));
}
Bytes hex(const json::value& value, std::string_view key) {
  return from_hex(text(value, key)).value();
}

struct Counts {
  int accepted = 0, refused = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

class Wycheproof : public ::testing::Test {
 protected:
  /// The parsed vectors; absent ones skip the test.
  bool read(const std::string& name) {
    file_ = vectors::read_json("wycheproof/" + name);
    return file_.has_value();
  }
  const json::array& groups() const { return file_->at("testGroups").as_array(); }

  /// A signing certificate for the group's key.
  Bytes certificate(const json::value& group) {
    auto fields = trust::card_fields({trust::artificial_national_id(1), "GIVEN", "FAMILY"}, KeyUse::kSigning,
                                     Bytes(97), kNow);
    fields.public_key_info = hex(group, "publicKeyDer");
    return ca_.issue(fields, rng_);
  }

  /// Every test of a group as a ballot's signature.
  void check_as_ballots(const json::value& group, Counts& counts) {
    const Bytes card = certificate(group);
    for (const json::value& test : group.at("tests").as_array()) {
      const auto verdict =
          verifier_->verify(card, KeyUse::kSigning, hex(test, "msg"), hex(test, "sig"), kNow + 1);
      const bool valid = text(test, "result") == "valid";
      ASSERT_EQ(verdict.has_value(), valid) << test.at("tcId") << " " << text(test, "comment");
      if (!valid) {
        ASSERT_EQ(verdict.error(), Reason::kSigInvalid) << test.at("tcId");
      }
      ++(valid ? counts.accepted : counts.refused);
    }
  }

  SystemRng rng_;
  trust::TestCa ca_ = trust::TestCa::create(rng_, kNow);
  std::unique_ptr<OpensslEidVerifier> verifier_ = OpensslEidVerifier::create(ca_.profile()).value();
  std::optional<json::value> file_;
};

/// Ecdsa-Sig-Value of r‖s; the halves of something of odd length are what they are.
Bytes der_of(ByteView raw) {
  namespace w = trust::der;
  return w::sequence({w::integer(raw.first(raw.size() / 2)), w::integer(raw.subspan(raw.size() / 2))});
}

class WycheproofEcdsa : public Wycheproof {
 protected:
  /// `padding_only`: tests whose r‖s is of another width and right but for that. DER has no width, so there
  /// they are valid.
  void check(const std::string& name, SignatureScheme scheme, Counts expected, int padding_only) {
    if (!read(name)) GTEST_SKIP() << "no vectors in " << vectors::folder();
    Counts ballots, der;
    for (const json::value& group : groups()) {
      ASSERT_NO_FATAL_FAILURE(check_as_ballots(group, ballots));
      const Bytes card = certificate(group);
      const auto key = PublicKey::of(*parse_certificate(card));
      const auto with_table = PublicKey::of_many(*parse_certificate(card));
      ASSERT_TRUE(key);
      for (const json::value& test : group.at("tests").as_array()) {
        const Bytes raw = hex(test, "sig"), message = hex(test, "msg");
        const auto& flags = test.at("flags").as_array();
        const bool width_alone = std::ranges::find(flags, json::value("SignatureSize")) != flags.end();
        const bool valid = text(test, "result") == "valid" || width_alone;
        ASSERT_EQ(key->verifies(scheme, message, der_of(raw)), valid) << test.at("tcId");
        ++(valid ? der.accepted : der.refused);
        ASSERT_EQ(with_table->verifies(scheme, message, der_of(raw)), valid) << test.at("tcId");
        // The encodings are not mistaken for one another.
        for (const auto& each : {&key, &with_table}) {
          ASSERT_FALSE((*each)->verifies(scheme, message, raw)) << test.at("tcId");
          ASSERT_FALSE((*each)->verifies_raw(scheme, message, der_of(raw))) << test.at("tcId");
        }
      }
    }
    EXPECT_EQ(ballots, expected);
    EXPECT_EQ(ballots.accepted + ballots.refused, file_->at("numberOfTests").as_int64());
    EXPECT_EQ(der, (Counts{expected.accepted + padding_only, expected.refused - padding_only}));
  }
};

TEST_F(WycheproofEcdsa, P256) {
  check("ecdsa_secp256r1_sha256_p1363_test.json", SignatureScheme::kEcdsaSha256, {173, 89}, 12);
}
TEST_F(WycheproofEcdsa, P384) {
  check("ecdsa_secp384r1_sha384_p1363_test.json", SignatureScheme::kEcdsaSha384, {193, 87}, 10);
}

// The table against OpenSSL, on keys and signatures made at random, and each with a bit changed; digests of
// every length, the leftmost bits of which count.
TEST(P384Table, AgreesWithOpenssl) {
  SystemRng rng;
  const auto ca = trust::TestCa::create(rng, kNow);
  for (int k = 0; k < 8; ++k) {
    const auto key = trust::generate_p384(rng);
    const Person person{trust::artificial_national_id(1), "ANNA", "TEST"};
    const Bytes der = ca.issue(trust::card_fields(person, KeyUse::kSigning, key.point, kNow), rng);
    const auto certificate = parse_certificate(der);
    const auto plain = PublicKey::of(*certificate);
    const auto with_table = PublicKey::of_many(*certificate);
    ASSERT_TRUE(plain && with_table);
    for (const auto& [scheme, name] : {std::pair{SignatureScheme::kEcdsaSha256, "SHA2-256"},
                                       {SignatureScheme::kEcdsaSha384, "SHA2-384"},
                                       {SignatureScheme::kEcdsaSha512, "SHA2-512"}}) {
      Bytes message(33);
      rng.fill(message);
      Bytes digest(64);
      std::size_t size = 0;
      ASSERT_EQ(EVP_Q_digest(nullptr, name, nullptr, message.data(), message.size(), digest.data(), &size),
                1);
      digest.resize(std::min<std::size_t>(size, 48));
      const Bytes good = trust::sign(key, digest, rng);
      ASSERT_TRUE(plain->verifies(scheme, message, good));
      ASSERT_TRUE(with_table->verifies(scheme, message, good));
      for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes bad = good;
        bad[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
        ASSERT_EQ(with_table->verifies(scheme, message, bad), plain->verifies(scheme, message, bad)) << i;
      }
      message[0] ^= 1;
      ASSERT_FALSE(with_table->verifies(scheme, message, good));
    }
  }
}
TEST(P384Table, TakesNothingButPoints) {
  SystemRng rng;
  Bytes point = trust::generate_p384(rng).point;
  EXPECT_TRUE(P384Table::of(point));
  point.back() ^= 1;
  EXPECT_FALSE(P384Table::of(point));
  EXPECT_FALSE(P384Table::of(Bytes{0}));  // the point at infinity
  EXPECT_FALSE(P384Table::of({}));
}

TEST_F(Wycheproof, Rsa2048) {
  if (!read("rsa_signature_2048_sha256_test.json")) GTEST_SKIP() << "no vectors in " << vectors::folder();
  Counts ballots;
  std::set<std::int64_t> with_other_keys, acceptable;
  for (const json::value& group : groups()) {
    const Bytes card = certificate(group);
    const auto certificate = parse_certificate(card);
    ASSERT_TRUE(certificate);
    for (const json::value& test : group.at("tests").as_array())
      if (text(test, "result") == "acceptable") acceptable.insert(test.at("tcId").as_int64());
    if (certificate->rsa_exponent.size() >= 3) {
      ASSERT_NO_FATAL_FAILURE(check_as_ballots(group, ballots));
      continue;
    }
    // Exponent 3, which no voter's key has: the signature is good, the certificate is refused.
    const auto key = PublicKey::of(*certificate);
    ASSERT_TRUE(key);
    for (const json::value& test : group.at("tests").as_array()) {
      with_other_keys.insert(test.at("tcId").as_int64());
      EXPECT_EQ(text(test, "result"), "valid");
      EXPECT_TRUE(key->verifies(SignatureScheme::kRsaSha256, hex(test, "msg"), hex(test, "sig")));
      EXPECT_EQ(
          verifier_->verify(card, KeyUse::kSigning, hex(test, "msg"), hex(test, "sig"), kNow + 1).error(),
          Reason::kCertWeakKey);
    }
  }
  EXPECT_EQ(ballots, (Counts{7, 250}));
  EXPECT_EQ(with_other_keys, (std::set<std::int64_t>{258, 259}));
  EXPECT_EQ(ballots.accepted + ballots.refused + 2, file_->at("numberOfTests").as_int64());
  // "Missing NULL in the ASN encoding": RFC 8017 §9.2 writes the NULL, so there is one encoding. Refused.
  EXPECT_EQ(acceptable, (std::set<std::int64_t>{8}));
}

}  // namespace
}  // namespace psephos
