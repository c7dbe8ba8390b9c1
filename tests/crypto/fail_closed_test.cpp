#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "crypto/group/ristretto.h"
#include "crypto/parallel.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "tests/crypto/shuffle_fixture.h"
#include "tests/support/wrapped_sodium.h"

// A14: a call of the group library that fails. The linker puts the functions below between the library and
// the code that runs elections (--wrap), so that any one call of a run can be made to fail: the program has
// to stop before anything leaves it. The kernels of crypto/group/kernels/ have no failures: they compute,
// whatever the input.

namespace {

/// What a failing call leaves where its result should be.
enum class Left : std::uint8_t { kUntouched, kZeros, kStale };

struct Failing {
  long calls = 0;  ///< so far
  long at = -1;    ///< which of them fails
  Left left = Left::kUntouched;
  std::array<unsigned char, 32> last{};  ///< the result of the call before
};
Failing failing;

/// The call's own outcome, or the failure that was asked for.
template <class Call>
int call_or_fail(unsigned char* out, Call call) {
  if (failing.calls++ == failing.at) {
    if (failing.left == Left::kZeros) std::fill_n(out, 32, static_cast<unsigned char>(0));
    if (failing.left == Left::kStale) std::copy_n(failing.last.begin(), 32, out);
    return -1;
  }
  const int status = call();
  std::copy_n(out, 32, failing.last.begin());
  return status;
}

}  // namespace

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names

int __wrap_crypto_scalarmult_ristretto255(unsigned char* q, const unsigned char* n, const unsigned char* p) {
  return call_or_fail(q, [&] { return __real_crypto_scalarmult_ristretto255(q, n, p); });
}
int __wrap_crypto_scalarmult_ristretto255_base(unsigned char* q, const unsigned char* n) {
  return call_or_fail(q, [&] { return __real_crypto_scalarmult_ristretto255_base(q, n); });
}
int __wrap_crypto_core_ristretto255_add(unsigned char* r, const unsigned char* p, const unsigned char* q) {
  return call_or_fail(r, [&] { return __real_crypto_core_ristretto255_add(r, p, q); });
}
int __wrap_crypto_core_ristretto255_sub(unsigned char* r, const unsigned char* p, const unsigned char* q) {
  return call_or_fail(r, [&] { return __real_crypto_core_ristretto255_sub(r, p, q); });
}
int __wrap_crypto_core_ristretto255_from_hash(unsigned char* p, const unsigned char* r) {
  return call_or_fail(p, [&] { return __real_crypto_core_ristretto255_from_hash(p, r); });
}
int __wrap_crypto_core_ristretto255_is_valid_point(const unsigned char* p) {
  if (failing.calls++ == failing.at) return 0;
  return __real_crypto_core_ristretto255_is_valid_point(p);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}

namespace psephos {
namespace {

using namespace sigma_test;
using G = Ristretto;
using Point = G::Point;

constexpr std::string_view kTag = "psephos-1/digit-generator";

/// Everybody's keys and lists, made before anything fails.
struct Stage {
  SeededRng rng{"fail closed"};
  G::SecretScalar x = G::SecretScalar::random(rng);
  Point Y = G::mul_base(x);
  ChoiceTable<G> table{{unknown_point<G>("a"), unknown_point<G>("b"), unknown_point<G>("c")}};
  DigitGenerators<G> digits = *DigitGenerators<G>::derive(kTag, fingerprint("election A"), 3, Y);
  ShuffleGenerators<G> generators =
      ShuffleGenerators<G>::derive(shuffle_test::kTag, fingerprint("election A"), 3);
  CiphertextList<G> list{1, {}};
  Stage() {
    for (std::size_t i = 0; i < 3; ++i)
      list.items.push_back(encrypt<G>(Y, table[i], G::SecretScalar::random(rng)));
  }
};
const Stage& stage() {
  static const Stage kStage;
  return kStage;
}

Transcript ballot_transcript() {
  return transcript_for(kOneOfManyLabel);
}
Transcript share_transcript() {
  return transcript_for(kDecryptionLabel, "election A", "trustee", 1);
}

/// What a voter's client sends: ciphertext and proof.
Bytes vote() {
  const Stage& s = stage();
  SeededRng rng("vote");
  const auto r = G::SecretScalar::random(rng);
  const auto c = encrypt<G>(s.Y, s.table[1], r);
  Transcript t = ballot_transcript();
  const OneOfManyStatement<G> statement{s.Y, c.alpha, c.beta, s.table};
  Bytes out = copy_of(c.encode());
  append(out, prove_one_of_many(statement, 1, r, t, s.digits, rng).encode());
  return out;
}
/// What a mixer writes: list and proof.
Bytes mix() {
  const Stage& s = stage();
  SeededRng rng("mix");
  const auto mixed = shuffle<G>(s.Y, s.list, rng);
  Transcript t = shuffle_test::group_transcript();
  Bytes out = encode_list(mixed.output);
  append(out,
         encode_proof(prove_shuffle<G>({s.Y, s.list, mixed.output}, mixed.witness, t, s.generators, rng)));
  return out;
}
/// What a trustee writes: shares and proof.
Bytes decrypt() {
  const Stage& s = stage();
  SeededRng rng("decrypt");
  const auto shares = decryption_shares<G>(s.x, s.list.items);
  Transcript t = share_transcript();
  Bytes out = encode_all(std::span<const Point>(shares));
  append(out, prove_decryption_shares<G>({s.Y, s.list.items, shares}, s.x, t, rng).encode());
  return out;
}
/// What is counted.
Bytes combine() {
  const Stage& s = stage();
  const auto shares = decryption_shares<G>(s.x, s.list.items);
  const std::vector<TrusteeShares<G>> given{{1, shares}};
  const auto plaintexts = combine_vartime<G>(s.list.items, given, {1, 1});
  return plaintexts ? encode_all(std::span<const Point>(*plaintexts)) : Bytes{};
}

/// "accepted" by each verifier of what is false: votes, a mix and shares whose last response is off by one.
/// Nothing else leaves it.
Bytes verify_what_is_false() {
  const Stage& s = stage();
  Bytes out;
  const auto last_off_by_one = [](Bytes bytes) {
    const auto last = G::Scalar::decode(ByteView(bytes).last(32)).value() + G::Scalar::from_u64(1);
    std::ranges::copy(last.encode(), bytes.end() - 32);
    return bytes;
  };
  static const Bytes kVote = last_off_by_one(vote()), kMix = last_off_by_one(mix()),
                     kShares = last_off_by_one(decrypt());
  {
    Transcript t = ballot_transcript();
    const auto alpha = Point::decode(ByteView(kVote).first(32)),
               beta = Point::decode(ByteView(kVote).subspan(32, 32));
    const auto proof = OneOfManyProof<G>::decode(ByteView(kVote).subspan(64), 3);
    if (alpha && beta && proof) {
      const OneOfManyStatement<G> statement{s.Y, *alpha, *beta, s.table};
      if (verify_one_of_many_vartime(statement, *proof, t, s.digits)) out.push_back('b');
      const OneOfManyClaim<G> claim{statement, *proof, ballot_transcript()};
      Transcript batch = transcript_for(kOneOfManyBatchLabel);
      if (!verify_one_of_many_batch_vartime<G>({&claim, 1}, batch, s.digits)[0]) out.push_back('B');
    }
  }
  {
    Transcript t = shuffle_test::group_transcript();
    const Bytes input = encode_list(s.list);
    const EncodedShuffle<G> shuffled{s.Y, 1, input, ByteView(kMix).first(input.size()),
                                     ByteView(kMix).subspan(input.size())};
    if (verify_shuffle_vartime(shuffled, t, s.generators)) out.push_back('s');
  }
  {
    Transcript t = share_transcript();
    const Bytes ciphertexts = encode_list(s.list);
    const EncodedDecryption<G> x{s.Y, ciphertexts, ByteView(kShares).first(96)};
    const auto proof = decode_decryption_proof<G>(ByteView(kShares).subspan(96));
    if (proof && verify_decryption_shares_vartime(x, *proof, t)) out.push_back('d');
  }
  return out;
}

/// What a child of this process that does `work` sends, and how it ends.
struct Ended {
  Bytes sent;
  int status = 0;
  bool aborted() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
  bool finished() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
};
Ended run(Bytes (*work)(), long failing_call, Left left) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    (void)std::freopen("/dev/null", "w", stderr);  // the reason of the stop is of no interest here
    failing = {.calls = 0, .at = failing_call, .left = left, .last = {}};
    const Bytes out = work();
    const bool written = ::write(ends[1], out.data(), out.size()) == static_cast<ssize_t>(out.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  Ended out;
  for (std::array<std::uint8_t, 4096> buffer{};;) {
    const ssize_t n = ::read(ends[0], buffer.data(), buffer.size());
    if (n <= 0) break;
    append(out.sent, ByteView(buffer).first(static_cast<std::size_t>(n)));
  }
  ::close(ends[0]);
  ::waitpid(child, &out.status, 0);
  return out;
}

/// Calls of the library that `work` makes.
long calls_of(Bytes (*work)()) {
  failing = {};
  (void)work();
  return failing.calls;
}

class FailClosed : public testing::Test {
 protected:
  void SetUp() override {
    set_parallelism(1);  // one order of calls; and a process that forks has no other threads
    stage();
    (void)verify_what_is_false();  // makes its statics, and the tables of bases, before anything fails
  }
  void TearDown() override { set_parallelism(kAllCores); }
};

TEST_F(FailClosed, A14_NothingLeavesAfterAFailedCall) {
  for (const auto& [name, work] : std::initializer_list<std::pair<const char*, Bytes (*)()>>{
           {"vote", vote}, {"mix", mix}, {"decrypt", decrypt}, {"combine", combine}}) {
    const long calls = calls_of(work);
    EXPECT_GE(calls, 2) << name;
    // The twin: nothing fails, and everything leaves, always the same.
    failing = {};
    const Bytes honest = work();
    const Ended twin = run(work, -1, Left::kUntouched);
    EXPECT_TRUE(twin.finished());
    EXPECT_EQ(twin.sent, honest);
    EXPECT_FALSE(honest.empty());
    for (const Left left : {Left::kUntouched, Left::kZeros, Left::kStale})
      for (long call = 0; call < calls; ++call) {
        const Ended ended = run(work, call, left);
        EXPECT_TRUE(ended.aborted()) << name << ", call " << call << " of " << calls << ", left "
                                     << static_cast<int>(left) << ", status " << ended.status;
        EXPECT_TRUE(ended.sent.empty()) << name << ", call " << call;
      }
  }
}

TEST_F(FailClosed, A14_NothingFalseIsAcceptedAfterAFailedCall) {
  const long calls = calls_of(verify_what_is_false);
  EXPECT_GT(calls, 20);
  const Ended twin = run(verify_what_is_false, -1, Left::kUntouched);
  EXPECT_TRUE(twin.finished());
  EXPECT_TRUE(twin.sent.empty());
  for (const Left left : {Left::kUntouched, Left::kZeros, Left::kStale})
    for (long call = 0; call < calls; ++call) {
      const Ended ended = run(verify_what_is_false, call, left);
      EXPECT_TRUE(ended.aborted() || ended.finished()) << call << ", status " << ended.status;
      EXPECT_TRUE(ended.sent.empty()) << "call " << call << " of " << calls;
    }
}

}  // namespace
}  // namespace psephos
