#include "protocol/rejection.h"

namespace psephos {

std::string to_string(const Rejection& rejection) {
  const auto [name, sentence] = describe(rejection.reason);
  std::string out = std::string(name) + ": " + std::string(sentence);
  if (!rejection.object.empty()) out += " (" + rejection.object + ")";
  return out;
}

}  // namespace psephos
