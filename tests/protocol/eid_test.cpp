#include "protocol/eid.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "protocol/eid/certificate.h"
#include "protocol/eid/der.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/limits.h"
#include "protocol/national_id.h"
#include "tests/trust-services/test_ca/ca.h"
#include "tests/trust-services/test_ca/der_writer.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos {
namespace {

using trust::CertificateFields;

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::int64_t kLater = kNow + 1000;

Bytes digest(const char* name, ByteView message) {
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  EXPECT_EQ(EVP_Q_digest(nullptr, name, nullptr, message.data(), message.size(), out.data(), &size), 1);
  out.resize(size);
  return out;
}

Bytes raw_of_der(ByteView signature_der, std::size_t half) {
  Bytes raw;
  der::Reader numbers(*der::only(signature_der, der::kSequence));
  for (int i = 0; i < 2; ++i) {
    ByteView number = numbers.next(der::kInteger)->content;
    if (number[0] == 0) number = number.subspan(1);
    raw.insert(raw.end(), half - number.size(), 0);
    append(raw, number);
  }
  return raw;
}

class Eid : public ::testing::Test {
 protected:
  Eid() : ca_(trust::TestCa::create(rng_, kNow)) {
    key_ = trust::generate_p384(rng_);
    verifier_ = std::move(*OpensslEidVerifier::create(ca_.profile()));
  }

  CertificateFields fields(KeyUse use) const { return trust::card_fields(person_, use, key_.point, kNow); }
  Bytes sign_der(ByteView message, const char* hash = "SHA2-384") {
    return trust::sign(key_, digest(hash, message), rng_);
  }
  Bytes sign(ByteView message, const char* hash = "SHA2-384") {
    return raw_of_der(sign_der(message, hash), 48);
  }

  /// What the verifier says about a good signature under a certificate with these fields.
  std::optional<Reason> reason(const CertificateFields& with, KeyUse use, std::int64_t at = kLater) {
    return reason(ca_.issue(with, rng_), use, at);
  }
  std::optional<Reason> reason(const Bytes& certificate, KeyUse use, std::int64_t at = kLater) {
    const auto result = verifier_->verify(certificate, use, message_, sign(message_), at);
    if (result) {
      EXPECT_EQ(*result, person_);
      return std::nullopt;
    }
    return result.error();
  }

  SystemRng rng_;
  trust::TestCa ca_;
  trust::EcKey key_;
  Person person_{trust::artificial_national_id(17), "MARI-LIIS ÕIE", "TEST"};
  const Bytes message_ = copy_of(bytes_of("a canonical ballot"));
  std::unique_ptr<OpensslEidVerifier> verifier_;
};

TEST_F(Eid, AcceptsBothKeysOfACard) {
  for (const KeyUse use : {KeyUse::kAuthentication, KeyUse::kSigning}) {
    EXPECT_EQ(reason(fields(use), use), std::nullopt);
  }
}

TEST_F(Eid, OpensslReadsTheSameCertificateAndChain) {
  const Bytes der = ca_.issue(fields(KeyUse::kSigning), rng_);
  const auto parsed = parse_certificate(der);
  ASSERT_TRUE(parsed);
  const auto read = [](const Bytes& bytes) {
    const unsigned char* at = bytes.data();
    X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(bytes.size()));
    EXPECT_EQ(at, bytes.data() + bytes.size());
    return std::unique_ptr<X509, decltype(&X509_free)>(certificate, X509_free);
  };
  const auto leaf = read(der);
  const auto issuing = read(ca_.issuing_der());
  const auto root = read(ca_.root_der());
  ASSERT_TRUE(leaf && issuing && root);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root.get());
  STACK_OF(X509)* between = sk_X509_new_null();
  sk_X509_push(between, issuing.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf.get(), between);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), kLater);
  EXPECT_EQ(X509_verify_cert(context), 1) << X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  EXPECT_EQ(X509_get_key_usage(leaf.get()), std::uint32_t{KU_NON_REPUDIATION});
  std::tm time{};
  ASN1_TIME_to_tm(X509_get0_notBefore(leaf.get()), &time);
  EXPECT_EQ(timegm(&time), parsed->not_before_unix_s);
  ASN1_TIME_to_tm(X509_get0_notAfter(leaf.get()), &time);
  EXPECT_EQ(timegm(&time), parsed->not_after_unix_s);
  X509_STORE_CTX_free(context);
  sk_X509_free(between);
  X509_STORE_free(store);
}

// A67
TEST_F(Eid, RefusesTheOtherKeyOfTheCard) {
  EXPECT_EQ(reason(fields(KeyUse::kAuthentication), KeyUse::kSigning), Reason::kCertKeyUsage);
  EXPECT_EQ(reason(fields(KeyUse::kSigning), KeyUse::kAuthentication), Reason::kCertKeyUsage);
}

TEST_F(Eid, RefusesOtherKeyUsages) {
  struct Row {
    KeyUse use;
    Bytes extension;
  };
  const std::vector<Row> rows = {
      {KeyUse::kSigning, trust::key_usage(kUsageNonRepudiation, false)},
      {KeyUse::kSigning, trust::key_usage(kUsageNonRepudiation | kUsageDigitalSignature)},
      {KeyUse::kSigning, trust::key_usage(kUsageDigitalSignature)},
      {KeyUse::kSigning, trust::key_usage(kUsageNonRepudiation | 1 << 8)},
      {KeyUse::kAuthentication, trust::key_usage(kUsageDigitalSignature, false)},
      {KeyUse::kAuthentication, trust::key_usage(kUsageDigitalSignature | kUsageNonRepudiation)},
      {KeyUse::kAuthentication, trust::key_usage(kUsageKeyAgreement)},
  };
  for (const Row& row : rows) {
    CertificateFields with = fields(row.use);
    with.extensions[1] = row.extension;
    EXPECT_EQ(reason(with, row.use), Reason::kCertKeyUsage);
  }
  CertificateFields with = fields(KeyUse::kAuthentication);
  with.extensions[1] = trust::key_usage(kUsageDigitalSignature);
  EXPECT_EQ(reason(with, KeyUse::kAuthentication), std::nullopt);
  with.extensions[3] = trust::extended_key_usage({"1.3.6.1.5.5.7.3.4"});
  EXPECT_EQ(reason(with, KeyUse::kAuthentication), Reason::kCertKeyUsage);
  with.extensions.erase(with.extensions.begin() + 3);
  EXPECT_EQ(reason(with, KeyUse::kAuthentication), Reason::kCertKeyUsage);
  with = fields(KeyUse::kSigning);
  with.extensions.erase(with.extensions.begin() + 1);
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertKeyUsage);
}

TEST_F(Eid, RefusesWhatLeavesTheProfile) {
  CertificateFields with = fields(KeyUse::kSigning);
  with.extensions[0] = trust::basic_constraints(true);
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertProfile);
  with = fields(KeyUse::kSigning);
  with.extensions.erase(with.extensions.begin());
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertProfile);
  with = fields(KeyUse::kSigning);
  with.extensions[3] = trust::qc_statements({"0.4.0.1862.1.1"});  // no QcSSCD: not made in a card
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertProfile);
  with = fields(KeyUse::kSigning);
  with.extensions.push_back(trust::extension("1.3.6.1.4.1.99999.1", true, Bytes{0x05, 0x00}));
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertProfile);
  with.extensions.back() = trust::extension("1.3.6.1.4.1.99999.1", false, Bytes{0x05, 0x00});
  EXPECT_EQ(reason(with, KeyUse::kSigning), std::nullopt);
  with = fields(KeyUse::kSigning);
  with.public_key_info = trust::subject_public_key_info(key_.point, "1.3.132.0.35");  // says P-521
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertProfile);
  auto off_curve = key_.point;
  off_curve[96] ^= 1;
  with.public_key_info = trust::subject_public_key_info(off_curve);  // A76
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertWeakKey);
}

TEST_F(Eid, RefusesNamesThatCouldBeMistaken) {
  const auto named = [&](const Person& person) {
    CertificateFields with = fields(KeyUse::kSigning);
    with.subject = trust::person_name(person);
    return reason(with, KeyUse::kSigning);
  };
  const std::string id = person_.national_id;
  // A78: one person, one spelling.
  for (const std::string& other :
       std::vector<std::string>{id.substr(6), "pnoee" + id.substr(5), "IDCEE" + id.substr(5), id + " ",
                                "PNOEE-38001085719", "PNOEE-38013085717", "PNOEE-90001085710"})
    EXPECT_EQ(named({other, "A", "B"}), Reason::kVoterIdFormat) << other;
  EXPECT_EQ(named({id, "", "B"}), Reason::kCertProfile);
  EXPECT_EQ(named({id, "A\nB", "B"}), Reason::kCertProfile);
  EXPECT_EQ(named({id, "A\xff", "B"}), Reason::kCertProfile);
  EXPECT_EQ(named({id, "A\xc0\x80", "B"}), Reason::kCertProfile);
  CertificateFields with = fields(KeyUse::kSigning);
  namespace w = trust::der;
  const auto content = der::only(with.subject, der::kSequence);
  Bytes twice = copy_of(*content);
  append(twice, w::set({w::sequence({w::oid("2.5.4.5"), w::printable(trust::artificial_national_id(18))})}));
  with.subject = w::element(0x30, twice);
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertProfile);
}

TEST_F(Eid, RefusesWeakHashInTheCertificate) {
  CertificateFields with = fields(KeyUse::kSigning);
  with.signature_oid = "1.2.840.10045.4.1";  // ecdsa-with-SHA1
  with.digest = "SHA1";
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kSigAlgForbidden);
  with.signature_oid = "1.2.840.10045.4.3.1";  // ecdsa-with-SHA224
  with.digest = "SHA2-224";
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kSigAlgForbidden);
  with.signature_oid = "1.2.840.10045.4.3.2";
  with.digest = "SHA2-256";
  EXPECT_EQ(reason(with, KeyUse::kSigning), std::nullopt);
  with.signature_oid = "1.2.840.10045.4.3.4";
  with.digest = "SHA2-512";
  EXPECT_EQ(reason(with, KeyUse::kSigning), std::nullopt);
  with.digest = "SHA1";  // says SHA-512
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertChainUntrusted);
}

// A68
TEST_F(Eid, RefusesOtherAuthorities) {
  const auto other = trust::TestCa::create(rng_, kNow);  // the same names, other keys
  EXPECT_EQ(reason(other.issue(fields(KeyUse::kSigning), rng_), KeyUse::kSigning),
            Reason::kCertChainUntrusted);
  const Bytes good = ca_.issue(fields(KeyUse::kSigning), rng_);
  const auto foreign = OpensslEidVerifier::create(other.profile());
  EXPECT_EQ((*foreign)->verify(good, KeyUse::kSigning, message_, sign(message_), kLater).error(),
            Reason::kCertChainUntrusted);
  // Two authorities of one name side by side (a key change): both are found.
  auto anchors = other.anchors();
  for (const Bytes& each : ca_.anchors()) anchors.push_back(each);
  const auto both = OpensslEidVerifier::create(trust::test_profile(anchors, anchors));
  EXPECT_TRUE((*both)->verify(good, KeyUse::kSigning, message_, sign(message_), kLater));
}

TEST_F(Eid, ChoosesItsAnchors) {
  const auto refused = [](const std::vector<Bytes>& anchors) {
    return OpensslEidVerifier::create(trust::test_profile(anchors, anchors)).error();
  };
  const auto other = trust::TestCa::create(rng_, kNow);
  const Bytes card = ca_.issue(fields(KeyUse::kSigning), rng_);
  EXPECT_EQ(refused({}), Reason::kCertChainUntrusted);
  EXPECT_EQ(refused({ca_.root_der()}), Reason::kCertChainUntrusted);
  EXPECT_EQ(refused({ca_.issuing_der()}), Reason::kCertChainUntrusted);
  EXPECT_EQ(refused({ca_.issuing_der(), other.root_der()}), Reason::kCertChainUntrusted);
  EXPECT_EQ(refused({ca_.issuing_der(), ca_.root_der(), card}), Reason::kCertProfile);
  EXPECT_EQ(refused({ca_.issuing_der(), ca_.root_der(), Bytes{0x30, 0x00}}), Reason::kCertParse);
}

// A69: both ends are inclusive.
TEST_F(Eid, JudgesValidityAtTheGivenTime) {
  CertificateFields with = fields(KeyUse::kSigning);
  with.not_before_unix_s = kNow;
  with.not_after_unix_s = kNow + 100;
  const Bytes certificate = ca_.issue(with, rng_);
  EXPECT_EQ(reason(certificate, KeyUse::kSigning, kNow - 1), Reason::kCertNotValidAtSigning);
  EXPECT_EQ(reason(certificate, KeyUse::kSigning, kNow), std::nullopt);
  EXPECT_EQ(reason(certificate, KeyUse::kSigning, kNow + 100), std::nullopt);
  EXPECT_EQ(reason(certificate, KeyUse::kSigning, kNow + 101), Reason::kCertNotValidAtSigning);
  with.not_after_unix_s = 4'000'000'000;  // 2096, beyond the issuer's ten years
  const Bytes lasting = ca_.issue(with, rng_);
  EXPECT_EQ(reason(lasting, KeyUse::kSigning, 3'900'000'000), Reason::kCertNotValidAtSigning);
}

// A107
TEST_F(Eid, DoesNotDependOnTimeZone) {
  CertificateFields with = fields(KeyUse::kSigning);
  with.not_after_unix_s = kNow + 100;
  const Bytes certificate = ca_.issue(with, rng_);
  for (const char* zone :
       {"UTC", "Europe/Tallinn", "Asia/Phnom_Penh", "America/St_Johns", "Pacific/Kiritimati"}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    EXPECT_EQ(reason(certificate, KeyUse::kSigning, kNow + 100), std::nullopt) << zone;
    EXPECT_EQ(reason(certificate, KeyUse::kSigning, kNow + 101), Reason::kCertNotValidAtSigning) << zone;
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_F(Eid, RefusesOtherSignatures) {
  const Bytes certificate = ca_.issue(fields(KeyUse::kSigning), rng_);
  const auto verdict = [&](ByteView message, const Bytes& signature) -> std::optional<Reason> {
    const auto result = verifier_->verify(certificate, KeyUse::kSigning, message, signature, kLater);
    return result ? std::nullopt : std::optional(result.error());
  };
  const Bytes good = sign(message_);
  EXPECT_EQ(verdict(message_, good), std::nullopt);
  EXPECT_EQ(verdict(bytes_of("another ballot"), good), Reason::kSigInvalid);
  EXPECT_EQ(verdict(message_, sign_der(message_)), Reason::kSigInvalid);  // DER instead of r‖s
  Bytes other = good;
  other.pop_back();
  EXPECT_EQ(verdict(message_, other), Reason::kSigInvalid);
  other = good;
  other.push_back(0);
  EXPECT_EQ(verdict(message_, other), Reason::kSigInvalid);
  EXPECT_EQ(verdict(message_, {}), Reason::kSigInvalid);
  EXPECT_EQ(verdict(message_, Bytes(96)), Reason::kSigInvalid);
  EXPECT_EQ(verdict(message_, Bytes(96, 0xff)), Reason::kSigInvalid);
  for (const char* weak : {"SHA1", "SHA2-224", "SHA2-256"})
    EXPECT_EQ(verdict(message_, sign(message_, weak)), Reason::kSigInvalid) << weak;
  for (std::size_t i = 0; i < good.size(); ++i) {
    other = good;
    other[i] ^= 1;
    EXPECT_EQ(verdict(message_, other), Reason::kSigInvalid) << i;
  }
}

TEST_F(Eid, AcceptsP256) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  ByteArray<65> point{};
  std::size_t size = 0;
  ASSERT_EQ(EVP_PKEY_get_octet_string_param(key, "pub", point.data(), point.size(), &size), 1);
  CertificateFields with = fields(KeyUse::kSigning);
  with.public_key_info = trust::subject_public_key_info(point, "1.2.840.10045.3.1.7");
  const Bytes certificate = ca_.issue(with, rng_);
  const auto sign_with = [&](const char* hash) {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EXPECT_EQ(EVP_DigestSignInit_ex(context, nullptr, hash, nullptr, nullptr, key, nullptr), 1);
    Bytes signature(80);
    std::size_t length = signature.size();
    EXPECT_EQ(EVP_DigestSign(context, signature.data(), &length, message_.data(), message_.size()), 1);
    EVP_MD_CTX_free(context);
    return raw_of_der(ByteView(signature).first(length), 32);
  };
  EXPECT_TRUE(verifier_->verify(certificate, KeyUse::kSigning, message_, sign_with("SHA2-256"), kLater));
  EXPECT_EQ(verifier_->verify(certificate, KeyUse::kSigning, message_, sign_with("SHA2-384"), kLater).error(),
            Reason::kSigInvalid);
  EXPECT_EQ(verifier_->verify(certificate, KeyUse::kSigning, message_, sign(message_), kLater).error(),
            Reason::kSigInvalid);
  EVP_PKEY_free(key);
}

TEST_F(Eid, RefusesEverythingButTheCertificate) {
  const Bytes good = ca_.issue(fields(KeyUse::kSigning), rng_);
  EXPECT_EQ(reason(good, KeyUse::kSigning), std::nullopt);
  Bytes other = good;
  other.push_back(0);
  EXPECT_EQ(reason(other, KeyUse::kSigning), Reason::kCertParse);
  for (std::size_t length = 0; length < good.size(); ++length)
    ASSERT_EQ(
        reason(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)), KeyUse::kSigning),
        Reason::kCertParse)
        << length;
  CertificateFields large = fields(KeyUse::kSigning);
  large.extensions.push_back(trust::extension("1.3.6.1.4.1.99999.1", false, Bytes(7000)));
  EXPECT_EQ(reason(large, KeyUse::kSigning), std::nullopt);
  large.extensions.back() = trust::extension("1.3.6.1.4.1.99999.1", false, Bytes(limits::kCertificateBytes));
  EXPECT_EQ(reason(large, KeyUse::kSigning), Reason::kCertParse);
  // Any other octet anywhere: never accepted, though the good one is remembered.
  for (std::size_t i = 0; i < good.size(); ++i) {
    other = good;
    other[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    ASSERT_FALSE(verifier_->verify(other, KeyUse::kSigning, message_, Bytes(96), kLater)) << i;
    ASSERT_NE(verifier_->verify(other, KeyUse::kSigning, message_, Bytes(96), kLater).error(),
              Reason::kSigInvalid)
        << i;
  }
}

TEST(Der, AcceptsOnlyTheShortestForm) {
  namespace w = trust::der;
  const auto whole = [](const Bytes& bytes) -> bool {
    return der::only(bytes, der::kOctetString).has_value();
  };
  EXPECT_TRUE(whole({0x04, 0x01, 0x00}));
  EXPECT_FALSE(whole({0x04, 0x81, 0x01, 0x00}));
  EXPECT_FALSE(whole({0x04, 0x80, 0x00, 0x00}));
  EXPECT_FALSE(whole({0x04, 0x82, 0x00, 0x01, 0x00}));
  EXPECT_FALSE(whole({0x24, 0x03, 0x04, 0x01, 0x00}));
  EXPECT_FALSE(whole({0x1f, 0x04, 0x01, 0x00}));
  EXPECT_FALSE(whole({0x04, 0x02, 0x00}));
  EXPECT_FALSE(whole({0x04, 0x84, 0x00, 0x00, 0x00, 0x01, 0x00}));
  for (const std::size_t size : {0U, 127U, 128U, 255U, 256U, 65535U})
    EXPECT_TRUE(whole(w::octet_string(Bytes(size))));
}

TEST_F(Eid, RefusesTwoSpellingsOfOneCertificate) {
  // Each changes how something is written, not what it says.
  const auto spelled = [&](std::size_t index, Bytes extension) {
    CertificateFields with = fields(KeyUse::kSigning);
    with.extensions[index] = std::move(extension);
    return reason(with, KeyUse::kSigning);
  };
  namespace w = trust::der;
  const Bytes not_ca = w::sequence({});
  EXPECT_EQ(spelled(0, w::sequence({w::oid("2.5.29.19"), Bytes{0x01, 0x01, 0x00}, w::octet_string(not_ca)})),
            Reason::kCertParse);  // critical FALSE written out
  EXPECT_EQ(spelled(0, trust::extension("2.5.29.19", false, w::sequence({Bytes{0x01, 0x01, 0x00}}))),
            Reason::kCertParse);  // cA FALSE written out
  EXPECT_EQ(spelled(1, w::sequence({w::oid("2.5.29.15"), Bytes{0x01, 0x01, 0x01},
                                    w::octet_string(w::bit_string(Bytes{0x40}, 6))})),
            Reason::kCertParse);  // TRUE that is not 0xff
  EXPECT_EQ(spelled(1, trust::extension("2.5.29.15", true, w::bit_string(Bytes{0x40}, 0))),
            Reason::kCertParse);  // trailing zero bits
  EXPECT_EQ(spelled(1, trust::extension("2.5.29.15", true, w::bit_string(Bytes{0x40, 0x00}, 7))),
            Reason::kCertParse);
  EXPECT_EQ(spelled(1, trust::extension("2.5.29.15", true, w::bit_string(Bytes{0x40}, 6))), std::nullopt);
  EXPECT_EQ(spelled(2, fields(KeyUse::kSigning).extensions[1]), Reason::kCertParse);  // twice
}

TEST_F(Eid, ServesThreadsAlike) {
  std::vector<Bytes> certificates;
  for (int i = 0; i < 8; ++i) certificates.push_back(ca_.issue(fields(KeyUse::kSigning), rng_));
  const Bytes signature = sign(message_);
  std::array<int, 4> accepted{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < accepted.size(); ++t)
      threads.emplace_back([&, t] {
        for (int round = 0; round < 4; ++round)
          for (const Bytes& certificate : certificates)
            accepted[t] +=
                verifier_->verify(certificate, KeyUse::kSigning, message_, signature, kLater) ? 1 : 0;
      });
  }
  for (const int count : accepted) EXPECT_EQ(count, 32);
}

TEST(NationalId, Format) {
  EXPECT_TRUE(is_national_id("PNOEE-38001085718"));
  for (char digit = '0'; digit <= '9'; ++digit)
    EXPECT_EQ(is_national_id(std::string("PNOEE-3800108571") + digit), digit == '8');
  EXPECT_FALSE(is_national_id(""));
  EXPECT_FALSE(is_national_id("PNOEE-00001085718"));
  EXPECT_FALSE(is_national_id("PNOLV-38001085718"));
}

TEST(NationalId, ArtificialOnesAreWellFormedAndDistinct) {
  std::set<std::string> seen;
  for (std::uint64_t n = 0; n < 30'000; ++n) seen.insert(trust::artificial_national_id(n));
  EXPECT_EQ(seen.size(), 30'000U);
  for (const std::string& id : seen) {
    ASSERT_TRUE(is_national_id(id)) << id;
    ASSERT_LE(id[6], '2') << id;  // born in the nineteenth century
  }
}

}  // namespace
}  // namespace psephos
