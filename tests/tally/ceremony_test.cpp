// The key ceremony among trustees that exchange files, each with a directory of its own.
#include "tally/ceremony.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "crypto/threshold/lagrange.h"
#include "protocol/files/files.h"
#include "protocol/labels.h"
#include "tally/trustee.h"
#include "tests/support/test_election.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;

class CeremonyTest : public testing::Test {
 protected:
  CeremonyTest() {
    std::string name = (fs::temp_directory_path() / "psephos-ceremony-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    ::setenv("PSEPHOS_PASSPHRASE", "correct horse", 1);
    passphrase_.emplace(*read_passphrase(std::nullopt, "test", PassphraseUse::kOpen));
    Definition definition = TestElection().election().definition();
    for (std::size_t i = 0; i < 3; ++i) {
      const auto keys = create_trustee(key(i + 1), definition.trustees[i].name, seal());
      if (!keys) throw std::runtime_error(to_string(keys.error()));
      definition.trustees[i].key = keys->key.encode();
      definition.trustees[i].ceremony_key = keys->ceremony_key;
    }
    EXPECT_TRUE(write_file(directory_ / "definition", encode(definition)));
    auto frozen = read_definition_bytes(directory_ / "definition");
    if (!frozen) throw std::runtime_error(to_string(frozen.error()));
    frozen_ = std::move(*frozen);
    board_.emplace(frozen_, directory_ / "board", 1);
  }
  ~CeremonyTest() override { fs::remove_all(directory_); }

  Seal seal() { return {*passphrase_, kMinSealCost, rng_}; }
  fs::path key(std::size_t trustee) const { return directory_ / ("trustee-" + std::to_string(trustee)); }
  fs::path share(std::size_t trustee) const {
    return directory_ / ("state-" + std::to_string(trustee)) / "share";
  }
  fs::path message(const char* step, std::size_t trustee) const {
    return directory_ / "board" / "attempt-1" / (std::string(step) + "-" + std::to_string(trustee));
  }
  CeremonyDesk desk(std::size_t trustee) {
    auto out = CeremonyDesk::open(frozen_, *board_, key(trustee), seal());
    if (!out) throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }
  void all(Result<void, Rejection> (CeremonyDesk::*step)()) {
    for (std::size_t t = 1; t <= 3; ++t) {
      const auto ok = (desk(t).*step)();
      ASSERT_TRUE(ok) << to_string(ok.error());
    }
  }
  void announce_and_open() {
    all(&CeremonyDesk::announce);
    for (std::size_t t = 1; t <= 3; ++t) ASSERT_TRUE(desk(t).open_message(seal()));
  }
  void certify_all() {
    for (std::size_t t = 1; t <= 3; ++t) {
      const auto ok = desk(t).certify(share(t), seal());
      ASSERT_TRUE(ok) << to_string(ok.error());
    }
  }

  fs::path directory_;
  SystemRng rng_;
  std::optional<Passphrase> passphrase_;
  FrozenDefinition frozen_;
  std::optional<Board> board_;
};

TEST_F(CeremonyTest, SharesFitTheManifestAndSecretsAreErased) {
  announce_and_open();
  certify_all();
  const auto manifest = assemble_manifest(frozen_, *board_, {});
  ASSERT_TRUE(manifest) << to_string(manifest.error());
  std::vector<Ristretto::Scalar> x;
  for (std::size_t t = 1; t <= 3; ++t) {
    const auto own = read_share(share(t), *passphrase_);
    ASSERT_TRUE(own);
    EXPECT_EQ(Ristretto::mul_base(own->x), manifest->verification_keys[t - 1]);
    EXPECT_EQ(own->definition_hash, frozen_.hash);
    x.push_back(declassify(own->x));  // a test's key
    EXPECT_TRUE(desk(t).finish(share(t), seal()));
    EXPECT_FALSE(fs::exists(key(t).string() + ".ceremony"));
  }
  // Any two make the key.
  for (const auto& [a, b] : {std::pair{1U, 2U}, {1U, 3U}, {2U, 3U}}) {
    const std::vector<std::uint32_t> indices{a, b};
    const auto lambda = lagrange_at_zero<Ristretto>(indices);
    EXPECT_EQ(Ristretto::mul_base_vartime(lambda[0] * x[a - 1] + lambda[1] * x[b - 1]), manifest->joint_key);
  }
}

TEST_F(CeremonyTest, StepsRunAgainSayTheSame) {
  announce_and_open();
  const auto announced = read_file(message("announce", 2), 10'000);
  const auto opened = read_file(message("open", 2), 10'000);
  EXPECT_TRUE(desk(2).announce());
  EXPECT_TRUE(desk(2).open_message(seal()));
  EXPECT_EQ(read_file(message("announce", 2), 10'000), announced);
  EXPECT_EQ(read_file(message("open", 2), 10'000), opened);
  certify_all();
  const auto own = read_file(share(2), 10'000);
  EXPECT_TRUE(desk(2).certify(share(2), seal()));
  EXPECT_EQ(read_file(share(2), 10'000), own) << "a share that may have been used is not written anew";
}

TEST_F(CeremonyTest, NobodyOpensBeforeAllHaveAnnounced) {
  ASSERT_TRUE(desk(1).announce());
  ASSERT_TRUE(desk(2).announce());
  const auto early = desk(1).open_message(seal());
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().reason, reason_of(Fault::kDkgSetup));
  EXPECT_NE(early.error().object.find("trustee 3"), std::string::npos) << early.error().object;
  EXPECT_FALSE(fs::exists(message("open", 1)));
}

TEST_F(CeremonyTest, ForgedOrExchangedMessagesAreRefusedByName) {
  all(&CeremonyDesk::announce);
  const auto honest = read_file(message("announce", 2), 10'000).value();
  // Trustee 1's message in trustee 2's place.
  ASSERT_TRUE(write_file(message("announce", 2), read_file(message("announce", 1), 10'000).value()));
  EXPECT_EQ(desk(3).open_message(seal()).error().reason, reason_of(Fault::kDkgSetup));
  // A changed byte of the body breaks the signature.
  auto document = decode<SignedDocument>(honest).value();
  document.body.back() ^= 1;
  ASSERT_TRUE(write_file(message("announce", 2), encode(document)));
  const auto forged = desk(3).open_message(seal());
  EXPECT_EQ(forged.error().reason, Reason::kSigInvalid);
  EXPECT_NE(forged.error().object.find("trustee 2"), std::string::npos);
  EXPECT_FALSE(fs::exists(message("open", 3)));
  ASSERT_TRUE(write_file(message("announce", 2), honest));
  EXPECT_TRUE(desk(3).open_message(seal()));
}

TEST_F(CeremonyTest, OpeningThatWasNotAnnounced) {
  announce_and_open();
  // Trustee 2 signs another opening: trustee 3's, as if it were its own.
  auto document = decode<SignedDocument>(read_file(message("open", 3), 10'000).value()).value();
  auto other = decode<CeremonyMessage>(document.body).value();
  other.trustee = 2;
  document.body = encode(other);
  const auto key2 = read_signing_key(key(2), key_kinds::kTrustee, *passphrase_);
  document.signatures = {
      {.signer = 2, .signature = key2->key.sign_labelled(labels::kSignCeremony, document.body)}};
  ASSERT_TRUE(write_file(message("open", 2), encode(document)));
  const auto refused = desk(1).certify(share(1), seal());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, reason_of(Fault::kDkgCommitMismatch));
  EXPECT_NE(refused.error().object.find("trustee 2"), std::string::npos);
  EXPECT_FALSE(fs::exists(share(1)));
  EXPECT_FALSE(assemble_manifest(frozen_, *board_, {}));
}

TEST_F(CeremonyTest, AShareIsOneSetsOnly) {
  announce_and_open();
  certify_all();
  const Digest256 set = sha256(bytes_of("set"));
  auto own = read_share(share(1), *passphrase_).value();
  EXPECT_FALSE(own.decrypted);
  ASSERT_TRUE(note_decryption(share(1), "Trustee 1", own, set, seal()));
  auto again = read_share(share(1), *passphrase_).value();
  EXPECT_EQ(again.decrypted, set);
  EXPECT_EQ(Ristretto::mul_base(again.x), Ristretto::mul_base(own.x));
  EXPECT_TRUE(note_decryption(share(1), "Trustee 1", again, set, seal()));
  const auto other = note_decryption(share(1), "Trustee 1", again, sha256(bytes_of("other")), seal());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, Reason::kDecryptionTwice);
  EXPECT_EQ(read_share(share(1), *passphrase_)->decrypted, set);
}

}  // namespace
}  // namespace psephos::test
