#pragma once
#include <cstdint>
#include <string>

namespace psephos::trust {

/// The n-th national id of a test: well-formed, and visibly nobody's, since it says that the person was born
/// in the nineteenth century. Different for different n below 70 million.
std::string artificial_national_id(std::uint64_t n);

}  // namespace psephos::trust
