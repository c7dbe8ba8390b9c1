#include "protocol/eid.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "crypto/hash.h"
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

TEST_F(Eid, A67_RefusesTheOtherKeyOfTheCard) {
  EXPECT_EQ(reason(fields(KeyUse::kAuthentication), KeyUse::kSigning), Reason::kCertKeyUsage);
  EXPECT_EQ(reason(fields(KeyUse::kSigning), KeyUse::kAuthentication), Reason::kCertKeyUsage);
}

TEST_F(Eid, A67_RefusesOtherKeyUsages) {
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

TEST_F(Eid, A78_RefusesNamesThatCouldBeMistaken) {
  const auto named = [&](const Person& person) {
    CertificateFields with = fields(KeyUse::kSigning);
    with.subject = trust::person_name(person);
    return reason(with, KeyUse::kSigning);
  };
  const std::string id = person_.national_id;
  // One person, one spelling.
  for (const std::string& other : std::vector<std::string>{
           id.substr(6), "pnoee" + id.substr(5), "IDCEE" + id.substr(5), id + " ", " " + id,
           "PNOEE" + id.substr(6), "PNOEE " + id.substr(6), "PNOEE--" + id.substr(6),
           id.substr(0, 12) + " " + id.substr(12), "PNOEE-\uff13\uff18001085718", "PNOLT" + id.substr(5),
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

TEST_F(Eid, A87_RefusesWeakHashInTheCertificate) {
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
  // Every other algorithm: RSA with MD5 and SHA-1, PSS, ECDSA with a hash to be named, a key's identifier in
  // its place, Ed25519, and none.
  const Bytes null = {0x05, 0x00};
  for (const char* oid :
       {"1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.10", "1.2.840.10045.4.3",
        "1.2.840.10045.2.1", "1.2.840.113549.1.1.1", "1.3.101.112", "0.0"})
    for (const Bytes& parameters : {Bytes{}, null}) {
      with = fields(KeyUse::kSigning);
      with.signature_oid = oid;
      with.algorithm_parameters = parameters;
      EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kSigAlgForbidden) << oid;
    }
  // The right algorithm in another form, and that of another kind of key.
  with = fields(KeyUse::kSigning);
  with.algorithm_parameters = null;
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kSigAlgForbidden);
  with.signature_oid = "1.2.840.113549.1.1.12";  // sha384WithRSAEncryption
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertChainUntrusted);
  with.algorithm_parameters = {};
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kSigAlgForbidden);
}

// ETSI EN 319 411-2 §5.3: the policy says that the key is in a qualified device.
TEST_F(Eid, RefusesCertificatesOfOtherPolicies) {
  namespace w = trust::der;
  const auto with = [&](Bytes extension, KeyUse use = KeyUse::kSigning) {
    CertificateFields changed = fields(use);
    changed.extensions[2] = std::move(extension);
    return reason(changed, use);
  };
  constexpr std::string_view kQscd = "0.4.0.194112.1.2";
  EXPECT_EQ(with(trust::certificate_policies({kQscd})), std::nullopt);
  EXPECT_EQ(with(trust::certificate_policies({"1.3.6.1.4.1.51361.1.1.1", kQscd})), std::nullopt);
  EXPECT_EQ(with(trust::certificate_policies({"0.4.0.194112.1.0"})), Reason::kCertPolicy);  // no device
  EXPECT_EQ(with(trust::certificate_policies({"2.5.29.32.0"})), Reason::kCertPolicy);       // any
  EXPECT_EQ(with(trust::certificate_policies({"0.4.0.194112.1.2.1"})), Reason::kCertPolicy);
  EXPECT_EQ(with(trust::extension("1.3.6.1.4.1.99999.1", false, Bytes{0x05, 0x00})), Reason::kCertPolicy);
  EXPECT_EQ(with(trust::certificate_policies({"0.4.0.2042.1.1"}), KeyUse::kAuthentication), std::nullopt);
  // Qualifiers, and how they are written.
  const auto qualified = [&](const Bytes& qualifiers) {
    return with(
        trust::extension("2.5.29.32", false, w::sequence({w::sequence({w::oid(kQscd), qualifiers})})));
  };
  const auto qualifier = [](std::string_view oid, Bytes value) {
    return w::sequence({w::sequence({w::oid(oid), std::move(value)})});
  };
  constexpr std::string_view kCps = "1.3.6.1.5.5.7.2.1", kNotice = "1.3.6.1.5.5.7.2.2";
  EXPECT_EQ(qualified(qualifier(kCps, w::element(0x16, bytes_of("https://www.example/cps")))), std::nullopt);
  EXPECT_EQ(qualified(qualifier(kNotice, w::sequence({w::utf8("notice")}))), std::nullopt);
  for (const Bytes& bad :
       {w::sequence({}), qualifier(kCps, w::utf8("https://www.example/cps")),
        qualifier(kCps, w::element(0x16, Bytes{0x80})), qualifier(kNotice, w::utf8("notice")),
        qualifier(kNotice, w::sequence({w::utf8("a"), w::utf8("b")})), Bytes{0x05, 0x00}})
    EXPECT_EQ(qualified(bad), Reason::kCertParse);
  EXPECT_EQ(with(trust::certificate_policies({kQscd, kQscd})), Reason::kCertParse);
  EXPECT_EQ(with(trust::certificate_policies({})), Reason::kCertParse);
}

class EidRsa : public Eid {
 protected:
  static const trust::RsaKey& rsa() {
    static const auto* const key = new trust::RsaKey(trust::generate_rsa(2048));
    return *key;
  }
  CertificateFields rsa_fields(KeyUse use = KeyUse::kSigning) const {
    CertificateFields with = fields(use);
    with.public_key_info = trust::rsa_public_key_info(rsa().modulus, rsa().exponent);
    return with;
  }
  std::optional<Reason> verdict(const CertificateFields& with, const Bytes& signature,
                                const OpensslEidVerifier& verifier, KeyUse use = KeyUse::kSigning) {
    const auto result = verifier.verify(ca_.issue(with, rng_), use, message_, signature, kLater);
    return result ? std::nullopt : std::optional(result.error());
  }
};

TEST_F(EidRsa, AcceptsRsaWithSha256) {
  const Bytes good = trust::sign(rsa(), message_);
  for (const KeyUse use : {KeyUse::kAuthentication, KeyUse::kSigning})
    EXPECT_EQ(verdict(rsa_fields(use), good, *verifier_, use), std::nullopt);
  for (const char* digest : {"SHA1", "SHA2-224", "SHA2-384", "SHA2-512"})  // A87
    EXPECT_EQ(verdict(rsa_fields(), trust::sign(rsa(), message_, digest), *verifier_), Reason::kSigInvalid);
  EXPECT_EQ(verdict(rsa_fields(), sign(message_), *verifier_), Reason::kSigInvalid);
  EXPECT_EQ(verdict(rsa_fields(), {}, *verifier_), Reason::kSigInvalid);
  Bytes other = good;
  other.insert(other.begin(), 0);
  EXPECT_EQ(verdict(rsa_fields(), other, *verifier_), Reason::kSigInvalid);
  for (std::size_t i = 0; i < good.size(); i += 5) {
    other = good;
    other[i] ^= 1;
    ASSERT_EQ(verdict(rsa_fields(), other, *verifier_), Reason::kSigInvalid) << i;
  }
}

TEST_F(EidRsa, TheElectionSaysWhichKeys) {
  const Bytes by_rsa = trust::sign(rsa(), message_);
  const auto with = [&](const std::function<void(EidProfile&)>& change) {
    EidProfile profile = ca_.profile();
    change(profile);
    const auto verifier = std::move(*OpensslEidVerifier::create(profile));
    return std::pair(verdict(rsa_fields(), by_rsa, *verifier),
                     verdict(fields(KeyUse::kSigning), sign(message_), *verifier));
  };
  const std::optional<Reason> good, bad = Reason::kCertProfile;
  EXPECT_EQ(with([](EidProfile&) {}), std::pair(good, good));
  EXPECT_EQ(with([](EidProfile& p) { p.rsa_bits_max = 2048; }), std::pair(good, good));
  EXPECT_EQ(with([](EidProfile& p) { p.rsa_bits_min = 2049; }), std::pair(bad, good));
  EXPECT_EQ(with([](EidProfile& p) { p.keys = {"RSA"}; }), std::pair(good, bad));
  EXPECT_EQ(with([](EidProfile& p) { p.keys = {"P-384", "P-256"}, p.rsa_bits_min = p.rsa_bits_max = 0; }),
            std::pair(bad, good));
  // Another country's person, and a rule 5 that is broken.
  EXPECT_EQ(with([](EidProfile& p) { p.identity_types = {"PNOLT"}; }).first, Reason::kVoterIdFormat);
  EidProfile profile = ca_.profile();
  profile.keys = {"DSA"};
  EXPECT_EQ(OpensslEidVerifier::create(profile).error(), Reason::kManifestInvalid);
  // Sizes that no election takes.
  CertificateFields odd = rsa_fields();
  for (const std::size_t octets : {255U, 769U}) {
    odd.public_key_info = trust::rsa_public_key_info(Bytes(octets, 0xff), rsa().exponent);
    EXPECT_EQ(verdict(odd, by_rsa, *verifier_), Reason::kCertProfile);
  }
}

TEST_F(EidRsa, A76_RefusesWeakKeys) {
  const Bytes signature = trust::sign(rsa(), message_);
  CertificateFields with = rsa_fields();
  EXPECT_EQ(verdict(with, signature, *verifier_), std::nullopt);
  Bytes even = rsa().modulus;
  even.back() ^= 1;
  with.public_key_info = trust::rsa_public_key_info(even, rsa().exponent);
  EXPECT_EQ(verdict(with, signature, *verifier_), Reason::kCertWeakKey);
  with.public_key_info = trust::rsa_public_key_info(rsa().modulus, Bytes{3});
  EXPECT_EQ(verdict(with, signature, *verifier_), Reason::kCertWeakKey);
  Bytes multiple(257);  // 65521·n: a factor below 2^16
  std::uint32_t carry = 0;
  for (std::size_t i = 256; i-- > 0;) {
    carry += std::uint32_t{65521} * rsa().modulus[i];
    multiple[i + 1] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  multiple[0] = static_cast<std::uint8_t>(carry);
  multiple.insert(multiple.begin(), static_cast<std::uint8_t>(carry >> 8));
  with.public_key_info = trust::rsa_public_key_info(multiple, rsa().exponent);
  EXPECT_EQ(verdict(with, signature, *verifier_), Reason::kCertWeakKey);
}

TEST_F(EidRsa, AuthoritiesMayHaveRsaKeys) {
  const trust::RsaKey issuing = trust::generate_rsa(2048);
  CertificateFields with;
  with.subject = copy_of(parse_certificate(ca_.issuing_der())->subject);
  with.public_key_info = trust::rsa_public_key_info(rsa().modulus, rsa().exponent);
  with.not_before_unix_s = kNow - 1;
  with.not_after_unix_s = kNow + 10'000;
  with.extensions = {trust::basic_constraints(true), trust::key_usage(kUsageKeyCertSign)};
  with.signature_oid = "1.2.840.113549.1.1.11";
  with.algorithm_parameters = {0x05, 0x00};
  with.digest = "SHA2-256";
  const Bytes root_name = copy_of(parse_certificate(ca_.root_der())->subject), issuing_name = with.subject;
  with.subject = root_name;
  const Bytes root_der = trust::certify(with, root_name, rsa(), rng_);
  with.subject = issuing_name;
  with.public_key_info = trust::rsa_public_key_info(issuing.modulus, issuing.exponent);
  const Bytes issuing_der = trust::certify(with, root_name, rsa(), rng_);
  const auto made = OpensslEidVerifier::create(trust::test_profile({root_der, issuing_der}, {root_der}));
  ASSERT_TRUE(made);
  CertificateFields card = fields(KeyUse::kSigning);
  card.signature_oid = with.signature_oid;
  card.algorithm_parameters = with.algorithm_parameters;
  card.digest = "SHA2-256";
  const auto verdict = [&](const trust::RsaKey& by) -> std::optional<Reason> {
    const auto result = (*made)->verify(trust::certify(card, issuing_name, by, rng_), KeyUse::kSigning,
                                        message_, sign(message_), kLater);
    return result ? std::nullopt : std::optional(result.error());
  };
  EXPECT_EQ(verdict(issuing), std::nullopt);
  EXPECT_EQ(verdict(rsa()), Reason::kCertChainUntrusted);
  card.digest = "SHA1";  // says SHA-256
  EXPECT_EQ(verdict(issuing), Reason::kCertChainUntrusted);
}

TEST_F(EidRsa, A78_CertificatesOfOnePersonNameOneVoter) {
  const auto p256 = trust::generate_key(EcCurve::kP256, rng_);
  CertificateFields second = fields(KeyUse::kSigning);
  second.public_key_info = trust::subject_public_key_info(p256.point);
  const Bytes by_p256 = raw_of_der(trust::sign(p256, digest("SHA2-256", message_), rng_), 32);
  std::set<Digest256> keys;
  const auto see = [&](const CertificateFields& with, const Bytes& signature) {
    const auto signer =
        verifier_->verify_signer(ca_.issue(with, rng_), KeyUse::kSigning, message_, signature, kLater);
    ASSERT_TRUE(signer);
    EXPECT_EQ(signer->person, person_);
    keys.insert(signer->key_sha256);
  };
  see(fields(KeyUse::kSigning), sign(message_));
  see(second, by_p256);
  see(rsa_fields(), trust::sign(rsa(), message_));
  EXPECT_EQ(keys, (std::set<Digest256>{sha256(key_.point), sha256(p256.point), sha256(rsa().modulus)}));
  // A renewed certificate for the same key; and the same key certified for somebody else.
  see(fields(KeyUse::kSigning), sign(message_));
  EXPECT_EQ(keys.size(), 3U);
  const Person other{trust::artificial_national_id(18), "KARL", "TEST"};
  const auto shared =
      verifier_->verify_signer(ca_.issue(trust::card_fields(other, KeyUse::kSigning, key_.point, kNow), rng_),
                               KeyUse::kSigning, message_, sign(message_), kLater);
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->person, other);
  EXPECT_EQ(shared->key_sha256, sha256(key_.point));
}

TEST_F(Eid, A68_RefusesOtherAuthorities) {
  const auto other = trust::TestCa::create(rng_, kNow);  // the same names, other keys
  EXPECT_EQ(reason(other.issue(fields(KeyUse::kSigning), rng_), KeyUse::kSigning),
            Reason::kCertChainUntrusted);
  const Bytes good = ca_.issue(fields(KeyUse::kSigning), rng_);
  const auto foreign = OpensslEidVerifier::create(other.profile());
  EXPECT_EQ((*foreign)->verify(good, KeyUse::kSigning, message_, sign(message_), kLater).error(),
            Reason::kCertChainUntrusted);
  // Under the right name with another key, and with the right key's identifier too.
  const Certificate issuing = *parse_certificate(ca_.issuing_der());
  auto forged = trust::generate_p384(rng_);
  EXPECT_EQ(reason(trust::certify(fields(KeyUse::kSigning), issuing.subject, forged, rng_), KeyUse::kSigning),
            Reason::kCertChainUntrusted);
  forged.point = copy_of(issuing.public_point);
  EXPECT_EQ(reason(trust::certify(fields(KeyUse::kSigning), issuing.subject, forged, rng_), KeyUse::kSigning),
            Reason::kCertChainUntrusted);
  // By itself; by a voter, whose certificate has no basicConstraints of an authority; by the root, which
  // issues no cards.
  const CertificateFields own = fields(KeyUse::kSigning);
  EXPECT_EQ(reason(trust::certify(own, own.subject, key_, rng_), KeyUse::kSigning),
            Reason::kCertChainUntrusted);
  const auto voter = trust::generate_p384(rng_);
  const Bytes voters_card = ca_.issue(
      trust::card_fields({trust::artificial_national_id(3), "A", "B"}, KeyUse::kSigning, voter.point, kNow),
      rng_);
  EXPECT_EQ(
      reason(trust::certify(own, parse_certificate(voters_card)->subject, voter, rng_), KeyUse::kSigning),
      Reason::kCertChainUntrusted);
  EXPECT_EQ(OpensslEidVerifier::create(trust::test_profile({ca_.root_der(), voters_card}, {ca_.root_der()}))
                .error(),
            Reason::kCertProfile);
  // Two authorities of one name side by side (a key change): both are found.
  auto anchors = other.anchors();
  for (const Bytes& each : ca_.anchors()) anchors.push_back(each);
  const auto both = OpensslEidVerifier::create(trust::test_profile(anchors, anchors));
  EXPECT_TRUE((*both)->verify(good, KeyUse::kSigning, message_, sign(message_), kLater));
}

TEST_F(Eid, A68_AnAuthorityWithoutBasicConstraints) {
  const auto root = trust::generate_p384(rng_), issuing = trust::generate_p384(rng_);
  CertificateFields with;
  with.subject = copy_of(parse_certificate(ca_.root_der())->subject);
  with.public_key_info = trust::subject_public_key_info(root.point);
  with.not_before_unix_s = kNow;
  with.not_after_unix_s = kNow + 10'000;
  with.extensions = {trust::basic_constraints(true), trust::key_usage(kUsageKeyCertSign)};
  const Bytes root_der = trust::certify(with, with.subject, root, rng_);
  const Bytes root_name = with.subject;
  with.subject = copy_of(parse_certificate(ca_.issuing_der())->subject);
  with.public_key_info = trust::subject_public_key_info(issuing.point);
  const auto verdict = [&] {
    const auto made = OpensslEidVerifier::create(
        trust::test_profile({root_der, trust::certify(with, root_name, root, rng_)}, {root_der}));
    return made ? std::nullopt : std::optional(made.error());
  };
  EXPECT_EQ(verdict(), std::nullopt);
  const CertificateFields good = with;
  with.extensions.erase(with.extensions.begin());
  EXPECT_EQ(verdict(), Reason::kCertProfile);
  with.extensions = {trust::basic_constraints(false), trust::key_usage(kUsageKeyCertSign)};
  EXPECT_EQ(verdict(), Reason::kCertProfile);
  with.extensions = {trust::basic_constraints(true), trust::key_usage(kUsageDigitalSignature)};
  EXPECT_EQ(verdict(), Reason::kCertProfile);
  // A76: weak keys of authorities.
  with = good;
  auto off_curve = issuing.point;
  off_curve[96] ^= 1;
  with.public_key_info = trust::subject_public_key_info(off_curve);
  EXPECT_EQ(verdict(), Reason::kCertWeakKey);
  auto rsa = trust::generate_rsa(2048);
  with.public_key_info = trust::rsa_public_key_info(rsa.modulus, rsa.exponent);
  EXPECT_EQ(verdict(), std::nullopt);
  with.public_key_info = trust::rsa_public_key_info(rsa.modulus, Bytes{3});
  EXPECT_EQ(verdict(), Reason::kCertWeakKey);
  with.public_key_info = trust::rsa_public_key_info(ByteView(rsa.modulus).first(128), rsa.exponent);
  EXPECT_EQ(verdict(), Reason::kCertProfile);
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

// Both ends are inclusive.
TEST_F(Eid, A69_JudgesValidityAtTheGivenTime) {
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
  // Not yet valid by a second, expired by one, and the twins that are.
  with.not_after_unix_s = kLater - 1;
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertNotValidAtSigning);
  with.not_after_unix_s = kLater;
  EXPECT_EQ(reason(with, KeyUse::kSigning), std::nullopt);
  with.not_before_unix_s = kLater + 1;
  with.not_after_unix_s = kLater + 2;
  EXPECT_EQ(reason(with, KeyUse::kSigning), Reason::kCertNotValidAtSigning);
  with.not_before_unix_s = kLater;
  EXPECT_EQ(reason(with, KeyUse::kSigning), std::nullopt);
}

/// A locale that writes 1,5 and has its own words, made by localedef in a directory of its own.
std::optional<std::filesystem::path> make_locale(const std::string& name) {
  std::string directory = (std::filesystem::temp_directory_path() / "psephos-locale-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return std::nullopt;
  const std::string command = "localedef -i " + name + " -f UTF-8 " + directory + "/" + name + ".UTF-8 >&2";
  if (std::system(command.c_str()) != 0) {  // NOLINT(concurrency-mt-unsafe): one thread
    std::filesystem::remove_all(directory);
    return std::nullopt;
  }
  return directory;
}

// A107: a corpus of certificates and times has one verdict each, whatever clock and language the machine has.
TEST_F(Eid, A107_VerdictsDependOnNeitherTimeZoneNorLocale) {
  // Where clocks change in 2024, Tallinn's on 31 March and 27 October and St John's on 10 March; the leap
  // day; the end of the year.
  struct Case {
    Bytes certificate;
    std::int64_t at;
    std::optional<Reason> expected;
  };
  std::vector<Case> corpus;
  for (const std::int64_t edge :
       {1'711'846'800, 1'729'990'800, 1'710'048'600, 1'709'164'800, 1'735'689'599}) {
    CertificateFields with = fields(KeyUse::kSigning);
    const auto issue = [&](std::int64_t from, std::int64_t to) {
      with.not_before_unix_s = from;
      with.not_after_unix_s = to;
      return ca_.issue(with, rng_);
    };
    const Bytes begins = issue(edge, edge + 10'000), ends = issue(edge - 10'000, edge);
    const auto verdict = [&](bool valid) {
      return valid ? std::nullopt : std::optional(Reason::kCertNotValidAtSigning);
    };
    for (const std::int64_t offset : {-7200, -3600, -1, 0, 1, 3600, 7200}) {
      corpus.push_back({begins, edge + offset, verdict(offset >= 0)});
      corpus.push_back({ends, edge + offset, verdict(offset <= 0)});
    }
  }
  for (const char* text :
       {"MARI-LIIS \u00d5IE", "I\u0307\u0131", "\u179f\u17bb\u1781\u17b6"}) {  // any language's letters
    person_.given_name = text;
    corpus.push_back({ca_.issue(fields(KeyUse::kSigning), rng_), kLater, std::nullopt});
  }
  const std::string id = person_.national_id;
  for (const std::string& spelling : {"pnoee" + id.substr(5), id + "\u00a0", "PNOEE\u2010" + id.substr(6)}) {
    CertificateFields with = fields(KeyUse::kSigning);
    with.subject = trust::person_name({spelling, "A", "B"});
    corpus.push_back({ca_.issue(with, rng_), kLater, Reason::kVoterIdFormat});
  }
  const Bytes signature = sign(message_);
  const auto check = [&](const std::string& where) {
    for (std::size_t i = 0; i < corpus.size(); ++i) {
      const auto& [certificate, at, expected] = corpus[i];
      const auto result = verifier_->verify(certificate, KeyUse::kSigning, message_, signature, at);
      ASSERT_EQ(result ? std::nullopt : std::optional(result.error()), expected) << i << " in " << where;
    }
  };
  check("the test's own");

  std::vector<std::string> locales = {"C", "C.UTF-8"};
  std::vector<std::filesystem::path> made;
  for (const char* name : {"tr_TR", "km_KH"}) {
    const auto directory = make_locale(name);
    if (!directory) continue;
    made.push_back(*directory);
    locales.push_back(std::string(name) + ".UTF-8");
  }
  int languages = 0;
  for (const std::string& locale : locales) {
    if (locale.starts_with("tr")) ::setenv("LOCPATH", made[0].c_str(), 1);
    if (locale.starts_with("km")) ::setenv("LOCPATH", made.back().c_str(), 1);
    ASSERT_NE(std::setlocale(LC_ALL, locale.c_str()), nullptr) << locale;
    ++languages;
    for (const char* zone :
         {"UTC", "Europe/Tallinn", "Asia/Phnom_Penh", "America/St_Johns", "Pacific/Kiritimati"}) {
      ::setenv("TZ", zone, 1);
      ::tzset();
      check(locale + ", " + zone);
    }
  }
  std::setlocale(LC_ALL, "C");
  ::unsetenv("LOCPATH");
  ::unsetenv("TZ");
  ::tzset();
  for (const auto& directory : made) std::filesystem::remove_all(directory);
  EXPECT_GE(languages, made.empty() ? 2 : 3);
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
  const std::vector<std::string> types = {"PNOEE", "PNOLV", "IDCKH"};
  EXPECT_TRUE(is_national_id("PNOEE-38001085718", types));
  EXPECT_TRUE(is_national_id("IDCKH-010123456", types));
  EXPECT_FALSE(is_national_id("PNOLT-38001085718", types));
  EXPECT_FALSE(is_national_id("PASEE-K1234567", types));
}

// A78: every country's identifier beside the ways to write it that are not the one.
TEST(NationalId, A78_OneSpelling) {
  struct Row {
    std::string good;
    std::vector<std::string> bad;
  };
  const std::vector<Row> rows = {
      {"PNOLT-38001085718",
       {"PNOLT-38001085719", "PNOLT-38013085718", "PNOLT-380010-85718", "PNOLT-3800108571"}},
      {"PNOLV-030303-10012",
       {"PNOLV-03030310012", "PNOLV-030303-1001", "PNOLV-300203-10012", "PNOLV-031303-10012",
        "PNOLV-030303-30012", "PNOLV-030303 10012", "PNOLV-0303031-0012"}},
      {"PNOLV-290200-20012", {"PNOLV-290200-10012"}},  // 2000 was a leap year, 1900 was not
      {"PNOLV-327364-90012",
       {"PNOLV-32736490012", "PNOLV-327364-9001", "PNOLV-327364-900123", "PNOLV-000000-10012"}},
      {"PNOFI-131052-308T",
       {"PNOFI-131052-308t", "PNOFI-131052-30-8T", "PNOFI--131052308T", "PNOFI-131052308T-"}},
      {"IDCKH-010123456", {"IDCKH-010 123456", "IDCKH-010_123456", "IDCKH-010", "IDCKH010123456"}},
      {"PASDE-" + std::string(32, 'A'), {"PASDE-" + std::string(33, 'A')}},
      {"TINPL-1234567890", {"TINpl-1234567890", "TIN:PL-1234567890", "VATPL-1234567890", "TINP1-1234567890"}},
  };
  for (const Row& row : rows) {
    EXPECT_TRUE(is_national_id(row.good)) << row.good;
    for (const std::string& bad : row.bad) EXPECT_FALSE(is_national_id(bad)) << bad;
    for (const std::string& bad :
         {row.good + " ", " " + row.good, row.good + "\n", row.good + std::string(1, '\0'),
          row.good.substr(0, 5) + row.good.substr(6), row.good + "\u200b",
          row.good.substr(0, 6) + "\uff11" + row.good.substr(7)})
      EXPECT_FALSE(is_national_id(bad)) << bad;
    std::string lower = row.good;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_FALSE(is_national_id(lower)) << lower;
  }
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
