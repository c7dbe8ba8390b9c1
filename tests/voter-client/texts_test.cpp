#include "voter-client/texts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <utility>
#include <vector>

#include "crypto/utf8.h"
#include "tests/support/run_program.h"
#include "voter-client/signer.h"

namespace psephos {
namespace {

std::vector<TextId> all_texts() {
  std::vector<TextId> out;
  for (std::size_t i = 0; i < kTextCount; ++i) out.push_back(static_cast<TextId>(i));
  return out;
}

std::vector<Reason> all_reasons() {
  std::vector<Reason> out;
  for (std::uint64_t number = 0; number < 1000; ++number)
    if (const auto reason = reason_from(number)) out.push_back(*reason);
  return out;
}

/// The code points; nullopt if it is no UTF-8.
std::optional<std::u32string> decode_utf8(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  std::u32string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xC0U) == 0x80)
      out.back() = out.back() << 6U | (byte & 0x3FU);
    else
      out.push_back(byte < 0x80   ? byte
                    : byte < 0xE0 ? byte & 0x1FU
                    : byte < 0xF0 ? byte & 0x0FU
                                  : byte & 0x07U);
  }
  return out;
}

/// Without what is not translated: placeholders, options, endings of files, and these words.
std::string translated(std::string_view text) {
  static const std::regex kept(
      R"(\{[a-z_]+\}|--[a-z]+(-[a-z]+)*|\.(png|svg|txt)\b|CONTEST=CHOICE-ID|HOST:PORT|a-f|PNOEE-[0-9]+|)"
      R"(\b(PIN[12]?|PUK|SIM|QR|UTC|Mobile-ID|Mobiil-ID|Smart-ID|ID|OpenSC)\b)");
  return std::regex_replace(std::string(text), kept, "");
}

bool is_latin(char32_t c) {
  return (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z') || (c >= 0xC0 && c <= 0x24F);
}
bool is_cyrillic(char32_t c) {
  return c >= 0x400 && c <= 0x52F;
}
bool is_khmer(char32_t c) {
  return c >= 0x1780 && c <= 0x17FF;
}
/// Digits, spaces and marks, which belong to every script.
bool is_common(char32_t c) {
  return c == U'\n' || c == 0x2014 || (c >= 0x20 && c < 0x7F && !is_latin(c));
}

constexpr char32_t kZeroWidthSpace = 0x200B;

/// Whether a text is written in its language's script, and nothing of it was left in another.
bool in_script(std::string_view text, Language language) {
  const auto points = decode_utf8(translated(text));
  if (!points) return false;
  std::size_t letters = 0;
  for (const char32_t c : *points) {
    const bool letter = language == Language::kRussian ? is_cyrillic(c)
                        : language == Language::kKhmer ? is_khmer(c)
                                                       : is_latin(c);
    letters += letter ? 1 : 0;
    if (!letter && !is_common(c) && !(language == Language::kKhmer && c == kZeroWidthSpace)) return false;
    if (language == Language::kEnglish && c >= 0xC0 && c <= 0x24F) return false;
  }
  return letters != 0;
}

std::multiset<std::string> placeholders(std::string_view text) {
  static const std::regex one(R"(\{[a-z_]+\})");
  const std::string copy(text);
  std::multiset<std::string> out;
  for (std::sregex_iterator it(copy.begin(), copy.end(), one); it != std::sregex_iterator(); ++it)
    out.insert(it->str());
  return out;
}

TEST(Texts, EveryTextInEveryLanguage) {
  for (const TextId id : all_texts()) {
    const Message& m = message(id);
    EXPECT_EQ(m.id, id);
    std::set<std::string_view> different;
    for (const Language language : kLanguages) {
      const std::string_view found = text(id, language);
      SCOPED_TRACE(std::string(code_of(language)) + ": " + std::string(found));
      EXPECT_TRUE(in_script(found, language));
      EXPECT_EQ(placeholders(found), placeholders(m.en));
      EXPECT_EQ(placeholders(found).size(), placeholders_of(found));
      EXPECT_EQ(found.ends_with('.') || found.ends_with("។"), m.en.ends_with('.'));
      EXPECT_EQ(std::ranges::count(found, '\n'), std::ranges::count(m.en, '\n'));
      EXPECT_EQ(found.find("  "), std::string_view::npos);
      different.insert(found);
    }
    EXPECT_EQ(different.size(), kLanguages.size()) << m.en;
  }
  for (const Language language : kLanguages) {
    std::set<std::string_view> different;
    for (const TextId id : all_texts())
      EXPECT_TRUE(different.insert(text(id, language)).second) << text(id, language);
  }
}

TEST(Texts, ScriptsAreTold) {
  EXPECT_TRUE(in_script("Неверный PIN, добавьте --help", Language::kRussian));
  EXPECT_FALSE(in_script("Неверный code", Language::kRussian));
  EXPECT_FALSE(in_script("Невeрный", Language::kRussian));  // with a Latin e
  EXPECT_TRUE(in_script("លេខ\u200Bកូដ PIN", Language::kKhmer));
  EXPECT_FALSE(in_script("លេខ code", Language::kKhmer));
  EXPECT_FALSE(in_script("PIN {code}", Language::kKhmer));  // nothing translated
  EXPECT_TRUE(in_script("õige kood", Language::kEstonian));
  EXPECT_FALSE(in_script("õige kood", Language::kEnglish));
  EXPECT_FALSE(in_script("код", Language::kEnglish));
  EXPECT_FALSE(in_script("\xE1\x9E", Language::kKhmer));
}

// A line of Khmer breaks nowhere else: a run of letters without a break stays shorter than a narrow line.
TEST(Texts, KhmerBreaksBetweenWords) {
  constexpr std::size_t kLongestWord = 16;  // "committee", the longest, has 14 code points
  for (const TextId id : all_texts()) {
    const auto points = decode_utf8(text(id, Language::kKhmer));
    ASSERT_TRUE(points);
    std::size_t run = 0;
    for (std::size_t i = 0; i < points->size(); ++i) {
      const char32_t c = (*points)[i];
      run = is_khmer(c) ? run + 1 : 0;
      EXPECT_LE(run, kLongestWord) << message(id).en;
      if (c != kZeroWidthSpace) continue;
      ASSERT_TRUE(i > 0 && i + 1 < points->size()) << message(id).en;
      // Between two letters of Khmer, and never before a sign that belongs to the one before.
      EXPECT_TRUE(is_khmer((*points)[i - 1]) && is_khmer((*points)[i + 1])) << message(id).en;
      EXPECT_TRUE((*points)[i + 1] < 0x17B4) << message(id).en;
      EXPECT_NE((*points)[i - 1], 0x17D2) << message(id).en;
    }
  }
}

bool has_own_text(Reason reason) {
  return explain(reason).text != TextId::kStopped;
}

template <SignerError kError>
constexpr bool is_enumerator() {
  // The compiler spells an enumerator "psephos::SignerError::kName", and another value with a cast.
  constexpr std::string_view spelt = __PRETTY_FUNCTION__;
  return spelt.find("(psephos::SignerError)") == std::string_view::npos;
}
template <std::size_t... kNumbers>
std::vector<Reason> signer_errors(std::index_sequence<kNumbers...> /*numbers*/) {
  constexpr std::array<bool, sizeof...(kNumbers)> kIs{is_enumerator<static_cast<SignerError>(kNumbers)>()...};
  std::vector<Reason> out;
  for (std::size_t number = 0; number < kIs.size(); ++number)
    if (kIs[number]) out.push_back(static_cast<Reason>(number));
  return out;
}

TEST(Texts, WhateverASignerSays) {
  const std::vector<Reason> errors = signer_errors(std::make_index_sequence<600>());
  EXPECT_GE(errors.size(), 11U);
  EXPECT_NE(std::ranges::find(errors, Reason::kPinWrong), errors.end());
  EXPECT_EQ(std::ranges::find(errors, Reason::kSigInvalid), errors.end());
  for (const Reason reason : errors) EXPECT_TRUE(has_own_text(reason)) << name_of(reason);
}

/// Numbers and names of which every reason, also a new one, comes with a text of its own.
bool concerns_voters(Reason reason) {
  using Range = std::pair<std::uint16_t, std::uint16_t>;
  constexpr std::array kRanges{Range{100, 104}, Range{200, 204}, Range{210, 222}, Range{240, 260},
                               Range{270, 299}, Range{300, 307}, Range{380, 392}, Range{394, 411},
                               Range{420, 449}, Range{470, 479}};
  constexpr std::array<std::string_view, 12> kFamilies{"MOBILE_", "PIN_",    "CARD_",      "CERT_",
                                                       "TICKET_", "BALLOT_", "CONTAINER_", "SIG_",
                                                       "TST_",    "OCSP_",   "WIRE_",      "LOG_"};
  const auto number = static_cast<std::uint16_t>(reason);
  return std::ranges::any_of(kRanges, [&](Range r) { return r.first <= number && number <= r.second; }) ||
         std::ranges::any_of(kFamilies, [&](auto family) { return name_of(reason).starts_with(family); });
}

TEST(Texts, WhateverVotersMeet) {
  std::size_t count = 0;
  for (const Reason reason : all_reasons()) {
    if (!concerns_voters(reason)) continue;
    ++count;
    EXPECT_TRUE(has_own_text(reason)) << name_of(reason);
  }
  EXPECT_GT(count, 100U);
  for (const Reason reason :
       {Reason::kPhaseNotOpen, Reason::kPhaseClosed, Reason::kUsage, Reason::kFileUnreadable,
        Reason::kRngHealth, Reason::kHeadUnwitnessed, Reason::kNoteFormat, Reason::kDuplicateIdempotent})
    EXPECT_TRUE(has_own_text(reason)) << name_of(reason);
}

TEST(Texts, EveryReasonInEveryLanguage) {
  for (const Reason reason : all_reasons()) {
    const Explanation explanation = explain(reason);
    std::set<std::string> different;
    for (const Language language : kLanguages) {
      const std::string found = reason_text(reason, language);
      EXPECT_TRUE(in_script(found, language)) << found;
      EXPECT_EQ(placeholders_of(found), 0U) << found;
      EXPECT_EQ(found.ends_with(text(TextId::kReport, language)), explanation.report) << found;
      different.insert(found);
    }
    EXPECT_EQ(different.size(), kLanguages.size());
  }
}

TEST(Texts, WhatOnlyExpertsJudge) {
  for (const Reason reason : {Reason::kMixChainGap, Reason::kResultMismatch, Reason::kStoreInconsistent})
    EXPECT_EQ(explain(reason), (Explanation{TextId::kStopped, true}));
  EXPECT_TRUE(explain(Reason::kAckUnverifiable).report);
  EXPECT_FALSE(explain(Reason::kPinWrong).report);
}

TEST(Texts, Refusals) {
  const std::string pin(text(TextId::kPinWrong, Language::kKhmer));
  EXPECT_EQ(refusal_text({Reason::kPinWrong, ""}, Language::kKhmer), pin + " [PIN_WRONG]");
  EXPECT_EQ(refusal_text({Reason::kPinWrong, "PIN2"}, Language::kKhmer), pin + " [PIN_WRONG: PIN2]");
  EXPECT_EQ(refusal_text({Reason::kUsage, "vale sõna"}, Language::kEstonian), "vale sõna [USAGE]");
  EXPECT_EQ(refusal_text({Reason::kUsage, ""}, Language::kEstonian),
            reason_text(Reason::kUsage, Language::kEstonian) + " [USAGE]");
}

TEST(Texts, Values) {
  using fmt::literals::operator""_a;
  EXPECT_EQ(say<TextId::kChooseFromTo>(Language::kEstonian, "max"_a = 3, "min"_a = 1), "valige 1 kuni 3");
  EXPECT_EQ(say<TextId::kYes>(Language::kRussian), "да");
}

TEST(Texts, ChoiceOfLanguage) {
  for (const auto& [locale, language] : std::map<std::string, Language>{{"en", Language::kEnglish},
                                                                        {"et_EE.UTF-8", Language::kEstonian},
                                                                        {"ru_EE", Language::kRussian},
                                                                        {"km-KH", Language::kKhmer},
                                                                        {"km@translit", Language::kKhmer}})
    EXPECT_EQ(language_from(locale), language) << locale;
  for (const char* locale : {"", "C", "POSIX", "C.UTF-8", "fi_FI.UTF-8", "eng", "e", "EN"})
    EXPECT_EQ(language_from(locale), std::nullopt) << locale;
  EXPECT_EQ(choose_language("km", "ru_RU", "et"), Language::kKhmer);
  EXPECT_EQ(choose_language("", "ru_RU", "et"), Language::kRussian);
  EXPECT_EQ(choose_language("", "C", "et"), Language::kEstonian);
  EXPECT_EQ(choose_language("fi", "C", "et"), Language::kEstonian);
  EXPECT_EQ(choose_language("", "", "fi"), Language::kEnglish);
  EXPECT_EQ(choose_language("", "", ""), Language::kEnglish);
}

TEST(Texts, LocaleForMessages) {
  const auto locale = [](const std::map<std::string, const char*>& set) {
    return std::string(message_locale([&](const char* name) {
      const auto it = set.find(name);
      return it == set.end() ? nullptr : it->second;
    }));
  };
  EXPECT_EQ(locale({}), "");
  EXPECT_EQ(locale({{"LANG", "et"}}), "et");
  EXPECT_EQ(locale({{"LANG", "et"}, {"LC_MESSAGES", "ru"}}), "ru");
  EXPECT_EQ(locale({{"LANG", "et"}, {"LC_MESSAGES", "ru"}, {"LC_ALL", "C"}}), "C");
  EXPECT_EQ(locale({{"LANG", "et"}, {"LC_MESSAGES", ""}, {"LC_ALL", ""}}), "et");
}

// The program itself, without a network.
class VoteTest : public testing::Test {
 protected:
  VoteTest() {
    for (const char* name : {"LC_MESSAGES", "LANG"}) ::unsetenv(name);
    ::setenv("LC_ALL", "C", 1);
    std::string name = (std::filesystem::temp_directory_path() / "psephos-texts-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~VoteTest() override { std::filesystem::remove_all(directory_); }
  std::string refusal(const std::vector<std::string>& words) const {
    const test::Ended ended = test::run_program(PSEPHOS_BIN "/vote", words, directory_);
    EXPECT_NE(ended.status, 0);
    EXPECT_EQ(ended.out, "");
    return ended.err;
  }
  std::filesystem::path directory_;
};

TEST_F(VoteTest, SpeaksTheLanguageAskedFor) {
  const auto expected = [](Language language) {
    return "psephos vote: " + refusal_text({Reason::kManifestFpUnpinned, "manifest"}, language) + "\n";
  };
  for (const Language language : kLanguages) {
    const std::string code(code_of(language));
    ::setenv("LC_ALL", "ru_EE.UTF-8", 1);
    EXPECT_EQ(refusal({"contests", "--server", "x:1", "--lang", code}), expected(language));
    EXPECT_EQ(refusal({"receipt", "--in", "x", "--manifest", "x", "--lang", code}), expected(language));
    ::setenv("LC_ALL", (code + "_KH.UTF-8").c_str(), 1);
    EXPECT_EQ(refusal({"contests", "--server", "x:1"}), expected(language));
    const std::string misread = refusal({"contests", "--lang", code});
    EXPECT_TRUE(misread.starts_with("psephos vote: " + reason_text(Reason::kUsage, language) + " [USAGE: "))
        << misread;
  }
  ::setenv("LC_ALL", "C", 1);
  EXPECT_EQ(refusal({"contests", "--server", "x:1"}), expected(Language::kEnglish));
}

TEST_F(VoteTest, SaysWhatIsOffInTheCommand) {
  const auto said = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--lang", "et"});
    return refusal(words);
  };
  const auto expected = [](TextId id) {
    return "psephos vote: " + std::string(text(id, Language::kEstonian)) + " [USAGE]\n";
  };
  EXPECT_EQ(said({"cast", "--server", "x:1", "--choose", "mayor"}), expected(TextId::kChoosingForm));
  EXPECT_EQ(said({"cast", "--server", "x:1", "--qr", "x.gif"}), expected(TextId::kQrFile));
  EXPECT_EQ(said({"contests", "--server", "x:1", "--fingerprint", "12"}), expected(TextId::kFingerprintForm));
  EXPECT_TRUE(said({"check", "--server", "x:1", "--code", "PSEPHOS1:AAAA"})
                  .starts_with("psephos vote: " + reason_text(Reason::kQrFormat, Language::kEstonian) +
                               " [QR_FORMAT"));
}

}  // namespace
}  // namespace psephos
