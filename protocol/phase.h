#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/log_entry.h"
#include "protocol/roll.h"

namespace psephos {

/// SPEC §2. Phases of the log; each begins with the event that the commission's quorum signs.
enum class Phase : std::uint8_t {
  kPrepared = 1,  ///< roll is loaded
  kCasting = 2,   ///< opened: tickets and ballots
  kClosed = 3,    ///< casting closed: revocations, restorations and roll corrections only
  kSealed = 4,    ///< log sealed: nothing
};
std::string_view name_of(Phase phase);

/// The phase after `event` in `phase`; nullopt: no such move.
std::optional<Phase> move(Phase phase, PhaseEventKind event);
/// Whether an entry of that type may be appended in that phase.
bool may_append(Phase phase, EntryType type);

}  // namespace psephos
