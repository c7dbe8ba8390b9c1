#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "protocol/definition.h"
#include "voter-client/signer.h"

struct sqlite3;

namespace psephos {

/// Layout of a file of software cards: secret scalars on P-384 or P-256, big-endian, of 48 or 32 bytes, and
/// certificates in DER.
inline constexpr char kCardFileSchema[] =
    "CREATE TABLE cards("
    "national_id TEXT PRIMARY KEY, unit TEXT NOT NULL, given_name TEXT NOT NULL, surname TEXT NOT NULL, "
    "authentication_key BLOB NOT NULL, authentication_certificate BLOB NOT NULL, "
    "signing_key BLOB NOT NULL, signing_certificate BLOB NOT NULL) STRICT";

/// A file of software cards, for elections in test mode: what the test CA issues for voters in bulk. The keys
/// lie open in it. Thread-safe.
class CardFile {
 public:
  /// @return kTestModeForbidden unless `mode`, which the manifest gives, is kTest, without touching the file;
  /// kCardFileUnreadable if it is missing or has another layout.
  static Result<std::unique_ptr<CardFile>, SignerError> open(const std::string& path, Mode mode);
  CardFile(const CardFile&) = delete;
  CardFile& operator=(const CardFile&) = delete;
  ~CardFile();

  /// That person's card, which does not depend on this object any more. A key is made ready when it first
  /// signs.
  /// @return kCardUnknown if the file has none; kCardFileUnreadable if its row is not as the layout says.
  Result<std::unique_ptr<Signer>, SignerError> card(std::string_view national_id);

 private:
  explicit CardFile(sqlite3* database) : database_(database) {}
  std::mutex mutex_;
  sqlite3* database_;
};

}  // namespace psephos
