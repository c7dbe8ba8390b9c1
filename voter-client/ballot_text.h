#pragma once
#include <map>
#include <string>
#include <vector>

#include "protocol/election.h"
#include "voter-client/texts.h"

namespace psephos {

/// `language` is that of the election's names, `spoken` that of the client's own words; a USAGE is in the
/// latter.

/// The text in a language; @pre the election has it (check_definition gives every text all languages).
const std::string& text_in(const std::vector<Text>& texts, const Id& language);

/// The language of an election's names: the first of these that it has of what was asked for and the locale;
/// else its own first. @return USAGE naming those there are, if a language was asked for that neither the
/// election nor the client knows.
Result<Id, Rejection> language_of(const Election& election, std::string_view asked, std::string_view locale);

/// "contest=choice-id"; one for each slot of the contest, in the order given, or one for each choice marked
/// in a contest of kind several, in any order.
struct Choosing {
  Id contest;
  Id choice;
  /// @return USAGE.
  static Result<Choosing, Rejection> parse(std::string_view text, Language spoken = Language::kEnglish);
};

/// The choice of each slot of a unit's ballot, as for make_ballot. Every slot is filled, every rule of
/// several choices is kept, and nothing is left over. @return USAGE naming the contest; never the choice.
Result<std::vector<std::size_t>, Rejection> choices_for(const Election& election, std::size_t unit,
                                                        const std::vector<Choosing>& chosen,
                                                        Language spoken = Language::kEnglish);

/// The unit's contests with all choices and their ids, for people.
std::string contests_text(const Election& election, std::size_t unit, const Id& language,
                          Language spoken = Language::kEnglish);
/// One line for each slot: contest and what is chosen in it; of a contest of kind several, for each choice
/// marked.
std::string choices_text(const Election& election, std::size_t unit, const std::vector<std::size_t>& choices,
                         const Id& language, Language spoken = Language::kEnglish);

}  // namespace psephos
