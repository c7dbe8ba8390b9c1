#include "protocol/phase.h"

namespace psephos {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::kPrepared:
      return "prepared";
    case Phase::kCasting:
      return "casting";
    case Phase::kClosed:
      return "closed";
    case Phase::kSealed:
      return "sealed";
  }
  return "unknown";
}

std::optional<Phase> move(Phase phase, PhaseEventKind event) {
  if (phase == Phase::kPrepared && event == PhaseEventKind::kOpened) return Phase::kCasting;
  if (phase == Phase::kCasting && event == PhaseEventKind::kCastingClosed) return Phase::kClosed;
  if (phase == Phase::kClosed && event == PhaseEventKind::kLogSealed) return Phase::kSealed;
  return std::nullopt;
}

bool may_append(Phase phase, EntryType type) {
  switch (type) {
    case EntryType::kPhase:
      return phase != Phase::kSealed;
    case EntryType::kRoll:
      return phase != Phase::kSealed;
    case EntryType::kBallot:
    case EntryType::kRefusal:
      return phase == Phase::kCasting;
    case EntryType::kRevocation:
      return phase == Phase::kCasting || phase == Phase::kClosed;
  }
  return false;
}

}  // namespace psephos
