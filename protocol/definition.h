#pragma once
#include <optional>
#include <string>
#include <vector>

#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "protocol/codec.h"
#include "protocol/limits.h"
#include "protocol/signed.h"

namespace psephos {

/// SPEC §4.1. All of it is frozen before the key ceremony; its SHA-256 is the definition hash.

enum class Mode : std::uint8_t { kProduction = 1, kTest = 2 };
constexpr bool valid(Mode v) {
  return v == Mode::kProduction || v == Mode::kTest;
}
enum class ChoiceKind : std::uint8_t { kCandidate = 1, kBlank = 2 };
constexpr bool valid(ChoiceKind v) {
  return v == ChoiceKind::kCandidate || v == ChoiceKind::kBlank;
}
enum class MixInputs : std::uint8_t { kSworn = 1, kPublic = 2 };
constexpr bool valid(MixInputs v) {
  return v == MixInputs::kSworn || v == MixInputs::kPublic;
}
enum class SupersededStatus : std::uint8_t { kHidden = 1, kShown = 2 };
constexpr bool valid(SupersededStatus v) {
  return v == SupersededStatus::kHidden || v == SupersededStatus::kShown;
}

/// A text in one language of the election.
struct Text {
  static constexpr std::string_view kName = "Text";
  Id language;
  std::string text;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "language", m.language);
    v(2, "text", m.text, Bound{1, limits::kTextBytes});
  }
};

/// What a voter can choose. `group` is the party or list it stands on, for display only.
struct Choice {
  static constexpr std::string_view kName = "Choice";
  Id id;
  std::vector<Text> names;
  ChoiceKind kind = ChoiceKind::kCandidate;
  std::vector<Text> group;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "id", m.id);
    v(2, "names", m.names, Bound{1, limits::kLanguages});
    v(3, "kind", m.kind);
    v(4, "group", m.group, Bound{0, limits::kLanguages});
  }
};

/// The choices of a contest in some units; a contest that is the same everywhere has one list.
struct ChoiceList {
  static constexpr std::string_view kName = "ChoiceList";
  Id id;
  std::vector<Choice> choices;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "id", m.id);
    v(2, "choices", m.choices, Bound{2, limits::kChoices});
  }
};

/// Rule of a contest of kind several: a voter marks from min to max of a list's choices, each at most once.
struct SeveralRule {
  static constexpr std::string_view kName = "SeveralRule";
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "min", m.min, Bound{0, limits::kSelections});
    v(2, "max", m.max, Bound{1, limits::kSelections});
  }
};

struct Contest {
  static constexpr std::string_view kName = "Contest";
  Id id;
  std::vector<Text> title;
  std::uint64_t slots = 1;  ///< selections a voter makes, each counted on its own
  std::vector<ChoiceList> lists;
  /// Absent: kind one, a slot's selection is one choice of the list.
  std::optional<SeveralRule> several = std::nullopt;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "id", m.id);
    v(2, "title", m.title, Bound{1, limits::kLanguages});
    v(3, "slots", m.slots, Bound{1, limits::kSlots});
    v(4, "lists", m.lists, Bound{1, limits::kLists});
    v(5, "several", m.several);
  }
};

/// A contest on a unit's ballot, and the list it has there.
struct UnitContest {
  static constexpr std::string_view kName = "UnitContest";
  Id contest;
  Id list;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "contest", m.contest);
    v(2, "list", m.list);
  }
};

/// A tally unit: the smallest area whose result is published.
struct Unit {
  static constexpr std::string_view kName = "Unit";
  Id id;
  std::vector<Text> names;
  std::vector<UnitContest> contests;  ///< in the order of the definition's contests
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "id", m.id);
    v(2, "names", m.names, Bound{1, limits::kLanguages});
    v(3, "contests", m.contests, Bound{1, limits::kContests});
  }
};

/// Unix times in seconds. Tickets are issued in [begins, ends), ballots on them accepted until grace_ends.
struct Periods {
  static constexpr std::string_view kName = "Periods";
  std::uint64_t casting_begins_s = 0;
  std::uint64_t casting_ends_s = 0;
  std::uint64_t grace_ends_s = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "casting_begins_s", m.casting_begins_s, Bound{1, UINT64_MAX});
    v(2, "casting_ends_s", m.casting_ends_s, Bound{1, UINT64_MAX});
    v(3, "grace_ends_s", m.grace_ends_s, Bound{1, UINT64_MAX});
  }
};

/// The trade-offs that a commission decides (docs/threat-model.md).
struct Policy {
  static constexpr std::string_view kName = "Policy";
  std::uint64_t smallest_group = 0;  ///< k: no list of fewer counted ballots is mixed on its own
  MixInputs mix_inputs = MixInputs::kSworn;
  SupersededStatus superseded = SupersededStatus::kHidden;
  std::uint64_t verification_minutes = 0;
  std::uint64_t verification_count = 0;
  std::uint64_t ticket_minutes = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "smallest_group", m.smallest_group, Bound{1, 1'000'000});
    v(2, "mix_inputs", m.mix_inputs);
    v(3, "superseded", m.superseded);
    v(4, "verification_minutes", m.verification_minutes, Bound{1, 100'000});
    v(5, "verification_count", m.verification_count, Bound{1, 1000});
    v(6, "ticket_minutes", m.ticket_minutes, Bound{1, 1440});
  }
};

/// Somebody who signs: commission member, mixer or witness. A witness's name is its C2SP key name.
struct Member {
  static constexpr std::string_view kName = "Member";
  std::string name;
  ByteArray<32> key{};  ///< Ed25519
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "name", m.name, Bound{1, 100});
    v(2, "key", m.key);
  }
};

/// A trustee signs with `key` and takes part in the key ceremony with `ceremony_key`.
struct Trustee {
  static constexpr std::string_view kName = "Trustee";
  std::string name;
  ByteArray<32> key{};  ///< Ed25519
  Ristretto::Point ceremony_key;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "name", m.name, Bound{1, 100});
    v(2, "key", m.key);
    v(3, "ceremony_key", m.ceremony_key);
  }
};

/// The collector. `origin` names the service and begins the log's origin line; `log_key` signs checkpoints,
/// `service_key` tickets, receipts and refusals; TLS connections are pinned to the certificate with this
/// SHA-256.
struct Collector {
  static constexpr std::string_view kName = "Collector";
  std::string origin;
  ByteArray<32> log_key{};
  ByteArray<32> service_key{};
  Digest256 tls_certificate_sha256{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "origin", m.origin, Bound{1, 100});
    v(2, "log_key", m.log_key);
    v(3, "service_key", m.service_key);
    v(4, "tls_certificate_sha256", m.tls_certificate_sha256);
  }
};

/// Whose certificates and signatures are voters' (SPEC §9.8). Trust anchors are certificates in DER, root
/// first.
struct EidProfile {
  static constexpr std::string_view kName = "EidProfile";
  std::vector<Bytes> anchors;               ///< of the voters' authorities
  std::vector<Bytes> time_stamp_anchors;    ///< of the authorities that certify time-stamping services
  std::vector<std::string> policies;        ///< dotted; a signing certificate has one of them
  std::vector<std::string> identity_types;  ///< "PNOEE": type and country of a personal identifier
  std::vector<std::string> keys;            ///< "P-384", "P-256", "RSA"
  std::uint64_t rsa_bits_min = 0, rsa_bits_max = 0;  ///< 0 and 0 without RSA
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "anchors", m.anchors, Bound{1, limits::kRoster});
    v(2, "time_stamp_anchors", m.time_stamp_anchors, Bound{1, limits::kRoster});
    v(3, "policies", m.policies, Bound{1, limits::kEidPolicies});
    v(4, "identity_types", m.identity_types, Bound{1, limits::kEidPolicies});
    v(5, "keys", m.keys, Bound{1, 3});
    v(6, "rsa_bits_min", m.rsa_bits_min, Bound{0, 6144});
    v(7, "rsa_bits_max", m.rsa_bits_max, Bound{0, 6144});
  }
};

struct Definition {
  static constexpr std::string_view kName = "Definition";
  std::string suite;
  Id election;
  Mode mode = Mode::kProduction;
  std::vector<Id> languages;
  std::vector<Text> title;
  std::vector<Contest> contests;
  std::vector<Unit> units;
  Periods periods;
  Policy policy;
  EidProfile eid;
  std::vector<Member> commission;
  std::uint64_t commission_quorum = 0;
  std::vector<Trustee> trustees;
  std::uint64_t trustee_quorum = 0;
  std::vector<Member> mixers;
  std::vector<Member> witnesses;
  std::uint64_t witness_quorum = 0;
  Collector collector;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "suite", m.suite, Bound{1, 64});
    v(2, "election", m.election);
    v(3, "mode", m.mode);
    v(4, "languages", m.languages, Bound{1, limits::kLanguages});
    v(5, "title", m.title, Bound{1, limits::kLanguages});
    v(6, "contests", m.contests, Bound{1, limits::kContests});
    v(7, "units", m.units, Bound{1, limits::kUnits});
    v(8, "periods", m.periods);
    v(9, "policy", m.policy);
    v(10, "eid", m.eid);
    v(11, "commission", m.commission, Bound{1, limits::kRoster});
    v(12, "commission_quorum", m.commission_quorum, Bound{1, limits::kRoster});
    v(13, "trustees", m.trustees, Bound{2, limits::kRoster});
    v(14, "trustee_quorum", m.trustee_quorum, Bound{1, limits::kRoster});
    v(15, "mixers", m.mixers, Bound{1, limits::kRoster});
    v(16, "witnesses", m.witnesses, Bound{1, limits::kRoster});
    v(17, "witness_quorum", m.witness_quorum, Bound{1, limits::kRoster});
    v(18, "collector", m.collector);
  }
};

/// SPEC §7. One message of the key ceremony, signed with the trustee's roster key.
enum class CeremonyStep : std::uint8_t { kAnnounce = 1, kOpen = 2, kCertify = 3, kComplain = 4 };
constexpr bool valid(CeremonyStep v) {
  return v >= CeremonyStep::kAnnounce && v <= CeremonyStep::kComplain;
}
struct CeremonyMessage {
  static constexpr std::string_view kName = "CeremonyMessage";
  Digest256 definition_hash{};
  std::uint64_t attempt = 0;
  CeremonyStep step = CeremonyStep::kAnnounce;
  std::uint64_t trustee = 0;
  Bytes payload;  ///< §7.1: announcement of 128 bytes, msg1, certificate of 64 bytes, or complaint of 132
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "definition_hash", m.definition_hash);
    v(2, "attempt", m.attempt, Bound{1, 1'000'000});
    v(3, "step", m.step);
    v(4, "trustee", m.trustee, Bound{1, limits::kRoster});
    v(5, "payload", m.payload, Bound{1, limits::kCeremonyMessageBytes});
  }
};

/// The whole ceremony: each trustee's three messages, by trustee in order; bodies are CeremonyMessages. With
/// a complaint it has no outcome.
struct KeyCeremony {
  static constexpr std::string_view kName = "KeyCeremony";
  std::uint64_t attempt = 0;
  std::vector<SignedDocument> announcements;
  std::vector<SignedDocument> openings;
  std::vector<SignedDocument> certificates;
  std::vector<SignedDocument> complaints;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "attempt", m.attempt, Bound{1, 1'000'000});
    v(2, "announcements", m.announcements, Bound{2, limits::kRoster});
    v(3, "openings", m.openings, Bound{2, limits::kRoster});
    v(4, "certificates", m.certificates, Bound{2, limits::kRoster});
    v(5, "complaints", m.complaints, Bound{0, limits::kRoster});
  }
};

/// A program that may take part, and the SHA-256 of its file.
struct Build {
  static constexpr std::string_view kName = "Build";
  Id program;
  Digest256 sha256{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "program", m.program);
    v(2, "sha256", m.sha256);
  }
};

/// SPEC §4.2. Definition, key ceremony and its outcome. SHA-256 of these bytes is the election fingerprint.
struct Manifest {
  static constexpr std::string_view kName = "Manifest";
  Definition definition;
  KeyCeremony ceremony;
  Ristretto::Point joint_key;
  std::vector<Ristretto::Point> verification_keys;  ///< Y_j of trustee j, j = 1, 2, …
  std::vector<Build> builds;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "definition", m.definition);
    v(2, "ceremony", m.ceremony);
    v(3, "joint_key", m.joint_key);
    v(4, "verification_keys", m.verification_keys, Bound{2, limits::kRoster});
    v(5, "builds", m.builds, Bound{0, limits::kRoster});
  }
};

}  // namespace psephos
