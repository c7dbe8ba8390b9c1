#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/note.h"
#include "protocol/election.h"
#include "protocol/roll.h"

/// Lists of persons as registrars and polling stations write them (SPEC §10.5): the roll and its change sets
/// in version 2 of the public Estonian interface (lines of fields between tabs) or the same as JSON; voters
/// on paper; who has voted. Everything is read strictly: a list is taken whole or not at all, and every list
/// has one encoding in each form. Faults name line and column, or the JSON element, and say what to do; they
/// never repeat a personal code.
///
/// A person is written as her Estonian personal code, eleven digits; a person of another country as her whole
/// semantics identifier (protocol/national_id.h).
namespace psephos {

enum class ListForm : std::uint8_t { kTabs, kJson };
/// What a file is read as: JSON if it begins with a brace.
ListForm form_of(std::string_view file);

/// The semantics identifier of a code as lists have it; nullopt for anything else. One spelling a person.
std::optional<NationalId> national_id_of_code(std::string_view code);
/// The inverse.
std::string_view code_of_national_id(std::string_view national_id);
/// 1 to 28 of A-Z, a-z, 0-9, '_', '-', '.': how the state names an election, e.g. RK_2023.
bool is_election_identifier(std::string_view text);

/// Which unit of the election an administrative unit (EHAK code, or FOREIGN) and the number of an electoral
/// district make. Without a file: the unit "<code>.<number>", "foreign.<number>" for FOREIGN.
class UnitRule {
 public:
  explicit UnitRule(const Definition& definition);
  /// Lines of three fields between tabs: code, number, unit's id; the code * stands for every code that has
  /// no line of its own with that number. Empty lines and lines that begin with # are skipped.
  /// @return ROLL_FORMAT with the line; ROLL_CHANGE_INVALID for a unit that the election has not.
  static Result<UnitRule, Rejection> parse(std::string_view text, const Definition& definition);
  /// nullopt if the election has no such unit.
  std::optional<Id> unit(std::string_view area, std::string_view district) const;

 private:
  std::unordered_map<std::string, Id> known_;  // units of the definition
  std::unordered_map<std::string, Id> lines_;  // of the file, by code TAB number
  bool from_file_ = false;
};

/// The roll (change set 0) or a change set as its file has it. Names are not kept: nothing depends on them.
struct RollFile {
  std::string election;
  std::uint64_t changeset = 0;
  std::string from, to;              ///< RFC 3339; for people only
  std::vector<RollChange> changes;   ///< by rising id; a removal and an addition of one person are a move
  std::vector<std::uint32_t> lines;  ///< of each change (JSON: number of the element), of an addition if
                                     ///< it has two
};

/// @return ROLL_FORMAT, FIELD_CHARSET, ROLL_CHANGE_INVALID (a unit that the election has not), WIRE_LIMIT.
/// Memory: about 200 bytes a line beside the file. Cost: a second for a million lines.
Result<RollFile, Rejection> read_roll_file(std::string_view file, const UnitRule& rule);
/// Reads back as the same. Names are written as "-". @pre unit ids follow the rule without a file.
std::string write_roll_file(const RollFile& roll, ListForm form);

/// Voters whose ballots on paper were taken (or taken back), as polling stations report them.
struct PaperList {
  std::string election;
  RevocationKind kind = RevocationKind::kRevoke;
  std::vector<NationalId> voters;  ///< in the file's order, each once
};
/// Tabs: the lines "2", election, "tühistus" or "ennistus", then a code a line. JSON: the public interface's
/// list of revocations and restorations {election, persons, type}.
/// @return ROLL_FORMAT, FIELD_CHARSET, WIRE_LIMIT.
Result<PaperList, Rejection> read_paper_list(std::string_view file);
std::string write_paper_list(const PaperList& list, ListForm form);

/// Whose ballot over the internet counts, as of one size of the log; or what has changed in that between two
/// sizes. A later ballot of the same voter in the same unit changes nothing, so the list does not tell of it.
struct VotedList {
  struct Line {
    NationalId voter;
    std::optional<Id> before,
        now;  ///< her unit, if her ballot counted at `from`, counts at `next`; they differ
    friend bool operator==(const Line&, const Line&) = default;
  };
  std::string election;
  std::uint64_t from = 0, next = 0;  ///< entries of the log; from 0: the whole list
  std::optional<Id> unit;            ///< of this unit only
  std::vector<Line> lines;           ///< by rising id
};
/// Tabs: "2", election, from TAB next, unit or *, then "kustutamine" or "lisamine" TAB code TAB unit, a
/// person's removal before her addition. JSON: the same by name.
/// @return ROLL_FORMAT, FIELD_CHARSET, WIRE_LIMIT.
Result<VotedList, Rejection> read_voted_list(std::string_view file);
std::string write_voted_list(const VotedList& list, ListForm form);
/// The public interface's JSON {election, onlinevoters: {district: {administrative unit: [code]}}}.
/// `national`: districts are numbered over all administrative units, whose place in the district's name is
/// then 0000.
/// @return USAGE unless the list begins at entry 0 and every unit is named after the rule without a file.
enum class Districts : std::uint8_t { kLocal, kNational };
Result<std::string, Rejection> write_online_voters(const VotedList& list, Districts districts);

/// What a collector signs with a list of who has voted: the list's bytes, and of which log it is.
struct VotedStatement {
  Digest256 fingerprint{};
  std::uint64_t from = 0, next = 0;
  Digest256 root{};  ///< of the log's first `next` entries
  Digest256 list_hash{};
  std::string encode() const;
};
/// Whose signature it is: the service key as "<origin>/voted".
NoteKey voted_note_key(const Election& election);
/// The election's collector signed a statement about this very list, in whatever form it is; a list that says
/// from where to where it goes says the same. @return NOTE_FORMAT, SIG_INVALID, ELECTION_FP_MISMATCH,
/// EVIDENCE_FILE_ALTERED for another list.
Result<VotedStatement, Rejection> check_voted_list(const Election& election, std::string_view list,
                                                   std::string_view note);

/// Who is on the roll, by id: the documents so far, in order.
class RollBook {
 public:
  /// The rules of §10.1 but for signatures: version, predecessor, changes. Applied whole or not at all.
  /// @return ROLL_CHAIN_GAP, ROLL_CHANGE_INVALID.
  Result<void, Rejection> apply(const RollDocument& document, const Digest256& body_hash);
  /// Whether each change fits, by position; without effect.
  bool fits(const RollChange& change) const;
  std::uint64_t version() const { return version_; }
  const std::optional<Digest256>& hash() const { return hash_; }
  /// She is on the roll, or was.
  bool knows(const NationalId& id) const { return voters_.contains(id); }
  /// nullopt unless she is on the roll now.
  std::optional<Id> unit_of(const NationalId& id) const;
  /// Voters of each unit, by the unit's id.
  std::map<Id, std::uint64_t> voters_of_units() const;

 private:
  std::uint64_t version_ = 0;
  std::optional<Digest256> hash_;
  std::unordered_map<NationalId, std::optional<Id>> voters_;
};

}  // namespace psephos
