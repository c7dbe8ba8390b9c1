#include "protocol/checks/compact.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace psephos::compact {
namespace {

using Key = ByteArray<32>;

/// Keys of which many begin alike, or differ only in the last byte.
Key key_of(std::uint64_t n) {
  Key out{};
  out[n % 3 == 0 ? 31 : 0] = static_cast<std::uint8_t>(n);
  out[9] = static_cast<std::uint8_t>(n >> 8U);
  out[20] = static_cast<std::uint8_t>(n >> 16U);
  return out;
}

TEST(Compact, TableFindsWhatWasInsertedAndNothingElse) {
  Pieces<Key> keys;
  PositionTable table;
  const auto at = [&](std::uint32_t i) -> const Key& { return keys[i]; };
  std::map<Key, std::uint32_t> plain;
  EXPECT_FALSE(table.find(key_of(1), at));
  for (std::uint64_t n = 0; n < 30'000; ++n) {
    const Key key = key_of(n * 7919 % 100'003);
    const auto found = table.find(key, at);
    const auto expected = plain.find(key);
    ASSERT_EQ(found.has_value(), expected != plain.end()) << n;
    if (found) {
      ASSERT_EQ(*found, expected->second);
      continue;
    }
    const auto position = static_cast<std::uint32_t>(keys.size());
    keys.push_back(key);
    table.insert(key, position, at);
    plain.emplace(key, position);
  }
  for (const auto& [key, position] : plain) ASSERT_EQ(table.find(key, at), position);
  PositionTable copy = table;
  EXPECT_EQ(copy.find(keys[17], at), 17U);
}

TEST(Compact, PiecesNeverMove) {
  Pieces<int> list;
  list.push_back(0);
  const int* const first = &list[0];
  for (int i = 1; i < 20'000; ++i) list.push_back(i);
  EXPECT_EQ(&list[0], first);
  ASSERT_EQ(list.size(), 20'000U);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(list[static_cast<std::size_t>(i)], i);
  Pieces<int> copy = list;
  copy.push_back(1);
  EXPECT_EQ(list.size(), 20'000U);
  EXPECT_EQ(list.back(), 19'999);
}

}  // namespace
}  // namespace psephos::compact
