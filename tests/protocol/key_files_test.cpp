// Sealed keys in files.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "protocol/files/files.h"
#include "protocol/files/keys.h"

namespace psephos {
namespace {

namespace fs = std::filesystem;

Passphrase passphrase(const char* text) {
  ::setenv("PSEPHOS_PASSPHRASE", text, 1);
  auto out = read_passphrase(std::nullopt, "test", PassphraseUse::kOpen);
  return std::move(*out);
}

class KeyFilesTest : public testing::Test {
 protected:
  KeyFilesTest() {
    std::string name = (fs::temp_directory_path() / "psephos-keys-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~KeyFilesTest() override { fs::remove_all(directory_); }
  fs::path directory_;
  SystemRng rng_;
};

TEST_F(KeyFilesTest, OpensForItsKindAndPassphraseOnly) {
  const fs::path path = directory_ / "mari.key";
  const SigningKey key = SigningKey::generate(rng_);
  const Passphrase right = passphrase("right");
  ASSERT_TRUE(write_new_signing_key(path, key_kinds::kMixer, "Mari", key, right, kMinSealCost, rng_));
  const auto opened = read_signing_key(path, key_kinds::kMixer, right);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->name, "Mari");
  EXPECT_EQ(opened->key.verify_key(), key.verify_key());
  EXPECT_EQ(secret_label(path), (std::pair<std::string, std::string>{"mixer", "Mari"}));

  EXPECT_EQ(read_signing_key(path, key_kinds::kMixer, passphrase("wrong")).error().reason,
            Reason::kSecretUnreadable);
  EXPECT_EQ(read_signing_key(path, key_kinds::kTrustee, right).error().reason, Reason::kSecretUnreadable);
  EXPECT_EQ(
      write_new_signing_key(path, key_kinds::kMixer, "Mari", key, right, kMinSealCost, rng_).error().reason,
      Reason::kStoreKeyExists);

  auto bytes = read_file(path, 10'000);
  ASSERT_TRUE(bytes);
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    Bytes changed = *bytes;
    changed[i] ^= 1;
    ASSERT_TRUE(write_secret_file(path, changed));
    EXPECT_EQ(read_signing_key(path, key_kinds::kMixer, right).error().reason, Reason::kSecretUnreadable)
        << i;
  }
}

TEST_F(KeyFilesTest, SecretsOfAnyLength) {
  const fs::path path = directory_ / "share";
  const Bytes secret(168, 7);
  const Passphrase right = passphrase("right");
  ASSERT_TRUE(write_new_secret(path, "share.abc", "Jaan", secret, right, kMinSealCost, rng_));
  ASSERT_TRUE(replace_secret(path, "share.abc", "Jaan", secret, right, rng_));
  EXPECT_EQ(seal_cost_in(path)->passes, kMinSealCost.passes);
  EXPECT_EQ(replace_secret(directory_ / "absent", "share.abc", "Jaan", secret, right, rng_).error().reason,
            Reason::kFileUnreadable);
  const auto opened = read_secret(path, "share.abc", right);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal(opened->secret.expose(), secret));
  EXPECT_EQ(read_signing_key(path, "share.abc", right).error().reason, Reason::kSecretUnreadable);
  EXPECT_EQ(write_new_secret(directory_ / "x", "share", "", secret, right, kMinSealCost, rng_).error().reason,
            Reason::kUsage);
  EXPECT_FALSE(fs::exists(directory_ / "x"));
  EXPECT_TRUE(seal_cost("moderate"));
  EXPECT_TRUE(seal_cost("interactive"));
  EXPECT_FALSE(seal_cost("none"));
}

}  // namespace
}  // namespace psephos
