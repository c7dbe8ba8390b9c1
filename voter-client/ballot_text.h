#pragma once
#include <map>
#include <string>
#include <vector>

#include "protocol/election.h"

namespace psephos {

/// The text in a language; @pre the election has it (check_definition gives every text all languages).
const std::string& text_in(const std::vector<Text>& texts, const Id& language);

/// A language of the election: the one asked for, or its first for an empty text. @return USAGE naming those
/// there are.
Result<Id, Rejection> language_of(const Election& election, const std::string& asked);

/// "contest=choice-id"; one for each slot of the contest, in the order given, or one for each choice marked
/// in a contest of kind several, in any order.
struct Choosing {
  Id contest;
  Id choice;
  /// @return USAGE.
  static Result<Choosing, Rejection> parse(std::string_view text);
};

/// The choice of each slot of a unit's ballot, as for make_ballot. Every slot is filled, every rule of
/// several choices is kept, and nothing is left over. @return USAGE naming the contest; never the choice.
Result<std::vector<std::size_t>, Rejection> choices_for(const Election& election, std::size_t unit,
                                                        const std::vector<Choosing>& chosen);

/// The unit's contests with all choices and their ids, for people.
std::string contests_text(const Election& election, std::size_t unit, const Id& language);
/// One line for each slot: contest and what is chosen in it; of a contest of kind several, for each choice
/// marked.
std::string choices_text(const Election& election, std::size_t unit, const std::vector<std::size_t>& choices,
                         const Id& language);

}  // namespace psephos
