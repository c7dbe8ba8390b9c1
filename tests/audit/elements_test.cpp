// Group elements outside the messages' own fields, and proofs made for another election: what the audit says
// of each kind of list, by exact name (A05, A08, A11, A12).
#include <gtest/gtest.h>

#include "audit/audit.h"
#include "protocol/checks/lists.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "tests/support/test_record.h"

namespace psephos::test {
namespace {

class ElementsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    e = new TestElection;
    honest = new TestRecord(*e);
  }
  static void TearDownTestSuite() {
    delete honest;
    delete e;
  }
  static void expect_refused(const TestRecord& r, AuditCheckId id, Reason reason, const std::string& what) {
    const AuditReport report = audit_record({.record = r.record, .fingerprint = e->election().fingerprint()});
    const AuditCheck& check = report.check(id);
    EXPECT_FALSE(report.accepted()) << what;
    ASSERT_FALSE(check.findings.empty()) << what << "\n" << report_text(report);
    EXPECT_EQ(check.findings[0].reason, reason) << what << ": " << to_string(check.findings[0]);
  }
  static void expect_accepted(const TestRecord& r) {
    const AuditReport report = audit_record({.record = r.record, .fingerprint = e->election().fingerprint()});
    EXPECT_TRUE(report.accepted()) << report_text(report);
  }
  /// Every list that a record holds of group 0, with the check that reads it first, and how its maker signs.
  struct Kind {
    std::string path;
    AuditCheckId check;
    std::size_t points;  ///< elements of its last row that are points
    std::function<void(TestRecord&)> sign;
  };
  static std::vector<Kind> kinds() {
    const auto mixer = [](std::uint64_t n) { return [n](TestRecord& r) { r.resign_mix(n); }; };
    return {{layout::mix(0, 2), AuditCheckId::kMixes, 2, mixer(2)},
            {layout::mix(0, 3), AuditCheckId::kMixes, 2, mixer(3)},
            {layout::share(0, 3), AuditCheckId::kShares, 1, [](TestRecord& r) { r.resign_shares(3); }},
            {layout::plaintexts(0), AuditCheckId::kPlaintexts, 1, [](TestRecord&) {}},
            {layout::input(0, MixInputs::kSworn), AuditCheckId::kInputs, 2, [](TestRecord& r) {
               Sheet sheet = r.sheet();
               sheet.groups[0].input_hash = sha256(r.file(layout::input(0, MixInputs::kSworn)));
               r.set_sheet(sheet);
             }}};
  }
  static inline TestElection* e = nullptr;
  static inline TestRecord* honest = nullptr;
};

TEST_F(ElementsTest, A08_A11_A12_EveryListRefusesEveryBadEncoding) {
  // RFC 9496 appendix A.2, one of each kind, and the identity.
  const std::vector<std::pair<std::string, Fault>> bad = {
      {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointNoncanonical},
      {"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Fault::kPointNoncanonical},
      {"0100000000000000000000000000000000000000000000000000000000000000", Fault::kPointNoncanonical},
      {"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", Fault::kPointInvalid},
      {"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e", Fault::kPointInvalid},
      {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Fault::kPointInvalid},
      {"0000000000000000000000000000000000000000000000000000000000000000", Fault::kPointIdentity}};
  for (const Kind& kind : kinds()) {
    for (const auto& [hex, fault] : bad) {
      for (std::size_t k = 1; k <= kind.points; ++k) {
        TestRecord r = *honest;
        Bytes& bytes = r.file(kind.path);
        std::ranges::copy(from_hex(hex).value(), bytes.end() - static_cast<std::ptrdiff_t>(32 * k));
        kind.sign(r);
        r.make(Step::kIndex);
        expect_refused(r, kind.check, reason_of(fault), kind.path + " " + hex);
      }
    }
    TestRecord same = *honest;  // signed anew as it was
    kind.sign(same);
    same.make(Step::kIndex);
    expect_accepted(same);
  }
  // The commitments of a proof of shuffle: its first element.
  for (const auto& [hex, fault] : bad) {
    TestRecord r = *honest;
    const std::string path = layout::mix_proof(0, 2, MixInputs::kSworn);
    Bytes& bytes = r.file(path);
    const std::size_t begin = 12 + read_u32be(ByteView(bytes).subspan(8, 4));
    std::ranges::copy(from_hex(hex).value(), bytes.begin() + static_cast<std::ptrdiff_t>(begin));
    r.resign_mix(2);
    r.make(Step::kIndex);
    const Fault named = fault == Fault::kPointIdentity ? Fault::kShuffleDegenerate : fault;
    expect_refused(r, AuditCheckId::kMixes, reason_of(named), path + " " + hex);
  }
}

/// The election with another build in its manifest: the same definition, ceremony, keys and people.
Election twin_of(TestElection& e) {
  Manifest manifest = e.election().manifest();
  manifest.builds = {{.program = {"audit"}, .sha256 = sha256(bytes_of("another build"))}};
  return Election::open(e.signed_manifest(manifest), std::nullopt).value();
}

/// Puts mix 2 of group 0 into the record, made by mixer 2 for `proved`, with headers that say `claimed`.
void put_shuffled(TestRecord& r, const Election& proved, const Election& claimed,
                  const ShuffleResult<Ristretto>& shuffled) {
  const GroupSheet group = r.sheet().groups[0];
  const VerifiedList before = r.list(0, 1);
  const Generators generators = derive_generators_for(proved, r.sheet());
  const ListHeader header = mixed_header(claimed, group, 2, 2, before.file_hash);
  const Bytes output = write_ciphertexts(header, shuffled.output.items);
  Transcript transcript = mix_transcript(proved, group, 2, 2, before.file_hash);
  const auto proof = prove_shuffle<Ristretto>({proved.Y(), before.list, shuffled.output}, shuffled.witness,
                                              transcript, generators, r.e.rng());
  r.file(layout::mix(0, 2)) = output;
  r.file(layout::mix_proof(0, 2, MixInputs::kSworn)) =
      write_elements(mix_proof_header(header, sha256(output)), encode_proof(proof));
  r.resign_mix(2);
  r.make_from(Step::kMix3);
}
void put_mix(TestRecord& r, const Election& proved, const Election& claimed) {
  put_shuffled(r, proved, claimed, shuffle<Ristretto>(proved.Y(), r.list(0, 1).list, r.e.rng()));
}

/// The same for trustee 3's shares of group 0.
void put_shares(TestRecord& r, const Election& proved, const Election& claimed) {
  const GroupSheet group = r.sheet().groups[0];
  const VerifiedList last = r.list(0, 3);
  const auto& x = r.e.secret_shares[2];
  const auto shares = decryption_shares<Ristretto>(x, last.list.items);
  const ListHeader header = share_header(claimed, group, 3, last.file_hash);
  const Bytes file = write_points(header, shares);
  Transcript transcript = share_transcript(proved, group, 3, last.file_hash);
  const auto proof =
      prove_decryption_shares<Ristretto>({proved.Y_of(3), last.list.items, shares}, x, transcript, r.e.rng());
  r.file(layout::share(0, 3)) = file;
  r.file(layout::share_proof(0, 3)) =
      write_elements(share_proof_header(header, sha256(file)), proof.encode());
  r.resign_shares(3);
  r.make(Step::kIndex);
}

TEST_F(ElementsTest, A05_ProofsOfATwinElection) {
  const Election& own = e->election();
  const Election twin = twin_of(*e);
  ASSERT_EQ(twin.Y(), own.Y());
  const auto with = [&](auto put, const Election& proved, const Election& claimed) {
    TestRecord r = *honest;
    put(r, proved, claimed);
    return r;
  };
  expect_accepted(with(put_mix, own, own));
  expect_refused(with(put_mix, twin, twin), AuditCheckId::kMixes, Reason::kElectionFpMismatch, "mix");
  expect_refused(with(put_mix, twin, own), AuditCheckId::kMixes, reason_of(Fault::kShuffleProofInvalid),
                 "mix, fingerprint rewritten");
  expect_accepted(with(put_shares, own, own));
  expect_refused(with(put_shares, twin, twin), AuditCheckId::kShares, Reason::kElectionFpMismatch, "shares");
  expect_refused(with(put_shares, twin, own), AuditCheckId::kShares, reason_of(Fault::kShareProofInvalid),
                 "shares, fingerprint rewritten");
  TestRecord statement = *honest;
  StageStatement foreign = honest->mix_statement(2);
  foreign.fingerprint = twin.fingerprint();
  statement.sign_mix(foreign, 2, 2);
  statement.make(Step::kIndex);
  expect_refused(statement, AuditCheckId::kMixes, Reason::kElectionFpMismatch, "statement");
}

// A120: a mixer that permutes and does not re-encrypt, some rows or all. The proof is right, for it is one
// for any s.
TEST_F(ElementsTest, A120_CiphertextsPassedOnUnchanged) {
  const Election& own = e->election();
  const auto with_zeros = [&](std::size_t zeros) {
    TestRecord r = *honest;
    const CiphertextList<Ristretto> before = r.list(0, 1).list;
    auto permutation = SecretPermutation::random(before.rows(), e->rng());
    std::vector<Ristretto::SecretScalar> s;
    CiphertextList<Ristretto> after{1, std::vector<Ciphertext<Ristretto>>(before.rows())};
    for (std::size_t i = 0; i < before.rows(); ++i) {
      s.push_back(i < zeros ? Ristretto::SecretScalar() : Ristretto::SecretScalar::random(e->rng()));
      after.items[permutation.expose()[i]] = re_encrypt<Ristretto>(own.Y(), before.items[i], s[i]);
    }
    put_shuffled(
        r, own, own,
        {std::move(after), {std::move(permutation), std::move(s), SecretBytes<64>::random(e->rng())}});
    return r;
  };
  expect_accepted(with_zeros(0));
  const std::size_t rows = honest->list(0, 1).list.rows();
  ASSERT_GT(rows, 1U);
  for (const std::size_t zeros : {std::size_t{1}, rows - 1, rows})
    expect_refused(with_zeros(zeros), AuditCheckId::kMixes, Reason::kMixOutputUnchanged,
                   std::to_string(zeros) + " rows");
}

}  // namespace
}  // namespace psephos::test
