// Lists of persons in the forms of registrars and polling stations (SPEC §10.5).
#include "protocol/files/roll_files.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/resource.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <random>

#include "crypto/secret/note_signer.h"
#include "protocol/files/registrar.h"
#include "protocol/national_id.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos::test {
namespace {

std::string id(std::uint64_t n) {
  return trust::artificial_national_id(n);
}
std::string code(std::uint64_t n) {
  return std::string(code_of_national_id(id(n)));
}

Definition definition_with(const std::vector<std::string>& units) {
  Definition out;
  for (const std::string& unit : units) out.units.push_back({.id = {unit}, .names = {}, .contests = {}});
  return out;
}
const Definition kDefinition = definition_with({"0482.3", "0514.7", "0735.7", "foreign.11", "0653.4"});
const UnitRule kRule(kDefinition);

/// One for every line of a list: joins with tabs and ends with LF.
std::string line(std::initializer_list<std::string> fields) {
  std::string out;
  for (const std::string& field : fields) out += (out.empty() ? "" : "\t") + field;
  return out + "\n";
}
std::string head(const std::string& changeset, const std::string& from = "2027-01-12T02:00:00Z",
                 const std::string& to = "2027-01-12T02:00:00Z") {
  return "2\nRK_2027\n" + changeset + "\n" + from + "\t" + to + "\n";
}
std::string first_roll() {
  return head("0") + line({"lisamine", code(1), "MARI MAASIKAS", "0482", "3"}) +
         line({"lisamine", code(2), "JAAN O'NEILL-KÕRV, JR. (TAMM)", "0514", "7"}) +
         line({"lisamine", code(3), "Üllar Žukov", "FOREIGN", "11"});
}
std::string change_set() {
  return head("1", "2027-01-12T02:00:00Z", "2027-01-13T02:00:00.25+02:00") + line({"kustutamine", code(2)}) +
         line({"lisamine", code(4), "NIMI NIMESTE4", "0653", "4"}) + line({"kustutamine", code(3)}) +
         line({"lisamine", code(2), "JAAN UUSNIMI", "0735", "7"});
}
std::string first_roll_json() {
  return R"({"version": 2, "election_identifier": "RK_2027", "changeset": 0, "from": "2027-01-12T02:00:00Z",
  "to": "2027-01-12T02:00:00Z", "voters": [
  {"action": "lisamine", "person_code": ")" +
         code(1) + R"(", "voter_name": "MARI MAASIKAS", "kov_code": "0482", "electoral_district_id": "3"},
  {"action": "lisamine", "person_code": ")" +
         code(2) + R"(", "voter_name": "JAAN \u00d5UN", "kov_code": "0514", "electoral_district_id": "7"},
  {"electoral_district_id": "11", "action": "lisamine", "person_code": ")" +
         code(3) + R"(", "voter_name": "M", "kov_code": "FOREIGN"}
]}
)";
}

/// "REASON object" of what is refused, or "accepted".
template <class T>
std::string verdict(const Result<T, Rejection>& result) {
  return result ? "accepted" : std::string(name_of(result.error().reason)) + " " + result.error().object;
}
std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}
void expect_starts(const std::string& text, const std::string& start) {
  EXPECT_TRUE(text.starts_with(start)) << text << "\nshould begin with: " << start;
}

TEST(RollFiles, TheRollAndAChangeSet) {
  const auto roll = read_roll_file(first_roll(), kRule);
  ASSERT_TRUE(roll) << to_string(roll.error());
  EXPECT_EQ(roll->election, "RK_2027");
  EXPECT_EQ(roll->changeset, 0U);
  ASSERT_EQ(roll->changes.size(), 3U);
  for (const RollChange& change : roll->changes) {
    EXPECT_EQ(change.kind, RollChangeKind::kAdd);
    EXPECT_TRUE(is_national_id(change.national_id));
    EXPECT_EQ(change.unit->text, change.national_id == id(1)   ? "0482.3"
                                 : change.national_id == id(2) ? "0514.7"
                                                               : "foreign.11");
  }
  EXPECT_TRUE(std::ranges::is_sorted(roll->changes, {}, &RollChange::national_id));

  const auto changes = read_roll_file(change_set(), kRule);
  ASSERT_TRUE(changes) << to_string(changes.error());
  EXPECT_EQ(changes->changeset, 1U);
  std::map<std::string, std::pair<RollChangeKind, std::uint32_t>> by_id;
  for (std::size_t i = 0; i < changes->changes.size(); ++i)
    by_id[changes->changes[i].national_id] = {changes->changes[i].kind, changes->lines[i]};
  const decltype(by_id) expected{{id(2), {RollChangeKind::kMove, 8}},
                                 {id(3), {RollChangeKind::kStrike, 7}},
                                 {id(4), {RollChangeKind::kAdd, 6}}};
  EXPECT_EQ(by_id, expected);
}

TEST(RollFiles, BothFormsSayTheSameAndReadBackAsWritten) {
  const auto tabs = read_roll_file(first_roll(), kRule);
  const auto json = read_roll_file(first_roll_json(), kRule);
  ASSERT_TRUE(tabs && json) << verdict(json);
  for (const auto& source : {first_roll(), change_set(), first_roll_json()}) {
    const auto roll = read_roll_file(source, kRule);
    ASSERT_TRUE(roll) << verdict(roll);
    for (const ListForm form : {ListForm::kTabs, ListForm::kJson}) {
      const std::string written = write_roll_file(*roll, form);
      const auto again = read_roll_file(written, kRule);
      ASSERT_TRUE(again) << verdict(again) << "\n" << written;
      EXPECT_EQ(write_roll_file(*again, form), written);
      EXPECT_EQ(write_roll_file(*again, ListForm::kTabs), write_roll_file(*roll, ListForm::kTabs));
    }
  }
  EXPECT_EQ(write_roll_file(*tabs, ListForm::kTabs), write_roll_file(*json, ListForm::kTabs));
}

TEST(RollFiles, EachFaultOfALineHasItsNameAndPlace) {
  const auto with = [](const std::string& what, const std::string& by) {
    return verdict(read_roll_file(replaced(first_roll(), what, by), kRule));
  };
  ASSERT_EQ(verdict(read_roll_file(first_roll(), kRule)), "accepted");
  // The head.
  expect_starts(verdict(read_roll_file("", kRule)), "ROLL_FORMAT line 1: the file ends");
  expect_starts(with("2\n", "1\n"), "ROLL_FORMAT line 1, column 1 (version)");
  expect_starts(with("2\n",
                     "\xef\xbb\xbf"
                     "2\n"),
                "ROLL_FORMAT line 1: begins with a byte order mark");
  expect_starts(with("RK_2027", "RK 2027"), "ROLL_FORMAT line 2, column 1 (election_identifier)");
  expect_starts(with("RK_2027", "RK_20270000000000000000000001"), "ROLL_FORMAT line 2, column 1");
  expect_starts(with("\n0\n", "\n00\n"), "ROLL_FORMAT line 3, column 1 (changeset)");
  expect_starts(with("\n0\n", "\n-1\n"), "ROLL_FORMAT line 3, column 1 (changeset)");
  expect_starts(with("\n0\n", "\n1000000\n"), "ROLL_FORMAT line 3, column 1 (changeset)");
  expect_starts(with("2027-01-12T02:00:00Z\t", ""), "ROLL_FORMAT line 4: two fields");
  expect_starts(with("2027-01-12T02:00:00Z\t", "2027-02-30T02:00:00Z\t"),
                "ROLL_FORMAT line 4, column 1 (period from)");
  expect_starts(with("\t2027-01-12T02:00:00Z", "\t2027-01-12T02:00:01Z"),
                "ROLL_FORMAT line 4, column 22 (period to)");
  EXPECT_EQ(
      verdict(read_roll_file(replaced(change_set(), "2027-01-12T02:00:00Z", "2027-01-13T00:00:00Z"), kRule)),
      "accepted");
  expect_starts(
      verdict(read_roll_file(replaced(change_set(), "2027-01-12T02:00:00Z", "2027-01-13T00:00:01Z"), kRule)),
      "ROLL_FORMAT line 4, column 22 (period to): the period ends before");
  // Lines.
  expect_starts(with("lisamine\t" + code(1), "Lisamine\t" + code(1)),
                "ROLL_FORMAT line 5, column 1 (action)");
  expect_starts(with("\t3\n", "\n"), "ROLL_FORMAT line 5: an addition has five fields");
  expect_starts(with("\t3\n", "\t3\t\n"), "ROLL_FORMAT line 5: an addition has five fields");
  expect_starts(verdict(read_roll_file(replaced(change_set(), code(2) + "\n", code(2) + "\tX\n"), kRule)),
                "ROLL_FORMAT line 5: a removal has two fields");
  expect_starts(with("\t3\n", "\t3\r\n"), "ROLL_FORMAT line 5: ends in CR LF");
  expect_starts(with("\t3\n", "\t03\n"), "ROLL_FORMAT line 5, column 41 (electoral_district_id)");
  expect_starts(with("\t3\n", "\t\n"), "ROLL_FORMAT line 5, column 41 (electoral_district_id)");
  expect_starts(with("\t3\n", "\t4\n"), "ROLL_CHANGE_INVALID line 5, column 41 (electoral_district_id)");
  expect_starts(with("\t0482\t", "\t482\t"), "ROLL_FORMAT line 5, column 36 (kov_code)");
  expect_starts(with("\tFOREIGN\t", "\tforeign\t"), "ROLL_FORMAT line 7, column 34 (kov_code)");
  expect_starts(with("MARI MAASIKAS", ""), "ROLL_FORMAT line 5, column 22 (voter_name)");
  std::string long_name;
  for (int i = 0; i < 100; ++i) long_name += "Õ";
  EXPECT_EQ(with("MARI MAASIKAS", long_name), "accepted");
  expect_starts(with("MARI MAASIKAS", long_name + "A"), "ROLL_FORMAT line 5, column 22 (voter_name)");
  expect_starts(with("MARI MAASIKAS", std::string(1000, 'A')), "ROLL_FORMAT line 5: longer");
  // Codes: one digit of the check, a date that does not exist, the identifier's own spelling, blanks.
  std::string wrong = code(1);
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const std::string place = "ROLL_FORMAT line 5, column 10 (person_code)";
  for (const std::string& other :
       {wrong, std::string("10013000007"), id(1), code(1) + " ", code(1).substr(1), std::string()})
    expect_starts(with(code(1), other), place);
  // Persons.
  expect_starts(with(code(3), code(1)), "ROLL_FORMAT line 7: a second line about this person");
  expect_starts(verdict(read_roll_file(replaced(change_set(), "\n1\n", "\n0\n"), kRule)),
                "ROLL_FORMAT line 4, column 22 (period to)");
  expect_starts(verdict(read_roll_file(head("0") + line({"kustutamine", code(2)}), kRule)),
                "ROLL_FORMAT line 5: the first roll (change set 0) only adds");
  expect_starts(
      verdict(read_roll_file(
          head("1") + line({"lisamine", code(2), "A", "0514", "7"}) + line({"kustutamine", code(2)}), kRule)),
      "ROLL_FORMAT line 6: a second line");
  expect_starts(verdict(read_roll_file(head("1") + line({"kustutamine", code(2)}) +
                                           line({"lisamine", code(2), "A", "0514", "7"}) +
                                           line({"kustutamine", code(2)}),
                                       kRule)),
                "ROLL_FORMAT line 7: a second line");
  expect_starts(verdict(read_roll_file(head("1"), kRule)), "ROLL_FORMAT no line");
  // Cut at every byte: never accepted but at the ends of lines.
  const std::string roll = first_roll();
  for (std::size_t size = 0; size < roll.size(); ++size)
    EXPECT_EQ(read_roll_file(roll.substr(0, size), kRule).has_value(),
              size > head("0").size() && roll[size - 1] == '\n');
}

TEST(RollFiles, EachFaultOfTheJsonHasItsNameAndPlace) {
  const auto with = [](const std::string& what, const std::string& by) {
    return verdict(read_roll_file(replaced(first_roll_json(), what, by), kRule));
  };
  ASSERT_EQ(verdict(read_roll_file(first_roll_json(), kRule)), "accepted");
  expect_starts(with("\"version\": 2", "\"version\": 3"), "ROLL_FORMAT version:");
  expect_starts(with("\"version\": 2", "\"version\": \"2\""), "ROLL_FORMAT version: a number");
  expect_starts(with("\"version\": 2, ", ""), "ROLL_FORMAT version: missing");
  expect_starts(with("\"version\": 2", "\"version\": 2, \"version\": 2"),
                "ROLL_FORMAT version: stands twice");
  expect_starts(with("\"version\": 2", "\"version\": 2, \"x\": 2"), "ROLL_FORMAT a key");
  expect_starts(with("\"version\": 2", "\"version\": 2.5"), "ROLL_FORMAT a broken number");
  expect_starts(with("\"version\": 2", "\"version\": null"), "ROLL_FORMAT null");
  expect_starts(with("\"version\": 2", "\"version\": true"), "ROLL_FORMAT true or false");
  expect_starts(with("\"version\": 2", "\"version\": {}"), "ROLL_FORMAT an object");
  expect_starts(with("\"version\": 2", "\"version\": [2]"), "ROLL_FORMAT a list");
  expect_starts(with("\"changeset\": 0", "\"changeset\": -1"), "ROLL_FORMAT changeset:");
  expect_starts(with("]}\n", "], \"voters\": []}\n"), "ROLL_FORMAT voters stands twice");
  expect_starts(with("]}\n", "]} x"), "ROLL_FORMAT line 6, column 4: no JSON");
  expect_starts(with("]}\n", "]"), "ROLL_FORMAT line 6, column 2: no JSON");
  expect_starts(with("\"kov_code\": \"0482\"", "\"kov_code\": 482"),
                "ROLL_FORMAT voters[0].kov_code: a text");
  expect_starts(with("\"kov_code\": \"0482\"", "\"kov_code\": \"482\""),
                "ROLL_FORMAT voters[0].kov_code: four");
  expect_starts(with("\"kov_code\": \"0482\", ", ""), "ROLL_FORMAT voters[0]: kov_code is missing");
  expect_starts(with("\"kov_code\": \"0514\"", "\"kov_code\": \"0514\", \"kov_code\": \"0514\""),
                "ROLL_FORMAT voters[1].kov_code: stands twice");
  expect_starts(with(R"("action": "lisamine")", R"("action": "move")"), "ROLL_FORMAT voters[0]: action");
  expect_starts(with(R"("action": "lisamine")", R"("action": "kustutamine")"),
                "ROLL_FORMAT voters[0]: a key that this action");
  expect_starts(with("MARI MAASIKAS", R"(MARI\u0000)"), "FIELD_CHARSET voters[0].voter_name");
  expect_starts(with(code(3), code(1)), "ROLL_FORMAT voters[2]: a second line");
  expect_starts(verdict(read_roll_file("{\"voters\": [\"x\"]}", kRule)), "ROLL_FORMAT voters[0]: an object");
  expect_starts(verdict(read_roll_file(" {", kRule)), "ROLL_FORMAT line 1, column 3: no JSON");
}

TEST(RollFiles, UnitsComeFromTheRuleOrAFile) {
  const Definition national = definition_with({"ringkond-3", "tartu", "valis"});
  const std::string file = "# kov\tdistrict\tunit\n*\t3\tringkond-3\n0793\t3\ttartu\n\nFOREIGN\t11\tvalis\n";
  const auto rule = UnitRule::parse(file, national);
  ASSERT_TRUE(rule) << verdict(rule);
  EXPECT_EQ(rule->unit("0482", "3")->text, "ringkond-3");
  EXPECT_EQ(rule->unit("0793", "3")->text, "tartu");
  EXPECT_EQ(rule->unit("FOREIGN", "11")->text, "valis");
  EXPECT_EQ(rule->unit("FOREIGN", "3")->text, "ringkond-3");
  EXPECT_FALSE(rule->unit("0482", "4"));
  EXPECT_FALSE(UnitRule(national).unit("0482", "3"));
  const auto refused = [&](const std::string& text) { return verdict(UnitRule::parse(text, national)); };
  expect_starts(refused("*\t3\n"), "ROLL_FORMAT line 1: three fields");
  expect_starts(refused("x\t3\ttartu\n"), "ROLL_FORMAT line 1, column 1 (kov_code)");
  expect_starts(refused("*\t03\ttartu\n"), "ROLL_FORMAT line 1, column 3 (electoral_district_id)");
  expect_starts(refused("*\t3\tnowhere\n"), "ROLL_CHANGE_INVALID line 1, column 5 (unit)");
  expect_starts(refused("*\t3\ttartu\n*\t3\tvalis\n"), "ROLL_FORMAT line 2, column 1 (kov_code)");
}

TEST(RollFiles, ListsOfVotersOnPaper) {
  const std::string tabs = "2\nRK_2027\ntühistus\n" + code(7) + "\n" + code(2) + "\n";
  const std::string json =
      R"({"election": "RK_2027", "persons": [")" + code(7) + R"(", ")" + code(2) + R"("], "type": "revoke"})";
  for (const std::string& file : {tabs, json}) {
    const auto list = read_paper_list(file);
    ASSERT_TRUE(list) << verdict(list);
    EXPECT_EQ(list->election, "RK_2027");
    EXPECT_EQ(list->kind, RevocationKind::kRevoke);
    EXPECT_EQ(list->voters, (std::vector<NationalId>{id(7), id(2)}));
    EXPECT_EQ(write_paper_list(*list, ListForm::kTabs), tabs);
    EXPECT_EQ(write_paper_list(*read_paper_list(write_paper_list(*list, ListForm::kJson)), ListForm::kTabs),
              tabs);
  }
  EXPECT_EQ(read_paper_list(replaced(tabs, "tühistus", "ennistus"))->kind, RevocationKind::kRestore);
  EXPECT_EQ(read_paper_list(replaced(json, "revoke", "restore"))->kind, RevocationKind::kRestore);
  EXPECT_TRUE(read_paper_list("2\nRK_2027\ntühistus\n"));  // a station where nobody came
  const auto refused = [](const std::string& file) { return verdict(read_paper_list(file)); };
  expect_starts(refused(replaced(tabs, "tühistus", "tuhistus")), "ROLL_FORMAT line 3, column 1 (type)");
  expect_starts(refused(replaced(tabs, code(2), code(7))), "ROLL_FORMAT line 5, column 1 (person_code)");
  expect_starts(refused(replaced(tabs, code(2), id(2))), "ROLL_FORMAT line 5, column 1 (person_code)");
  expect_starts(refused(replaced(tabs, code(2), code(2) + "\tx")), "ROLL_FORMAT line 5: one field");
  expect_starts(refused(replaced(json, "revoke", "remove")), "ROLL_FORMAT type:");
  expect_starts(refused(replaced(json, code(2), code(7))), "ROLL_FORMAT persons[1]:");
  expect_starts(refused(replaced(json, "\"" + code(2) + "\"", "1")), "ROLL_FORMAT persons[1]: a text");
  expect_starts(refused(replaced(json, "\"" + code(2) + "\"", "{}")), "ROLL_FORMAT persons[1]: an object");
}

TEST(RollFiles, ListsOfWhoHasVoted) {
  std::vector<VotedList::Line> lines{{id(1), std::nullopt, Id{"0482.3"}},
                                     {id(2), Id{"0514.7"}, std::nullopt},
                                     {id(3), Id{"0514.7"}, Id{"foreign.11"}}};
  std::ranges::sort(lines, {}, &VotedList::Line::voter);
  const VotedList list{"RK_2027", 5, 17, std::nullopt, lines};
  for (const ListForm form : {ListForm::kTabs, ListForm::kJson}) {
    const std::string written = write_voted_list(list, form);
    const auto again = read_voted_list(written);
    ASSERT_TRUE(again) << verdict(again) << written;
    EXPECT_EQ(again->lines, lines);
    EXPECT_EQ(write_voted_list(*again, form), written);
    expect_starts(verdict(read_voted_list(replaced(written, "17", "4"))),
                  form == ListForm::kTabs ? "ROLL_FORMAT line 3, column 3 (next)" : "ROLL_FORMAT next:");
    expect_starts(verdict(read_voted_list(replaced(written, "0482.3", "0482/3"))), "ROLL_FORMAT");
  }
  VotedList of_unit = list;
  of_unit.unit = Id{"0482.3"};
  EXPECT_EQ(read_voted_list(write_voted_list(of_unit, ListForm::kTabs))->unit, of_unit.unit);
  VotedList disordered = list;
  std::swap(disordered.lines[0], disordered.lines[2]);
  expect_starts(verdict(read_voted_list(write_voted_list(disordered, ListForm::kTabs))), "ROLL_FORMAT line");
  VotedList whole = list;
  whole.from = 0;
  expect_starts(verdict(read_voted_list(write_voted_list(whole, ListForm::kTabs))),
                "ROLL_FORMAT a whole list");
  for (auto& one : whole.lines) one = {one.voter, std::nullopt, one.now ? one.now : one.before};

  // The public interface's list, in both of its ways of naming districts.
  using boost::json::parse;
  const auto local = parse(write_online_voters(whole, Districts::kLocal).value()).as_object();
  EXPECT_EQ(local.at("election").as_string(), "RK_2027");
  EXPECT_EQ(local.at("onlinevoters").at("0482.3").at("0482").at(0).as_string(), code(1));
  EXPECT_EQ(local.at("onlinevoters").at("0000.11").at("0000").at(0).as_string(), code(3));
  const auto national = parse(write_online_voters(whole, Districts::kNational).value()).as_object();
  EXPECT_EQ(national.at("onlinevoters").at("0000.3").at("0482").at(0).as_string(), code(1));
  EXPECT_EQ(national.at("onlinevoters").at("0000.7").at("0514").at(0).as_string(), code(2));
  EXPECT_EQ(write_online_voters(list, Districts::kLocal).error().reason, Reason::kUsage);
  whole.lines[0].now = Id{"u1"};
  EXPECT_EQ(write_online_voters(whole, Districts::kLocal).error().reason, Reason::kUsage);
}

TEST(RollFiles, A66_NothingForAShellATerminalOrAPathStandsInAnyField) {
  const std::vector<std::string> hostile{
      "$(reboot)", "`id`",    "; rm -r .", "a|b",  "a&b",     "\"", "../../etc/passwd",
      "<x>",       "{a,b}",   "a\\b",      "*?",   "#x",      "!!", "=1+1",
      "%n%s",      "\x1b[2J", "a\x7f",     "\xff", "\xc0\x80"};
  const auto is_refused = [](const std::string& text, const std::string& where) {
    EXPECT_TRUE(text.starts_with("ROLL_FORMAT ") || text.starts_with("FIELD_CHARSET "))
        << where << ": " << text;
  };
  using Reader = std::function<std::string(const std::string&)>;
  const Reader roll = [](const std::string& s) { return verdict(read_roll_file(s, kRule)); };
  const Reader paper = [](const std::string& s) { return verdict(read_paper_list(s)); };
  const Reader voted = [](const std::string& s) { return verdict(read_voted_list(s)); };
  const std::string paper_tabs = "2\nRK_2027\ntühistus\n" + code(7) + "\n";
  const std::string voted_tabs = write_voted_list(
      {"RK_2027", 0, 3, Id{"0482.3"}, {{id(1), std::nullopt, Id{"0482.3"}}}}, ListForm::kTabs);
  for (const auto& [reader, file] :
       {std::pair{roll, first_roll()}, {roll, change_set()}, {paper, paper_tabs}, {voted, voted_tabs}}) {
    ASSERT_EQ(reader(file), "accepted");
    // Every field of every line in its turn, replaced and added to.
    for (std::size_t begin = 0; begin < file.size();) {
      const std::size_t end = file.find_first_of("\t\n", begin);
      for (const std::string& text : hostile) {
        std::string other = file;
        is_refused(reader(other.replace(begin, end - begin, text)), text);
        other = file;
        is_refused(reader(other.insert(end, text)), text);
      }
      for (const char c : {'\0', '\n', '\r', '\x1b'}) {
        std::string other = file;
        is_refused(reader(other.insert(begin, 1, c)), "a control character");
        other = file;
        if (c != '\n' || end + 1 < file.size())
          is_refused(reader(other.insert(end, 1, c)), "a control character");
      }
      begin = end + 1;
    }
  }
  // The same in JSON, where escapes bring what lines cannot hold.
  const std::vector<std::string> json_fields{"RK_2027", "MARI MAASIKAS", "0482", code(1)};
  for (std::string text : hostile) {
    if (text == "\xff" || text == "\xc0\x80") continue;
    const std::string escaped = boost::json::serialize(boost::json::string(text));
    for (const std::string& field : json_fields)
      is_refused(roll(replaced(first_roll_json(), "\"" + field + "\"", escaped)), field + text);
  }
  for (const std::string escape : {"\\u0000", "\\n", "\\r", "\\t", "\\u001b", "\\ud800", "\xff"})
    for (const std::string& field : json_fields)
      is_refused(roll(replaced(first_roll_json(), field, field + escape)), field + escape);
}

TEST(RollFiles, A175_OnePersonHasOneSpellingAndOneIdentifier) {
  // Whatever a list calls her, it is the certificate's identifier or nothing.
  const std::string person = id(1);
  const std::string digits = code(1);
  EXPECT_EQ(national_id_of_code(digits), person);
  EXPECT_EQ(code_of_national_id(person), digits);
  std::string lower = person;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  std::string fullwidth = "\xef\xbc\x91" + digits.substr(1);  // a digit of another script
  for (const std::string& spelling :
       {person, lower, "EE" + digits, "PNOEE" + digits, "PNOEE-" + digits + " ", " " + digits, digits + "\n",
        "0" + digits, digits.substr(0, 6) + "-" + digits.substr(6), fullwidth, "pno-" + digits,
        std::string("PNOEE-PNOEE-") + digits})
    EXPECT_EQ(national_id_of_code(spelling), std::nullopt) << spelling;
  // Of all single changes of a digit none is another spelling of the same person, and no two codes give one
  // id.
  std::set<std::string> ids;
  for (std::size_t i = 0; i < digits.size(); ++i)
    for (char c = '0'; c <= '9'; ++c) {
      std::string other = digits;
      other[i] = c;
      if (const auto found = national_id_of_code(other)) {
        EXPECT_EQ(*found == person, other == digits);
        EXPECT_TRUE(ids.insert(*found).second || *found == person);
      }
    }
}

TEST(RollFiles, TheBookKnowsWhoIsOnTheRoll) {
  const Digest256 fingerprint{};
  const auto document = [&](std::uint64_t version, std::optional<Digest256> previous,
                            std::vector<RollChange> c) {
    return RollDocument{fingerprint, version, previous, std::move(c)};
  };
  RollBook book;
  const Digest256 h1 = sha256(bytes_of("1"));
  const Digest256 h2 = sha256(bytes_of("2"));
  const Id a{"a"}, b{"b"};
  using K = RollChangeKind;
  EXPECT_EQ(book.apply(document(2, std::nullopt, {{K::kAdd, id(1), a}}), h1).error().reason,
            Reason::kRollChainGap);
  ASSERT_TRUE(book.apply(document(1, std::nullopt, {{K::kAdd, id(1), a}, {K::kAdd, id(2), a}}), h1));
  EXPECT_EQ(book.apply(document(2, h2, {{K::kMove, id(1), b}}), h2).error().reason, Reason::kRollChainGap);
  const auto refused = [&](std::vector<RollChange> changes) {
    RollBook copy = book;
    const auto done = copy.apply(document(2, h1, std::move(changes)), h2);
    EXPECT_EQ(copy.version(), 1U);
    EXPECT_EQ(copy.unit_of(id(1)), a);
    return done ? std::nullopt : std::optional(done.error().reason);
  };
  EXPECT_EQ(refused({{K::kAdd, id(1), a}}), Reason::kRollChangeInvalid);
  EXPECT_EQ(refused({{K::kMove, id(1), b}, {K::kMove, id(3), b}}), Reason::kRollChangeInvalid);
  EXPECT_EQ(refused({{K::kStrike, id(1), std::nullopt}, {K::kAdd, id(1), b}}), Reason::kRollChangeInvalid);
  EXPECT_EQ(refused({{K::kStrike, id(1), a}}), Reason::kRollChangeInvalid);
  EXPECT_EQ(refused({{K::kMove, id(1), std::nullopt}}), Reason::kRollChangeInvalid);
  ASSERT_TRUE(book.apply(document(2, h1, {{K::kMove, id(1), b}, {K::kStrike, id(2), std::nullopt}}), h2));
  EXPECT_EQ(book.unit_of(id(1)), b);
  EXPECT_TRUE(book.knows(id(2)));
  EXPECT_EQ(book.unit_of(id(2)), std::nullopt);
  EXPECT_FALSE(book.knows(id(3)));
  EXPECT_EQ(book.voters_of_units(), (std::map<Id, std::uint64_t>{{b, 1}}));
}

// ---- the registrar's signature ----------------------------------------------------------------------------

struct PemKey {
  EVP_PKEY* key;
  std::string pem;
  explicit PemKey(EVP_PKEY* made) : key(made) {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(out, key);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    pem.assign(data, static_cast<std::size_t>(size));
    BIO_free(out);
  }
  ~PemKey() { EVP_PKEY_free(key); }
  PemKey(const PemKey&) = delete;
  PemKey& operator=(const PemKey&) = delete;
  Bytes sign(const char* digest, ByteView file) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::size_t size = 0;
    EXPECT_EQ(EVP_DigestSignInit_ex(context, nullptr, digest, nullptr, nullptr, key, nullptr), 1);
    EVP_DigestSign(context, nullptr, &size, file.data(), file.size());
    Bytes out(size);
    EXPECT_EQ(EVP_DigestSign(context, out.data(), &size, file.data(), file.size()), 1);
    out.resize(size);
    EVP_MD_CTX_free(context);
    return out;
  }
};

void expect_signs(const std::string& key_file, const Bytes& file, const Bytes& signature) {
  const auto key = RegistrarKey::parse(bytes_of(key_file));
  ASSERT_TRUE(key) << verdict(key);
  EXPECT_TRUE(key->check(file, signature, "list"));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes other = signature;
    other[i] ^= 1;
    EXPECT_EQ(verdict(key->check(file, other, "list")), "SIG_INVALID list") << i;
  }
  for (std::size_t i = 0; i < file.size(); i += 37) {
    Bytes other = file;
    other[i] ^= 1;
    EXPECT_EQ(verdict(key->check(other, signature, "list")), "SIG_INVALID list");
  }
  Bytes longer = signature;
  longer.push_back(0);
  EXPECT_EQ(verdict(key->check(file, longer, "list")), "SIG_INVALID list");
  EXPECT_EQ(verdict(key->check(file, {}, "list")), "SIG_INVALID list");
}

TEST(Registrar, SignaturesOfEachKindAndEveryFlippedByte) {
  const Bytes file = copy_of(bytes_of(first_roll()));
  const PemKey p256(EVP_EC_gen("P-256"));
  const PemKey p384(EVP_EC_gen("P-384"));
  const PemKey ed25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  expect_signs(p256.pem, file, p256.sign("SHA256", file));
  expect_signs(p384.pem, file, p384.sign("SHA384", file));
  expect_signs(ed25519.pem, file, ed25519.sign(nullptr, file));
  SystemRng rng;
  const SigningKey secret = SigningKey::generate(rng);
  const NoteKey note_key_ = note_key("rahvastikuregister", NoteKeyType::kLog, secret);
  SignedNote note{"psephos-1/registrar\n" + to_hex(sha256(file)) + "\n", {}};
  note.signatures.push_back({note_key_.name, note_key_.id(), copy_of(secret.sign(bytes_of(note.text)))});
  expect_signs(note_key_.encode() + "\n", file, copy_of(bytes_of(note.encode())));

  // One key's signature is none of another's; a digest of another strength is none.
  const auto key = RegistrarKey::parse(bytes_of(p256.pem)).value();
  const PemKey other(EVP_EC_gen("P-256"));
  EXPECT_EQ(verdict(key.check(file, other.sign("SHA256", file), "list")), "SIG_INVALID list");
  EXPECT_EQ(verdict(key.check(file, p256.sign("SHA384", file), "list")), "SIG_INVALID list");
}

TEST(Registrar, OtherKeysAreRefused) {
  const auto refused = [](const std::string& text) {
    const auto key = RegistrarKey::parse(bytes_of(text));
    return key ? std::nullopt : std::optional(key.error().reason);
  };
  const PemKey p256(EVP_EC_gen("P-256"));
  EXPECT_EQ(refused(p256.pem), std::nullopt);
  EXPECT_EQ(refused(PemKey(EVP_EC_gen("P-521")).pem), Reason::kSigAlgForbidden);
  EXPECT_EQ(refused(PemKey(EVP_EC_gen("secp256k1")).pem), Reason::kSigAlgForbidden);
  EXPECT_EQ(refused(PemKey(EVP_RSA_gen(2048)).pem), Reason::kSigAlgForbidden);
  EXPECT_EQ(refused(p256.pem + p256.pem), Reason::kFileUnreadable);
  EXPECT_EQ(refused("x" + p256.pem), Reason::kFileUnreadable);
  EXPECT_EQ(refused(""), Reason::kFileUnreadable);
  EXPECT_EQ(refused(std::string(10'000, 'A')), Reason::kFileUnreadable);
  SystemRng rng;
  const SigningKey secret = SigningKey::generate(rng);
  EXPECT_EQ(refused(note_key("w", NoteKeyType::kCosigner, secret).encode()), Reason::kSigAlgForbidden);
}

// ---- size -------------------------------------------------------------------------------------------------

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

TEST(RollFiles, AMillionLinesInSeconds) {
  constexpr std::uint64_t kLines = 1'000'000;
  std::string text = head("0");
  for (std::uint64_t n = 1; n <= kLines; ++n)
    text += line({"lisamine", code(n), "EESNIMI PEREKONNANIMI", n % 2 == 0 ? "0482" : "FOREIGN",
                  n % 2 == 0 ? "3" : "11"});
  std::string as_json;
  const auto measure = [&](const char* form, const std::string& file) {
    const double before = peak_mib();
    const auto start = std::chrono::steady_clock::now();
    const auto read = read_roll_file(file, kRule);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(read) << verdict(read);
    ASSERT_EQ(read->changes.size(), kLines);
    std::cout << form << ": " << kLines << " lines, " << file.size() / 1'000'000 << " MB, in " << took.count()
              << " s; the process's peak rose from " << before << " to " << peak_mib() << " MiB\n";
    EXPECT_LT(took.count(), 30);
    EXPECT_LT(peak_mib(), 700);
    if (as_json.empty()) as_json = write_roll_file(*read, ListForm::kJson);
  };
  measure("tabs", text);
  measure("JSON", as_json);
}

}  // namespace
}  // namespace psephos::test
