#pragma once
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec.h"
#include "protocol/definition.h"

namespace psephos {

/// A personal identifier as the eID certificate's serialNumber has it, e.g. PNOEE-60001019906. Never in a
/// log, never in the public tier.
using NationalId = std::string;

enum class RollChangeKind : std::uint8_t { kAdd = 1, kMove = 2, kStrike = 3 };
constexpr bool valid(RollChangeKind v) {
  return v >= RollChangeKind::kAdd && v <= RollChangeKind::kStrike;
}

struct RollChange {
  static constexpr std::string_view kName = "RollChange";
  RollChangeKind kind = RollChangeKind::kAdd;
  NationalId national_id;
  std::optional<Id> unit;  ///< absent for kStrike
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "kind", m.kind);
    v(2, "national_id", m.national_id, Bound{1, 64});
    v(3, "unit", m.unit);
  }
};

/// The roll (version 1, additions only) or a later change set. Signed by the commission's quorum. Applied
/// whole or not at all. SPEC §10.1.
struct RollDocument {
  static constexpr std::string_view kName = "RollDocument";
  Digest256 fingerprint{};
  std::uint64_t version = 0;
  std::optional<Digest256> previous;  ///< SHA-256 of the body of version − 1; absent in version 1
  std::vector<RollChange> changes;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "version", m.version, Bound{1, 1'000'000});
    v(3, "previous", m.previous);
    v(4, "changes", m.changes, Bound{1, limits::kRollChanges});
  }
};

enum class RevocationKind : std::uint8_t { kRevoke = 1, kRestore = 2 };
constexpr bool valid(RevocationKind v) {
  return v == RevocationKind::kRevoke || v == RevocationKind::kRestore;
}

/// Voters whose ballots do not count because a paper ballot was cast, or count again. One sequence of numbers
/// for both kinds. Signed by the commission's quorum. SPEC §10.2.
struct RevocationList {
  static constexpr std::string_view kName = "RevocationList";
  Digest256 fingerprint{};
  std::uint64_t number = 0;
  RevocationKind kind = RevocationKind::kRevoke;
  std::vector<NationalId> national_ids;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "number", m.number, Bound{1, 1'000'000});
    v(3, "kind", m.kind);
    v(4, "national_ids", m.national_ids, Bound{1, limits::kRollChanges});
  }
};

enum class PhaseEventKind : std::uint8_t { kOpened = 1, kCastingClosed = 2, kLogSealed = 3 };
constexpr bool valid(PhaseEventKind v) {
  return v >= PhaseEventKind::kOpened && v <= PhaseEventKind::kLogSealed;
}

/// The election moves to its next phase (SPEC §2). Signed by the commission's quorum.
struct PhaseEvent {
  static constexpr std::string_view kName = "PhaseEvent";
  Digest256 fingerprint{};
  PhaseEventKind kind = PhaseEventKind::kOpened;
  std::uint64_t time_s = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "kind", m.kind);
    v(3, "time_s", m.time_s, Bound{1, UINT64_MAX});
  }
};

}  // namespace psephos
