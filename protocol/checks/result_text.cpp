#include "protocol/checks/result_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace psephos {

namespace {

// ---- JSON -------------------------------------------------------------------------------------------------

/// Writes indented JSON in the order it is told; commas and line ends come by themselves.
class JsonWriter {
 public:
  void open(char bracket) {
    out_ += bracket;
    ++depth_;
    first_ = true;
  }
  void close(char bracket) {
    --depth_;
    if (!first_) line();
    out_ += bracket;
    first_ = false;
  }
  void key(std::string_view name) {
    element();
    string(name);
    out_ += ": ";
  }
  /// Before each element of an array.
  void element() {
    if (!first_) out_ += ',';
    line();
    first_ = false;
  }
  void string(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out_ += '"';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (byte < 0x20) {
        out_ += "\\u00";
        out_ += kHex[byte >> 4U];
        out_ += kHex[byte & 15U];
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }
  void number(std::uint64_t value) { out_ += std::to_string(value); }
  void texts(std::string_view name, const std::vector<Text>& texts) {
    key(name);
    open('{');
    for (const Text& text : texts) {
      key(text.language.text);
      string(text.text);
    }
    close('}');
  }
  void field(std::string_view name, std::string_view text) {
    key(name);
    string(text);
  }
  void field(std::string_view name, std::uint64_t value) {
    key(name);
    number(value);
  }
  std::string finish() {
    out_ += '\n';
    return std::move(out_);
  }

 private:
  void line() {
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }
  std::string out_;
  std::size_t depth_ = 0;
  bool first_ = true;
};

std::string_view name_of_kind(ChoiceKind kind) {
  return kind == ChoiceKind::kBlank ? "blank" : "candidate";
}

/// Votes by choice of a list in total or in one group.
const std::vector<ChoiceCount>& counts_of(const ElectionResult& result, const CandidateTable& table) {
  return std::ranges::find_if(
             result.totals,
             [&](const ListResult& l) { return l.contest == table.contest->id && l.list == table.list->id; })
      ->counts;
}

// ---- CSV --------------------------------------------------------------------------------------------------

std::string csv_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void csv_row(std::string& out, const CandidateTable& table, std::string_view level, std::string_view slot,
             std::string_view group, std::span<const Choice> choices,
             const std::vector<ChoiceCount>& counts) {
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const Choice& choice = choices[k];
    out += std::string(level) + "," + table.contest->id.text + "," + table.list->id.text + "," +
           std::string(slot) + "," + csv_text(group) + "," + choice.id.text + "," +
           std::string(name_of_kind(choice.kind)) + "," + csv_text(choice.names[0].text) + "," +
           std::to_string(counts[k].votes) + "\r\n";
  }
}

// ---- HTML -------------------------------------------------------------------------------------------------

/// Words of the page; names and titles come from the definition.
struct Words {
  std::string_view language;
  std::string_view result, choice, votes, share, marks, total, by_unit, units, logged, counted, superseded,
      revoked, outdated, fingerprint, test;
};
constexpr std::array<Words, 4> kWords{{
    {"en", "Result", "Choice", "Votes", "Share", "Marks on a ballot", "Total", "By unit", "Units",
     "Ballots in the log", "Counted", "Replaced by a later ballot", "Revoked", "Outdated by a move",
     "Election fingerprint", "This is a test. It elects nobody."},
    {"et", "Tulemus", "Valik", "Hääli", "Osakaal", "Märke sedelil", "Kokku", "Üksuste kaupa", "Üksused",
     "Hääletusi logis", "Arvesse võetud", "Asendatud hilisemaga", "Tühistatud", "Kolimise tõttu aegunud",
     "Valimise sõrmejälg", "See on katse. Siin ei valita kedagi."},
    {"ru", "Результат", "Выбор", "Голоса", "Доля", "Отметок в бюллетене", "Всего", "По участкам", "Участки",
     "Бюллетеней в журнале", "Учтено", "Заменено более поздним", "Отозвано", "Устарело из-за переезда",
     "Отпечаток выборов", "Это проверка. Здесь никого не выбирают."},
    {"km", "លទ្ធផល", "ជម្រើស", "សំឡេង", "ភាគរយ", "ចំនួនគំនូសក្នុងសន្លឹកឆ្នោត", "សរុប", "តាមមណ្ឌល", "មណ្ឌល",
     "សន្លឹកឆ្នោតក្នុងកំណត់ហេតុ", "បានរាប់", "ត្រូវបានជំនួស", "ត្រូវបានដកហូត", "ហួសសម័យដោយការផ្លាស់ទី", "ស្នាមម្រាមដៃនៃការបោះឆ្នោត",
     "នេះជាការសាកល្បង។ គ្មាននរណាត្រូវបានជ្រើសរើសទេ។"},
}};
const Words& words_for(const Definition& definition) {
  for (const Words& words : kWords)
    if (words.language == definition.languages[0].text) return words;
  return kWords[0];
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

/// The first language plainly, the others beside it, each marked with its language.
std::string in_all_languages(const std::vector<Text>& texts) {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string language = " lang=\"" + escaped(texts[i].language.text) + "\"";
    if (i == 0)
      out += "<span" + language + ">" + escaped(texts[i].text) + "</span>";
    else if (texts[i].text != texts[0].text)
      out += " <span class=\"other\"" + language + ">" + escaped(texts[i].text) + "</span>";
  }
  return out;
}

/// A part of a whole in tenths of a percent, rounded half up, e.g. "12.3"; nothing of nothing is "0.0".
std::string percent(std::uint64_t part, std::uint64_t whole) {
  const std::uint64_t tenths = whole == 0 ? 0 : (part * 2000 + whole) / (2 * whole);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

constexpr std::string_view kStyle = R"(
body{font:1rem/1.5 "Noto Sans","Noto Sans Khmer",sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h1,h2,h3{line-height:1.25}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
caption{text-align:left;font-weight:bold;padding:.25rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc;vertical-align:top}
td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.chart{width:40%}
.bar{display:block;height:1rem;margin-top:.25rem;background:#1f5fa8;min-width:1px}
.other,.group{color:#555;font-size:.85rem;margin-left:.4rem}
.test{border:3px solid #a00;padding:.5rem 1rem;font-weight:bold;color:#a00}
code{overflow-wrap:anywhere}
@media print{.bar{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";

/// Votes as a table whose last column is a bar. Shares are of all votes; of a contest of kind several, where
/// a ballot may mark many, of the ballots counted.
std::string chart(std::span<const Choice> choices, const std::vector<ChoiceCount>& counts,
                  std::optional<std::uint64_t> ballots, const Words& words, const std::string& caption) {
  std::uint64_t sum = 0;
  std::uint64_t largest = 0;
  for (const ChoiceCount& count : counts) {
    sum += count.votes;
    largest = std::max(largest, count.votes);
  }
  const std::uint64_t whole = ballots.value_or(sum);
  std::string out = "<table>\n<caption>" + caption + "</caption>\n<thead><tr><th scope=\"col\">" +
                    std::string(words.choice) + "</th><th scope=\"col\" class=\"number\">" +
                    std::string(words.votes) + "</th><th scope=\"col\" class=\"number\">" +
                    std::string(words.share) + "</th><td class=\"chart\"></td></tr></thead>\n<tbody>\n";
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const Choice& choice = choices[k];
    out += "<tr><th scope=\"row\">" + in_all_languages(choice.names);
    if (!choice.group.empty())
      out += "<br><span class=\"group\">" + in_all_languages(choice.group) + "</span>";
    out += "</th><td class=\"number\">" + std::to_string(counts[k].votes) + "</td><td class=\"number\">" +
           percent(counts[k].votes, whole) +
           "&nbsp;%</td><td class=\"chart\" aria-hidden=\"true\"><span class=\"bar\" style=\"width:" +
           percent(counts[k].votes, largest) + "%\"></span></td></tr>\n";
  }
  return out + "</tbody>\n<tfoot><tr><th scope=\"row\">" +
         std::string(ballots ? words.counted : words.total) + "</th><td class=\"number\">" +
         std::to_string(whole) + "</td><td></td><td></td></tr></tfoot>\n</table>\n";
}

/// From how many to how many choices a ballot marks, for a contest of kind several.
std::string marks_of(const Contest& contest, const Words& words) {
  const auto& rule = contest.several;
  if (!rule) return {};
  return "<p>" + std::string(words.marks) + ": " + std::to_string(rule->min) +
         (rule->min == rule->max ? "" : "–" + std::to_string(rule->max)) + "</p>\n";
}

std::string unit_names(const Definition& definition, const GroupSheet& group) {
  std::string out;
  for (const Id& id : group.units)
    for (const Unit& unit : definition.units)
      if (unit.id == id) out += (out.empty() ? "" : ", ") + in_all_languages(unit.names);
  return out;
}

/// A group's own table, behind a line that opens.
std::string group_details(const Election& election, const CandidateTable& table, const GroupSheet& group,
                          const GroupResult& result, const Words& words) {
  std::string name = unit_names(election.definition(), group);
  if (table.contest->slots > 1) name += " · " + std::to_string(group.slot + 1);
  if (table.marks) name += " · " + in_all_languages(table.list->choices[group.slot].names);
  std::string out = "<details><summary>" + name + ": " + std::to_string(group.counted) +
                    "</summary>\n<table>\n<caption>" + name + "</caption>\n<tbody>\n";
  const auto number = [&](std::string_view word, std::uint64_t value) {
    out += "<tr><th scope=\"row\">" + std::string(word) + "</th><td class=\"number\">" +
           std::to_string(value) + "</td></tr>\n";
  };
  number(words.logged, group.logged);
  number(words.counted, group.counted);
  number(words.superseded, group.superseded);
  number(words.revoked, group.revoked);
  number(words.outdated, group.outdated);
  out += "</tbody>\n</table>\n";
  const auto ballots = table.marks ? std::optional(group.counted) : std::nullopt;
  return out + chart(table.choices_of(group.slot), result.counts, ballots, words, std::string(words.votes)) +
         "</details>\n";
}

}  // namespace

std::string result_json(const Election& election, const Sheet& sheet, const ElectionResult& result) {
  const Definition& definition = election.definition();
  JsonWriter json;
  json.open('{');
  json.field("election", definition.election.text);
  json.field("mode", definition.mode == Mode::kTest ? "test" : "production");
  json.field("fingerprint", to_hex(result.fingerprint));
  json.texts("title", definition.title);
  json.key("contests");
  json.open('[');
  for (const CandidateTable& table : election.tables()) {
    const auto& counts = counts_of(result, table);
    json.element();
    json.open('{');
    json.field("contest", table.contest->id.text);
    json.texts("title", table.contest->title);
    const auto& several = table.contest->several;
    json.field("kind", several ? "several" : "one");
    if (several) {
      json.field("min", several->min);
      json.field("max", several->max);
    }
    json.field("list", table.list->id.text);
    json.key("choices");
    json.open('[');
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const Choice& choice = table.list->choices[k];
      json.element();
      json.open('{');
      json.field("choice", choice.id.text);
      json.field("kind", name_of_kind(choice.kind));
      json.texts("names", choice.names);
      if (!choice.group.empty()) json.texts("group", choice.group);
      json.field("votes", counts[k].votes);
      json.close('}');
    }
    json.close(']');
    json.close('}');
  }
  json.close(']');
  json.key("groups");
  json.open('[');
  for (std::size_t g = 0; g < sheet.groups.size(); ++g) {
    const GroupSheet& group = sheet.groups[g];
    json.element();
    json.open('{');
    json.field("group", group.group);
    json.field("contest", group.contest.text);
    json.field("list", group.list.text);
    json.field("slot", group.slot);
    json.key("units");
    json.open('[');
    for (const Id& unit : group.units) {
      json.element();
      json.string(unit.text);
    }
    json.close(']');
    json.field("logged", group.logged);
    json.field("counted", group.counted);
    json.field("superseded", group.superseded);
    json.field("revoked", group.revoked);
    json.field("outdated", group.outdated);
    json.key("votes");
    json.open('{');
    for (const ChoiceCount& count : result.groups[g].counts) json.field(count.choice.text, count.votes);
    json.close('}');
    json.close('}');
  }
  json.close(']');
  json.close('}');
  return json.finish();
}

std::string result_csv(const Election& election, const Sheet& sheet, const ElectionResult& result) {
  std::string out = "level,contest,list,slot,group,choice,kind,name,votes\r\n";
  for (const CandidateTable& table : election.tables())
    csv_row(out, table, "total", "", "", table.list->choices, counts_of(result, table));
  for (std::size_t g = 0; g < sheet.groups.size(); ++g) {
    const GroupSheet& group = sheet.groups[g];
    const CandidateTable& table = *election.table(group.contest, group.list);
    csv_row(out, table, "group", std::to_string(group.slot), group.group, table.choices_of(group.slot),
            result.groups[g].counts);
  }
  return out;
}

std::string result_html(const Election& election, const Sheet& sheet, const ElectionResult& result) {
  const Definition& definition = election.definition();
  const Words& words = words_for(definition);
  std::string out = "<!DOCTYPE html>\n<html lang=\"" + std::string(words.language) +
                    "\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                    "'unsafe-inline'\">\n<title>" +
                    escaped(definition.title[0].text) + " – " + std::string(words.result) +
                    "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n<h1>" +
                    in_all_languages(definition.title) + "</h1>\n";
  if (definition.mode == Mode::kTest) out += "<p class=\"test\">" + std::string(words.test) + "</p>\n";
  for (const CandidateTable& table : election.tables()) {
    std::string caption = std::string(words.votes);
    if (table.contest->lists.size() > 1) caption += " · " + escaped(table.list->id.text);
    std::optional<std::uint64_t> ballots;
    if (table.marks) {
      ballots = 0;  // every ballot stands in one group of the first choice
      for (const GroupSheet& group : sheet.groups)
        if (group.contest == table.contest->id && group.list == table.list->id && group.slot == 0)
          *ballots += group.counted;
    }
    out += "<section>\n<h2>" + in_all_languages(table.contest->title) + "</h2>\n" +
           marks_of(*table.contest, words) +
           chart(table.list->choices, counts_of(result, table), ballots, words, caption) + "<h3>" +
           std::string(words.by_unit) + "</h3>\n";
    for (std::size_t g = 0; g < sheet.groups.size(); ++g)
      if (sheet.groups[g].contest == table.contest->id && sheet.groups[g].list == table.list->id)
        out += group_details(election, table, sheet.groups[g], result.groups[g], words);
    out += "</section>\n";
  }
  return out + "<footer><p>" + std::string(words.fingerprint) + ": <code>" + to_hex(result.fingerprint) +
         "</code></p></footer>\n</body>\n</html>\n";
}

}  // namespace psephos
