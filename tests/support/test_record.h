#pragma once
#include <filesystem>
#include <functional>

#include "tests/support/memory_record.h"

namespace psephos::test {

/// How a record comes about, in order.
enum class Step : std::uint8_t {
  kLog,    ///< manifest, entries, checkpoint, phase events, items
  kLists,  ///< input lists and sheet
  kMix1,
  kMix2,
  kMix3,
  kShares,  ///< of the trustees in `trustees`
  kPlaintexts,
  kResult,
  kIndex,
};

/// A whole record. Every step is made from what the record holds, whatever was done to it: change a file of
/// one step and call `make_from` with the next, and everything after it is honestly anew. What a lying step
/// would leave out of its own files (hashes in statements, in the sheet) the functions below put right.
class TestRecord {
 public:
  /// Honest and complete: small_log's twelve voters, or another sealed log of that election.
  explicit TestRecord(TestElection& e);
  TestRecord(TestElection& e, const TestLog& log);

  void make(Step step);
  /// This step and all after it.
  void make_from(Step step);

  Bytes& file(const std::string& path) { return record.files.at(path); }
  Sheet sheet() const;
  void set_sheet(const Sheet& sheet);
  /// The list of group g after mix `position`, 0: the input. @pre it can be read.
  VerifiedList list(std::size_t g, std::uint64_t position) const;
  std::string list_path(std::size_t g, std::uint64_t position) const;
  /// Replaces the input list of group g by these ciphertexts, sorted, and lets the sheet say so; a change in
  /// number is booked as superseded ballots.
  void set_input(std::size_t g, std::vector<Ciphertext<Ristretto>> items);
  /// The statement of a mixer or trustee, as it stands; and signed anew by `signer` over the files that it
  /// names, as they stand now.
  StageStatement mix_statement(std::uint64_t position) const;
  void sign_mix(const StageStatement& statement, std::uint64_t place, std::uint64_t signer);
  void sign_mix(const StageStatement& statement, std::uint64_t place, std::uint64_t signer,
                const SigningKey& key);
  void resign_mix(std::uint64_t position);
  StageStatement share_statement(std::uint64_t trustee) const;
  void sign_shares(const StageStatement& statement, std::uint64_t place, std::uint64_t signer,
                   const SigningKey& key);
  void resign_shares(std::uint64_t trustee);
  /// The header of a list file changed, its elements kept.
  void change_header(const std::string& path, const std::function<void(ListHeader&)>& change);

  void write_to(const std::filesystem::path& directory) const;

  TestElection& e;
  MemoryRecord record;
  std::vector<std::uint64_t> trustees{1, 3};

 private:
  void make_lists();
  void make_mix(std::uint64_t position);
  void make_shares(std::uint64_t trustee);
  void make_plaintexts();
  void make_result();
  void make_index();
  MixInputs where() const { return e.election().definition().policy.mix_inputs; }
  void put_statement(const std::string& path, const StageStatement& statement, std::uint64_t signer,
                     std::string_view label, const SigningKey& key);

  TestLog log_;
};

}  // namespace psephos::test
