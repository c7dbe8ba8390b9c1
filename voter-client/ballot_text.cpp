#include "voter-client/ballot_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "crypto/invariant.h"

namespace psephos {

using fmt::literals::operator""_a;

const std::string& text_in(const std::vector<Text>& texts, const Id& language) {
  const auto it = std::ranges::find(texts, language, &Text::language);
  invariant(it != texts.end(), "every text of an opened election has every language of it");
  return it->text;
}

Result<Id, Rejection> language_of(const Election& election, std::string_view asked, std::string_view locale) {
  const std::vector<Id>& languages = election.definition().languages;
  const std::string_view wish = asked.empty() ? primary_subtag(locale) : asked;
  const auto it = std::ranges::find(languages, wish, &Id::text);
  if (it != languages.end()) return *it;
  if (asked.empty() || language_from(asked)) return languages.front();
  std::string all;
  for (const Id& language : languages) all += (all.empty() ? "" : ", ") + language.text;
  const Language spoken = choose_language({}, locale, languages.front().text);
  return reject(Reason::kUsage, say<TextId::kLanguageUnknown>(spoken, "languages"_a = all));
}

Result<Choosing, Rejection> Choosing::parse(std::string_view text, Language spoken) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return reject(Reason::kUsage, say<TextId::kChoosingForm>(spoken));
  const std::string_view contest = text.substr(0, equals);
  const std::string_view choice = text.substr(equals + 1);
  if (!is_id(contest) || !is_id(choice)) return reject(Reason::kUsage, say<TextId::kChoosingForm>(spoken));
  return Choosing{{std::string(contest)}, {std::string(choice)}};
}

Result<std::vector<std::size_t>, Rejection> choices_for(const Election& election, std::size_t unit,
                                                        const std::vector<Choosing>& chosen,
                                                        Language spoken) {
  std::vector<std::size_t> out;
  std::vector<bool> used(chosen.size(), false);
  for (const BallotSlot& slot : election.ballot_slots(unit)) {
    const Id& contest = slot.table->contest->id;
    if (const auto& rule = slot.table->contest->several) {
      const Id& choice = slot.table->list->choices[slot.slot].id;
      const auto it = std::ranges::find_if(
          chosen, [&](const Choosing& c) { return c.contest == contest && c.choice == choice; });
      const bool mark = it != chosen.end();
      if (mark) used[static_cast<std::size_t>(it - chosen.begin())] = true;
      out.push_back(mark ? 1 : 0);
      if (slot.slot + 1 < slot.table->slots()) continue;
      const auto marked = static_cast<std::uint64_t>(
          std::ranges::count(std::span(out).last(slot.table->slots()), std::size_t{1}));
      if (marked < rule->min || marked > rule->max)
        return reject(Reason::kUsage,
                      rule->min == rule->max
                          ? say<TextId::kContestChooseExactly>(spoken, "contest"_a = contest.text,
                                                               "count"_a = rule->min)
                          : say<TextId::kContestChooseFromTo>(spoken, "contest"_a = contest.text,
                                                              "min"_a = rule->min, "max"_a = rule->max));
      continue;
    }
    std::size_t next = 0;
    while (next < chosen.size() && (used[next] || chosen[next].contest != contest)) ++next;
    if (next == chosen.size())
      return reject(Reason::kUsage, say<TextId::kContestNeedsChoice>(spoken, "contest"_a = contest.text));
    used[next] = true;
    const auto& choices = slot.table->list->choices;
    const auto it = std::ranges::find(choices, chosen[next].choice, &Choice::id);
    if (it == choices.end())
      return reject(Reason::kUsage, say<TextId::kContestNoSuchChoice>(spoken, "contest"_a = contest.text));
    out.push_back(static_cast<std::size_t>(it - choices.begin()));
  }
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (!used[i])
      return reject(Reason::kUsage,
                    say<TextId::kContestTooOften>(spoken, "contest"_a = chosen[i].contest.text));
  return out;
}

std::string contests_text(const Election& election, std::size_t unit, const Id& language, Language spoken) {
  const Unit& voters_unit = election.definition().units[unit];
  std::string out = fmt::format("{} — {} ({})\n", text_in(election.definition().title, language),
                                text_in(voters_unit.names, language), voters_unit.id.text);
  for (const BallotSlot& slot : election.ballot_slots(unit)) {
    if (slot.slot != 0) continue;
    const Contest& contest = *slot.table->contest;
    out += fmt::format("\n{} ({})", text_in(contest.title, language), contest.id.text);
    if (contest.slots > 1) out += ", " + say<TextId::kChoicesOfContest>(spoken, "count"_a = contest.slots);
    if (const auto& rule = contest.several)
      out += ", " + (rule->min == rule->max
                         ? say<TextId::kChooseExactly>(spoken, "count"_a = rule->min)
                         : say<TextId::kChooseFromTo>(spoken, "min"_a = rule->min, "max"_a = rule->max));
    out += '\n';
    std::size_t width = 0;
    for (const Choice& choice : slot.table->list->choices) width = std::max(width, choice.id.text.size());
    for (const Choice& choice : slot.table->list->choices) {
      out += fmt::format("  {:<{}}  {}", choice.id.text, width, text_in(choice.names, language));
      if (!choice.group.empty()) out += fmt::format(" — {}", text_in(choice.group, language));
      out += '\n';
    }
  }
  return out;
}

std::string choices_text(const Election& election, std::size_t unit, const std::vector<std::size_t>& choices,
                         const Id& language, Language spoken) {
  std::string out;
  const auto slots = election.ballot_slots(unit);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const CandidateTable& table = *slots[i].table;
    if (table.marks && slots[i].slot == 0 &&
        std::ranges::count(std::span(choices).subspan(i, table.slots()), std::size_t{1}) == 0)
      out +=
          fmt::format("  {}: {}\n", text_in(table.contest->title, language), text(TextId::kNoChoice, spoken));
    if (table.marks && choices[i] == 0) continue;
    const Choice& choice = table.list->choices[table.marks ? slots[i].slot : choices[i]];
    out += fmt::format("  {}: {}", text_in(table.contest->title, language), text_in(choice.names, language));
    if (!choice.group.empty()) out += fmt::format(" — {}", text_in(choice.group, language));
    out += fmt::format(" ({})\n", choice.id.text);
  }
  return out;
}

}  // namespace psephos
