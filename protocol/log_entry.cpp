#include "protocol/log_entry.h"

#include <algorithm>

#include "protocol/labels.h"

namespace psephos {

namespace {
constexpr std::uint8_t kVersion = 1;
}

EntryBytes make_entry(EntryType type, const Salt& salt, ByteView item) {
  const Digest256 commitment =
      Sha256().update(bytes_of(labels::kEntry)).update(salt).update(sha256(item)).finish();
  EntryBytes entry{kVersion, static_cast<std::uint8_t>(type)};
  std::copy(commitment.begin(), commitment.end(), entry.begin() + 2);
  return entry;
}

std::optional<EntryType> type_of(const EntryBytes& entry) {
  const EntryType type = static_cast<EntryType>(entry[1]);
  if (entry[0] != kVersion || !valid(type)) return std::nullopt;
  return type;
}

}  // namespace psephos
