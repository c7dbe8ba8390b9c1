#include "protocol/files/roll_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <functional>
#include <span>
#include <unordered_set>

#include "crypto/invariant.h"
#include "protocol/files/definition_json.h"
#include "protocol/labels.h"
#include "protocol/national_id.h"

namespace psephos {

namespace {

namespace json = boost::json;

constexpr std::string_view kVersion = "2";
constexpr std::string_view kAdd = "lisamine";
constexpr std::string_view kRemove = "kustutamine";
constexpr std::string_view kRevocations = "tühistus";
constexpr std::string_view kRestorations = "ennistus";
constexpr std::string_view kForeign = "FOREIGN";
constexpr std::string_view kEstonian = "PNOEE-";
constexpr std::string_view kAllUnits = "*";
constexpr std::uint64_t kNameCharacters = 100;
constexpr std::uint64_t kDistrictDigits = 10;

using Done = Result<void, Rejection>;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}
/// Decimal without leading zeros.
std::optional<std::uint64_t> number_of(std::string_view text) {
  if (!all_digits(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
std::uint64_t characters(std::string_view utf8) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

/// A name holds letters of any script, digits, spaces and what stands in names. Nothing that a shell, a
/// terminal or a spreadsheet takes for a command.
bool is_name_character(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || is_letter(c) || is_digit(c) ||
         std::string_view(" '-.,()").find(c) != std::string_view::npos;
}

bool is_area(std::string_view text) {
  return text == kForeign || (text.size() == 4 && all_digits(text));
}
bool is_district(std::string_view text) {
  return text.size() <= kDistrictDigits && number_of(text).has_value();
}

/// RFC 3339 §5.6, with capital T and Z. @return seconds since 1970 with the fraction cut.
std::optional<std::int64_t> rfc3339(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // to the end of the seconds
  if (text.size() < kSeconds + 1) return std::nullopt;
  const auto local = parse_utc(std::string(text.substr(0, kSeconds)) + "Z");
  if (!local) return std::nullopt;
  text.remove_prefix(kSeconds);
  if (text.starts_with('.')) {
    const auto end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end < 2 || end > 10) return std::nullopt;
    text.remove_prefix(end);
  }
  if (text == "Z") return static_cast<std::int64_t>(*local);
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  if (!all_digits(text.substr(1, 2)) || !all_digits(text.substr(4, 2))) return std::nullopt;
  const int hours = (text[1] - '0') * 10 + (text[2] - '0');
  const int minutes = (text[4] - '0') * 10 + (text[5] - '0');
  if (hours > 23 || minutes > 59) return std::nullopt;
  const std::int64_t offset = 60 * (60 * hours + minutes);
  return static_cast<std::int64_t>(*local) - (text[0] == '+' ? offset : -offset);
}

/// A field's text and where it stands, for refusals.
struct Field {
  std::string_view name;
  std::string_view text;
  std::size_t column = 0;  // in characters from 1; 0: JSON
};

/// Where in a file: "line 7" or "voters[3]"; put together only for a refusal.
struct Where {
  ListForm form;
  std::uint64_t number;  // line from 1; JSON: element from 0
  std::string_view list = {};
  std::string text(const Field* field = nullptr) const {
    if (form == ListForm::kJson) {
      const std::string element = list.empty() ? std::string() : fmt::format("{}[{}]", list, number);
      if (field == nullptr || field->name == list) return element;
      return element.empty() ? std::string(field->name) : fmt::format("{}.{}", element, field->name);
    }
    if (field == nullptr) return fmt::format("line {}", number);
    return fmt::format("line {}, column {} ({})", number, field->column, field->name);
  }
};

std::unexpected<Rejection> bad(const Where& where, std::string_view why) {
  const std::string place = where.text();
  return reject(Reason::kRollFormat, place.empty() ? std::string(why) : fmt::format("{}: {}", place, why));
}
std::unexpected<Rejection> bad(const Where& where, const Field& field, std::string_view why) {
  return reject(Reason::kRollFormat, fmt::format("{}: {}", where.text(&field), why));
}

/// JSON brings control characters as escapes; lines were looked through as a whole.
Done check_clean(const Where& where, const Field& field) {
  if (is_clean_utf8(field.text)) return {};
  return reject(Reason::kFieldCharset, where.text(&field) + ": a control character, or no UTF-8; remove it");
}

Result<NationalId, Rejection> take_code(const Where& where, const Field& field) {
  if (auto ok = check_clean(where, field); !ok) return std::unexpected(ok.error());
  auto id = national_id_of_code(field.text);
  if (!id)
    return bad(where, field,
               "no personal code: eleven digits with a date of birth that exists and the right check digit; "
               "correct it in the register and have the list made anew");
  return std::move(*id);
}

Done check_name(const Where& where, const Field& field) {
  if (auto ok = check_clean(where, field); !ok) return ok;
  const std::uint64_t length = characters(field.text);
  if (length == 0 || length > kNameCharacters) return bad(where, field, "a name has 1 to 100 characters");
  for (const char c : field.text)
    if (!is_name_character(c))
      return reject(Reason::kFieldCharset,
                    where.text(&field) +
                        ": a character that no name has; letters, digits, space, ' - . , ( ) are allowed");
  return {};
}

Done check_version(const Where& where, const Field& field) {
  if (field.text != kVersion) return bad(where, field, "the version of the format is 2; ask for that one");
  return {};
}
Done check_election(const Where& where, const Field& field) {
  if (auto ok = check_clean(where, field); !ok) return ok;
  if (!is_election_identifier(field.text))
    return bad(where, field, "an election is named with 1 to 28 of A-Z, a-z, 0-9, _ - .");
  return {};
}
Result<std::uint64_t, Rejection> take_number(const Where& where, const Field& field, std::uint64_t most) {
  const auto number = number_of(field.text);
  if (!number || *number > most)
    return bad(where, field, fmt::format("a number from 0 to {} without leading zeros", most));
  return *number;
}
Result<Id, Rejection> take_unit(const Where& where, const Field& field) {
  if (!is_id(field.text)) return bad(where, field, "a unit's id: 1 to 64 of a-z, 0-9, '.', '-'");
  return Id{std::string(field.text)};
}

// ---- lines ------------------------------------------------------------------------------------------------

/// The lines of a file, each checked as text: LF at the end, UTF-8 without control characters but tabs.
class Lines {
 public:
  explicit Lines(std::string_view file) : rest_(file) {}

  bool at_end() const { return rest_.empty(); }
  std::uint64_t number() const { return number_; }
  Where where() const { return {ListForm::kTabs, number_}; }

  /// The next line's fields; they stay until the next call. @pre not at_end().
  Result<std::span<const Field>, Rejection> next() {
    ++number_;
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos)
      return bad(where(), "the file does not end in LF: it may have been cut; fetch it again");
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (line.size() > kMostBytes) return bad(where(), "longer than any line of a list");
    if (line.ends_with('\r'))
      return bad(where(), "ends in CR LF; lines end in LF alone: fetch the file without converting it");
    if (number_ == 1 && line.starts_with("\xef\xbb\xbf"))
      return bad(where(), "begins with a byte order mark; the file has none: fetch it without converting it");
    fields_.clear();
    std::size_t column = 1;
    for (;;) {
      const std::size_t tab = line.find('\t');
      const Field field{.name = "text", .text = line.substr(0, tab), .column = column};
      if (auto ok = check_clean(where(), field); !ok) return std::unexpected(ok.error());
      fields_.push_back(field);
      if (tab == std::string_view::npos) return std::span<const Field>(fields_);
      column += characters(line.substr(0, tab + 1));
      line.remove_prefix(tab + 1);
    }
  }
  /// The next line, of one field with this name.
  Result<Field, Rejection> next_single(std::string_view name) {
    if (at_end()) {
      ++number_;
      return bad(where(), fmt::format("the file ends where its {} is expected", name));
    }
    auto fields = next();
    if (!fields) return std::unexpected(fields.error());
    if (fields->size() != 1) return bad(where(), fmt::format("one field, {}, is expected", name));
    Field field = fields->front();
    field.name = name;
    return field;
  }
  /// The next line, of two fields with these names.
  Result<std::pair<Field, Field>, Rejection> next_pair(std::string_view first, std::string_view second) {
    if (at_end()) {
      ++number_;
      return bad(where(), fmt::format("the file ends where {} and {} are expected", first, second));
    }
    auto fields = next();
    if (!fields) return std::unexpected(fields.error());
    if (fields->size() != 2)
      return bad(where(),
                 fmt::format("two fields, {} and {}, with a tab between are expected", first, second));
    std::pair<Field, Field> out{(*fields)[0], (*fields)[1]};
    out.first.name = first;
    out.second.name = second;
    return out;
  }

 private:
  static constexpr std::size_t kMostBytes = 1000;
  std::string_view rest_;
  std::uint64_t number_ = 0;
  std::vector<Field> fields_;
};

// ---- JSON -------------------------------------------------------------------------------------------------

enum class JsonKind : std::uint8_t { kText, kNumber };
using JsonFields = std::map<std::string, std::string, std::less<>>;

/// An object of texts and numbers with one list in it, whose elements are texts, or objects of texts.
struct JsonShape {
  std::string_view list;
  std::vector<std::pair<std::string_view, JsonKind>> top;  ///< all of them must be there
  std::vector<std::string_view> element;                   ///< keys that elements may have; none: a text
  /// Takes an element's fields in their order.
  std::function<Done(std::span<const Field>, const Where&)> take;
};

/// Reads a text of that shape piece by piece, so that nothing but an element is kept. Keys come once.
class ShapeReader {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = 64;
  static constexpr std::size_t max_string_size = 1000;
  using Error = boost::system::error_code;

  explicit ShapeReader(const JsonShape& shape) : shape_(&shape) {}

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error& e) {
    if (depth_ == Depth::kOutside) return enter(Depth::kTop);
    if (depth_ != Depth::kList || shape_->element.empty())
      return stop(e, bad(here(), "an object where none is expected"));
    element_.clear();
    return enter(Depth::kElement);
  }
  bool on_object_end(std::size_t, Error& e) {
    if (depth_ == Depth::kTop) return enter(Depth::kOutside);
    depth_ = Depth::kList;
    return take(e);
  }
  bool on_array_begin(Error& e) {
    if (depth_ != Depth::kTop || key_ != shape_->list)
      return stop(e, bad(here(), "a list where none is expected"));
    if (list_seen) return stop(e, bad(here(), std::string(shape_->list) + " stands twice"));
    list_seen = true;
    return enter(Depth::kList);
  }
  bool on_array_end(std::size_t, Error&) { return enter(Depth::kTop); }
  bool on_key_part(json::string_view part, std::size_t, Error&) { return collect(part); }
  bool on_key(json::string_view part, std::size_t, Error&) {
    collect(part);
    key_.swap(piece_);
    piece_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, Error&) { return collect(part); }
  bool on_string(json::string_view part, std::size_t, Error& e) {
    collect(part);
    std::string text;
    text.swap(piece_);
    return on_value(e, std::move(text), JsonKind::kText);
  }
  bool on_number_part(json::string_view, Error&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, Error& e) {
    return on_value(e, std::to_string(value), JsonKind::kNumber);
  }
  bool on_uint64(std::uint64_t value, json::string_view, Error& e) {
    return on_value(e, std::to_string(value), JsonKind::kNumber);
  }
  bool on_double(double, json::string_view, Error& e) { return stop(e, bad(here(), "a broken number")); }
  bool on_bool(bool, Error& e) { return stop(e, bad(here(), "true or false where none is expected")); }
  bool on_null(Error& e) { return stop(e, bad(here(), "null where none is expected")); }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }

  std::optional<Rejection> rejection;
  bool list_seen = false;
  JsonFields fields;  // of the top object

 private:
  enum class Depth : std::uint8_t { kOutside, kTop, kList, kElement };
  Where here() const {
    const bool inside = depth_ == Depth::kList || depth_ == Depth::kElement;
    return {ListForm::kJson, elements_, inside ? shape_->list : std::string_view()};
  }
  bool enter(Depth depth) {
    depth_ = depth;
    return true;
  }
  bool collect(json::string_view part) {
    piece_.append(part.data(), part.size());
    return true;
  }
  bool stop(Error& e, std::unexpected<Rejection> why) {
    rejection = std::move(why.error());
    e = json::error::incomplete;
    return false;
  }
  bool take(Error& e) {
    std::vector<Field> fields_of_element;
    for (const auto& [key, text] : element_) fields_of_element.push_back({.name = key, .text = text});
    if (auto ok = shape_->take(fields_of_element, here()); !ok) return stop(e, std::unexpected(ok.error()));
    if (++elements_ > limits::kRollChanges)
      return stop(e, reject(Reason::kWireLimit, std::string(shape_->list)));
    return true;
  }
  bool on_value(Error& e, std::string text, JsonKind kind) {
    if (depth_ == Depth::kOutside) return stop(e, bad(here(), "an object is expected"));
    if (depth_ == Depth::kList) {
      if (kind != JsonKind::kText || !shape_->element.empty())
        return stop(e, bad(here(), shape_->element.empty() ? "a text is expected" : "an object is expected"));
      element_ = {{std::string(shape_->list), std::move(text)}};
      return take(e);
    }
    const bool element = depth_ == Depth::kElement;
    const auto known = std::ranges::find(shape_->top, key_, [](const auto& one) { return one.first; });
    if (element ? std::ranges::find(shape_->element, key_) == shape_->element.end()
                : known == shape_->top.end())
      return stop(e, bad(here(), "a key that the format does not have"));
    const Field field{.name = key_, .text = text};
    const JsonKind expected = element ? JsonKind::kText : known->second;
    if (kind != expected)
      return stop(
          e, bad(here(), field, expected == JsonKind::kText ? "a text is expected" : "a number is expected"));
    if (auto ok = check_clean(here(), field); !ok) return stop(e, std::unexpected(ok.error()));
    const bool again =
        element
            ? std::ranges::find(element_, key_, [](const auto& one) { return one.first; }) != element_.end()
            : fields.contains(key_);
    if (again) return stop(e, bad(here(), field, "stands twice"));
    if (element)
      element_.emplace_back(key_, std::move(text));
    else
      fields.emplace(key_, std::move(text));
    return true;
  }

  const JsonShape* shape_;
  Depth depth_ = Depth::kOutside;
  std::uint64_t elements_ = 0;
  std::string key_, piece_;
  std::vector<std::pair<std::string, std::string>> element_;
};

/// The top object's fields. @return what `take` refuses; ROLL_FORMAT with line and column where it is no
/// JSON.
Result<JsonFields, Rejection> read_json(std::string_view file, const JsonShape& shape) {
  json::basic_parser<ShapeReader> parser(json::parse_options(), shape);
  boost::system::error_code error;
  const std::size_t read = parser.write_some(false, file.data(), file.size(), error);
  ShapeReader& reader = parser.handler();
  if (reader.rejection) return std::unexpected(*reader.rejection);
  const std::size_t rest = file.find_first_not_of(" \t\r\n", read);
  if (error || rest != std::string_view::npos) {
    const std::string_view before = file.substr(0, error ? read : rest);
    const std::size_t start = before.rfind('\n') + 1;  // 0 in the first line
    return reject(Reason::kRollFormat,
                  fmt::format("line {}, column {}: no JSON from here on",
                              std::ranges::count(before, '\n') + 1, characters(before.substr(start)) + 1));
  }
  for (const auto& [key, kind] : shape.top)
    if (!reader.fields.contains(key)) return reject(Reason::kRollFormat, std::string(key) + ": missing");
  if (!reader.list_seen) return reject(Reason::kRollFormat, std::string(shape.list) + ": missing");
  return std::move(reader.fields);
}

constexpr Where kTop{ListForm::kJson, 0, {}};
Field top_field(const JsonFields& fields, std::string_view name) {
  return {.name = name, .text = fields.find(name)->second};
}
/// Brings the fields of an element into this order. @return ROLL_FORMAT unless it has exactly these.
template <std::size_t N>
Result<std::array<Field, N>, Rejection> ordered(std::span<const Field> fields, const Where& where,
                                                const std::array<std::string_view, N>& names) {
  std::array<Field, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto found = std::ranges::find(fields, names[i], &Field::name);
    if (found == fields.end()) return bad(where, std::string(names[i]) + " is missing");
    out[i] = *found;
  }
  if (fields.size() != N) return bad(where, "a key that this action does not have");
  return out;
}
std::string_view action_of(std::span<const Field> fields) {
  const auto found = std::ranges::find(fields, "action", &Field::name);
  return found == fields.end() ? std::string_view() : found->text;
}

std::string json_text(std::string_view text) {
  return json::serialize(json::string(text.data(), text.size()));
}

// ---- the roll ---------------------------------------------------------------------------------------------

/// Takes the lines of a roll in whatever form, and makes changes of them at the end.
class RollLines {
 public:
  explicit RollLines(const UnitRule& rule) : rule_(&rule) {}

  Done addition(const Where& where, const Field& code, const Field& name, const Field& area,
                const Field& district) {
    auto id = take_code(where, code);
    if (!id) return std::unexpected(id.error());
    if (auto ok = check_name(where, name); !ok) return ok;
    if (!is_area(area.text)) return bad(where, area, "four digits (EHAK), or FOREIGN");
    if (!is_district(district.text)) return bad(where, district, "1 to 10 digits without leading zeros");
    auto unit = rule_->unit(area.text, district.text);
    if (!unit)
      return reject(Reason::kRollChangeInvalid,
                    where.text(&district) +
                        ": the election has no unit for this administrative unit and "
                        "district; name it with a file of units");
    return push({std::move(*id), std::move(unit), static_cast<std::uint32_t>(where.number)});
  }
  Done removal(const Where& where, const Field& code) {
    auto id = take_code(where, code);
    if (!id) return std::unexpected(id.error());
    return push({std::move(*id), std::nullopt, static_cast<std::uint32_t>(where.number)});
  }

  /// @pre all lines were taken, in their order.
  Done finish(RollFile& out, ListForm form) {
    const auto before = [](const Line& a, const Line& b) {
      const int order = a.id.compare(b.id);
      return order < 0 || (order == 0 && a.number < b.number);
    };
    if (!std::ranges::is_sorted(lines_, before)) std::ranges::sort(lines_, before);
    if (lines_.empty()) return reject(Reason::kRollFormat, "no line adds or removes a voter");
    std::optional<Line> fault;  // the first line of the file that repeats
    const auto repeats = [&](const Line& line) {
      if (!fault || line.number < fault->number) fault = line;
    };
    out.changes.reserve(lines_.size());
    out.lines.reserve(lines_.size());
    for (std::size_t i = 0; i < lines_.size();) {
      std::size_t end = i + 1;
      while (end < lines_.size() && lines_[end].id == lines_[i].id) ++end;
      // Removal before addition, one of each at most.
      for (std::size_t k = i + 1; k < end; ++k)
        if (k > i + 1 || lines_[i].unit || !lines_[k].unit) repeats(lines_[k]);
      Line& last = lines_[end - 1];
      const RollChangeKind kind = !last.unit     ? RollChangeKind::kStrike
                                  : end == i + 1 ? RollChangeKind::kAdd
                                                 : RollChangeKind::kMove;
      out.lines.push_back(last.number);
      out.changes.push_back({.kind = kind, .national_id = std::move(last.id), .unit = std::move(last.unit)});
      i = end;
    }
    const auto at = [&](std::uint32_t number) {
      return Where{form, number, form == ListForm::kJson ? kVoters : std::string_view()};
    };
    if (fault)
      return bad(at(fault->number),
                 "a second line about this person; a list has one, or a removal and after it an addition");
    if (out.changeset == 0) {
      for (std::size_t i = 0; i < out.changes.size(); ++i)
        if (out.changes[i].kind != RollChangeKind::kAdd && (!fault || out.lines[i] < fault->number))
          fault = Line{{}, {}, out.lines[i]};
      if (fault) return bad(at(fault->number), "the first roll (change set 0) only adds");
    }
    return {};
  }

  static constexpr std::string_view kVoters = "voters";

 private:
  struct Line {
    NationalId id;
    std::optional<Id> unit;  // absent: a removal
    std::uint32_t number = 0;
  };
  Done push(Line line) {
    if (lines_.size() >= limits::kRollChanges)
      return reject(Reason::kWireLimit, "more lines than a roll has");
    lines_.push_back(std::move(line));
    return {};
  }
  const UnitRule* rule_;
  std::vector<Line> lines_;
};

constexpr std::array<std::string_view, 5> kRollNames = {"action", "person_code", "voter_name", "kov_code",
                                                        "electoral_district_id"};

Done take_changeset(RollFile& out, const Where& where, const Field& changeset) {
  const auto number = take_number(where, changeset, 999'999);
  if (!number) return std::unexpected(number.error());
  out.changeset = *number;
  return {};
}
Done take_period(RollFile& out, const Where& where, const Field& from, const Field& to) {
  for (const Field& field : {from, to})
    if (!rfc3339(field.text))
      return bad(where, field, "a time is written as 2026-03-01T09:00:00Z (RFC 3339)");
  out.from = from.text;
  out.to = to.text;
  if (out.changeset == 0 && out.from != out.to)
    return bad(where, to, "the first roll's period begins and ends at one time");
  if (*rfc3339(out.from) > *rfc3339(out.to)) return bad(where, to, "the period ends before it begins");
  return {};
}

Result<RollFile, Rejection> read_roll_tabs(std::string_view file, const UnitRule& rule) {
  RollFile out;
  Lines lines(file);
  const auto version = lines.next_single("version");
  if (!version) return std::unexpected(version.error());
  if (auto ok = check_version(lines.where(), *version); !ok) return std::unexpected(ok.error());
  const auto election = lines.next_single("election_identifier");
  if (!election) return std::unexpected(election.error());
  if (auto ok = check_election(lines.where(), *election); !ok) return std::unexpected(ok.error());
  out.election = election->text;
  const auto changeset = lines.next_single("changeset");
  if (!changeset) return std::unexpected(changeset.error());
  if (auto ok = take_changeset(out, lines.where(), *changeset); !ok) return std::unexpected(ok.error());
  const auto period = lines.next_pair("period from", "period to");
  if (!period) return std::unexpected(period.error());
  if (auto ok = take_period(out, lines.where(), period->first, period->second); !ok)
    return std::unexpected(ok.error());

  RollLines taken(rule);
  while (!lines.at_end()) {
    const auto fields = lines.next();
    if (!fields) return std::unexpected(fields.error());
    std::array<Field, kRollNames.size()> f{};
    for (std::size_t i = 0; i < std::min(f.size(), fields->size()); ++i) {
      f[i] = (*fields)[i];
      f[i].name = kRollNames[i];
    }
    const Where where = lines.where();
    Done done;
    if (f[0].text == kAdd) {
      if (fields->size() != 5)
        done = bad(where, "an addition has five fields: lisamine, code, name, administrative unit, district");
      else
        done = taken.addition(where, f[1], f[2], f[3], f[4]);
    } else if (f[0].text == kRemove) {
      if (fields->size() != 2)
        done = bad(where, "a removal has two fields: kustutamine, code");
      else
        done = taken.removal(where, f[1]);
    } else {
      done = bad(where, f[0], "lisamine or kustutamine is expected");
    }
    if (!done) return std::unexpected(done.error());
  }
  if (auto ok = taken.finish(out, ListForm::kTabs); !ok) return std::unexpected(ok.error());
  return out;
}

Result<RollFile, Rejection> read_roll_json(std::string_view file, const UnitRule& rule) {
  RollLines taken(rule);
  JsonShape shape;
  shape.list = RollLines::kVoters;
  shape.top = {{"version", JsonKind::kNumber},
               {"election_identifier", JsonKind::kText},
               {"changeset", JsonKind::kNumber},
               {"from", JsonKind::kText},
               {"to", JsonKind::kText}};
  shape.element = {kRollNames.begin(), kRollNames.end()};
  shape.take = [&](std::span<const Field> fields, const Where& where) -> Done {
    if (action_of(fields) == kAdd) {
      const auto f = ordered(fields, where, kRollNames);
      if (!f) return std::unexpected(f.error());
      return taken.addition(where, (*f)[1], (*f)[2], (*f)[3], (*f)[4]);
    }
    if (action_of(fields) == kRemove) {
      const auto f = ordered<2>(fields, where, {kRollNames[0], kRollNames[1]});
      if (!f) return std::unexpected(f.error());
      return taken.removal(where, (*f)[1]);
    }
    return bad(where, "action: lisamine or kustutamine is expected");
  };
  const auto top = read_json(file, shape);
  if (!top) return std::unexpected(top.error());
  RollFile out;
  Done done = check_version(kTop, top_field(*top, "version"));
  if (done) done = check_election(kTop, top_field(*top, "election_identifier"));
  if (done) done = take_changeset(out, kTop, top_field(*top, "changeset"));
  if (done) done = take_period(out, kTop, top_field(*top, "from"), top_field(*top, "to"));
  if (!done) return std::unexpected(done.error());
  out.election = top->find("election_identifier")->second;
  if (auto ok = taken.finish(out, ListForm::kJson); !ok) return std::unexpected(ok.error());
  return out;
}

// ---- voters on paper --------------------------------------------------------------------------------------

/// Codes of a list, each once.
class Persons {
 public:
  Done take(const Where& where, const Field& code) {
    auto id = take_code(where, code);
    if (!id) return std::unexpected(id.error());
    if (ids.size() >= limits::kRollChanges) return reject(Reason::kWireLimit, "more persons than a list has");
    if (!seen_.insert(*id).second) return bad(where, code, "this person stands in the list already");
    ids.push_back(std::move(*id));
    return {};
  }
  std::vector<NationalId> ids;

 private:
  std::unordered_set<NationalId> seen_;
};

Result<RevocationKind, Rejection> take_kind(const Where& where, const Field& field, std::string_view revoke,
                                            std::string_view restore) {
  if (field.text == revoke) return RevocationKind::kRevoke;
  if (field.text == restore) return RevocationKind::kRestore;
  return bad(where, field, fmt::format("{} or {} is expected", revoke, restore));
}

Result<PaperList, Rejection> read_paper_tabs(std::string_view file) {
  PaperList out;
  Lines lines(file);
  const auto version = lines.next_single("version");
  if (!version) return std::unexpected(version.error());
  if (auto ok = check_version(lines.where(), *version); !ok) return std::unexpected(ok.error());
  const auto election = lines.next_single("election_identifier");
  if (!election) return std::unexpected(election.error());
  if (auto ok = check_election(lines.where(), *election); !ok) return std::unexpected(ok.error());
  out.election = election->text;
  const auto type = lines.next_single("type");
  if (!type) return std::unexpected(type.error());
  const auto kind = take_kind(lines.where(), *type, kRevocations, kRestorations);
  if (!kind) return std::unexpected(kind.error());
  out.kind = *kind;
  Persons persons;
  while (!lines.at_end()) {
    const auto code = lines.next_single("person_code");
    if (!code) return std::unexpected(code.error());
    if (auto ok = persons.take(lines.where(), *code); !ok) return std::unexpected(ok.error());
  }
  out.voters = std::move(persons.ids);
  return out;
}

Result<PaperList, Rejection> read_paper_json(std::string_view file) {
  Persons persons;
  JsonShape shape;
  shape.list = "persons";
  shape.top = {{"election", JsonKind::kText}, {"type", JsonKind::kText}};
  shape.take = [&](std::span<const Field> fields, const Where& where) {
    return persons.take(where, fields.front());
  };
  const auto top = read_json(file, shape);
  if (!top) return std::unexpected(top.error());
  if (auto ok = check_election(kTop, top_field(*top, "election")); !ok) return std::unexpected(ok.error());
  const auto kind = take_kind(kTop, top_field(*top, "type"), "revoke", "restore");
  if (!kind) return std::unexpected(kind.error());
  return PaperList{top->find("election")->second, *kind, std::move(persons.ids)};
}

// ---- who has voted ----------------------------------------------------------------------------------------

/// Lines of a list of who has voted, in whatever form: ids rise, a removal stands before its addition.
class VotedLines {
 public:
  explicit VotedLines(std::vector<VotedList::Line>& out) : out_(&out) {}
  Done removal(const Where& where, const Field& code, const Field& unit) {
    auto id = take_code(where, code);
    if (!id) return std::unexpected(id.error());
    auto before = take_unit(where, unit);
    if (!before) return std::unexpected(before.error());
    if (!out_->empty() && *id <= out_->back().voter) return bad(where, code, kOrder);
    return push({std::move(*id), std::move(*before), std::nullopt});
  }
  Done addition(const Where& where, const Field& code, const Field& unit) {
    auto id = take_code(where, code);
    if (!id) return std::unexpected(id.error());
    auto now = take_unit(where, unit);
    if (!now) return std::unexpected(now.error());
    if (!out_->empty() && *id == out_->back().voter && !out_->back().now && out_->back().before != now) {
      out_->back().now = std::move(*now);
      return {};
    }
    if (!out_->empty() && *id <= out_->back().voter) return bad(where, code, kOrder);
    return push({std::move(*id), std::nullopt, std::move(*now)});
  }

 private:
  static constexpr std::string_view kOrder =
      "codes rise; of one person at most a removal and after it an "
      "addition elsewhere";
  Done push(VotedList::Line line) {
    if (out_->size() >= limits::kRollChanges) return reject(Reason::kWireLimit, "more lines than a list has");
    out_->push_back(std::move(line));
    return {};
  }
  std::vector<VotedList::Line>* out_;
};

Done take_cursor(VotedList& out, const Where& where, const Field& from, const Field& next) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 53U;  // exact in every JSON
  const auto a = take_number(where, from, kMost);
  if (!a) return std::unexpected(a.error());
  const auto b = take_number(where, next, kMost);
  if (!b) return std::unexpected(b.error());
  if (*a > *b) return bad(where, next, "the list ends before it begins");
  out.from = *a;
  out.next = *b;
  return {};
}
Done take_filter(VotedList& out, const Where& where, const Field& unit) {
  if (unit.text == kAllUnits) return {};
  auto id = take_unit(where, unit);
  if (!id) return std::unexpected(id.error());
  out.unit = std::move(*id);
  return {};
}
Done check_first(const VotedList& list) {
  for (const VotedList::Line& line : list.lines)
    if (list.from == 0 && line.before) return reject(Reason::kRollFormat, "a whole list only adds");
  return {};
}
constexpr std::array<std::string_view, 3> kVotedNames = {"action", "person_code", "unit"};

Result<VotedList, Rejection> read_voted_tabs(std::string_view file) {
  VotedList out;
  Lines lines(file);
  const auto version = lines.next_single("version");
  if (!version) return std::unexpected(version.error());
  if (auto ok = check_version(lines.where(), *version); !ok) return std::unexpected(ok.error());
  const auto election = lines.next_single("election_identifier");
  if (!election) return std::unexpected(election.error());
  if (auto ok = check_election(lines.where(), *election); !ok) return std::unexpected(ok.error());
  out.election = election->text;
  const auto cursor = lines.next_pair("from", "next");
  if (!cursor) return std::unexpected(cursor.error());
  if (auto ok = take_cursor(out, lines.where(), cursor->first, cursor->second); !ok)
    return std::unexpected(ok.error());
  const auto unit = lines.next_single("unit");
  if (!unit) return std::unexpected(unit.error());
  if (auto ok = take_filter(out, lines.where(), *unit); !ok) return std::unexpected(ok.error());
  VotedLines taken(out.lines);
  while (!lines.at_end()) {
    const auto fields = lines.next();
    if (!fields) return std::unexpected(fields.error());
    const Where where = lines.where();
    if (fields->size() != 3)
      return bad(where, "three fields are expected: lisamine or kustutamine, code, unit");
    std::array<Field, 3> f{(*fields)[0], (*fields)[1], (*fields)[2]};
    for (std::size_t i = 0; i < f.size(); ++i) f[i].name = kVotedNames[i];
    Done done = f[0].text == kAdd      ? taken.addition(where, f[1], f[2])
                : f[0].text == kRemove ? taken.removal(where, f[1], f[2])
                                       : Done(bad(where, f[0], "lisamine or kustutamine is expected"));
    if (!done) return std::unexpected(done.error());
  }
  if (auto ok = check_first(out); !ok) return std::unexpected(ok.error());
  return out;
}

Result<VotedList, Rejection> read_voted_json(std::string_view file) {
  VotedList out;
  VotedLines taken(out.lines);
  JsonShape shape;
  shape.list = RollLines::kVoters;
  shape.top = {{"version", JsonKind::kNumber},
               {"election_identifier", JsonKind::kText},
               {"from", JsonKind::kNumber},
               {"next", JsonKind::kNumber},
               {"unit", JsonKind::kText}};
  shape.element = {kVotedNames.begin(), kVotedNames.end()};
  shape.take = [&](std::span<const Field> fields, const Where& where) -> Done {
    const auto f = ordered(fields, where, kVotedNames);
    if (!f) return std::unexpected(f.error());
    if ((*f)[0].text == kAdd) return taken.addition(where, (*f)[1], (*f)[2]);
    if ((*f)[0].text == kRemove) return taken.removal(where, (*f)[1], (*f)[2]);
    return bad(where, (*f)[0], "lisamine or kustutamine is expected");
  };
  const auto top = read_json(file, shape);
  if (!top) return std::unexpected(top.error());
  Done done = check_version(kTop, top_field(*top, "version"));
  if (done) done = check_election(kTop, top_field(*top, "election_identifier"));
  if (done) done = take_cursor(out, kTop, top_field(*top, "from"), top_field(*top, "next"));
  if (done) done = take_filter(out, kTop, top_field(*top, "unit"));
  if (done) done = check_first(out);
  if (!done) return std::unexpected(done.error());
  out.election = top->find("election_identifier")->second;
  return out;
}

std::string line_key(std::string_view area, std::string_view district) {
  return fmt::format("{}\t{}", area, district);
}

/// The administrative unit and district of a unit that is named after the rule without a file.
std::optional<std::pair<std::string, std::string>> parts_of_unit(const Id& unit) {
  const std::size_t dot = unit.text.find('.');
  if (dot == std::string::npos) return std::nullopt;
  std::string area = unit.text.substr(0, dot);
  if (area == "foreign") area = kForeign;
  std::string district = unit.text.substr(dot + 1);
  if (!is_area(area) || !is_district(district)) return std::nullopt;
  return std::pair{std::move(area), std::move(district)};
}

}  // namespace

ListForm form_of(std::string_view file) {
  const std::size_t at = file.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && file[at] == '{' ? ListForm::kJson : ListForm::kTabs;
}

std::optional<NationalId> national_id_of_code(std::string_view code) {
  std::string id(code);
  if (all_digits(code))
    id.insert(0, kEstonian);
  else if (code.starts_with(kEstonian))
    return std::nullopt;  // its one spelling here is the bare code
  if (!is_national_id(id)) return std::nullopt;
  return id;
}

std::string_view code_of_national_id(std::string_view national_id) {
  if (national_id.starts_with(kEstonian)) national_id.remove_prefix(kEstonian.size());
  return national_id;
}

bool is_election_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 28 && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
  });
}

UnitRule::UnitRule(const Definition& definition) {
  for (const Unit& unit : definition.units) known_.emplace(unit.id.text, unit.id);
}

Result<UnitRule, Rejection> UnitRule::parse(std::string_view text, const Definition& definition) {
  UnitRule out(definition);
  out.from_file_ = true;
  Lines lines(text);
  while (!lines.at_end()) {
    const auto fields = lines.next();
    if (!fields) return std::unexpected(fields.error());
    const std::string_view first = fields->front().text;
    if (first.starts_with('#') || (fields->size() == 1 && first.empty())) continue;
    if (fields->size() != 3) return bad(lines.where(), "three fields are expected: code, district, unit");
    const Field area{"kov_code", first, 1};
    const Field district{"electoral_district_id", (*fields)[1].text, (*fields)[1].column};
    const Field unit{"unit", (*fields)[2].text, (*fields)[2].column};
    if (area.text != "*" && !is_area(area.text)) return bad(lines.where(), area, "four digits, FOREIGN or *");
    if (!is_district(district.text))
      return bad(lines.where(), district, "1 to 10 digits without leading zeros");
    const auto known = out.known_.find(std::string(unit.text));
    if (known == out.known_.end())
      return reject(Reason::kRollChangeInvalid,
                    lines.where().text(&unit) + ": the election has no unit of that name");
    if (!out.lines_.emplace(line_key(area.text, district.text), known->second).second)
      return bad(lines.where(), area, "this administrative unit and district have a unit already");
  }
  return out;
}

std::optional<Id> UnitRule::unit(std::string_view area, std::string_view district) const {
  if (!from_file_) {
    std::string id(area == kForeign ? std::string_view("foreign") : area);
    id += '.';
    id += district;
    const auto known = known_.find(id);
    return known == known_.end() ? std::nullopt : std::optional(known->second);
  }
  for (const std::string_view key : {area, std::string_view("*")})
    if (const auto line = lines_.find(line_key(key, district)); line != lines_.end()) return line->second;
  return std::nullopt;
}

Result<RollFile, Rejection> read_roll_file(std::string_view file, const UnitRule& rule) {
  return form_of(file) == ListForm::kJson ? read_roll_json(file, rule) : read_roll_tabs(file, rule);
}

std::string write_roll_file(const RollFile& roll, ListForm form) {
  const bool is_json = form == ListForm::kJson;
  std::string out =
      is_json
          ? fmt::format(
                "{{\"version\": 2, \"election_identifier\": {}, \"changeset\": {}, \"from\": {}, "
                "\"to\": {}, \"voters\": [",
                json_text(roll.election), roll.changeset, json_text(roll.from), json_text(roll.to))
          : fmt::format("{}\n{}\n{}\n{}\t{}\n", kVersion, roll.election, roll.changeset, roll.from, roll.to);
  bool first = true;
  const auto begin = [&] {
    if (is_json) out += first ? "\n  " : ",\n  ";
    first = false;
  };
  for (const RollChange& change : roll.changes) {
    const std::string_view code = code_of_national_id(change.national_id);
    if (change.kind != RollChangeKind::kAdd) {
      begin();
      out += is_json ? fmt::format("{{\"action\": \"{}\", \"person_code\": \"{}\"}}", kRemove, code)
                     : fmt::format("{}\t{}\n", kRemove, code);
    }
    if (!change.unit) continue;
    const auto parts = parts_of_unit(*change.unit);
    invariant(parts.has_value(), "the caller's units are named after the rule");
    begin();
    out += is_json ? fmt::format(
                         "{{\"action\": \"{}\", \"person_code\": \"{}\", \"voter_name\": \"-\", "
                         "\"kov_code\": \"{}\", \"electoral_district_id\": \"{}\"}}",
                         kAdd, code, parts->first, parts->second)
                   : fmt::format("{}\t{}\t-\t{}\t{}\n", kAdd, code, parts->first, parts->second);
  }
  if (is_json) out += "\n]}\n";
  return out;
}

Result<PaperList, Rejection> read_paper_list(std::string_view file) {
  return form_of(file) == ListForm::kJson ? read_paper_json(file) : read_paper_tabs(file);
}

std::string write_paper_list(const PaperList& list, ListForm form) {
  const bool revoke = list.kind == RevocationKind::kRevoke;
  if (form == ListForm::kJson) {
    std::string out = fmt::format("{{\"election\": {}, \"type\": \"{}\", \"persons\": [",
                                  json_text(list.election), revoke ? "revoke" : "restore");
    for (std::size_t i = 0; i < list.voters.size(); ++i)
      out += fmt::format("{}\"{}\"", i == 0 ? "\n  " : ",\n  ", code_of_national_id(list.voters[i]));
    return out + "\n]}\n";
  }
  std::string out =
      fmt::format("{}\n{}\n{}\n", kVersion, list.election, revoke ? kRevocations : kRestorations);
  for (const NationalId& voter : list.voters) out += fmt::format("{}\n", code_of_national_id(voter));
  return out;
}

Result<VotedList, Rejection> read_voted_list(std::string_view file) {
  return form_of(file) == ListForm::kJson ? read_voted_json(file) : read_voted_tabs(file);
}

std::string write_voted_list(const VotedList& list, ListForm form) {
  const bool is_json = form == ListForm::kJson;
  const std::string_view unit = list.unit ? std::string_view(list.unit->text) : kAllUnits;
  std::string out =
      is_json ? fmt::format(
                    "{{\"version\": 2, \"election_identifier\": {}, \"from\": {}, \"next\": {}, \"unit\": "
                    "\"{}\", \"voters\": [",
                    json_text(list.election), list.from, list.next, unit)
              : fmt::format("{}\n{}\n{}\t{}\n{}\n", kVersion, list.election, list.from, list.next, unit);
  bool first = true;
  for (const VotedList::Line& line : list.lines) {
    for (const auto& [action, of] : {std::pair{kRemove, &line.before}, std::pair{kAdd, &line.now}}) {
      if (!*of) continue;
      const std::string_view code = code_of_national_id(line.voter);
      out += is_json ? fmt::format("{}{{\"action\": \"{}\", \"person_code\": \"{}\", \"unit\": \"{}\"}}",
                                   first ? "\n  " : ",\n  ", action, code, (*of)->text)
                     : fmt::format("{}\t{}\t{}\n", action, code, (*of)->text);
      first = false;
    }
  }
  if (is_json) out += "\n]}\n";
  return out;
}

Result<std::string, Rejection> write_online_voters(const VotedList& list, Districts districts) {
  if (list.from != 0) return reject(Reason::kUsage, "the public form is of whole lists: begin at entry 0");
  std::map<std::string, std::map<std::string, std::vector<std::string_view>>> sorted;
  for (const VotedList::Line& line : list.lines) {
    const auto parts = parts_of_unit(*line.now);
    if (!parts)
      return reject(
          Reason::kUsage,
          "the public form needs units named <EHAK code>.<district>; this election has " + line.now->text);
    const std::string area = parts->first == kForeign ? "0000" : parts->first;
    sorted[(districts == Districts::kNational ? "0000" : area) + "." + parts->second][area].push_back(
        code_of_national_id(line.voter));
  }
  json::object out{{"election", list.election}};
  json::object& by_district = out["onlinevoters"].emplace_object();
  for (const auto& [district, areas] : sorted) {
    json::object& by_area = by_district[district].emplace_object();
    for (const auto& [area, codes] : areas) {
      json::array& array = by_area[area].emplace_array();
      for (const std::string_view code : codes) array.emplace_back(json::string(code.data(), code.size()));
    }
  }
  return json::serialize(out) + "\n";
}

std::string VotedStatement::encode() const {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", labels::kVotedNote, to_hex(fingerprint), from, next,
                     to_base64(root), to_hex(list_hash));
}

NoteKey voted_note_key(const Election& election) {
  return {election.definition().collector.origin + "/voted", NoteKeyType::kLog, election.service_key()};
}

Result<VotedStatement, Rejection> check_voted_list(const Election& election, std::string_view list,
                                                   std::string_view note) {
  const auto parsed = SignedNote::parse(note);
  if (!parsed) return reject(parsed.error(), "note");
  const NoteKey key = voted_note_key(election);
  const bool is_signed = std::ranges::any_of(parsed->signatures, [&](const NoteSignature& one) {
    return one.is_by(key) && verify_log_signature(parsed->text, one, key);
  });
  if (!is_signed) return reject(Reason::kSigInvalid, "note");
  std::vector<std::string_view> lines;
  for (std::string_view rest = parsed->text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (lines.size() != 6) return reject(Reason::kNoteFormat, "note");
  const auto from = number_of(lines[2]);
  const auto next = number_of(lines[3]);
  const auto root = from_base64(lines[4]);
  if (!from || !next || !root || root->size() != sizeof(Digest256))
    return reject(Reason::kNoteFormat, "note");
  if (lines[1] != to_hex(election.fingerprint())) return reject(Reason::kElectionFpMismatch, "note");
  VotedStatement statement{.fingerprint = election.fingerprint(),
                           .from = *from,
                           .next = *next,
                           .root = {},
                           .list_hash = sha256(bytes_of(list))};
  std::ranges::copy(*root, statement.root.begin());
  if (parsed->text != statement.encode()) return reject(Reason::kEvidenceFileAltered, "list");
  const auto read = read_voted_list(list);
  if (read && (read->from != *from || read->next != *next))
    return reject(Reason::kEvidenceFileAltered, "list");
  return statement;
}

// ---- the book ---------------------------------------------------------------------------------------------

bool RollBook::fits(const RollChange& change) const {
  const bool strike = change.kind == RollChangeKind::kStrike;
  if (strike == change.unit.has_value()) return false;
  const auto known = voters_.find(change.national_id);
  const bool on_roll = known != voters_.end() && known->second;
  return (change.kind == RollChangeKind::kAdd) != on_roll;
}

Result<void, Rejection> RollBook::apply(const RollDocument& document, const Digest256& body_hash) {
  if (document.version != version_ + 1 || document.previous != hash_)
    return reject(Reason::kRollChainGap,
                  fmt::format("version {} after version {}", document.version, version_));
  std::unordered_set<std::string_view> touched;
  touched.reserve(document.changes.size());
  for (std::size_t i = 0; i < document.changes.size(); ++i) {
    const RollChange& change = document.changes[i];
    if (!fits(change) || !touched.insert(change.national_id).second)
      return reject(Reason::kRollChangeInvalid,
                    fmt::format("version {}, change {}", document.version, i + 1));
  }
  voters_.reserve(voters_.size() + document.changes.size());
  for (const RollChange& change : document.changes) voters_[change.national_id] = change.unit;
  version_ = document.version;
  hash_ = body_hash;
  return {};
}

std::optional<Id> RollBook::unit_of(const NationalId& id) const {
  const auto known = voters_.find(id);
  return known == voters_.end() ? std::nullopt : known->second;
}

std::map<Id, std::uint64_t> RollBook::voters_of_units() const {
  std::map<Id, std::uint64_t> out;
  for (const auto& [id, unit] : voters_)
    if (unit) ++out[*unit];
  return out;
}

}  // namespace psephos
