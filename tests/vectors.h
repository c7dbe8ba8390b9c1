#pragma once
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

/// Vectors made by others stay outside the repository: in the folder that the environment variable
/// PSEPHOS_VECTORS names, by default ../shared/vectors beside the repository.
namespace psephos::vectors {

inline std::string folder() {
  const char* const named = std::getenv("PSEPHOS_VECTORS");
  return named != nullptr && *named != '\0' ? named : PSEPHOS_SOURCE_DIR "/../shared/vectors";
}

/// nullopt where the file is absent (the test then skips); throws if it is there and no JSON.
inline std::optional<boost::json::value> read_json(const std::string& path) {
  std::ifstream file(folder() + "/" + path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return boost::json::parse(text);
}

}  // namespace psephos::vectors
