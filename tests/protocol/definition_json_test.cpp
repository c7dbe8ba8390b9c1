// SPEC §4.1: the readable definition.
#include "protocol/files/definition_json.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "protocol/files/files.h"

namespace psephos {
namespace {

constexpr std::string_view kKey =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";  // RFC 8032 §7.1
constexpr std::string_view kPoint =
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";  // RFC 9496 §A.1, the generator

std::string sample() {
  const std::string key(kKey), point(kPoint);
  const std::string member = R"({"name": "Mari", "key": ")" + key + "\"}";
  const std::string trustee =
      R"({"name": "Jaan", "key": ")" + key + R"(", "ceremony_key": ")" + point + "\"}";
  return R"({
    "election": "demo-2026", "mode": "test", "languages": ["en", "et"],
    "title": {"et": "Valimised", "en": "Election"},
    "contests": [{"id": "mayor", "title": {"en": "Mayor", "et": "Linnapea"}, "lists": [
      {"id": "all", "choices": [
        {"id": "a", "names": {"en": "Ann", "et": "Anne"}, "group": {"en": "Greens", "et": "Rohelised"}},
        {"id": "blank", "kind": "blank", "names": {"en": "Blank", "et": "Tühi"}}]}]}],
    "units": [{"id": "u1", "names": {"en": "One", "et": "Üks"}, "contests": [{"contest": "mayor", "list": "all"}]}],
    "periods": {"casting_begins": "2026-03-01T09:00:00Z", "casting_ends": 1772600000, "grace_ends": 1772603600},
    "policy": {"smallest_group": 5, "mix_inputs": "sworn", "superseded": "hidden", "verification_minutes": 30,
               "verification_count": 3, "ticket_minutes": 15},
    "eid": {"anchors": [{"base64": "MIIBAQ=="}], "time_stamp_anchors": [{"base64": "MIIBAw=="}], "policies": ["0.4.0.194112.1.2"],
            "identities": ["PNOEE", "PNOLV"], "keys": ["P-384", "RSA"], "rsa_bits": [2048, 4096]},
    "commission": [)" +
         member + R"(], "commission_quorum": 1,
    "trustees": [)" +
         trustee + "," + trustee + R"(], "trustee_quorum": 2,
    "mixers": [)" +
         member + R"(], "witnesses": [)" + member + R"(], "witness_quorum": 1,
    "collector": {"origin": "vote.example", "log_key": ")" +
         key + R"(", "service_key": ")" + key + R"(", "tls_certificate_sha256": ")" + std::string(64, '0') +
         "\"}}";
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

/// The path in the refusal, up to its colon.
std::string refused(const std::string& json) {
  const auto d = parse_definition(json, ".");
  if (d) return "accepted";
  EXPECT_EQ(d.error().reason, Reason::kDefinitionParse);
  return d.error().object.substr(0, d.error().object.find(':'));
}

TEST(DefinitionJson, EveryFieldArrives) {
  const auto d = parse_definition(sample(), ".");
  ASSERT_TRUE(d) << to_string(d.error());
  EXPECT_EQ(d->suite, "psephos-1");
  EXPECT_EQ(d->election.text, "demo-2026");
  EXPECT_EQ(d->mode, Mode::kTest);
  ASSERT_EQ(d->title.size(), 2U);
  EXPECT_EQ(d->title[0].language.text, "en");  // order of `languages`, not of the keys
  EXPECT_EQ(d->title[1].text, "Valimised");
  ASSERT_EQ(d->contests.size(), 1U);
  EXPECT_EQ(d->contests[0].slots, 1U);
  const auto& choices = d->contests[0].lists.at(0).choices;
  ASSERT_EQ(choices.size(), 2U);
  EXPECT_EQ(choices[0].kind, ChoiceKind::kCandidate);
  EXPECT_EQ(choices[0].group.at(1).text, "Rohelised");
  EXPECT_EQ(choices[1].kind, ChoiceKind::kBlank);
  EXPECT_EQ(d->units.at(0).contests.at(0).list.text, "all");
  EXPECT_EQ(d->periods.casting_begins_s, 1772355600U);
  EXPECT_EQ(d->periods.casting_ends_s, 1772600000U);
  EXPECT_EQ(d->policy.smallest_group, 5U);
  EXPECT_EQ(d->eid.anchors, (std::vector<Bytes>{{0x30, 0x82, 1, 1}}));
  EXPECT_EQ(d->eid.time_stamp_anchors, (std::vector<Bytes>{{0x30, 0x82, 1, 3}}));
  EXPECT_EQ(d->eid.policies, (std::vector<std::string>{"0.4.0.194112.1.2"}));
  EXPECT_EQ(d->eid.identity_types, (std::vector<std::string>{"PNOEE", "PNOLV"}));
  EXPECT_EQ(d->eid.keys, (std::vector<std::string>{"P-384", "RSA"}));
  EXPECT_EQ(d->eid.rsa_bits_min, 2048U);
  EXPECT_EQ(d->eid.rsa_bits_max, 4096U);
  EXPECT_EQ(d->commission.at(0).name, "Mari");
  EXPECT_EQ(to_hex(d->trustees.at(1).key), kKey);
  EXPECT_EQ(to_hex(d->trustees.at(1).ceremony_key.encode()), kPoint);
  EXPECT_EQ(d->collector.origin, "vote.example");
}

TEST(DefinitionJson, EachFaultIsRefusedWhereItStands) {
  const std::string good = sample();
  EXPECT_EQ(refused(with(good, R"("mode": "test")", R"("mode": "tset")")), "mode");
  EXPECT_EQ(refused(with(good, R"("mode": "test",)", "")), "mode");
  EXPECT_EQ(refused(with(good, R"("mode")", R"("fashion": 1, "mode")")), "fashion");
  EXPECT_EQ(refused(with(good, R"("kind": "blank")", R"("kin": "blank")")),
            "contests[0].lists[0].choices[1].kin");
  EXPECT_EQ(refused(with(good, R"("id": "blank")", R"("id": "Blank")")),
            "contests[0].lists[0].choices[1].id");
  EXPECT_EQ(refused(with(good, R"({"id": "a",)", R"({"id": "a", "id": "b",)")), "id");
  EXPECT_EQ(refused(with(good, R"("en": "Ann")", R"("ru": "Ann")")),
            "contests[0].lists[0].choices[0].names.ru");
  EXPECT_EQ(refused(with(good, "2026-03-01T09:00:00Z", "2026-02-30T09:00:00Z")), "periods.casting_begins");
  EXPECT_EQ(refused(with(good, "1772600000", "-1")), "periods.casting_ends");
  EXPECT_EQ(refused(with(good, "1772600000", "1.5")), "periods.casting_ends");
  EXPECT_EQ(refused(with(good, "MIIBAQ==", "MIIBAQ=")), "eid.anchors[0].base64");
  EXPECT_EQ(refused(with(good, "MIIBAw==", "MIIBAw=")), "eid.time_stamp_anchors[0].base64");
  EXPECT_EQ(refused(with(good, R"(["PNOEE", "PNOLV"])", R"("PNOEE")")), "eid.identities");
  EXPECT_EQ(refused(with(good, R"(["PNOEE", "PNOLV"])", R"([1])")), "eid.identities[0]");
  EXPECT_EQ(refused(with(good, R"("policies")", R"("policy")")), "eid.policies");
  EXPECT_EQ(refused(with(good, "[2048, 4096]", "[2048]")), "eid.rsa_bits");
  EXPECT_EQ(refused(with(good, R"(, "rsa_bits": [2048, 4096])", "")), "eid.rsa_bits");
  EXPECT_EQ(refused(with(good, R"(, "RSA"])", "]")), "eid.rsa_bits");  // of RSA keys only
  EXPECT_EQ(refused(with(good, kKey, std::string(64, '0'))), "commission[0].key");
  EXPECT_EQ(refused(with(good, kPoint, std::string(64, '0'))), "trustees[0].ceremony_key");
  EXPECT_EQ(refused(with(good, R"("trustee_quorum": 2)", R"("trustee_quorum": "2")")), "trustee_quorum");
  const std::string several =
      with(good, R"("id": "mayor")", R"("kind": "several", "min": 0, "max": 2, "id": "mayor")");
  const auto of_several = parse_definition(several, ".");
  ASSERT_TRUE(of_several) << to_string(of_several.error());
  EXPECT_EQ(of_several->contests[0].several->min, 0U);
  EXPECT_EQ(of_several->contests[0].several->max, 2U);
  EXPECT_EQ(refused(with(several, R"("several")", R"("many")")), "contests[0].kind");
  EXPECT_EQ(refused(with(several, R"("max": 2,)", "")), "contests[0].max");
  EXPECT_EQ(refused(with(several, R"("several")", R"("one")")), "contests[0].min");  // a rule of kind several
  EXPECT_EQ(refused(good + "x"), "definition");
  EXPECT_EQ(refused(good.substr(0, good.size() - 1)), "definition");
  EXPECT_EQ(refused(""), "definition");
  EXPECT_EQ(refused(std::string(100, '[')), "definition");
}

// A07, A48: what the specification does not list has no place: no group, no generator, no hash, no free text.
TEST(DefinitionJson, A07_A48_NothingThatIsNotListed) {
  const std::string good = sample();
  EXPECT_EQ(refused(good), "accepted");
  for (const char* key : {"group", "generator", "p", "q", "hash", "curve", "challenge_bits"})
    EXPECT_EQ(refused(with(good, R"("mode")", "\"" + std::string(key) + "\": \"2\", \"mode\"")), key);
  for (const char* key : {"write_in", "free_text", "max_length"})
    EXPECT_EQ(
        refused(with(good, R"("id": "blank",)", "\"id\": \"blank\", \"" + std::string(key) + "\": true,")),
        "contests[0].lists[0].choices[1]." + std::string(key));
  for (const char* kind : {"write-in", "write_in", "text", "free", ""})
    EXPECT_EQ(refused(with(good, R"("kind": "blank")", "\"kind\": \"" + std::string(kind) + "\"")),
              "contests[0].lists[0].choices[1].kind");
  EXPECT_EQ(refused(with(good, R"("lists": [)", R"("write_ins": 1, "lists": [)")), "contests[0].write_ins");
  // A03, A21: a suite that is read is judged with the rules of §4.3.
  const auto other = parse_definition(with(good, R"("mode")", R"("suite": "modp-256", "mode")"), ".");
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->suite, "modp-256");
}

/// Every text and every id of a message, wherever it stands.
struct TextFinder {
  std::vector<std::string*> texts;
  std::vector<Id*> ids;
  template <class T>
  void operator()(std::uint32_t, const char*, T& value, Bound = {}) {
    find(value);
  }
  template <class T>
  void find(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      texts.push_back(&value);
    } else if constexpr (std::is_same_v<T, Id>) {
      ids.push_back(&value);
    } else if constexpr (wire::IsOptional<T>::value) {
      if (value) find(*value);
    } else if constexpr (wire::IsVector<T>::value) {
      for (auto& element : value) find(element);
    } else if constexpr (wire::Message<T>) {
      T::fields(value, *this);
    }
  }
};

TEST(DefinitionJson, A66_NothingForAShellATerminalOrAPathInAnyName) {
  Definition definition = parse_definition(sample(), ".").value();
  ASSERT_TRUE(decode<Definition>(encode(definition)));
  TextFinder found;
  Definition::fields(definition, found);
  ASSERT_GT(found.texts.size(), 15U);
  ASSERT_GT(found.ids.size(), 10U);
  const auto verdict = [&] {
    const auto decoded = decode<Definition>(encode(definition));
    return decoded ? std::nullopt : std::optional(decoded.error().reason);
  };
  // Texts are for people: no control character. What else they hold is shown, and handed to no shell, which
  // tests/lint/lint_test.sh watches over.
  for (std::string* text : found.texts) {
    const std::string honest = *text;
    for (const std::string& hostile :
         {std::string("\0", 1), std::string("\n"), std::string("\r"), std::string("\t"),
          std::string("\x1b[2J"), std::string("\x7f"), std::string("\xff"), std::string("\xc0\x80"),
          std::string("\xc2\x85")}) {
      *text = honest + hostile;
      EXPECT_EQ(verdict(), Reason::kFieldCharset) << honest;
      *text = hostile + honest;
      EXPECT_EQ(verdict(), Reason::kFieldCharset) << honest;
    }
    *text = honest;
  }
  // Ids are for machines, and become parts of file names and command lines.
  for (Id* id : found.ids) {
    const std::string honest = id->text;
    for (const std::string& hostile :
         {std::string("$(id)"), std::string("`id`"), std::string(";"), std::string("|"), std::string("&"),
          std::string("\""), std::string("'"), std::string("\\"), std::string("../"), std::string("/"),
          std::string("*"), std::string(" "), std::string("\n"), std::string("\0", 1), std::string("%n"),
          std::string("U")}) {
      id->text = honest + hostile;
      EXPECT_EQ(verdict(), Reason::kIdNotAscii) << honest << hostile;
      id->text = hostile + honest;
      EXPECT_EQ(verdict(), Reason::kIdNotAscii) << honest << hostile;
    }
    id->text = honest;
  }
  EXPECT_EQ(verdict(), std::nullopt);
  for (const char* escape : {"\\u0000", "\\n", "\\u001b"}) {
    const auto parsed = parse_definition(with(sample(), "Linnapea", std::string("Linna") + escape), ".");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().reason, Reason::kFieldCharset) << to_string(parsed.error());
  }
}

TEST(DefinitionJson, LimitsOfTheCanonicalEncodingHold) {
  const auto d = parse_definition(with(sample(), R"("smallest_group": 5)", R"("smallest_group": 0)"), ".");
  ASSERT_FALSE(d);
  EXPECT_EQ(d.error(), (Rejection{Reason::kWireMissingField, "Definition.policy.smallest_group"}));
}

TEST(DefinitionJson, AnchorsFromFilesBesideTheDefinition) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "psephos-definition-XXXXXX").string();
  const fs::path directory = ::mkdtemp(name.data());
  const std::string json = with(sample(), R"({"base64": "MIIBAQ=="})", R"({"file": "ca/both.pem"})");
  ASSERT_TRUE(write_file(directory / "definition.json", bytes_of(json)));
  const auto absent = read_definition(directory / "definition.json");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().reason, Reason::kFileUnreadable);
  ASSERT_TRUE(write_file(directory / "ca" / "both.pem",
                         bytes_of("root\n-----BEGIN CERTIFICATE-----\nMIIB\nAQ==\n-----END CERTIFICATE-----\n"
                                  "-----BEGIN CERTIFICATE-----\nMIIBAg==\n-----END CERTIFICATE-----\n")));
  const auto d = read_definition(directory / "definition.json");
  ASSERT_TRUE(d) << to_string(d.error());
  EXPECT_EQ(d->eid.anchors, (std::vector<Bytes>{{0x30, 0x82, 1, 1}, {0x30, 0x82, 1, 2}}));
  EXPECT_FALSE(certificates_in(bytes_of("nothing of the kind"), "x"));
  EXPECT_FALSE(certificates_in(bytes_of("-----BEGIN CERTIFICATE-----\nMIIB"), "x"));
  fs::remove_all(directory);
}

TEST(DefinitionJson, Times) {
  EXPECT_EQ(parse_utc("1970-01-01T00:00:00Z"), 0U);
  EXPECT_EQ(parse_utc("2000-02-29T23:59:59Z"), 951868799U);
  for (const char* bad :
       {"1999-02-29T00:00:00Z", "2000-01-01T24:00:00Z", "2000-01-01T00:00:60Z", "2000-01-01",
        "2000-01-01T00:00:00+02:00", "2000-1-01T00:00:00Z", "1960-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_utc(bad)) << bad;
}

}  // namespace
}  // namespace psephos
