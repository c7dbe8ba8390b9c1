#pragma once
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec.h"
#include "protocol/definition.h"

namespace psephos {

/// SPEC §11.1. Bulk lists: "PSEPHOS1" ‖ u32(|header|) ‖ header ‖ elements of 32 bytes each.
enum class Stage : std::uint8_t {
  kInput = 1,       ///< ciphertexts, sorted: alpha, beta of every item
  kMixed = 2,       ///< ciphertexts
  kMixProof = 3,    ///< §6.3's elements
  kShare = 4,       ///< decryption shares, one point an item
  kShareProof = 5,  ///< §6.4's elements
  kPlaintexts = 6,  ///< points
};
constexpr bool valid(Stage v) {
  return v >= Stage::kInput && v <= Stage::kPlaintexts;
}

struct ListHeader {
  static constexpr std::string_view kName = "ListHeader";
  Digest256 fingerprint{};
  std::string group;  ///< name of the mixing group, e.g. "u3+u4/council/0"
  Stage stage = Stage::kInput;
  std::uint64_t author = 0;           ///< mixer or trustee, 1-based in its roster; 0 for input and plaintexts
  std::uint64_t position = 0;         ///< of a mix in the chain, 1, 2, …; 0 for the rest
  std::uint64_t count = 0;            ///< rows of the list that is mixed
  std::uint64_t width = 0;            ///< ciphertexts a row
  std::optional<Digest256> previous;  ///< SHA-256 of the file of the list it was made from; absent for input
  std::optional<Digest256> proven;    ///< proofs: SHA-256 of the file of the list that is proven
  std::optional<Bytes> parameters;    ///< must be absent: PARAM_FROM_PROVER
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "group", m.group, Bound{1, 100'000});
    v(3, "stage", m.stage);
    v(4, "author", m.author, Bound{0, limits::kRoster});
    v(5, "position", m.position, Bound{0, limits::kRoster});
    v(6, "count", m.count, Bound{0, 1ULL << 32U});
    v(7, "width", m.width, Bound{1, limits::kWidth});
    v(8, "previous", m.previous);
    v(9, "proven", m.proven);
    v(15, "parameters", m.parameters, Bound{1, 65'536});
  }
};

/// SPEC §10.4. The public numbers of one mixing group. logged = counted + superseded + revoked + outdated +
/// lost.
struct GroupSheet {
  static constexpr std::string_view kName = "GroupSheet";
  std::string group;
  Id contest;
  Id list;
  std::uint64_t slot = 0;
  std::vector<Id> units;
  std::uint64_t logged = 0;
  std::uint64_t counted = 0;
  std::uint64_t superseded = 0;
  std::uint64_t revoked = 0;
  std::uint64_t outdated = 0;
  std::uint64_t lost = 0;
  Digest256 input_hash{};  ///< SHA-256 of the input list's file
  Digest256 input_root{};  ///< RFC 6962 root over its items, leaves "psephos-1/ciphertext" ‖ alpha ‖ beta
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "group", m.group, Bound{1, 100'000});
    v(2, "contest", m.contest);
    v(3, "list", m.list);
    v(4, "slot", m.slot, Bound{0, limits::kSelections});
    v(5, "units", m.units, Bound{1, limits::kUnits});
    v(6, "logged", m.logged);
    v(7, "counted", m.counted);
    v(8, "superseded", m.superseded);
    v(9, "revoked", m.revoked);
    v(10, "outdated", m.outdated);
    v(11, "lost", m.lost);
    v(12, "input_hash", m.input_hash);
    v(13, "input_root", m.input_root);
  }
};

/// The sheet: what `mixnet prepare` derived from the sealed log.
struct Sheet {
  static constexpr std::string_view kName = "Sheet";
  Digest256 fingerprint{};
  std::uint64_t log_size = 0;
  Digest256 log_root{};
  std::vector<GroupSheet> groups;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "log_size", m.log_size);
    v(3, "log_root", m.log_root);
    v(4, "groups", m.groups, Bound{1, limits::kRecordFiles});
  }
};

/// One list that a mixer or trustee made, by the hashes of its files.
struct StageHashes {
  static constexpr std::string_view kName = "StageHashes";
  std::string group;
  Digest256 input{};
  Digest256 output{};
  Digest256 proof{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "group", m.group, Bound{1, 100'000});
    v(2, "input", m.input);
    v(3, "output", m.output);
    v(4, "proof", m.proof);
  }
};

/// Body of a mixer's or trustee's signed statement over everything it made (labels kSignMix,
/// kSignDecryption). SPEC §11.2, §11.4.
struct StageStatement {
  static constexpr std::string_view kName = "StageStatement";
  Digest256 fingerprint{};
  std::uint64_t author = 0;
  std::uint64_t position = 0;  ///< of a mix; 0 for decryption
  Digest256 sheet_hash{};
  std::vector<StageHashes> groups;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "author", m.author, Bound{1, limits::kRoster});
    v(3, "position", m.position, Bound{0, limits::kRoster});
    v(4, "sheet_hash", m.sheet_hash);
    v(5, "groups", m.groups, Bound{1, limits::kRecordFiles});
  }
};

struct ChoiceCount {
  static constexpr std::string_view kName = "ChoiceCount";
  Id choice;
  std::uint64_t votes = 0;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "choice", m.choice);
    v(2, "votes", m.votes);
  }
};

/// Votes of one mixing group, every choice of its list in the definition's order; of a contest of kind
/// several the one choice whose marks the group holds.
struct GroupResult {
  static constexpr std::string_view kName = "GroupResult";
  std::string group;
  std::vector<ChoiceCount> counts;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "group", m.group, Bound{1, 100'000});
    v(2, "counts", m.counts, Bound{1, limits::kChoices});
  }
};

/// Votes of one list of one contest, over all groups and slots that have it.
struct ListResult {
  static constexpr std::string_view kName = "ListResult";
  Id contest;
  Id list;
  std::vector<ChoiceCount> counts;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "contest", m.contest);
    v(2, "list", m.list);
    v(3, "counts", m.counts, Bound{2, limits::kChoices});
  }
};

/// SPEC §11.6.
struct ElectionResult {
  static constexpr std::string_view kName = "ElectionResult";
  Digest256 fingerprint{};
  std::vector<GroupResult> groups;  ///< in the sheet's order, groups without a counted ballot included
  std::vector<ListResult> totals;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "groups", m.groups, Bound{1, limits::kRecordFiles});
    v(3, "totals", m.totals, Bound{1, limits::kRecordFiles});
  }
};

enum class Tier : std::uint8_t { kPublic = 1, kSworn = 2 };
constexpr bool valid(Tier v) {
  return v == Tier::kPublic || v == Tier::kSworn;
}

struct RecordFile {
  static constexpr std::string_view kName = "RecordFile";
  std::string path;  ///< relative to the tier's directory, '/' between parts
  std::uint64_t size = 0;
  Digest256 sha256{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "path", m.path, Bound{1, 200});
    v(2, "size", m.size);
    v(3, "sha256", m.sha256);
  }
};

/// SPEC §11.7. Every file of a tier but this one, sorted by path.
struct RecordIndex {
  static constexpr std::string_view kName = "RecordIndex";
  Digest256 fingerprint{};
  Tier tier = Tier::kPublic;
  std::vector<RecordFile> files;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "tier", m.tier);
    v(3, "files", m.files, Bound{1, limits::kRecordFiles});
  }
};

}  // namespace psephos
