// A98: ballots that nobody has to authenticate for. What the collector spends on refusing them is counted in
// operations: the linker puts the functions below (--wrap) between the collector and the libraries.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "tests/collector/collector_fixture.h"
#include "tests/support/wrapped_sodium.h"

struct evp_pkey_ctx_st;

namespace {

/// What has been done since the counts were set to zero, by whatever thread.
struct Counts {
  std::atomic<std::size_t> decoded{0};     ///< encodings judged one by one
  std::atomic<std::size_t> multiplied{0};  ///< products in the group
  std::atomic<std::size_t> added{0};       ///< sums, differences and hashes to the group
  std::atomic<std::size_t> bulk{0};        ///< calls of the bulk operations
  std::atomic<std::size_t> ecdsa{0};       ///< signatures of cards and certificates verified
};
Counts counts;

}  // namespace

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
const void* __real__ZN7psephos14active_kernelsEv();  // psephos::active_kernels, by its name for the linker
int __real_EVP_PKEY_verify(evp_pkey_ctx_st*, const unsigned char*, std::size_t, const unsigned char*,
                           std::size_t);

int __wrap_crypto_scalarmult_ristretto255(unsigned char* q, const unsigned char* n, const unsigned char* p) {
  ++counts.multiplied;
  return __real_crypto_scalarmult_ristretto255(q, n, p);
}
int __wrap_crypto_scalarmult_ristretto255_base(unsigned char* q, const unsigned char* n) {
  ++counts.multiplied;
  return __real_crypto_scalarmult_ristretto255_base(q, n);
}
int __wrap_crypto_core_ristretto255_add(unsigned char* r, const unsigned char* p, const unsigned char* q) {
  ++counts.added;
  return __real_crypto_core_ristretto255_add(r, p, q);
}
int __wrap_crypto_core_ristretto255_sub(unsigned char* r, const unsigned char* p, const unsigned char* q) {
  ++counts.added;
  return __real_crypto_core_ristretto255_sub(r, p, q);
}
int __wrap_crypto_core_ristretto255_from_hash(unsigned char* p, const unsigned char* r) {
  ++counts.added;
  return __real_crypto_core_ristretto255_from_hash(p, r);
}
int __wrap_crypto_core_ristretto255_is_valid_point(const unsigned char* p) {
  ++counts.decoded;
  return __real_crypto_core_ristretto255_is_valid_point(p);
}
const void* __wrap__ZN7psephos14active_kernelsEv() {
  ++counts.bulk;
  return __real__ZN7psephos14active_kernelsEv();
}
int __wrap_EVP_PKEY_verify(evp_pkey_ctx_st* ctx, const unsigned char* sig, std::size_t sig_size,
                           const unsigned char* tbs, std::size_t tbs_size) {
  ++counts.ecdsa;
  return __real_EVP_PKEY_verify(ctx, sig, sig_size, tbs, tbs_size);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}

namespace psephos::test {
namespace {

class GarbageTest : public testing::Test {
 protected:
  struct Spent {
    std::size_t decoded, multiplied, added, bulk, ecdsa;
  };
  /// What answering the request takes. Nothing else happens meanwhile.
  Spent spent_on(const Bytes& body, Reason expected) {
    for (auto* count : {&counts.decoded, &counts.multiplied, &counts.added, &counts.bulk, &counts.ecdsa})
      *count = 0;
    const auto reply = w.post("/v1/ballot", body);
    const Spent spent{counts.decoded, counts.multiplied, counts.added, counts.bulk, counts.ecdsa};
    EXPECT_EQ(w.reason_of_reply(reply, body), expected) << name_of(expected);
    return spent;
  }
  /// Of voter 1, whose name and certificate anybody may know; on a ticket that the collector has not signed,
  /// and not signed by her.
  Submission without_a_ticket() {
    Submission out = w.cast(1).submission;
    out.envelope = altered(out.envelope, [](SignedBallot& s) { s.signature[9] ^= 1; });
    out.envelope.ticket.signature[3] ^= 1;
    return out;
  }
  template <class Change>
  static Submission changed(Submission submission, Change change) {
    Ballot ballot = ballot_of(submission.envelope);
    change(ballot);
    return with_ballot(std::move(submission), encode(ballot));
  }
  static Submission with_ballot(Submission submission, Bytes ballot) {
    submission.envelope =
        altered(submission.envelope, [&](SignedBallot& s) { s.ballot = std::move(ballot); });
    return submission;
  }
  /// Well framed, and nothing more: each kind with the reason for which it is refused.
  std::vector<std::pair<Bytes, Reason>> garbage() {
    const Submission forged = without_a_ticket();
    std::vector<std::pair<Bytes, Reason>> out;
    Submission no_container = forged;
    w.e->rng().fill(no_container.envelope.container);
    out.emplace_back(encode(no_container), Reason::kContainerTemplate);
    Bytes noise = ballot_bytes(forged.envelope);
    w.e->rng().fill(noise);
    noise[0] = 0;
    out.emplace_back(encode(with_ballot(forged, noise)), Reason::kWireMissingField);
    Bytes no_points = ballot_bytes(forged.envelope);
    const auto alpha = ballot_of(forged.envelope).selections[0].alpha.encode();
    const auto at = std::ranges::search(no_points, alpha).begin();
    *at = static_cast<std::uint8_t>(*at ^ 2);
    while (Ristretto::Point::decode({&*at, 32})) ++at[1];
    out.emplace_back(encode(with_ballot(forged, no_points)), reason_of(Fault::kPointInvalid));
    out.emplace_back(encode(forged), Reason::kAuthChallengeUnknown);
    Submission no_certificate = forged;
    no_certificate.envelope =
        altered(forged.envelope, [&](SignedBallot& s) { w.e->rng().fill(s.certificate); });
    out.emplace_back(encode(no_certificate), Reason::kAuthChallengeUnknown);
    out.emplace_back(encode(changed(forged, [](Ballot& ballot) { ballot.pseudonym[0] ^= 1; })),
                     Reason::kAuthChallengeUnknown);
    return out;
  }
  CollectorWorld w;
};

TEST_F(GarbageTest, A98_NothingIsMultipliedBeforeAuthentication) {
  w.start();
  w.open(3);
  const std::size_t slots = w.e->election().most_slots();
  for (const auto& [body, reason] : garbage()) {
    const Spent spent = spent_on(body, reason);
    EXPECT_EQ(spent.multiplied, 0U) << name_of(reason);
    EXPECT_EQ(spent.added, 0U) << name_of(reason);
    EXPECT_EQ(spent.bulk, 0U) << name_of(reason);
    EXPECT_LE(spent.decoded, 4 * slots)
        << name_of(reason);                         // once to judge it, once to see whether to log it
    EXPECT_LE(spent.ecdsa, 2U) << name_of(reason);  // where it comes with a voter's certificate
  }
  // As many selections as a ballot of any election may have: refused before one is read.
  const Bytes many = encode(changed(without_a_ticket(), [](Ballot& ballot) {
    while (ballot.selections.size() < limits::kSelections) {
      ballot.selections.push_back(ballot.selections[0]);
      ballot.selections.back().proof.clear();
    }
  }));
  const Spent spent = spent_on(many, Reason::kWireLimit);
  EXPECT_EQ(spent.decoded + spent.multiplied + spent.added + spent.bulk + spent.ecdsa, 0U);
  // One more than the largest ballot of this election has; and just as many.
  const auto with = [&](std::size_t selections) {
    return encode(changed(without_a_ticket(), [selections](Ballot& ballot) {
      ballot.selections.resize(selections, ballot.selections[0]);
    }));
  };
  EXPECT_EQ(spent_on(with(slots + 1), Reason::kWireLimit).decoded, 0U);
  EXPECT_GT(spent_on(with(slots), Reason::kAuthChallengeUnknown).decoded, 0U);

  // The twin: an honest ballot is recorded, and its proofs are what costs.
  const auto honest = w.cast(2);
  counts.bulk = 0;
  w.expect_recorded(w.post("/v1/ballot", honest.body()), honest, SubmitOutcome::kAccepted);
  EXPECT_GT(counts.bulk, 0U);
}

// In time: under a millisecond of this process for each, its signed refusal included. PSEPHOS_GARBAGE says
// how many.
TEST_F(GarbageTest, A98_RefusalsAreCheap) {
  const char* const asked = std::getenv("PSEPHOS_GARBAGE");  // NOLINT(concurrency-mt-unsafe): one thread
  const std::size_t many = asked != nullptr ? std::strtoul(asked, nullptr, 10) : 500;
  w.start();
  w.open(3);
  const auto kinds = garbage();
  const std::clock_t before = std::clock();  // of all threads, and not of others' work
  for (std::size_t i = 0; i < many; ++i)
    EXPECT_NE(w.post("/v1/ballot", kinds[i % kinds.size()].first).status, 200);
  const double ms =
      1e3 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC / static_cast<double>(many);
  std::printf("%zu garbage ballots, %.3f ms of processor time each\n", many, ms);
#if defined(NDEBUG)
  EXPECT_LT(ms, 1);
#endif
  const auto honest = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", honest.body()), honest, SubmitOutcome::kAccepted);
}

}  // namespace
}  // namespace psephos::test
