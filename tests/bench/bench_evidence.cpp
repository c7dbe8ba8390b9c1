#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "crypto/random.h"
#include "protocol/eid/der.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/eid/time_stamp.h"
#include "tests/trust-services/services/test_trust.h"
#include "tests/trust-services/test_ca/national_ids.h"

// What the three signatures of a ballot cost, the voter's, the time-stamp's and the status's, with every
// chain known, in multiples of OpenSSL's bare P-384 verification in the same run.
namespace psephos {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::size_t kBallots = 64;

struct Signed {
  Bytes certificate, message, signature, signature_der, digest, point;
};
Signed make_signed(std::size_t i, const trust::TestCa& ca, Rng& rng) {
  const Person person{trust::artificial_national_id(i), "ANNA", "TEST"};
  const auto key = trust::generate_p384(rng);
  Signed out;
  out.certificate = ca.issue(trust::card_fields(person, KeyUse::kSigning, key.point, kNow), rng);
  out.message = Bytes(600, static_cast<std::uint8_t>(i));
  out.digest.resize(48);
  EVP_Q_digest(nullptr, "SHA2-384", nullptr, out.message.data(), out.message.size(), out.digest.data(),
               nullptr);
  out.signature_der = trust::sign(key, out.digest, rng);
  der::Reader numbers(*der::only(out.signature_der, der::kSequence));
  for (int half = 0; half < 2; ++half) {
    ByteView number = numbers.next(der::kInteger)->content;
    if (number[0] == 0) number = number.subspan(1);
    out.signature.insert(out.signature.end(), 48 - number.size(), 0);
    append(out.signature, number);
  }
  out.point = key.point;
  return out;
}

struct Ballot {
  Signed voter;
  Bytes stamped, token, status;
};

/// An authority for voters on P-384 and one for time-stamps, with services whose keys are of one kind.
struct Setting {
  SystemRng rng;
  trust::TestCa ca = trust::TestCa::create(rng, kNow);
  trust::TestCa time_stamp_ca =
      trust::TestCa::create(rng, kNow, EcCurve::kP384, trust::CaPurpose::kTimeStamps);
  std::unique_ptr<OpensslEidVerifier> verifier =
      *OpensslEidVerifier::create(ca.anchors(), time_stamp_ca.anchors());
  std::vector<Ballot> ballots;

  explicit Setting(trust::ServiceKey kind) {
    trust::TimeStampAuthority authority(time_stamp_ca, rng, kNow, {kind});
    trust::OcspResponder responder(ca, rng, kNow, {.key = kind});
    const auto issuer = parse_certificate(ca.issuing_der());
    for (std::size_t i = 0; i < kBallots; ++i) {
      Ballot ballot{.voter = make_signed(i, ca, rng), .stamped = {}, .token = {}, .status = {}};
      ballot.stamped = ballot.voter.signature;
      ballot.token = *time_stamp_token_of(authority.answer(time_stamp_request(ballot.stamped), kNow + 5));
      const auto certificate = parse_certificate(ballot.voter.certificate);
      ballot.status =
          responder.answer(ocsp_request(*certificate, *issuer, ocsp_nonce(ballot.token)), kNow + 6);
      ballots.push_back(std::move(ballot));
    }
  }
};
const Setting& setting(trust::ServiceKey kind) {
  static const std::array<const Setting*, 3> kSettings = {new Setting(trust::ServiceKey::kP256),
                                                          new Setting(trust::ServiceKey::kP384),
                                                          new Setting(trust::ServiceKey::kRsa2048)};
  return *kSettings[static_cast<std::size_t>(kind)];
}

bool judge(const OpensslEidVerifier& verifier, const Ballot& ballot) {
  const auto at = verifier.stamped_at(ballot.token, ballot.stamped);
  return at && verifier.good_at(ballot.voter.certificate, ballot.status, ballot.token, *at) &&
         verifier.verify(ballot.voter.certificate, KeyUse::kSigning, ballot.voter.message,
                         ballot.voter.signature, *at);
}

/// OpenSSL's bare verification of one digest with a key and a context that are there.
class Bare {
 public:
  explicit Bare(const Signed& voter) : voter_(voter) {
    std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_utf8_string("group", const_cast<char*>("P-384"), 0),
        OSSL_PARAM_construct_octet_string("pub", const_cast<std::uint8_t*>(voter.point.data()),
                                          voter.point.size()),
        OSSL_PARAM_construct_end()};
    const openssl::KeyContext maker(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(maker.get());
    EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.data());
    key_.reset(made);
    context_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
    EVP_PKEY_verify_init(context_.get());
  }
  bool verify() const {
    return EVP_PKEY_verify(context_.get(), voter_.signature_der.data(), voter_.signature_der.size(),
                           voter_.digest.data(), voter_.digest.size()) == 1;
  }

 private:
  const Signed& voter_;
  openssl::Key key_;
  openssl::KeyContext context_;
};

void OpensslP384Verify(benchmark::State& state) {
  const Bare bare(setting(trust::ServiceKey::kP256).ballots[0].voter);
  for (auto _ : state)
    if (!bare.verify()) state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OpensslP384Verify)->UseRealTime();

/// Ballot and bare verification in turn, so that both see the same machine. `ratio`: a ballot's time in bare
/// verifications.
void BallotOfThreeSignatures(benchmark::State& state, trust::ServiceKey kind) {
  using Clock = std::chrono::steady_clock;
  const Setting& with = setting(kind);
  const Bare bare(with.ballots[0].voter);
  for (const Ballot& ballot : with.ballots)
    if (!judge(*with.verifier, ballot)) state.SkipWithError("refused");
  Clock::duration ballots{}, bares{};
  std::size_t i = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    if (!judge(*with.verifier, with.ballots[i++ % kBallots])) state.SkipWithError("refused");
    const auto middle = Clock::now();
    if (!bare.verify()) state.SkipWithError("refused");
    const auto end = Clock::now();
    ballots += middle - begin;
    bares += end - middle;
    state.SetIterationTime(std::chrono::duration<double>(middle - begin).count());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["ratio"] = static_cast<double>(ballots.count()) / static_cast<double>(bares.count());
}
BENCHMARK_CAPTURE(BallotOfThreeSignatures, P256, trust::ServiceKey::kP256)->UseManualTime();
BENCHMARK_CAPTURE(BallotOfThreeSignatures, RSA2048, trust::ServiceKey::kRsa2048)->UseManualTime();
BENCHMARK_CAPTURE(BallotOfThreeSignatures, P384, trust::ServiceKey::kP384)->UseManualTime();

void StampedAt(benchmark::State& state, trust::ServiceKey kind) {
  const Setting& with = setting(kind);
  std::size_t i = 0;
  for (auto _ : state) {
    const Ballot& ballot = with.ballots[i++ % kBallots];
    if (!with.verifier->stamped_at(ballot.token, ballot.stamped)) state.SkipWithError("refused");
  }
}
BENCHMARK_CAPTURE(StampedAt, P256, trust::ServiceKey::kP256)->UseRealTime();
BENCHMARK_CAPTURE(StampedAt, RSA2048, trust::ServiceKey::kRsa2048)->UseRealTime();
BENCHMARK_CAPTURE(StampedAt, P384, trust::ServiceKey::kP384)->UseRealTime();

void GoodAt(benchmark::State& state, trust::ServiceKey kind) {
  const Setting& with = setting(kind);
  std::size_t i = 0;
  for (auto _ : state) {
    const Ballot& ballot = with.ballots[i++ % kBallots];
    if (!with.verifier->good_at(ballot.voter.certificate, ballot.status, ballot.token, kNow + 5))
      state.SkipWithError("refused");
  }
}
BENCHMARK_CAPTURE(GoodAt, P256, trust::ServiceKey::kP256)->UseRealTime();
BENCHMARK_CAPTURE(GoodAt, RSA2048, trust::ServiceKey::kRsa2048)->UseRealTime();
BENCHMARK_CAPTURE(GoodAt, P384, trust::ServiceKey::kP384)->UseRealTime();

}  // namespace
}  // namespace psephos
