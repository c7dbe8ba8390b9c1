#pragma once
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "crypto/group/kernels.h"
#include "crypto/parallel.h"
#include "tests/ct/emulated_kernels.h"
#include "tests/ct/memcheck.h"

namespace psephos::ct {

/// A kernel path under valgrind. On the vector path it is its emulation that runs.
struct Path {
  const char* name;
  const kernels::Kernels* kernels;
  kernels::PlantedLeaks leaks;
  friend void PrintTo(const Path& path, std::ostream* out) { *out << path.name; }
};

class OnEveryPath : public testing::TestWithParam<Path> {
 protected:
  void SetUp() override {
    if (RUNNING_ON_VALGRIND == 0) GTEST_SKIP() << "secrets are followed under valgrind alone";
    set_parallelism(1);
    use_kernels(*GetParam().kernels);
    before_ = reports();
  }
  void TearDown() override { use_best_kernels(); }
  /// Valgrind's reports since the test began, or since the last call.
  unsigned new_reports() {
    const unsigned now = reports();
    return now - std::exchange(before_, now);
  }

 private:
  unsigned before_ = 0;
};

inline const auto kPaths = testing::Values(Path{"portable", &kernels::portable(), kernels::portable_leaks()},
                                           Path{"emulated", &kernels::emulated(), kernels::emulated_leaks()});
inline std::string name_of_path(const testing::TestParamInfo<Path>& info) {
  return info.param.name;
}

}  // namespace psephos::ct
