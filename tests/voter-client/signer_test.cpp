#include "voter-client/signer.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "protocol/eid/openssl_eid.h"
#include "tests/trust-services/test_ca/ca.h"
#include "tests/trust-services/test_ca/cards.h"
#include "tests/trust-services/test_ca/national_ids.h"
#include "tests/trust-services/test_ca/token.h"
#include "voter-client/file_signer.h"
#include "voter-client/pkcs11_module.h"
#include "voter-client/pkcs11_signer.h"

namespace psephos {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::int64_t kLater = kNow + 1000;
const Person kAnna{trust::artificial_national_id(1), "ANNA", "TEST"};
const Person kVannak{trust::artificial_national_id(2), "វណ្ណៈ VANNAK", "TEST"};

/// PINs that a test chose, and what was asked for.
struct Pins final : PinSource {
  std::string pin1 = "1234";
  std::string pin2 = "12345";
  std::vector<PinRequest> asked;
  bool cancel = false;
  Result<Pin, SignerError> pin(const PinRequest& request) override {
    asked.push_back(request);
    if (cancel) return std::unexpected(SignerError::kPinCancelled);
    return Pin::copy_from(bytes_of(request.use == KeyUse::kAuthentication ? pin1 : pin2));
  }
};

/// A directory that goes with the test, with a test CA and, once asked for, SoftHSM tokens.
class SignerTest : public ::testing::Test {
 protected:
  SignerTest()
      : ca_(trust::TestCa::create(rng_, kNow)), verifier_(*OpensslEidVerifier::create(ca_.profile())) {
    std::string name = (std::filesystem::temp_directory_path() / "psephos-signer-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    ::setenv("SOFTHSM2_CONF", (directory_ / "softhsm2.conf").c_str(), 1);
  }
  ~SignerTest() override {
    module_.reset();
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
  }

  void SetUp() override {
    if (!std::filesystem::exists(PSEPHOS_SOFTHSM)) GTEST_SKIP() << "SoftHSM2 is not installed";
  }

  void issue_token(const Person& person, const trust::TestCa& ca) {
    ASSERT_TRUE(trust::prepare_softhsm());
    if (!module_) module_ = *pkcs11::Module::load(PSEPHOS_SOFTHSM);
    const auto issued = trust::issue_token(module_, ca, person, {pins_.pin1, pins_.pin2}, kNow, rng_);
    ASSERT_TRUE(issued) << issued.error();
  }
  Result<std::unique_ptr<Pkcs11Signer>, SignerError> open(std::string_view national_id = {},
                                                          const char* module = PSEPHOS_SOFTHSM) {
    return Pkcs11Signer::open(module, national_id, pins_);
  }
  /// The slot of the only card's PIN2 token.
  CK_SLOT_ID signing_slot() {
    const auto slots = module_->slots();
    for (const CK_SLOT_ID slot : *slots)
      if (pkcs11::trimmed(module_->token_info(slot)->label).ends_with("(PIN2)")) return slot;
    ADD_FAILURE() << "no PIN2 token";
    return 0;
  }
  Result<std::unique_ptr<Signer>, SignerError> software_card(const Person& person) {
    const auto path = directory_ / "cards.db";
    const auto written = trust::write_cards(ca_, {{person, "u1"}}, path, kNow, rng_);
    EXPECT_TRUE(written) << written.error();
    auto file = CardFile::open(path, Mode::kTest);
    if (!file) return std::unexpected(file.error());
    return (*file)->card(person.national_id);  // and the file is closed
  }

  /// Signs with both keys and asks the verifier.
  void expect_signs_as(Signer& signer, const Person& person) {
    for (const KeyUse use : {KeyUse::kAuthentication, KeyUse::kSigning}) {
      const auto certificate = signer.certificate(use);
      const auto signature = signer.sign(use, message_);
      ASSERT_TRUE(certificate && signature);
      const auto verdict = verifier_->verify(*certificate, use, message_, *signature, kLater);
      ASSERT_TRUE(verdict) << name_of(verdict.error());
      EXPECT_EQ(*verdict, person);
      const auto other = use == KeyUse::kSigning ? KeyUse::kAuthentication : KeyUse::kSigning;
      EXPECT_EQ(verifier_->verify(*certificate, other, message_, *signature, kLater).error(),
                Reason::kCertKeyUsage);
      EXPECT_EQ(verifier_->verify(*signer.certificate(other), other, message_, *signature, kLater).error(),
                Reason::kSigInvalid);
      EXPECT_EQ(verifier_->verify(*certificate, use, bytes_of("other"), *signature, kLater).error(),
                Reason::kSigInvalid);
    }
  }

  SystemRng rng_;
  trust::TestCa ca_;
  std::unique_ptr<OpensslEidVerifier> verifier_;
  std::filesystem::path directory_;
  std::shared_ptr<pkcs11::Module> module_;
  Pins pins_;
  const Bytes message_ = copy_of(bytes_of("a canonical ballot"));
};

TEST_F(SignerTest, TokenSigns) {
  issue_token(kAnna, ca_);
  auto signer = open();
  ASSERT_TRUE(signer) << name_of(signer.error());
  EXPECT_EQ((*signer)->person(), kAnna);
  expect_signs_as(**signer, kAnna);
}

// A50
TEST_F(SignerTest, EachSignatureAsksForItsPin) {
  issue_token(kAnna, ca_);
  auto signer = open();
  ASSERT_TRUE(signer);
  EXPECT_TRUE((*signer)->certificate(KeyUse::kSigning));
  EXPECT_EQ(pins_.asked.size(), 0U);
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE((*signer)->sign(KeyUse::kSigning, message_));
    ASSERT_EQ(pins_.asked.size(), i);
    EXPECT_EQ(pins_.asked.back().use, KeyUse::kSigning);
    EXPECT_EQ(pins_.asked.back().card, "TEST,ANNA," + kAnna.national_id.substr(6) + " (PIN2)");
  }
  // The token itself insists: whoever has logged in gets no signature without another PIN entry.
  auto session = pkcs11::Session::open(module_, signing_slot());
  const Pin pin = Pin::copy_from(bytes_of(pins_.pin2));
  ASSERT_TRUE(session && session->log_in(CKU_USER, &pin));
  const CK_ULONG private_key = CKO_PRIVATE_KEY;
  const auto keys = session->find({pkcs11::attribute(CKA_CLASS, private_key)});
  ASSERT_TRUE(keys && keys->size() == 1);
  CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
  ASSERT_EQ((*module_)->C_SignInit(session->handle(), &mechanism, keys->front()), CKR_OK);
  Bytes digest(48);
  Bytes signature(96);
  CK_ULONG size = signature.size();
  EXPECT_EQ((*module_)->C_Sign(session->handle(), digest.data(), digest.size(), signature.data(), &size),
            CKR_USER_NOT_LOGGED_IN);
}

TEST_F(SignerTest, WrongPinIsNamed) {
  issue_token(kAnna, ca_);
  auto signer = open();
  ASSERT_TRUE(signer);
  pins_.pin2 = "99999";
  EXPECT_EQ((*signer)->sign(KeyUse::kSigning, message_).error(), SignerError::kPinWrong);
  EXPECT_EQ(name_of(SignerError::kPinWrong), "PIN_WRONG");
  EXPECT_TRUE((*signer)->sign(KeyUse::kAuthentication, message_));
  pins_.pin2 = "";
  EXPECT_EQ((*signer)->sign(KeyUse::kSigning, message_).error(), SignerError::kPinWrong);
  pins_.pin2 = "12345";
  EXPECT_TRUE((*signer)->sign(KeyUse::kSigning, message_));
  pins_.cancel = true;
  EXPECT_EQ((*signer)->sign(KeyUse::kSigning, message_).error(), SignerError::kPinCancelled);
}

TEST_F(SignerTest, LockedPinIsNamed) {
  issue_token(kAnna, ca_);
  auto signer = open({}, PSEPHOS_LOCKED_MODULE);
  ASSERT_TRUE(signer) << name_of(signer.error());
  EXPECT_EQ((*signer)->sign(KeyUse::kSigning, message_).error(), SignerError::kPinLocked);
}

TEST_F(SignerTest, MissingModuleAndTokenAreNamed) {
  EXPECT_EQ(open({}, "/nowhere/module.so").error(), SignerError::kModuleMissing);
  EXPECT_EQ(open({}, "libsqlite3.so.0").error(), SignerError::kModuleMissing);
  ASSERT_TRUE(trust::prepare_softhsm());
  EXPECT_EQ(open().error(), SignerError::kTokenNotPresent);
  issue_token(kAnna, ca_);
  EXPECT_TRUE(open(kAnna.national_id));
  EXPECT_EQ(open(kVannak.national_id).error(), SignerError::kTokenNotPresent);
}

TEST_F(SignerTest, ChoosesTheCardByPerson) {
  issue_token(kAnna, ca_);
  issue_token(kVannak, ca_);
  EXPECT_EQ(open().error(), SignerError::kCardAmbiguous);
  for (const Person& person : {kAnna, kVannak}) {
    auto signer = open(person.national_id);
    ASSERT_TRUE(signer) << name_of(signer.error());
    expect_signs_as(**signer, person);
  }
}

TEST_F(SignerTest, HalfACardIsNamed) {
  issue_token(kAnna, ca_);
  auto signer = open();
  ASSERT_TRUE(signer);
  {
    auto session = pkcs11::Session::open(module_, signing_slot(), CKF_RW_SESSION);
    const Pin pin = Pin::copy_from(bytes_of(pins_.pin2));
    ASSERT_TRUE(session && session->log_in(CKU_USER, &pin));
    for (const CK_ULONG kind : {CK_ULONG{CKO_PRIVATE_KEY}, CK_ULONG{CKO_CERTIFICATE}}) {
      const auto objects = session->find({pkcs11::attribute(CKA_CLASS, kind)});
      for (const CK_OBJECT_HANDLE object : *objects)
        ASSERT_EQ((*module_)->C_DestroyObject(session->handle(), object), CKR_OK);
    }
  }
  EXPECT_EQ((*signer)->sign(KeyUse::kSigning, message_).error(), SignerError::kCardIncomplete);
  EXPECT_EQ(open().error(), SignerError::kCardIncomplete);
}

// A68: the card of another authority with the same names signs, and the verifier refuses it.
TEST_F(SignerTest, ForeignCardIsNotTrusted) {
  issue_token(kAnna, trust::TestCa::create(rng_, kNow));
  auto signer = open();
  ASSERT_TRUE(signer);
  const auto certificate = (*signer)->certificate(KeyUse::kSigning);
  const auto signature = (*signer)->sign(KeyUse::kSigning, message_);
  ASSERT_TRUE(certificate && signature);
  EXPECT_EQ(verifier_->verify(*certificate, KeyUse::kSigning, message_, *signature, kLater).error(),
            Reason::kCertChainUntrusted);
}

TEST_F(SignerTest, SoftwareCardSigns) {
  const auto card = software_card(kAnna);
  ASSERT_TRUE(card) << name_of(card.error());
  expect_signs_as(**card, kAnna);
}

TEST_F(SignerTest, SoftwareCardOnP256Signs) {
  ca_ = trust::TestCa::create(rng_, kNow, EcCurve::kP256);
  ASSERT_TRUE(ca_.save(directory_ / "ca"));
  ca_ = *trust::TestCa::load(directory_ / "ca");
  EXPECT_EQ(ca_.curve(), EcCurve::kP256);
  verifier_ = *OpensslEidVerifier::create(ca_.profile());
  const auto card = software_card(kAnna);
  ASSERT_TRUE(card) << name_of(card.error());
  EXPECT_EQ((*card)->sign(KeyUse::kSigning, message_)->size(), 64U);
  expect_signs_as(**card, kAnna);
}

// A39
TEST_F(SignerTest, SoftwareCardsNeedTestMode) {
  ASSERT_TRUE(software_card(kAnna));
  const auto path = directory_ / "cards.db";
  EXPECT_TRUE(CardFile::open(path, Mode::kTest));
  EXPECT_EQ(CardFile::open(path, Mode::kProduction).error(), SignerError::kTestModeForbidden);
  EXPECT_EQ(name_of(SignerError::kTestModeForbidden), name_of(Reason::kTestModeForbidden));
}

TEST_F(SignerTest, CardFileRefusesOtherFiles) {
  ASSERT_TRUE(software_card(kAnna));
  std::ofstream(directory_ / "text.db") << "not a database";
  std::ofstream(directory_ / "empty.db") << "";
  for (const char* name : {"none.db", "text.db", "empty.db"})
    EXPECT_EQ(CardFile::open(directory_ / name, Mode::kTest).error(), SignerError::kCardFileUnreadable)
        << name;
  // A scalar that is none of the certificate's curve.
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((directory_ / "cards.db").c_str(), &database), SQLITE_OK);
  const std::string change = "INSERT INTO cards SELECT '" + kVannak.national_id +
                             "', unit, given_name, surname, substr(authentication_key, 2), "
                             "authentication_certificate, signing_key, signing_certificate FROM cards";
  EXPECT_EQ(sqlite3_exec(database, change.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  auto file = CardFile::open(directory_ / "cards.db", Mode::kTest);
  ASSERT_TRUE(file);
  EXPECT_TRUE((*file)->card(kAnna.national_id));
  EXPECT_EQ((*file)->card(kVannak.national_id).error(), SignerError::kCardFileUnreadable);
  EXPECT_EQ((*file)->card(trust::artificial_national_id(3)).error(), SignerError::kCardUnknown);
  EXPECT_EQ((*file)->card("' OR 1 = 1 --").error(), SignerError::kCardUnknown);
}

TEST_F(SignerTest, TestCaComesBackFromItsDirectory) {
  ASSERT_TRUE(ca_.save(directory_ / "ca"));
  EXPECT_FALSE(ca_.save(directory_ / "ca"));  // never over a CA that exists
  const auto loaded = trust::TestCa::load(directory_ / "ca");
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(loaded->anchors(), ca_.anchors());
  const auto key = trust::generate_p384(rng_);
  const Bytes certificate = loaded->issue(trust::card_fields(kAnna, KeyUse::kSigning, key.point, kNow), rng_);
  EXPECT_EQ(verifier_->verify(certificate, KeyUse::kSigning, message_, Bytes(96), kLater).error(),
            Reason::kSigInvalid);  // which is asked after the chain
  EXPECT_FALSE(trust::TestCa::load(directory_ / "elsewhere"));
}

TEST_F(SignerTest, RollRoundTripsAndNamesItsFaults) {
  const auto voters = trust::artificial_voters(5, 40, {"u1", "u2"});
  const auto path = directory_ / "roll.tsv";
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  write(trust::write_roll(voters));
  const auto read = trust::read_roll(path);
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), voters.size());
  for (std::size_t i = 0; i < voters.size(); ++i) {
    EXPECT_EQ((*read)[i].person, voters[i].person);
    EXPECT_EQ((*read)[i].unit, voters[i].unit);
  }
  const std::string id = voters[0].person.national_id;
  const std::string line = id + "\tu1\tA\tB\n";
  for (const std::string& wrong :
       std::vector<std::string>{line + line, "PNOEE-1\tu1\tA\tB\n", id + "\tu1\tA\n", id + "\tu1\t\tB\n"}) {
    write(wrong);
    EXPECT_FALSE(trust::read_roll(path)) << wrong;
  }
}

}  // namespace
}  // namespace psephos
