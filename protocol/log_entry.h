#pragma once
#include <optional>

#include "crypto/hash.h"
#include "protocol/codec.h"
#include "protocol/limits.h"

namespace psephos {

/// SPEC §8.1. What an entry of the log is about; its item says the rest.
enum class EntryType : std::uint8_t {
  kPhase = 1,       ///< SignedDocument of a PhaseEvent; its opening is public
  kRoll = 2,        ///< SignedDocument of a RollDocument
  kBallot = 3,      ///< BallotItem
  kRefusal = 4,     ///< RefusalItem
  kRevocation = 5,  ///< SignedDocument of a RevocationList
};
constexpr bool valid(EntryType v) {
  return v >= EntryType::kPhase && v <= EntryType::kRevocation;
}

/// version(1) ‖ type(1) ‖ SHA-256("psephos-1/entry" ‖ salt ‖ SHA-256(item)): 34 bytes, whatever it holds.
using EntryBytes = ByteArray<34>;
using Salt = ByteArray<32>;

EntryBytes make_entry(EntryType type, const Salt& salt, ByteView item);
/// nullopt for an unknown version or type.
std::optional<EntryType> type_of(const EntryBytes& entry);

/// An entry's opening: the salt and the item. Sworn tier; of phase events also public.
struct LoggedItem {
  static constexpr std::string_view kName = "LoggedItem";
  Salt salt{};
  Bytes item;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "salt", m.salt);
    v(2, "item", m.item, Bound{1, limits::kDocumentBytes});
  }
};

}  // namespace psephos
