#include "voter-client/signer.h"

#include <dlfcn.h>
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
#include "tests/voter-client/faulty_module.h"
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
  std::vector<PinRequest> asked, on_reader, wrong;
  bool cancel = false;
  Result<Pin, SignerError> pin(const PinRequest& request) override {
    asked.push_back(request);
    if (cancel) return std::unexpected(SignerError::kPinCancelled);
    return Pin::copy_from(bytes_of(request.use == KeyUse::kAuthentication ? pin1 : pin2));
  }
  void pin_on_reader(const PinRequest& request) override { on_reader.push_back(request); }
  void pin_wrong(const PinRequest& request) override { wrong.push_back(request); }
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

  void issue_token(const Person& person, const trust::TestCa& ca,
                   trust::TokenKeys keys = trust::TokenKeys::kP384) {
    ASSERT_TRUE(trust::prepare_softhsm());
    if (!module_) module_ = *pkcs11::Module::load(PSEPHOS_SOFTHSM);
    const auto issued = trust::issue_token(module_, ca, person, {pins_.pin1, pins_.pin2}, kNow, rng_, keys);
    ASSERT_TRUE(issued) << issued.error();
  }
  Result<std::unique_ptr<Pkcs11Signer>, SignerError> open(std::string_view national_id = {},
                                                          const char* module = PSEPHOS_SOFTHSM) {
    return Pkcs11Signer::open(module, national_id, pins_);
  }
  /// Anna's card behind the faulty module, whose faults are `faults()`.
  std::unique_ptr<Pkcs11Signer> faulty() {
    issue_token(kAnna, ca_);
    faults() = {};
    auto signer = open({}, PSEPHOS_FAULTY_MODULE);
    EXPECT_TRUE(signer) << name_of(signer.error());
    return signer ? std::move(*signer) : nullptr;
  }
  static test::CardFaults& faults() {
    void* const library = ::dlopen(PSEPHOS_FAULTY_MODULE, RTLD_NOW | RTLD_LOCAL);
    return *reinterpret_cast<decltype(&psephos_card_faults)>(::dlsym(library, "psephos_card_faults"))();
  }
  Reason refused(Signer& signer, KeyUse use = KeyUse::kSigning) {
    const auto outcome = signer.sign(use, message_);
    EXPECT_FALSE(outcome);
    if (outcome) return {};
    EXPECT_EQ(outcome.error().object, use == KeyUse::kSigning ? "PIN2" : "PIN1");
    return outcome.error().reason;
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
      const auto other = use == KeyUse::kSigning ? KeyUse::kAuthentication : KeyUse::kSigning;
      const auto made = signer.sign(use, message_);
      const auto others = signer.sign(other, message_);
      ASSERT_TRUE(made && others);
      const auto verdict = verifier_->verify(made->certificate, use, message_, made->signature, kLater);
      ASSERT_TRUE(verdict) << name_of(verdict.error());
      EXPECT_EQ(*verdict, person);
      EXPECT_EQ(verifier_->verify(made->certificate, other, message_, made->signature, kLater).error(),
                Reason::kCertKeyUsage);
      EXPECT_EQ(verifier_->verify(others->certificate, other, message_, made->signature, kLater).error(),
                Reason::kSigInvalid);
      EXPECT_EQ(verifier_->verify(made->certificate, use, bytes_of("other"), made->signature, kLater).error(),
                Reason::kSigInvalid);
      EXPECT_EQ((use == KeyUse::kSigning ? made : others)->certificate, signer.signing_certificate());
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

TEST_F(SignerTest, RsaTokenSigns) {
  issue_token(kVannak, ca_, trust::TokenKeys::kRsa2048);
  auto signer = open();
  ASSERT_TRUE(signer) << name_of(signer.error());
  EXPECT_EQ((*signer)->person(), kVannak);
  EXPECT_EQ((*signer)->sign(KeyUse::kSigning, message_)->signature.size(), 256U);
  expect_signs_as(**signer, kVannak);
}

TEST_F(SignerTest, A50_OnePinEntryYieldsOneSignature) {
  const auto signer = faulty();
  ASSERT_TRUE(signer);
  EXPECT_TRUE(signer->signing_certificate());
  EXPECT_EQ(pins_.asked.size(), 0U);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(signer->sign(KeyUse::kSigning, message_));
    ASSERT_EQ(pins_.asked.size(), static_cast<std::size_t>(i));
    EXPECT_EQ(pins_.asked.back().use, KeyUse::kSigning);
    EXPECT_EQ(pins_.asked.back().card, "TEST,ANNA," + kAnna.national_id.substr(6) + " (PIN2)");
    EXPECT_EQ(faults().signatures, i);
    EXPECT_EQ(faults().logins, 2 * i);  // into the token, and for this one signature
  }
  // The token itself insists: who is logged in, and has signed once, gets no second signature without
  // another PIN entry.
  auto session = pkcs11::Session::open(module_, signing_slot());
  const Pin pin = Pin::copy_from(bytes_of(pins_.pin2));
  ASSERT_TRUE(session && session->log_in(CKU_USER, &pin));
  const CK_ULONG private_key = CKO_PRIVATE_KEY;
  const auto keys = session->find({pkcs11::attribute(CKA_CLASS, private_key)});
  ASSERT_TRUE(keys && keys->size() == 1);
  const auto sign_after = [&](int pin_entries) {
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    EXPECT_EQ((*module_)->C_SignInit(session->handle(), &mechanism, keys->front()), CKR_OK);
    if (pin_entries > 0) EXPECT_TRUE(session->log_in(CKU_CONTEXT_SPECIFIC, &pin));
    Bytes digest(48);
    Bytes signature(96);
    CK_ULONG size = signature.size();
    return (*module_)->C_Sign(session->handle(), digest.data(), digest.size(), signature.data(), &size);
  };
  EXPECT_EQ(sign_after(0), CKR_USER_NOT_LOGGED_IN);
  EXPECT_EQ(sign_after(1), CKR_OK);
  EXPECT_EQ(sign_after(0), CKR_USER_NOT_LOGGED_IN);
}

TEST_F(SignerTest, WrongPinIsNamed) {
  issue_token(kAnna, ca_);
  auto signer = open();
  ASSERT_TRUE(signer);
  pins_.pin2 = "99999";
  EXPECT_EQ(refused(**signer), Reason::kPinWrong);
  ASSERT_EQ(pins_.wrong.size(), 1U);
  EXPECT_EQ(pins_.wrong[0].use, KeyUse::kSigning);
  EXPECT_TRUE((*signer)->sign(KeyUse::kAuthentication, message_));
  pins_.pin2 = "";
  EXPECT_EQ(refused(**signer), Reason::kPinWrong);
  pins_.pin2 = "12345";
  EXPECT_TRUE((*signer)->sign(KeyUse::kSigning, message_));
  EXPECT_EQ(pins_.wrong.size(), 2U);
  pins_.cancel = true;
  EXPECT_EQ(refused(**signer), Reason::kPinCancelled);
}

TEST_F(SignerTest, WrongPinTellsWhatIsLeft) {
  const auto signer = faulty();
  ASSERT_TRUE(signer);
  EXPECT_TRUE(signer->sign(KeyUse::kSigning, message_));
  EXPECT_EQ(pins_.asked.back().tries, PinTries::kMany);
  EXPECT_TRUE(pins_.wrong.empty());
  const std::string right = std::exchange(pins_.pin2, "99999");
  faults().flags_after_wrong_pin = CKF_USER_PIN_COUNT_LOW;
  EXPECT_EQ(refused(*signer), Reason::kPinWrong);
  ASSERT_EQ(pins_.wrong.size(), 1U);
  EXPECT_EQ(pins_.wrong.back().tries, PinTries::kFew);
  EXPECT_EQ(pins_.wrong.back().card, pins_.asked.back().card);
  faults().flags_after_wrong_pin = CKF_USER_PIN_FINAL_TRY;
  EXPECT_EQ(refused(*signer), Reason::kPinWrong);
  EXPECT_EQ(pins_.asked.back().tries, PinTries::kFew);
  EXPECT_EQ(pins_.wrong.back().tries, PinTries::kLast);
  // The last one, wrong too, locks: that is what the voter hears, and the card is not asked again.
  faults().flags_after_wrong_pin = CKF_USER_PIN_LOCKED;
  EXPECT_EQ(refused(*signer), Reason::kPinLocked);
  EXPECT_EQ(pins_.asked.back().tries, PinTries::kLast);
  EXPECT_EQ(pins_.wrong.size(), 2U);
  pins_.pin2 = right;
  const int logins = faults().logins;
  EXPECT_EQ(refused(*signer), Reason::kPinLocked);
  EXPECT_EQ(faults().logins, logins);
}

TEST_F(SignerTest, LockedPinIsNamed) {
  const auto signer = faulty();
  ASSERT_TRUE(signer);
  faults().login = CKR_PIN_LOCKED;
  EXPECT_EQ(refused(*signer), Reason::kPinLocked);
  EXPECT_TRUE(pins_.wrong.empty());
}

TEST_F(SignerTest, CardThatIsTakenOutIsNamed) {
  const auto signer = faulty();
  ASSERT_TRUE(signer);
  EXPECT_TRUE(signer->sign(KeyUse::kAuthentication, message_));
  for (const CK_RV gone : {CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_DEVICE_REMOVED}) {
    faults().token_info = gone;  // between the two signatures
    const std::size_t asked = pins_.asked.size();
    EXPECT_EQ(refused(*signer), Reason::kTokenNotPresent);
    EXPECT_EQ(pins_.asked.size(), asked);
  }
  faults().token_info = CKR_OK;
  for (const CK_RV gone : {CKR_DEVICE_REMOVED, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED}) {
    faults().sign = gone;  // in the middle of one
    EXPECT_EQ(refused(*signer), Reason::kTokenNotPresent);
  }
  faults().sign = CKR_OK;
  faults().login = CKR_DEVICE_REMOVED;  // while the voter looked for the PIN
  EXPECT_EQ(refused(*signer), Reason::kTokenNotPresent);
  faults() = {.sign = CKR_DEVICE_ERROR};
  EXPECT_EQ(refused(*signer), Reason::kDeviceError);
  faults() = {};
  EXPECT_TRUE(signer->sign(KeyUse::kSigning, message_));
}

TEST_F(SignerTest, ReaderWithKeysAsksForThePinItself) {
  const auto signer = faulty();
  ASSERT_TRUE(signer);
  faults().key_pad_pin = "1234";
  EXPECT_TRUE(signer->sign(KeyUse::kAuthentication, message_));
  ASSERT_EQ(pins_.on_reader.size(), 1U);
  EXPECT_EQ(pins_.on_reader[0].use, KeyUse::kAuthentication);
  faults().key_pad_pin = "12345";
  EXPECT_TRUE(signer->sign(KeyUse::kSigning, message_));
  ASSERT_EQ(pins_.on_reader.size(), 3U);  // into the token, and for this one signature
  EXPECT_EQ(pins_.on_reader[2].use, KeyUse::kSigning);
  faults().key_pad_pin = "99999";
  EXPECT_EQ(refused(*signer), Reason::kPinWrong);
  EXPECT_EQ(pins_.wrong.size(), 1U);
  for (const CK_RV button : {CKR_FUNCTION_CANCELED, CKR_FUNCTION_REJECTED}) {
    faults().login = button;
    EXPECT_EQ(refused(*signer), Reason::kPinCancelled);
  }
  EXPECT_EQ(pins_.asked.size(), 0U);
}

TEST_F(SignerTest, ListsThePresentCards) {
  EXPECT_EQ(present_cards("/nowhere/module.so").error(), SignerError::kModuleMissing);
  ASSERT_TRUE(trust::prepare_softhsm());
  EXPECT_TRUE(present_cards(PSEPHOS_SOFTHSM)->empty());
  ASSERT_TRUE(faulty());
  issue_token(kVannak, ca_);
  faults().reader = "Reader with a name 00 00";
  auto cards = present_cards(PSEPHOS_FAULTY_MODULE);
  ASSERT_TRUE(cards);
  ASSERT_EQ(cards->size(), 2U);
  std::ranges::sort(*cards, {}, [](const PresentCard& card) { return card.person.given_name; });
  EXPECT_EQ((*cards)[0].person, kAnna);
  EXPECT_EQ((*cards)[1].person, kVannak);
  for (const PresentCard& card : *cards) {
    EXPECT_EQ(card.readers, std::vector<std::string>{"Reader with a name 00 00"});
    EXPECT_TRUE(card.complete);
  }
  faults().reader = nullptr;  // SoftHSM2 has a reader for each token
  EXPECT_EQ(present_cards(PSEPHOS_FAULTY_MODULE)->front().readers.size(), 2U);
  EXPECT_EQ(pins_.asked.size(), 0U);
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
  EXPECT_EQ(refused(**signer), Reason::kCardIncomplete);
  EXPECT_FALSE(present_cards(PSEPHOS_SOFTHSM)->front().complete);
  EXPECT_EQ(open().error(), SignerError::kCardIncomplete);
}

// A68: the card of another authority with the same names signs, and the verifier refuses it.
TEST_F(SignerTest, ForeignCardIsNotTrusted) {
  issue_token(kAnna, trust::TestCa::create(rng_, kNow));
  auto signer = open();
  ASSERT_TRUE(signer);
  const auto made = (*signer)->sign(KeyUse::kSigning, message_);
  ASSERT_TRUE(made);
  EXPECT_EQ(verifier_->verify(made->certificate, KeyUse::kSigning, message_, made->signature, kLater).error(),
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
  EXPECT_EQ((*card)->sign(KeyUse::kSigning, message_)->signature.size(), 64U);
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
