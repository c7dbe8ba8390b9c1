#include "tests/trust-services/services/card_index.h"

#include <sqlite3.h>

#include <algorithm>
#include <optional>

#include "protocol/eid/der.h"

namespace psephos::trust {
namespace {

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Statement prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
  return Statement(statement);
}

ByteView blob(sqlite3_stmt* row, int column) {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(row, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

/// Content of the serial number of a certificate (RFC 5280 §4.1): the INTEGER after the version.
std::optional<ByteView> serial_of(ByteView certificate_der) {
  const auto certificate = der::only(certificate_der, der::kSequence);
  if (!certificate) return std::nullopt;
  const auto tbs = der::Reader(*certificate).next(der::kSequence);
  if (!tbs) return std::nullopt;
  der::Reader fields(tbs->content);
  if (!fields.next(0xa0)) return std::nullopt;
  const auto serial = fields.next(der::kInteger);
  return serial ? std::optional(serial->content) : std::nullopt;
}

constexpr std::uint64_t kProgressStep = 1000;

}  // namespace

CardIndex::~CardIndex() {
  for (sqlite3* database : databases_) sqlite3_close(database);
}

Result<std::unique_ptr<CardIndex>, std::string> CardIndex::open(
    const std::vector<std::filesystem::path>& files, const std::function<void(std::uint64_t n)>& progress) {
  std::unique_ptr<CardIndex> index(new CardIndex);
  for (const auto& file : files) {
    const auto wrong = [&](std::string_view what) {
      return std::unexpected(file.string() + ": " + std::string(what));
    };
    sqlite3* database = nullptr;
    const int opened =
        sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    index->databases_.push_back(database);
    if (opened != SQLITE_OK) return wrong(sqlite3_errstr(opened));
    const Statement rows =
        prepare(database, "SELECT authentication_certificate, signing_certificate FROM cards");
    if (!rows) return wrong("not a file of cards (make one with: test-ca issue)");
    int step = SQLITE_ROW;
    std::uint64_t read = 0;
    while ((step = sqlite3_step(rows.get())) == SQLITE_ROW) {
      for (const int column : {0, 1}) {
        const auto serial = serial_of(blob(rows.get(), column));
        if (!serial || serial->size() != sizeof(Serial)) return wrong("a certificate of another authority");
        std::copy(serial->begin(), serial->end(), index->serials_.emplace_back().begin());
      }
      if (++read % kProgressStep == 0 && progress) progress(kProgressStep);
    }
    if (step != SQLITE_DONE) return wrong(sqlite3_errmsg(database));
    if (progress) progress(read % kProgressStep);
  }
  std::sort(index->serials_.begin(), index->serials_.end());
  return index;
}

bool CardIndex::issued(ByteView serial) const {
  Serial wanted{};
  if (serial.size() != wanted.size()) return false;
  std::copy(serial.begin(), serial.end(), wanted.begin());
  return std::binary_search(serials_.begin(), serials_.end(), wanted);
}

std::vector<Bytes> CardIndex::serials_of(std::string_view national_id) const {
  std::vector<Bytes> serials;
  const std::lock_guard lock(mutex_);
  for (sqlite3* database : databases_) {
    const Statement row = prepare(
        database, "SELECT authentication_certificate, signing_certificate FROM cards WHERE national_id = ?1");
    sqlite3_bind_text(row.get(), 1, national_id.data(), static_cast<int>(national_id.size()), SQLITE_STATIC);
    if (sqlite3_step(row.get()) != SQLITE_ROW) continue;
    for (const int column : {0, 1})
      if (const auto serial = serial_of(blob(row.get(), column))) serials.push_back(copy_of(*serial));
  }
  return serials;
}

}  // namespace psephos::trust
