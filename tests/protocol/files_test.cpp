// Files, passphrases and the frame of a program.
#include "protocol/files/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "protocol/files/passphrase.h"
#include "protocol/files/program.h"
#include "protocol/files/record_directory.h"

namespace psephos {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string name = (fs::temp_directory_path() / "psephos-files-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~FilesTest() override { fs::remove_all(directory_); }
  std::size_t entries(const fs::path& directory) const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }
  fs::path directory_;
};

Bytes text(std::string_view t) {
  return copy_of(bytes_of(t));
}

TEST_F(FilesTest, WhatIsWrittenIsReadAndNothingElseIsLeft) {
  const fs::path path = directory_ / "a" / "b" / "file";
  ASSERT_TRUE(write_file(path, text("first")));
  ASSERT_TRUE(write_file(path, text("second")));
  EXPECT_EQ(read_file(path, 6), text("second"));
  EXPECT_EQ(entries(directory_ / "a" / "b"), 1U);
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(copy_of(mapped->view()), text("second"));
}

TEST_F(FilesTest, ForgottenBytesComeBack) {
  const fs::path path = directory_ / "large";
  Bytes bytes(1'000'003);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 7U);
  ASSERT_TRUE(write_file(path, bytes));
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped);
  for (const auto& [begin, end] : {std::pair{0UL, 1'000'003UL},
                                   {4097UL, 5000UL},
                                   {0UL, 9'000'000UL},
                                   {3UL, 3UL},
                                   {2'000'000UL, 3'000'000UL}}) {
    mapped->forget(begin, end);
    EXPECT_TRUE(equal(mapped->view(), bytes));
  }
}

TEST_F(FilesTest, HashOfAFileThatIsForgottenOnTheWay) {
  Bytes bytes(9'000'001, 7);
  ASSERT_TRUE(write_file(directory_ / "public" / "large", bytes));
  ASSERT_TRUE(write_file(directory_ / "public" / "empty", {}));
  const RecordDirectory record(directory_);
  EXPECT_EQ(sha256_of(record.read("public/large").value()), sha256(bytes));
  EXPECT_EQ(sha256_of(record.read("public/empty").value()), sha256({}));
  EXPECT_EQ(sha256_of(RecordBytes{bytes, nullptr}), sha256(bytes));
}

TEST_F(FilesTest, EmptyFile) {
  const fs::path path = directory_ / "empty";
  ASSERT_TRUE(write_file(path, {}));
  EXPECT_EQ(read_file(path, 0), Bytes{});
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(mapped->view().empty());
}

TEST_F(FilesTest, RefusalsNameThePath) {
  const fs::path absent = directory_ / "absent";
  const auto read = read_file(absent, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, Reason::kFileUnreadable);
  EXPECT_NE(read.error().object.find(absent.string()), std::string::npos);
  EXPECT_EQ(read_file(directory_, 10).error().reason, Reason::kFileUnreadable);
  EXPECT_EQ(MappedFile::open(absent).error().reason, Reason::kFileUnreadable);
  ASSERT_TRUE(write_file(directory_ / "long", text("12345")));
  EXPECT_EQ(read_file(directory_ / "long", 4).error().reason, Reason::kWireLimit);
  // A file where a directory is needed: nothing is written.
  EXPECT_EQ(write_file(directory_ / "long" / "x", text("y")).error().reason, Reason::kFileUnreadable);
  EXPECT_EQ(entries(directory_), 1U);
}

TEST_F(FilesTest, FilesAddedTogetherAreTheOwnersAndReplaceNothing) {
  const fs::path path = directory_ / "many" / "1";
  ASSERT_TRUE(add_secret_file(path, text("one")));
  ASSERT_TRUE(sync_files(directory_ / "many"));
  EXPECT_EQ(text_of(read_file(path, 10).value()), "one");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(add_secret_file(path, text("two")).error().reason, Reason::kFileUnreadable);
  EXPECT_EQ(text_of(read_file(path, 10).value()), "one");
  EXPECT_EQ(sync_files(directory_ / "none").error().reason, Reason::kFileUnreadable);
}

TEST_F(FilesTest, SecretFilesAreTheOwnersAndNewOnesReplaceNothing) {
  const fs::path path = directory_ / "key";
  ASSERT_TRUE(write_new_secret_file(path, text("one")));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto again = write_new_secret_file(path, text("two"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::kStoreKeyExists);
  EXPECT_EQ(read_file(path, 10), text("one"));
  EXPECT_EQ(entries(directory_), 1U);
  ASSERT_TRUE(write_secret_file(path, text("three")));
  EXPECT_EQ(read_file(path, 10), text("three"));
}

TEST_F(FilesTest, PassphraseFromFileBeforeEnvironment) {
  const std::string path = (directory_ / "passphrase").string();
  ASSERT_TRUE(write_secret_file(path, text("correct horse\nnot this\n")));
  ::setenv("PSEPHOS_PASSPHRASE", "battery staple", 1);
  const auto file = read_passphrase(path, "key", PassphraseUse::kCreate);
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of(file->expose()), "correct horse");
  const auto environment = read_passphrase(std::nullopt, "key", PassphraseUse::kOpen);
  ASSERT_TRUE(environment);
  EXPECT_EQ(text_of(environment->expose()), "battery staple");
  ::setenv("PSEPHOS_PASSPHRASE", "", 1);
  EXPECT_EQ(read_passphrase(std::nullopt, "key", PassphraseUse::kOpen).error().reason, Reason::kUsage);
  ::unsetenv("PSEPHOS_PASSPHRASE");
  ASSERT_TRUE(write_secret_file(path, Bytes(2000, 'x')));
  EXPECT_EQ(read_passphrase(path, "key", PassphraseUse::kOpen).error().reason, Reason::kUsage);
}

TEST(Program, StatusSaysHowItEnded) {
  const auto run = [](std::vector<const char*> words) {
    int number = 0;
    Program program("test", "A program.");
    CLI::App& good = program.command("good", "Succeeds.", []() -> Result<void, Rejection> { return {}; });
    good.add_option("--number", number)->required();
    program.command("bad", "Refuses.",
                    []() -> Result<void, Rejection> { return reject(Reason::kCountMismatch, "group"); });
    words.insert(words.begin(), "test");
    return program.run(static_cast<int>(words.size()), words.data());
  };
  EXPECT_EQ(run({"good", "--number", "3"}), 0);
  EXPECT_EQ(run({"good"}), 2);
  EXPECT_EQ(run({"good", "--number", "x"}), 2);
  EXPECT_EQ(run({"bad"}), 1);
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"unknown"}), 2);
}

TEST(Program, SpeaksInItsOwnWords) {
  const auto run = [](std::vector<const char*> words) {
    Program program("test", "A program.");
    program.speak({.refusal = [](const Rejection& why) { return "oh: " + why.object; },
                   .misread = [](const std::string& error) { return "what? " + error; }});
    program.command("bad", "Refuses.",
                    []() -> Result<void, Rejection> { return reject(Reason::kCountMismatch, "group"); });
    program.command("asks", "Refuses.",
                    []() -> Result<void, Rejection> { return reject(Reason::kUsage, "how"); });
    words.insert(words.begin(), "test");
    ::testing::internal::CaptureStderr();
    const int status = program.run(static_cast<int>(words.size()), words.data());
    return std::pair(status, ::testing::internal::GetCapturedStderr());
  };
  EXPECT_EQ(run({"bad"}), std::pair(1, std::string("psephos test: oh: group\n")));
  EXPECT_EQ(run({"asks"}), std::pair(2, std::string("psephos test: oh: how\n")));
  const auto [status, text] = run({"unknown"});
  EXPECT_EQ(status, 2);
  EXPECT_TRUE(text.starts_with("psephos test: what? ")) << text;
}

}  // namespace
}  // namespace psephos
