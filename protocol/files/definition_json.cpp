#include "protocol/files/definition_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <chrono>
#include <set>

#include "protocol/files/files.h"
#include "protocol/labels.h"

namespace psephos {

namespace {

namespace json = boost::json;

/// Carries a refusal out of the nested reading functions; does not leave this file.
struct Refusal {
  Rejection rejection;
};
[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Refusal{{Reason::kDefinitionParse, (path.empty() ? "definition" : path) + ": " + why}};
}

/// Looks only for keys given twice in one object, of which Boost.JSON would keep the last without a word.
class DuplicateFinder {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Error = boost::system::error_code;

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) {
    objects_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Error&) {
    objects_.pop_back();
    return true;
  }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(std::size_t, Error&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, Error&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Error&) {
    key_.append(part.data(), part.size());
    if (!objects_.back().insert(key_).second && duplicate.empty()) duplicate = key_;
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, Error&) { return true; }
  bool on_string(json::string_view, std::size_t, Error&) { return true; }
  bool on_number_part(json::string_view, Error&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Error&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Error&) { return true; }
  bool on_double(double, json::string_view, Error&) { return true; }
  bool on_bool(bool, Error&) { return true; }
  bool on_null(Error&) { return true; }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }

  std::string duplicate;

 private:
  std::vector<std::set<std::string>> objects_;
  std::string key_;
};

std::string child(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

/// An object whose keys are all to be used: `finish` refuses one that nobody asked for.
class Object {
 public:
  Object(const json::value& value, std::string path) : path_(std::move(path)) {
    if (!value.is_object()) refuse(path_, "an object is expected");
    object_ = &value.get_object();
  }
  const json::value* find(std::string_view key) {
    used_.emplace(key);
    return object_->if_contains(json::string_view(key.data(), key.size()));
  }
  const json::value& at(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr) refuse(path(key), "missing");
    return *value;
  }
  std::string path(std::string_view key) const { return child(path_, key); }
  void finish() const {
    for (const auto& member : *object_) {
      const std::string key(member.key().data(), member.key().size());
      if (!used_.contains(key)) refuse(path(key), "unknown key");
    }
  }
  const json::object& raw() const { return *object_; }

 private:
  const json::object* object_ = nullptr;
  std::string path_;
  std::set<std::string> used_;
};

std::string text_at(const json::value& value, const std::string& path) {
  if (!value.is_string()) refuse(path, "a text is expected");
  const json::string& text = value.get_string();
  return {text.data(), text.size()};
}
std::string text_of_key(Object& object, std::string_view key) {
  return text_at(object.at(key), object.path(key));
}

Id id_at(const json::value& value, const std::string& path) {
  std::string text = text_at(value, path);
  if (!is_id(text)) refuse(path, "an id has 1 to 64 characters of a-z, 0-9, dot and dash");
  return {std::move(text)};
}
Id id_of_key(Object& object, std::string_view key) {
  return id_at(object.at(key), object.path(key));
}

std::uint64_t number_at(const json::value& value, const std::string& path) {
  if (value.is_uint64()) return value.get_uint64();
  if (!value.is_int64() || value.get_int64() < 0) refuse(path, "a whole number is expected");
  return static_cast<std::uint64_t>(value.get_int64());
}
std::uint64_t number_of_key(Object& object, std::string_view key) {
  return number_at(object.at(key), object.path(key));
}

std::uint64_t time_of_key(Object& object, std::string_view key) {
  const json::value& value = object.at(key);
  if (!value.is_string()) return number_at(value, object.path(key));
  const auto time = parse_utc(text_at(value, object.path(key)));
  if (!time) refuse(object.path(key), "a time is written 2026-03-01T09:00:00Z, or in unix seconds");
  return *time;
}

template <class E>
E word_of_key(Object& object, std::string_view key,
              std::initializer_list<std::pair<std::string_view, E>> words) {
  const std::string text = text_of_key(object, key);
  std::string known;
  for (const auto& [word, value] : words) {
    if (text == word) return value;
    known += (known.empty() ? "" : " or ") + std::string(word);
  }
  refuse(object.path(key), known + " is expected");
}

template <std::size_t N>
ByteArray<N> hex_of_key(Object& object, std::string_view key) {
  const auto bytes = from_hex(text_of_key(object, key));
  if (!bytes || bytes->size() != N)
    refuse(object.path(key), std::to_string(2 * N) + " lower-case hexadecimal digits are expected");
  ByteArray<N> out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

ByteArray<32> key_of_key(Object& object, std::string_view key) {
  const ByteArray<32> bytes = hex_of_key<32>(object, key);
  if (const auto decoded = VerifyKey::decode(bytes); !decoded)
    refuse(object.path(key), "no Ed25519 public key: " + std::string(name_of(decoded.error())));
  return bytes;
}

template <class Read>
auto list_of_key(Object& object, std::string_view key, Read read) {
  const json::value& value = object.at(key);
  const std::string path = object.path(key);
  if (!value.is_array()) refuse(path, "a list is expected");
  std::vector<decltype(read(value, path))> out;
  for (const json::value& element : value.get_array())
    out.push_back(read(element, path + "[" + std::to_string(out.size()) + "]"));
  return out;
}

class DefinitionReader {
 public:
  explicit DefinitionReader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Definition read(const json::value& value) {
    Object o(value, "");
    Definition d;
    d.suite = o.find("suite") != nullptr ? text_of_key(o, "suite") : std::string(labels::kSuite);
    d.election = id_of_key(o, "election");
    d.mode = word_of_key<Mode>(o, "mode", {{"production", Mode::kProduction}, {"test", Mode::kTest}});
    languages_ = list_of_key(o, "languages", id_at);
    d.languages = languages_;
    d.title = texts_of_key(o, "title");
    d.contests = list_of_key(o, "contests", [this](const auto& v, const auto& p) { return contest(v, p); });
    d.units = list_of_key(o, "units", [this](const auto& v, const auto& p) { return unit(v, p); });
    d.periods = periods(o.at("periods"), "periods");
    d.policy = policy(o.at("policy"), "policy");
    d.eid = eid(o.at("eid"), "eid");
    d.commission = list_of_key(o, "commission", member);
    d.commission_quorum = number_of_key(o, "commission_quorum");
    d.trustees = list_of_key(o, "trustees", trustee);
    d.trustee_quorum = number_of_key(o, "trustee_quorum");
    d.mixers = list_of_key(o, "mixers", member);
    d.witnesses = list_of_key(o, "witnesses", member);
    d.witness_quorum = number_of_key(o, "witness_quorum");
    d.collector = collector(o.at("collector"), "collector");
    o.finish();
    return d;
  }

 private:
  /// In the order of the election's languages, whatever the order of the keys.
  std::vector<Text> texts_of_key(Object& parent, std::string_view key) {
    Object o(parent.at(key), parent.path(key));
    std::vector<Text> out;
    for (const Id& language : languages_)
      if (o.find(language.text) != nullptr) out.push_back({language, text_of_key(o, language.text)});
    o.finish();
    return out;
  }

  Choice choice(const json::value& value, const std::string& path) {
    Object o(value, path);
    Choice c;
    c.id = id_of_key(o, "id");
    c.names = texts_of_key(o, "names");
    if (o.find("kind") != nullptr)
      c.kind = word_of_key<ChoiceKind>(
          o, "kind", {{"candidate", ChoiceKind::kCandidate}, {"blank", ChoiceKind::kBlank}});
    if (o.find("group") != nullptr) c.group = texts_of_key(o, "group");
    o.finish();
    return c;
  }

  ChoiceList choice_list(const json::value& value, const std::string& path) {
    Object o(value, path);
    ChoiceList l;
    l.id = id_of_key(o, "id");
    l.choices = list_of_key(o, "choices", [this](const auto& v, const auto& p) { return choice(v, p); });
    o.finish();
    return l;
  }

  Contest contest(const json::value& value, const std::string& path) {
    Object o(value, path);
    Contest c;
    c.id = id_of_key(o, "id");
    c.title = texts_of_key(o, "title");
    if (o.find("slots") != nullptr) c.slots = number_of_key(o, "slots");
    if (o.find("kind") != nullptr && word_of_key<bool>(o, "kind", {{"one", false}, {"several", true}}))
      c.several = SeveralRule{number_of_key(o, "min"), number_of_key(o, "max")};
    c.lists = list_of_key(o, "lists", [this](const auto& v, const auto& p) { return choice_list(v, p); });
    o.finish();
    return c;
  }

  static UnitContest unit_contest(const json::value& value, const std::string& path) {
    Object o(value, path);
    UnitContest c{id_of_key(o, "contest"), id_of_key(o, "list")};
    o.finish();
    return c;
  }

  Unit unit(const json::value& value, const std::string& path) {
    Object o(value, path);
    Unit u;
    u.id = id_of_key(o, "id");
    u.names = texts_of_key(o, "names");
    u.contests = list_of_key(o, "contests", unit_contest);
    o.finish();
    return u;
  }

  static Periods periods(const json::value& value, const std::string& path) {
    Object o(value, path);
    const Periods p{time_of_key(o, "casting_begins"), time_of_key(o, "casting_ends"),
                    time_of_key(o, "grace_ends")};
    o.finish();
    return p;
  }

  static Policy policy(const json::value& value, const std::string& path) {
    Object o(value, path);
    Policy p;
    p.smallest_group = number_of_key(o, "smallest_group");
    p.mix_inputs = word_of_key<MixInputs>(o, "mix_inputs",
                                          {{"sworn", MixInputs::kSworn}, {"public", MixInputs::kPublic}});
    p.superseded = word_of_key<SupersededStatus>(
        o, "superseded", {{"hidden", SupersededStatus::kHidden}, {"shown", SupersededStatus::kShown}});
    p.verification_minutes = number_of_key(o, "verification_minutes");
    p.verification_count = number_of_key(o, "verification_count");
    p.ticket_minutes = number_of_key(o, "ticket_minutes");
    o.finish();
    return p;
  }

  EidProfile eid(const json::value& value, const std::string& path) {
    Object o(value, path);
    EidProfile e;
    e.anchors = anchors(o, "anchors");
    e.time_stamp_anchors = anchors(o, "time_stamp_anchors");
    e.policies = list_of_key(o, "policies", text_at);
    e.identity_types = list_of_key(o, "identities", text_at);
    e.keys = list_of_key(o, "keys", text_at);
    if (std::ranges::find(e.keys, "RSA") != e.keys.end()) {
      const auto bits = list_of_key(o, "rsa_bits", number_at);
      if (bits.size() != 2) refuse(o.path("rsa_bits"), "the least and the greatest size are expected");
      e.rsa_bits_min = bits[0];
      e.rsa_bits_max = bits[1];
    }
    o.finish();
    return e;
  }

  std::vector<Bytes> anchors(Object& object, std::string_view key) {
    std::vector<Bytes> out;
    for (auto& certificates :
         list_of_key(object, key, [this](const auto& v, const auto& p) { return anchor(v, p); }))
      std::ranges::move(certificates, std::back_inserter(out));
    return out;
  }

  /// {"file": path of DER or PEM} or {"base64": DER}.
  std::vector<Bytes> anchor(const json::value& value, const std::string& path) {
    Object o(value, path);
    std::vector<Bytes> out;
    if (o.find("file") != nullptr) {
      const auto bytes = read_file(directory_ / text_of_key(o, "file"), 1U << 20U);
      if (!bytes) throw Refusal{bytes.error()};
      auto certificates = certificates_in(*bytes, o.path("file"));
      if (!certificates) throw Refusal{certificates.error()};
      out = std::move(*certificates);
    } else {
      auto bytes = from_base64(text_of_key(o, "base64"));
      if (!bytes) refuse(o.path("base64"), "no base64 of RFC 4648 section 4");
      out.push_back(std::move(*bytes));
    }
    o.finish();
    return out;
  }

  static Member member(const json::value& value, const std::string& path) {
    Object o(value, path);
    Member m{text_of_key(o, "name"), key_of_key(o, "key")};
    o.finish();
    return m;
  }

  static Trustee trustee(const json::value& value, const std::string& path) {
    Object o(value, path);
    Trustee t{text_of_key(o, "name"), key_of_key(o, "key"), {}};
    const auto point = Ristretto::Point::decode_nonidentity(hex_of_key<32>(o, "ceremony_key"));
    if (!point)
      refuse(o.path("ceremony_key"), "no ristretto255 point: " + std::string(name_of(point.error())));
    t.ceremony_key = *point;
    o.finish();
    return t;
  }

  static Collector collector(const json::value& value, const std::string& path) {
    Object o(value, path);
    Collector c{text_of_key(o, "origin"), key_of_key(o, "log_key"), key_of_key(o, "service_key"),
                hex_of_key<32>(o, "tls_certificate_sha256")};
    o.finish();
    return c;
  }

  std::filesystem::path directory_;
  std::vector<Id> languages_;
};

}  // namespace

Result<Definition, Rejection> parse_definition(std::string_view text,
                                               const std::filesystem::path& directory) {
  try {
    boost::system::error_code error;
    const json::string_view input(text.data(), text.size());
    json::basic_parser<DuplicateFinder> finder{json::parse_options{}};
    finder.write_some(false, input.data(), input.size(), error);
    if (!error && !finder.handler().duplicate.empty())
      refuse(finder.handler().duplicate, "this key is given twice in one object");
    const json::value value = json::parse(input, error);
    if (error) refuse("", "no JSON: " + error.message());
    return decode<Definition>(encode(DefinitionReader(directory).read(value)));
  } catch (Refusal& refusal) {
    return std::unexpected(std::move(refusal.rejection));
  }
}

Result<Definition, Rejection> read_definition(const std::filesystem::path& file) {
  const auto bytes = read_file(file, limits::kManifestBytes);
  if (!bytes) return std::unexpected(bytes.error());
  return parse_definition(text_of(*bytes), file.parent_path());
}

std::string utc_text(std::uint64_t unix_s) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds time{chrono::seconds(unix_s)};
  const auto days = chrono::floor<chrono::days>(time);
  const chrono::year_month_day day(days);
  const chrono::hh_mm_ss clock(time - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<std::uint64_t> parse_utc(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (kShape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != kShape[i]) return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t size) {
    unsigned value = 0;
    for (const char c : text.substr(from, size)) value = 10 * value + static_cast<unsigned>(c - '0');
    return value;
  };
  namespace chrono = std::chrono;
  const chrono::year_month_day day(chrono::year(static_cast<int>(number(0, 4))), chrono::month(number(5, 2)),
                                   chrono::day(number(8, 2)));
  const unsigned hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto time =
      chrono::sys_days(day) + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second);
  const auto seconds = chrono::duration_cast<chrono::seconds>(time.time_since_epoch()).count();
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds);
}

Result<std::vector<Bytes>, Rejection> certificates_in(ByteView file, const std::string& object) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<Bytes> out;
  std::string_view rest = text_of(file);
  for (auto begin = rest.find(kBegin); begin != rest.npos; begin = rest.find(kBegin)) {
    rest.remove_prefix(begin + kBegin.size());
    const auto end = rest.find(kEnd);
    if (end == rest.npos) return reject(Reason::kDefinitionParse, object + ": PEM without its end");
    std::string base64;
    std::ranges::copy_if(rest.substr(0, end), std::back_inserter(base64),
                         [](char c) { return c != '\n' && c != '\r'; });
    auto der = from_base64(base64);
    if (!der) return reject(Reason::kDefinitionParse, object + ": PEM is no base64");
    out.push_back(std::move(*der));
    rest.remove_prefix(end + kEnd.size());
  }
  // A DER certificate is a sequence with a two-byte length.
  if (out.empty() && file.size() > 4 && file[0] == 0x30 && file[1] == 0x82) out.push_back(copy_of(file));
  if (out.empty()) return reject(Reason::kDefinitionParse, object + ": neither a PEM nor a DER certificate");
  return out;
}

}  // namespace psephos
