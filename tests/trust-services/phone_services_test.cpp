// What the simulated Mobile-ID and Smart-ID services answer, held against the interfaces that the providers
// publish: Mobile-ID's REST API, and version 2 of Smart-ID's API for relying parties.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "protocol/eid/public_key.h"
#include "tests/trust-services/services/mobile_id.h"
#include "tests/trust-services/services/smart_id.h"

namespace psephos::trust {
namespace {

namespace json = boost::json;
constexpr std::int64_t kNow = 1'900'000'000;
constexpr std::int64_t kNowMs = kNow * 1000;
const Person kMari{"PNOEE-48001010005", "MARI", "MAASIKAS"};
constexpr std::string_view kMarisCode = "48001010005";
constexpr std::string_view kPhone = "+37200000766";

Bytes message() {
  return copy_of(bytes_of("what is signed"));
}

struct PhoneServices : testing::Test {
  template <class Service>
  HttpReply ask(Service& service, std::string_view method, std::string_view target,
                std::string_view body = {}, std::int64_t now_ms = kNowMs) {
    return service.handle(
        {std::string(method), std::string(target), "application/json", copy_of(bytes_of(body))}, now_ms);
  }
  static json::object object(const HttpReply& reply) {
    const json::value value = json::parse(text_of(reply.body));
    return value.is_object() ? value.get_object() : json::object();
  }
  static std::string text(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v != nullptr && v->is_string() ? std::string(v->get_string()) : "";
  }
  static json::object inner(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v != nullptr && v->is_object() ? v->get_object() : json::object();
  }
  static json::object mobile_request(bool certificate_only = false) {
    json::object out{{"relyingPartyUUID", "00000000-0000-0000-0000-000000000000"},
                     {"relyingPartyName", "DEMO"},
                     {"phoneNumber", kPhone},
                     {"nationalIdentityNumber", kMarisCode}};
    if (certificate_only) return out;
    out["hash"] = to_base64(sha256(message()));
    out["hashType"] = "SHA256";
    out["language"] = "EST";
    out["displayText"] = "Valimised";
    out["displayTextFormat"] = "GSM-7";
    return out;
  }
  static json::object smart_request(bool certificate_only = false) {
    json::object out{{"relyingPartyUUID", "00000000-0000-0000-0000-000000000000"},
                     {"relyingPartyName", "DEMO"},
                     {"certificateLevel", "QUALIFIED"}};
    if (certificate_only) return out;
    out["hash"] = to_base64(sha256(message()));
    out["hashType"] = "SHA256";
    out["allowedInteractionsOrder"] =
        json::array{json::object{{"type", "verificationCodeChoice"}, {"displayText60", "Valimised"}}};
    return out;
  }
  /// Starts a session, and asks for it at `after_ms`.
  json::object mobile_session(std::string_view what, std::int64_t after_ms = 0) {
    const std::string path = "/mobile-id/" + std::string(what);
    const auto started = object(ask(mobile_id, "POST", path, json::serialize(mobile_request())));
    return object(ask(mobile_id, "GET", path + "/session/" + text(started, "sessionID") + "?timeoutMs=1000",
                      {}, kNowMs + after_ms));
  }
  json::object smart_session(std::string_view what, std::int64_t after_ms = 0) {
    const bool certificate_only = what == "certificatechoice";
    const auto started =
        object(ask(smart_id, "POST", "/smart-id/" + std::string(what) + "/etsi/" + kMari.national_id,
                   json::serialize(smart_request(certificate_only))));
    return object(ask(smart_id, "GET", "/smart-id/session/" + text(started, "sessionID") + "?timeoutMs=1000",
                      {}, kNowMs + after_ms));
  }
  /// Whether the answer's signature is over the message under that certificate.
  static bool is_good(const json::object& answer, ByteView certificate, SignatureScheme scheme) {
    const auto signature = from_base64(text(inner(answer, "signature"), "value"));
    const auto parsed = parse_certificate(certificate);
    const auto key = parsed ? PublicKey::of(*parsed) : std::nullopt;
    if (!signature || !key) return false;
    return scheme == SignatureScheme::kRsaSha256 ? key->verifies(scheme, message(), *signature)
                                                 : key->verifies_raw(scheme, message(), *signature);
  }

  SystemRng rng;
  TestCa ca = TestCa::create(rng, kNow);
  MobileId mobile_id{ca, rng, kNow};
  SmartId smart_id{ca, rng, kNow};
};

TEST_F(PhoneServices, MobileIdSignsRawAndHandsOutCertificates) {
  const PhoneAccount& account = mobile_id.open_account(kMari, std::string(kPhone), PhoneKey::kP256, kNow);
  const auto certificate =
      object(ask(mobile_id, "POST", "/mobile-id/certificate", json::serialize(mobile_request(true))));
  EXPECT_EQ(text(certificate, "result"), "OK");
  EXPECT_EQ(text(certificate, "cert"), to_base64(account.signing.certificate));

  const auto signature = mobile_session("signature");
  EXPECT_EQ(text(signature, "state"), "COMPLETE");
  EXPECT_EQ(text(signature, "result"), "OK");
  EXPECT_EQ(text(inner(signature, "signature"), "algorithm"), "SHA256WithECEncryption");
  EXPECT_FALSE(signature.contains("cert"));
  EXPECT_TRUE(is_good(signature, account.signing.certificate, SignatureScheme::kEcdsaSha256));
  EXPECT_FALSE(is_good(signature, account.authentication.certificate, SignatureScheme::kEcdsaSha256));

  const auto authentication = mobile_session("authentication");
  EXPECT_EQ(text(authentication, "cert"), to_base64(account.authentication.certificate));
  EXPECT_TRUE(is_good(authentication, account.authentication.certificate, SignatureScheme::kEcdsaSha256));
}

TEST_F(PhoneServices, SmartIdSignsWithRsaAndNamesTheDocument) {
  const PhoneAccount& account = smart_id.open_account(kMari, PhoneKey::kRsa2048, kNow);
  const auto choice = smart_session("certificatechoice");
  EXPECT_EQ(text(inner(choice, "result"), "endResult"), "OK");
  EXPECT_EQ(text(inner(choice, "cert"), "value"), to_base64(account.signing.certificate));
  EXPECT_EQ(text(inner(choice, "cert"), "certificateLevel"), "QUALIFIED");
  EXPECT_FALSE(choice.contains("signature"));
  EXPECT_FALSE(text(inner(choice, "result"), "documentNumber").empty());

  const auto signature = smart_session("signature");
  EXPECT_EQ(text(inner(signature, "signature"), "algorithm"), "sha256WithRSAEncryption");
  EXPECT_EQ(text(signature, "interactionFlowUsed"), "verificationCodeChoice");
  EXPECT_TRUE(is_good(signature, account.signing.certificate, SignatureScheme::kRsaSha256));
  EXPECT_TRUE(is_good(smart_session("authentication"), account.authentication.certificate,
                      SignatureScheme::kRsaSha256));
}

TEST_F(PhoneServices, OtherKindsOfKeysSignWhatTheySay) {
  const PhoneAccount& p384 = mobile_id.open_account(kMari, std::string(kPhone), PhoneKey::kP384, kNow);
  EXPECT_TRUE(is_good(mobile_session("authentication"), p384.authentication.certificate,
                      SignatureScheme::kEcdsaSha256));
  const auto signature = from_base64(text(inner(mobile_session("signature"), "signature"), "value"));
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->size(), 96U);
  const PhoneAccount& p256 = smart_id.open_account(kMari, PhoneKey::kP256, kNow);
  EXPECT_TRUE(is_good(smart_session("signature"), p256.signing.certificate, SignatureScheme::kEcdsaSha256));
}

TEST_F(PhoneServices, PersonsWithoutAnAccountAreTold) {
  EXPECT_EQ(
      text(object(ask(mobile_id, "POST", "/mobile-id/certificate", json::serialize(mobile_request(true)))),
           "result"),
      "NOT_FOUND");
  EXPECT_EQ(text(mobile_session("signature"), "result"), "NOT_MID_CLIENT");
  mobile_id.open_account(kMari, "+37200000001", PhoneKey::kP256, kNow);  // another number
  EXPECT_EQ(text(mobile_session("signature"), "result"), "NOT_MID_CLIENT");
  EXPECT_EQ(
      ask(smart_id, "POST", "/smart-id/signature/etsi/" + kMari.national_id, json::serialize(smart_request()))
          .status,
      404U);
}

TEST_F(PhoneServices, RequestsOfAnotherShapeAreRefused) {
  mobile_id.open_account(kMari, std::string(kPhone), PhoneKey::kP256, kNow);
  smart_id.open_account(kMari, PhoneKey::kP256, kNow);
  const auto mobile = [&](std::string_view member, const json::value& value) {
    json::object request = mobile_request();
    if (value.is_null())
      request.erase(member);
    else
      request[member] = value;
    return ask(mobile_id, "POST", "/mobile-id/signature", json::serialize(request)).status;
  };
  EXPECT_EQ(mobile("language", "EST"), 200U);
  EXPECT_EQ(mobile("language", "et"), 400U);
  EXPECT_EQ(mobile("hashType", "SHA384"), 400U);
  EXPECT_EQ(mobile("hash", json::string(to_base64(Bytes(31)))), 400U);
  EXPECT_EQ(mobile("hash", nullptr), 400U);
  EXPECT_EQ(mobile("displayText", json::string(std::string(41, 'x'))), 400U);
  EXPECT_EQ(mobile("displayText", "Äike"), 400U);
  EXPECT_EQ(mobile("phoneNumber", nullptr), 400U);
  EXPECT_EQ(mobile("nonce", "x"), 400U);
  EXPECT_EQ(mobile("relyingPartyName", "OTHER"), 401U);
  EXPECT_EQ(ask(mobile_id, "PUT", "/mobile-id/signature").status, 405U);
  EXPECT_EQ(ask(mobile_id, "GET", "/mobile-id/signature/session/0").status, 404U);
  const auto smart = [&](std::string_view member, const json::value& value) {
    json::object request = smart_request();
    request[member] = value;
    return ask(smart_id, "POST", "/smart-id/signature/etsi/" + kMari.national_id, json::serialize(request))
        .status;
  };
  EXPECT_EQ(smart("certificateLevel", "QUALIFIED"), 200U);
  EXPECT_EQ(smart("certificateLevel", "GOLD"), 400U);
  EXPECT_EQ(smart("hashType", "SHA384"), 400U);
  EXPECT_EQ(smart("allowedInteractionsOrder", json::array()), 400U);
  EXPECT_EQ(
      smart("allowedInteractionsOrder", json::array{json::object{{"type", "displayTextAndPIN"},
                                                                 {"displayText60", std::string(61, 'x')}}}),
      400U);
  EXPECT_EQ(smart("relyingPartyUUID", "1"), 401U);
  EXPECT_EQ(ask(smart_id, "GET", "/smart-id/session/0").status, 404U);
}

TEST_F(PhoneServices, SlowPersonsKeepTheirSessionsRunning) {
  mobile_id.open_account(kMari, std::string(kPhone), PhoneKey::kP256, kNow);
  mobile_id.set_fault({MobileIdFault::kSlowUser, 5000});
  const auto started =
      object(ask(mobile_id, "POST", "/mobile-id/signature", json::serialize(mobile_request())));
  const auto at = [&](std::int64_t ms, std::string_view timeout) {
    return ask(
        mobile_id, "GET",
        "/mobile-id/signature/session/" + text(started, "sessionID") + "?timeoutMs=" + std::string(timeout),
        {}, kNowMs + ms);
  };
  EXPECT_EQ(text(object(at(0, "2000")), "state"), "RUNNING");
  EXPECT_EQ(at(0, "2000").delay, std::chrono::milliseconds(2000));
  EXPECT_EQ(text(object(at(0, "6000")), "state"), "COMPLETE");
  EXPECT_EQ(at(0, "6000").delay, std::chrono::milliseconds(5000));
  EXPECT_EQ(text(object(at(5000, "1000")), "state"), "COMPLETE");
  EXPECT_EQ(at(5000, "1000").delay, std::chrono::milliseconds(0));
  // A signature's session is no authentication's.
  EXPECT_EQ(ask(mobile_id, "GET", "/mobile-id/authentication/session/" + text(started, "sessionID")).status,
            404U);
}

TEST_F(PhoneServices, FaultsAreWhatTheirNamesSay) {
  const PhoneAccount& mobile = mobile_id.open_account(kMari, std::string(kPhone), PhoneKey::kP256, kNow);
  const PhoneAccount& smart = smart_id.open_account(kMari, PhoneKey::kP256, kNow);
  mobile_id.set_fault({MobileIdFault::kWrongHash});
  EXPECT_FALSE(
      is_good(mobile_session("signature"), mobile.signing.certificate, SignatureScheme::kEcdsaSha256));
  smart_id.set_fault({SmartIdFault::kWrongHash});
  EXPECT_FALSE(is_good(smart_session("signature"), smart.signing.certificate, SignatureScheme::kEcdsaSha256));
  mobile_id.set_fault({MobileIdFault::kOtherPerson});
  const auto other = mobile_session("authentication");
  const auto certificate = from_base64(text(other, "cert"));
  ASSERT_TRUE(certificate);
  EXPECT_TRUE(is_good(other, *certificate, SignatureScheme::kEcdsaSha256));
  EXPECT_NE(person_of(parse_certificate(*certificate).value())->national_id, kMari.national_id);
  mobile_id.set_fault({MobileIdFault::kDown}, 1);
  const std::string request = json::serialize(mobile_request());
  EXPECT_TRUE(ask(mobile_id, "POST", "/mobile-id/signature", request).dropped);
  EXPECT_FALSE(ask(mobile_id, "POST", "/mobile-id/signature", request).dropped);
  // Every fault gives another answer, to a start or at the end. Those that a certificate does not show: of a
  // hash above, of devices RelayTest.The_device_that_showed_its_certificate_signs.
  std::set<std::string> answers;
  for (const auto& each : kSmartIdFaults) {
    if (!each.unit.empty() || each.kind == SmartIdFault::kDown || each.kind == SmartIdFault::kWrongHash ||
        each.kind == SmartIdFault::kOtherDevice)
      continue;
    smart_id.set_fault({each.kind});
    const auto reply = ask(smart_id, "POST", "/smart-id/certificatechoice/etsi/" + kMari.national_id,
                           json::serialize(smart_request(true)));
    std::string answer = std::to_string(reply.status);
    if (reply.status == 200 && each.kind != SmartIdFault::kGarbage) {
      const auto ended = ask(smart_id, "GET", "/smart-id/session/" + text(object(reply), "sessionID"));
      answer += std::to_string(ended.status) + std::string(text_of(ended.body));
    }
    EXPECT_TRUE(answers.insert(answer).second) << each.name << ": " << answer;
  }
  mobile_id.reset();
  EXPECT_TRUE(
      is_good(mobile_session("signature"), mobile.signing.certificate, SignatureScheme::kEcdsaSha256));
}

}  // namespace
}  // namespace psephos::trust
