#include "tests/trust-services/test_ca/cards.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string_view>

#include "crypto/parallel.h"
#include "protocol/national_id.h"
#include "tests/trust-services/test_ca/national_ids.h"
#include "voter-client/file_signer.h"

namespace psephos::trust {
namespace {

struct Card {
  std::array<EcKey, 2> keys;
  std::array<Bytes, 2> certificates;
};

Card make_card(const TestCa& ca, const Person& person, std::int64_t now_unix_s, Rng& rng) {
  Card card;
  for (std::size_t i = 0; i < 2; ++i) {
    card.keys[i] = generate_key(ca.curve(), rng);
    const KeyUse use = i == 0 ? KeyUse::kAuthentication : KeyUse::kSigning;
    card.certificates[i] = ca.issue(card_fields(person, use, card.keys[i].point, now_unix_s), rng);
  }
  return card;
}

/// A database that is being written; the first error stays.
class Database {
 public:
  explicit Database(const std::filesystem::path& path) { note(sqlite3_open(path.c_str(), &database_)); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  void run(const char* sql) {
    if (good()) note(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr));
  }
  void insert(const RollVoter& voter, const Card& card) {
    if (good() && insert_ == nullptr)
      note(sqlite3_prepare_v2(database_, "INSERT INTO cards VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", -1,
                              &insert_, nullptr));
    if (!good()) return;
    int column = 0;
    for (const std::string* text :
         {&voter.person.national_id, &voter.unit, &voter.person.given_name, &voter.person.surname})
      sqlite3_bind_text(insert_, ++column, text->data(), static_cast<int>(text->size()), SQLITE_STATIC);
    for (std::size_t i = 0; i < 2; ++i)
      for (const ByteView bytes : {ByteView(card.keys[i].scalar), ByteView(card.certificates[i])})
        sqlite3_bind_blob(insert_, ++column, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
    if (sqlite3_step(insert_) != SQLITE_DONE) note(SQLITE_ERROR);
    sqlite3_reset(insert_);
  }
  bool good() const { return error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  void note(int status) {
    if (status != SQLITE_OK && error_.empty()) error_ = sqlite3_errmsg(database_);
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::string error_;
};

}  // namespace

Result<std::vector<RollVoter>, std::string> read_roll(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) return std::unexpected(fmt::format("cannot read {}", path.string()));
  std::vector<RollVoter> voters;
  std::set<std::string> seen;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t')
        fields.emplace_back();
      else
        fields.back().push_back(c);
    }
    const auto wrong = [&](std::string_view what) {
      return std::unexpected(fmt::format("{}, line {}: {}", path.string(), number, what));
    };
    if (fields.size() != 4) return wrong("not four fields separated by tabs");
    if (!is_national_id(fields[0])) return wrong("the first field is no national id (PNOEE-…)");
    if (std::any_of(fields.begin(), fields.end(), [](const auto& field) { return field.empty(); }))
      return wrong("an empty field");
    if (!seen.insert(fields[0]).second) return wrong("a voter who was listed before");
    voters.push_back({{fields[0], fields[2], fields[3]}, fields[1]});
  }
  return voters;
}

std::string write_roll(const std::vector<RollVoter>& voters) {
  std::string out = "#national_id\tunit\tgiven_name\tsurname\n";
  for (const RollVoter& voter : voters)
    out += fmt::format("{}\t{}\t{}\t{}\n", voter.person.national_id, voter.unit, voter.person.given_name,
                       voter.person.surname);
  return out;
}

std::vector<RollVoter> artificial_voters(std::uint64_t first, std::uint64_t count,
                                         const std::vector<std::string>& units) {
  constexpr std::array<std::string_view, 12> kGivenNames = {
      "ANNA", "ANTON", "IRINA", "JAAN", "KADRI", "MÄRT", "ÕIE", "OLEG", "PIRET", "SOKHA", "TOOMAS", "VANNAK"};
  std::vector<RollVoter> voters;
  for (std::uint64_t n = first; n < first + count; ++n)
    voters.push_back({{artificial_national_id(n), std::string(kGivenNames[n % kGivenNames.size()]),
                       fmt::format("TEST-{:06}", n)},
                      units[n % units.size()]});
  return voters;
}

Result<void, std::string> write_cards(const TestCa& ca, const std::vector<RollVoter>& voters,
                                      const std::filesystem::path& out, std::int64_t now_unix_s, Rng& rng,
                                      const std::function<void(std::uint64_t n)>& progress) {
  if (std::filesystem::exists(out)) return std::unexpected(fmt::format("{} exists", out.string()));
  std::filesystem::path unfinished = out;
  unfinished += ".unfinished";
  std::error_code error;
  std::filesystem::remove(unfinished, error);
  std::string failure;
  {
    Database database(unfinished);
    database.run("PRAGMA journal_mode = OFF");
    database.run(kCardFileSchema);
    database.run("BEGIN");
    constexpr std::size_t kChunk = 4096;
    std::vector<Card> cards;
    for (std::size_t begin = 0; begin < voters.size() && database.good(); begin += kChunk) {
      cards.resize(std::min(kChunk, voters.size() - begin));
      parallel_for(cards.size(), 16, [&](std::size_t i) {
        cards[i] = make_card(ca, voters[begin + i].person, now_unix_s, rng);
        if (progress) progress(1);
      });
      for (std::size_t i = 0; i < cards.size(); ++i) database.insert(voters[begin + i], cards[i]);
    }
    database.run("COMMIT");
    failure = database.error();
  }
  if (failure.empty()) {
    std::filesystem::rename(unfinished, out, error);
    if (!error) return {};
    failure = error.message();
  }
  std::filesystem::remove(unfinished, error);
  return std::unexpected(fmt::format("cannot write {}: {}", out.string(), failure));
}

}  // namespace psephos::trust
