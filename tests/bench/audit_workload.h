#pragma once
#include <cstddef>
#include <memory>

namespace psephos::bench {

/// The files of one mixing group of n ballots after three mixes, with the shares of three trustees and the
/// published plaintexts, and everything that `audit verify` checks of them, by the same functions: input list
/// and root, mixes with their proofs, shares with theirs, plaintexts, count. Signatures, ballot proofs and
/// the log are not in it.
class AuditedGroup {
 public:
  explicit AuditedGroup(std::size_t n);
  ~AuditedGroup();
  void verify();

 private:
  struct Files;
  std::unique_ptr<Files> files_;
};

}  // namespace psephos::bench
