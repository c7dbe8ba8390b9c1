#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "crypto/random.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/container.h"
#include "protocol/eid/der.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/eid/time_stamp.h"
#include "tests/trust-services/services/test_trust.h"
#include "tests/trust-services/test_ca/national_ids.h"

// What the evidence of a ballot costs: its container read, and the three signatures in it verified, the
// voter's on P-384, the time-stamp's and the status's, with every chain known; in multiples of OpenSSL's bare
// P-384 verification in the same run.
namespace psephos {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::size_t kBallots = 64;
constexpr std::size_t kBallotBytes = 2400;  // two contests of a hundred choices, with their proofs

/// r‖s of an Ecdsa-Sig-Value on P-384.
Bytes raw_of(ByteView der) {
  Bytes raw;
  der::Reader numbers(*der::only(der, der::kSequence));
  for (int half = 0; half < 2; ++half) {
    ByteView number = numbers.next(der::kInteger)->content;
    if (number[0] == 0) number = number.subspan(1);
    raw.insert(raw.end(), 48 - number.size(), 0);
    append(raw, number);
  }
  return raw;
}

/// An authority for voters on P-384 and one for time-stamps, with services whose keys are of one kind, and
/// containers of as many voters.
struct Setting {
  SystemRng rng;
  trust::TestCa ca = trust::TestCa::create(rng, kNow);
  trust::TestCa time_stamp_ca =
      trust::TestCa::create(rng, kNow, EcCurve::kP384, trust::CaPurpose::kTimeStamps);
  std::unique_ptr<OpensslEidVerifier> verifier =
      *OpensslEidVerifier::create(trust::test_profile(ca.anchors(), time_stamp_ca.anchors()));
  std::vector<SignedBallot> ballots;
  std::vector<Bytes> containers;
  // The first voter's signature as OpenSSL takes it.
  Bytes digest = Bytes(48), signature_der, point;

  explicit Setting(trust::ServiceKey kind) {
    trust::TimeStampAuthority authority(time_stamp_ca, rng, kNow, {kind});
    trust::OcspResponder responder(ca, rng, kNow, {.key = kind});
    const auto issuer = parse_certificate(ca.issuing_der());
    for (std::size_t i = 0; i < kBallots; ++i) {
      const Person person{trust::artificial_national_id(i), "ANNA", "TEST"};
      const auto key = trust::generate_p384(rng);
      SignedBallot s{
          .ballot = Bytes(kBallotBytes, static_cast<std::uint8_t>(i)),
          .certificate = ca.issue(trust::card_fields(person, KeyUse::kSigning, key.point, kNow), rng),
          .scheme = SignatureScheme::kEcdsaSha384,
          .signing_time_s = kNow,
          .signature = {},
          .evidence = Evidence{.time_stamp = {}, .issuer = ca.issuing_der(), .ocsp = {}}};
      const Bytes info = signed_info(s);
      Bytes hash(48);
      EVP_Q_digest(nullptr, "SHA2-384", nullptr, info.data(), info.size(), hash.data(), nullptr);
      const Bytes der = trust::sign(key, hash, rng);
      if (i == 0) {
        digest = hash;
        signature_der = der;
        point = key.point;
      }
      s.signature = raw_of(der);
      const Bytes stamped = signature_value(s.signature);
      s.evidence->time_stamp = *time_stamp_token_of(authority.answer(time_stamp_request(stamped), kNow + 5));
      const auto certificate = parse_certificate(s.certificate);
      s.evidence->ocsp =
          responder.answer(ocsp_request(*certificate, *issuer, ocsp_nonce(s.evidence->time_stamp)), kNow + 6);
      containers.push_back(write_container(s));
      ballots.push_back(std::move(s));
    }
  }
};
const Setting& setting(trust::ServiceKey kind) {
  static const std::array<const Setting*, 3> kSettings = {new Setting(trust::ServiceKey::kP256),
                                                          new Setting(trust::ServiceKey::kP384),
                                                          new Setting(trust::ServiceKey::kRsa2048)};
  return *kSettings[static_cast<std::size_t>(kind)];
}

/// All that is said of evidence when a log is replayed.
bool judge(const OpensslEidVerifier& verifier, ByteView container) {
  const auto read = read_container(container);
  return read && check_signer(verifier, *read, kNow + 5) && check_evidence(verifier, *read);
}

/// OpenSSL's bare verification of one digest with a key and a context that are there.
class Bare {
 public:
  explicit Bare(const Setting& with) : with_(with) {
    std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_utf8_string("group", const_cast<char*>("P-384"), 0),
        OSSL_PARAM_construct_octet_string("pub", const_cast<std::uint8_t*>(with.point.data()),
                                          with.point.size()),
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
    return EVP_PKEY_verify(context_.get(), with_.signature_der.data(), with_.signature_der.size(),
                           with_.digest.data(), with_.digest.size()) == 1;
  }

 private:
  const Setting& with_;
  openssl::Key key_;
  openssl::KeyContext context_;
};

void OpensslP384Verify(benchmark::State& state) {
  const Bare bare(setting(trust::ServiceKey::kP256));
  for (auto _ : state)
    if (!bare.verify()) state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OpensslP384Verify)->UseRealTime();

/// Container and bare verification in turn, so that both see the same machine. `ratio`: a container's time in
/// bare verifications; goal 2.6.
void Container(benchmark::State& state, trust::ServiceKey kind) {
  using Clock = std::chrono::steady_clock;
  const Setting& with = setting(kind);
  const Bare bare(with);
  for (const Bytes& container : with.containers)
    if (!judge(*with.verifier, container)) state.SkipWithError("refused");
  Clock::duration containers{}, bares{};
  std::size_t i = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    if (!judge(*with.verifier, with.containers[i++ % kBallots])) state.SkipWithError("refused");
    const auto middle = Clock::now();
    if (!bare.verify()) state.SkipWithError("refused");
    const auto end = Clock::now();
    containers += middle - begin;
    bares += end - middle;
    state.SetIterationTime(std::chrono::duration<double>(middle - begin).count());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["ratio"] = static_cast<double>(containers.count()) / static_cast<double>(bares.count());
  state.counters["bytes"] = static_cast<double>(with.containers[0].size());
}
BENCHMARK_CAPTURE(Container, P256, trust::ServiceKey::kP256)->UseManualTime();
BENCHMARK_CAPTURE(Container, RSA2048, trust::ServiceKey::kRsa2048)->UseManualTime();
BENCHMARK_CAPTURE(Container, P384, trust::ServiceKey::kP384)->UseManualTime();

/// The same on one core and on two, as a replay does it: containers a second.
void ContainersOnThreads(benchmark::State& state) {
  const Setting& with = setting(trust::ServiceKey::kP256);
  std::size_t i = static_cast<std::size_t>(state.thread_index());
  for (auto _ : state)
    if (!judge(*with.verifier, with.containers[i++ % kBallots])) state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ContainersOnThreads)->UseRealTime()->Threads(1)->Threads(2);

void ReadContainer(benchmark::State& state) {
  const Setting& with = setting(trust::ServiceKey::kP256);
  std::size_t i = 0;
  for (auto _ : state)
    if (!read_container(with.containers[i++ % kBallots])) state.SkipWithError("refused");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReadContainer);

void StampedAt(benchmark::State& state, trust::ServiceKey kind) {
  const Setting& with = setting(kind);
  std::size_t i = 0;
  for (auto _ : state) {
    const SignedBallot& ballot = with.ballots[i++ % kBallots];
    if (!with.verifier->stamped_at(ballot.evidence->time_stamp, signature_value(ballot.signature)))
      state.SkipWithError("refused");
  }
}
BENCHMARK_CAPTURE(StampedAt, P256, trust::ServiceKey::kP256)->UseRealTime();
BENCHMARK_CAPTURE(StampedAt, RSA2048, trust::ServiceKey::kRsa2048)->UseRealTime();
BENCHMARK_CAPTURE(StampedAt, P384, trust::ServiceKey::kP384)->UseRealTime();

void GoodAt(benchmark::State& state, trust::ServiceKey kind) {
  const Setting& with = setting(kind);
  std::size_t i = 0;
  for (auto _ : state) {
    const SignedBallot& ballot = with.ballots[i++ % kBallots];
    if (!with.verifier->good_at(ballot.certificate, ballot.evidence->ocsp, ballot.evidence->time_stamp,
                                kNow + 5))
      state.SkipWithError("refused");
  }
}
BENCHMARK_CAPTURE(GoodAt, P256, trust::ServiceKey::kP256)->UseRealTime();
BENCHMARK_CAPTURE(GoodAt, RSA2048, trust::ServiceKey::kRsa2048)->UseRealTime();
BENCHMARK_CAPTURE(GoodAt, P384, trust::ServiceKey::kP384)->UseRealTime();

}  // namespace
}  // namespace psephos
