#pragma once
#include <span>
#include <string>

#include "protocol/files/registrar.h"
#include "protocol/files/roll_files.h"

/// From signed lists of registrars and polling stations to documents that the commission signs (SPEC §10.5).
namespace psephos {

/// A list as it came: its name for the minutes, its bytes, the detached signature over them.
struct SignedFile {
  std::string name;
  Bytes bytes;
  Bytes signature;
};

/// What to do with a removal of somebody who is not on the roll: refuse the list, or leave the line out and
/// say so, as the public interface has it.
enum class Absent : std::uint8_t { kRefuse, kSkip };

/// Minutes are lines for people: source with its SHA-256, whose signature, what changes in which unit, and
/// what to look at. Numbers and places in files; no person's code or name.
struct ImportedRoll {
  RollDocument document;
  std::string minutes;
};
/// The roll or change set follows the documents in `book`, whole or not at all. `election_id`: how the file
/// must name the election. In this order
/// @return SIG_INVALID; what read_roll_file says; ROLL_FOREIGN; ROLL_CHAIN_GAP unless its number follows;
/// VOTER_ID_FORMAT for an identifier that is none of the election's types;
/// ROLL_CHANGE_INVALID with the line of a change that contradicts the roll.
Result<ImportedRoll, Rejection> import_roll(const Election& election, const RollBook& book,
                                            const RegistrarKey& registrar, const SignedFile& file,
                                            const UnitRule& rule, const std::string& election_id,
                                            Absent absent);

struct ImportedPaper {
  RevocationList list;
  std::string minutes;
};
/// One revocation list (or restoration list) from all polling stations' lists: sorted, each voter once, those
/// who are or were on the roll, whether or not they voted over the internet, since they may yet. Whoever is
/// in several lists, or never was on the roll, is counted in the minutes with the places: the latter have to
/// be imported again after the change set that adds them.
/// @return SIG_INVALID; what read_paper_list says; ROLL_FOREIGN; ROLL_FORMAT for lists of both kinds, or if
/// no voter of the roll stands in any.
Result<ImportedPaper, Rejection> import_paper(const Election& election, const RollBook& book,
                                              const RegistrarKey& registrar,
                                              std::span<const SignedFile> files,
                                              const std::string& election_id, std::uint64_t number);

}  // namespace psephos
