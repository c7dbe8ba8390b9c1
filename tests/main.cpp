#include <gtest/gtest.h>

/// A program in which a test was skipped reports that (77), never a pass; a failure stays a failure.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  if (result != 0) return result;
  return testing::UnitTest::GetInstance()->skipped_test_count() > 0 ? 77 : 0;
}
