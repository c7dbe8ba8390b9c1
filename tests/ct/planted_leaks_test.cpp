#include <gtest/gtest.h>

#include <array>

#include "crypto/group/hash_to_group.h"
#include "crypto/group/ristretto.h"
#include "tests/ct/ct_fixture.h"

/// The test of the tests: what leaks must be reported, and its twin that does not leak must not be.
namespace psephos::ct {
namespace {

class PlantedLeaks : public OnEveryPath {};
INSTANTIATE_TEST_SUITE_P(On, PlantedLeaks, kPaths, name_of_path);

TEST_P(PlantedLeaks, BranchAndAddressAreReported) {
  HiddenRng rng(2);
  ByteArray<2> secret{};
  rng.fill(secret);
  volatile int sum = 0;
  const std::array<int, 256> table{1};
  sum = sum + (secret[0] & 1);
  EXPECT_EQ(new_reports(), 0U);
  if ((secret[0] & 1) != 0) sum = sum + 1;
  EXPECT_GT(new_reports(), 0U) << "a branch";
  const volatile int* at = table.data();
  sum = sum + at[secret[1]];
  EXPECT_GT(new_reports(), 0U) << "an address";
}

// Multiplications that search a table only as long as they must, add only what is not zero, or look where the
// digit says.
TEST_P(PlantedLeaks, LeakyMultiplicationsAreReported) {
  const kernels::PlantedLeaks& leaks = GetParam().leaks;
  std::vector<Ristretto::Point> points;
  for (std::uint64_t i = 0; i < leaks.lanes; ++i)
    points.push_back(hash_to_group<Ristretto>("test", u64be(i)));
  std::vector<kernels::Row> rows(points.size());
  ASSERT_EQ(active_kernels().decode(points[0].encode().data(), rows.size(), rows.data()), rows.size());
  HiddenRng rng(3);
  const auto x = Ristretto::SecretScalar::random(rng);
  const SecretBytes<32> bytes = x.seal_bytes();
  const auto multiply = [&](kernels::PlantedLeaks::Multiply with) {
    std::vector<Ristretto::Point> out(points.size());
    with(rows.data(), bytes.expose().data(), rows.size(), reinterpret_cast<std::uint8_t*>(out.data()));
    const unsigned found = new_reports();
    out = published(std::move(out));
    for (std::size_t i = 0; i < points.size(); ++i)
      EXPECT_EQ(out[i], Ristretto::mul_vartime(declassify(x), points[i]));  // a test's own
    new_reports();
    return found;
  };
  EXPECT_EQ(multiply(leaks.honest), 0U);
  EXPECT_GT(multiply(leaks.early), 0U);
  EXPECT_GT(multiply(leaks.skip), 0U);
  EXPECT_GT(multiply(leaks.address), 0U);
}

// What is published may be branched on, and nothing that stands beside it.
TEST_P(PlantedLeaks, PublishedBytesAreNoSecrets) {
  HiddenRng rng(4);
  ByteArray<2> secret{};
  rng.fill(secret);
  volatile int sum = 0;
  if ((published(secret[0]) & 1) != 0) sum = sum + 1;
  EXPECT_EQ(new_reports(), 0U);
  if ((secret[0] & 1) != 0) sum = sum + 1;
  EXPECT_GT(new_reports(), 0U);
}

}  // namespace
}  // namespace psephos::ct
