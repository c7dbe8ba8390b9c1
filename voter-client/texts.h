#pragma once
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/rejection.h"
#include "voter-client/catalogue.h"

namespace psephos {

/// What the voter's client speaks.
enum class Language : std::uint8_t { kEnglish, kEstonian, kRussian, kKhmer };
inline constexpr std::array kLanguages{Language::kEnglish, Language::kEstonian, Language::kRussian,
                                       Language::kKhmer};

/// "en", "et", "ru", "km", as in definitions and for --lang.
std::string_view code_of(Language language);
/// The language's part of a tag or locale, e.g. "km" of "km-KH", "km_KH.UTF-8", "km@x".
std::string_view primary_subtag(std::string_view locale);
/// The language of a tag or locale; nullopt for one that the client does not speak, such as "C".
std::optional<Language> language_from(std::string_view locale);

/// The value of an environment variable; nullptr if it is not set.
using Environment = std::function<const char*(const char* name)>;
/// The locale for messages: the first of LC_ALL, LC_MESSAGES, LANG that is set and not empty (POSIX.1-2024,
/// XBD 8.2); else empty.
std::string_view message_locale(const Environment& environment);

/// The first of these that the client speaks: what was asked for, the locale, the election's first language;
/// else English.
Language choose_language(std::string_view asked, std::string_view locale, std::string_view election_first);

/// A message's text as it stands in the catalogue, with its placeholders.
constexpr std::string_view text(TextId id, Language language) {
  const Message& found = message(id);
  switch (language) {
    case Language::kEnglish:
      return found.en;
    case Language::kEstonian:
      return found.et;
    case Language::kRussian:
      return found.ru;
    case Language::kKhmer:
      return found.km;
  }
  return found.en;
}

/// How many placeholders a text has.
constexpr std::size_t placeholders_of(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += c == '{' ? 1 : 0;
  return count;
}

/// The text with its values, e.g. say<TextId::kReceiptSaved>(language, "file"_a = path), where _a is
/// fmt::literals'. Names, number and kinds of values are checked for all languages when it is compiled.
template <TextId kId, class... Values>
std::string say(Language language, const Values&... values) {
  static_assert(placeholders_of(message(kId).en) == sizeof...(Values), "one value for each placeholder");
  [[maybe_unused]] constexpr std::array<fmt::format_string<Values...>, kLanguages.size()> kChecked{
      message(kId).en, message(kId).et, message(kId).ru, message(kId).km};
  return fmt::vformat(text(kId, language), fmt::make_format_args(values...));
}

/// What a refusal says to the voter.
struct Explanation {
  TextId text;
  bool report = false;  ///< she is asked to tell the help line
  friend bool operator==(const Explanation&, const Explanation&) = default;
};
/// Of every reason; those that voters do not meet, or that only an expert could judge, have one in common.
Explanation explain(Reason reason);

/// What happened and what to do next, in words that a voter understands.
std::string reason_text(Reason reason, Language language);
/// As `vote` prints it: the text, and in brackets the reason's name and what it is about, for the help line.
/// For a command that is off, what is off instead of the text.
std::string refusal_text(const Rejection& rejection, Language language);

}  // namespace psephos
