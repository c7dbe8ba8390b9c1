#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <memory>
#include <vector>

#include "crypto/random.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/der.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/eid/weak_key.h"
#include "tests/trust-services/test_ca/ca.h"
#include "tests/trust-services/test_ca/national_ids.h"
#include "tests/trust-services/test_ca/rsa_key.h"

// What a voter's signature costs, against OpenSSL's bare P-384 verification in the same run.
namespace psephos {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::size_t kCards = 2000;

struct Signed {
  Bytes certificate, message, signature, signature_der, digest, point;
};

struct Setting {
  SystemRng rng;
  trust::TestCa ca = trust::TestCa::create(rng, kNow);
  std::vector<Signed> cards;

  Setting() {
    for (std::size_t i = 0; i < kCards; ++i) {
      const Person person{trust::artificial_national_id(i), "ANNA", "TEST"};
      const auto key = trust::generate_p384(rng);
      Signed card;
      card.certificate = ca.issue(trust::card_fields(person, KeyUse::kSigning, key.point, kNow), rng);
      card.message = Bytes(600, static_cast<std::uint8_t>(i));
      card.digest.resize(48);
      EVP_Q_digest(nullptr, "SHA2-384", nullptr, card.message.data(), card.message.size(), card.digest.data(),
                   nullptr);
      card.signature_der = trust::sign(key, card.digest, rng);
      der::Reader numbers(*der::only(card.signature_der, der::kSequence));
      for (int half = 0; half < 2; ++half) {
        ByteView number = numbers.next(der::kInteger)->content;
        if (number[0] == 0) number = number.subspan(1);
        card.signature.insert(card.signature.end(), 48 - number.size(), 0);
        append(card.signature, number);
      }
      card.point = key.point;
      cards.push_back(std::move(card));
    }
  }
};
const Setting& setting() {
  static const Setting* const instance = new Setting;
  return *instance;
}

void OpensslP384Verify(benchmark::State& state) {
  const Signed& card = setting().cards[0];
  const openssl::Key key = [&] {
    std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_utf8_string("group", const_cast<char*>("P-384"), 0),
        OSSL_PARAM_construct_octet_string("pub", const_cast<std::uint8_t*>(card.point.data()),
                                          card.point.size()),
        OSSL_PARAM_construct_end()};
    const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(context.get());
    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.data());
    return openssl::Key(made);
  }();
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  EVP_PKEY_verify_init(context.get());
  for (auto _ : state)
    if (EVP_PKEY_verify(context.get(), card.signature_der.data(), card.signature_der.size(),
                        card.digest.data(), card.digest.size()) != 1)
      state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OpensslP384Verify)->UseRealTime();

void ParseCertificate(benchmark::State& state) {
  for (auto _ : state) {
    const auto certificate = parse_certificate(setting().cards[0].certificate);
    if (!certificate || !check_voter_profile(*certificate, KeyUse::kSigning) || !person_of(*certificate))
      state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ParseCertificate);

/// One person's signatures after her first: the certificate is known.
void VerifyKnownCard(benchmark::State& state) {
  static const auto verifier = *OpensslEidVerifier::create(setting().ca.profile());
  const Signed& card = setting().cards[0];
  for (auto _ : state)
    if (!verifier->verify(card.certificate, KeyUse::kSigning, card.message, card.signature, kNow))
      state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(VerifyKnownCard)->UseRealTime()->Threads(1)->Threads(2);

/// A certificate never seen before: its issuer's signature is verified too.
void VerifyNewCards(benchmark::State& state) {
  const auto& cards = setting().cards;
  auto verifier = *OpensslEidVerifier::create(setting().ca.profile());
  std::size_t i = 0;
  for (auto _ : state) {
    if (i == kCards) {
      state.PauseTiming();
      verifier = *OpensslEidVerifier::create(setting().ca.profile());
      i = 0;
      state.ResumeTiming();
    }
    const Signed& card = cards[i++];
    if (!verifier->verify(card.certificate, KeyUse::kSigning, card.message, card.signature, kNow))
      state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(VerifyNewCards)->UseRealTime()->Threads(1)->Threads(2);

/// What a new card with an RSA key costs beside its signatures.
void RsaKeyIsNotWeak(benchmark::State& state) {
  const trust::RsaKey key = trust::generate_rsa(static_cast<unsigned>(state.range(0)));
  for (auto _ : state)
    if (rsa_weakness(key.modulus, key.exponent)) state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RsaKeyIsNotWeak)->Arg(2048)->Arg(4096)->Arg(6144);

}  // namespace
}  // namespace psephos
