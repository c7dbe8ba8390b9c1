#pragma once
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include <memory>

#include "protocol/phone.h"
#include "tests/trust-services/test_ca/rsa_key.h"
#include "tests/voter-client/lying_collector.h"
#include "voter-client/message_hash.h"
#include "voter-client/phone_signer.h"

namespace psephos::test {

/// A phone's key, of any kind that voters have, and its certificate.
struct PhoneKey {
  std::optional<trust::EcKey> ec;
  std::shared_ptr<const trust::RsaKey> rsa;
  Bytes certificate;

  static PhoneKey on(EcCurve curve, TestElection& e, const Person& person, KeyUse use) {
    PhoneKey out{.ec = trust::generate_key(curve, e.rng()), .rsa = nullptr, .certificate = {}};
    out.certificate = e.ca().issue(trust::card_fields(person, use, out.ec->point, issued(e)), e.rng());
    return out;
  }
  static PhoneKey of_rsa(TestElection& e, const Person& person, KeyUse use) {
    PhoneKey out{.ec = std::nullopt,
                 .rsa = std::make_shared<trust::RsaKey>(trust::generate_rsa(2048)),
                 .certificate = {}};
    auto fields = trust::card_fields(person, use, {}, issued(e));
    fields.public_key_info = trust::rsa_public_key_info(out.rsa->modulus, out.rsa->exponent);
    out.certificate = e.ca().issue(fields, e.rng());
    return out;
  }
  /// r‖s over a hash, or PKCS #1 v1.5 over SHA-256's.
  Bytes sign_hash(ByteView hash, Rng& rng) const {
    if (rsa) {
      const openssl::KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, rsa->key.get(), nullptr));
      Bytes out(256);
      std::size_t size = out.size();
      EXPECT_TRUE(EVP_PKEY_sign_init(context.get()) == 1 &&
                  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
                  EVP_PKEY_sign(context.get(), out.data(), &size, hash.data(), hash.size()) == 1);
      return out;
    }
    const Bytes der = trust::sign(*ec, hash, rng);
    const std::uint8_t* at = der.data();
    const openssl::EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    const int half = static_cast<int>(trust::scalar_bytes(ec->curve));
    Bytes out(2 * static_cast<std::size_t>(half));
    BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), half);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + half, half);
    return out;
  }

 private:
  static std::int64_t issued(const TestElection& e) {
    return static_cast<std::int64_t>(e.options().casting_begins_s) - 3600;
  }
};

/// The phone of one person.
struct Phone {
  PhoneKey authentication, signing;
};

/// A lying collector that relays to phones, honestly (SPEC §9.10) but for what a test makes it do.
class LyingPhones final : public Transport {
 public:
  LyingPhones(TestElection& e, LyingCollector& collector, std::uint64_t& slept_ms)
      : e_(e), collector_(collector), slept_ms_(slept_ms) {}

  Result<HttpReply, Rejection> exchange(std::string_view method, const std::string& target, ByteView body,
                                        std::size_t max_bytes) override {
    if (target == "/v1/phone/start") return start(body);
    if (target == "/v1/phone/poll") return poll(body);
    return collector_.exchange(method, target, body, max_bytes);
  }

  std::map<NationalId, Phone> phones;
  std::vector<PhoneStart> starts;
  int polls = 0;
  // Lies.
  std::function<void(PhoneStart&)> on_the_way;  ///< to the phone
  std::function<void(PhoneAnswer&)> on_the_way_back;
  std::function<void(int poll)> before_answer;
  std::optional<Reason> refuse_start, refuse_poll;
  int running_polls = 0;            ///< so many before the phone has answered
  std::uint64_t poll_takes_ms = 0;  ///< each
  int lost_polls = 0;               ///< so many never get an answer

 private:
  HttpReply start(ByteView body) {
    auto request = decode<PhoneStart>(body).value();
    starts.push_back(request);
    if (refuse_start) return collector_.refuse(body, *refuse_start);
    if ((request.action != PhoneAction::kAuthenticate) != request.ticket.has_value())
      return collector_.refuse(body, Reason::kAuthChallengeUnknown);
    if (on_the_way) on_the_way(request);
    const Phone& phone = phones.at(request.national_id);
    answer_ = {PhoneState::kFinished, {}, {}};
    const bool authenticate = request.action == PhoneAction::kAuthenticate;
    const PhoneKey& key = authenticate ? phone.authentication : phone.signing;
    if (request.hash) answer_.signature = key.sign_hash(request.hash->value, e_.rng());
    if (request.action != PhoneAction::kSign) answer_.certificate = key.certificate;
    if (on_the_way_back) on_the_way_back(answer_);
    e_.rng().fill(session_);
    left_ = running_polls;
    return {200, encode(PhoneSession{session_})};
  }
  Result<HttpReply, Rejection> poll(ByteView body) {
    ++polls;
    slept_ms_ += poll_takes_ms;
    const auto request = decode<PhonePoll>(body).value();
    EXPECT_EQ(request.session, session_);
    if (before_answer) before_answer(polls);
    if (lost_polls > 0) {
      --lost_polls;
      return reject(Reason::kServiceUnavailable, "the line went dead");
    }
    if (refuse_poll) return collector_.refuse(body, *refuse_poll);
    if (left_-- > 0) return HttpReply{200, encode(PhoneAnswer{})};
    return HttpReply{200, encode(answer_)};
  }

  TestElection& e_;
  LyingCollector& collector_;
  std::uint64_t& slept_ms_;
  PhoneAnswer answer_;
  ByteArray<32> session_{};
  int left_ = 0;
};

}  // namespace psephos::test
