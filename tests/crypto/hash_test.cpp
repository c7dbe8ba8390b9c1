// SHA-256 and SHA-512 by the library at hand. Built twice: as crypto/CMakeLists.txt decides, and over
// libsodium.
#include "crypto/hash.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <string>
#include <type_traits>

#include "crypto/bytes.h"

namespace psephos {
namespace {

static_assert(std::is_trivially_copyable_v<Sha256> && std::is_trivially_copyable_v<Sha512>,
              "they are copied to share a prefix, and wiped as bytes");

// FIPS 180-4, examples published with it: messages of less than a block, of two blocks, and of a million
// bytes.
TEST(Hash, ExamplesOfTheStandard) {
  const std::string two_blocks_256 = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const std::string two_blocks_512 =
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
      "mnopqrstnopqrstu";
  const std::string million(1'000'000, 'a');
  const std::pair<std::string, const char*> short_ones[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {two_blocks_256, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [message, digest] : short_ones) EXPECT_EQ(to_hex(sha256(bytes_of(message))), digest);
  const std::pair<std::string, const char*> long_ones[] = {
      {"",
       "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b93"
       "1bd4741"
       "7a81a538327af927da3e"},
      {"abc",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4"
       "423643c"
       "e80e2a9ac94fa54ca49f"},
      {two_blocks_512,
       "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d32"
       "9eeb6dd"
       "26545e96e55b874be909"},
      {million,
       "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009"
       "c5c2c49"
       "aa2e4eadb217ad8cc09b"}};
  for (const auto& [message, digest] : long_ones) EXPECT_EQ(to_hex(sha512(bytes_of(message))), digest);
}

// Every length around the blocks, in every two parts and from a shared prefix, against libsodium.
TEST(Hash, EverySplitOfEveryLength) {
  Bytes message;
  for (std::size_t length = 0; length <= 300; ++length) {
    Digest256 expected_256{};
    Digest512 expected_512{};
    crypto_hash_sha256(expected_256.data(), message.data(), length);
    crypto_hash_sha512(expected_512.data(), message.data(), length);
    Sha256 prefix_256;
    Sha512 prefix_512;
    for (std::size_t split = 0; split <= length; ++split) {
      const ByteView rest = ByteView(message).subspan(split);
      ASSERT_EQ(Sha256(prefix_256).update(rest).finish(), expected_256) << split << " of " << length;
      ASSERT_EQ(Sha512(prefix_512).update(rest).finish(), expected_512) << split << " of " << length;
      if (split < length) {
        prefix_256.update(rest.first(1));
        prefix_512.update(rest.first(1));
      }
    }
    message.push_back(static_cast<std::uint8_t>(7 * length + 1));
  }
}

}  // namespace
}  // namespace psephos
