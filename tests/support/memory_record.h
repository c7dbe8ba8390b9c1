#pragma once
#include <map>
#include <string>
#include <vector>

#include "protocol/checks/upstream.h"
#include "tests/support/test_election.h"

namespace psephos::test {

/// A record in memory, for tests to change at will.
class MemoryRecord final : public RecordReader {
 public:
  Result<RecordBytes, Rejection> read(const std::string& path) const override;
  std::vector<std::string> paths() const override;
  std::map<std::string, Bytes> files;
};

/// Collects what checks find, and which ran.
class Findings final : public CheckObserver {
 public:
  struct Finding {
    std::string check;
    Rejection rejection;
  };
  void begin(std::string_view name, std::uint64_t total, std::string_view unit) override;
  void advance(std::uint64_t n) override;
  void fail(const Rejection& rejection) override;
  void end() override;
  /// "check REASON" of the first; empty if there is none.
  std::string first() const;
  bool has(std::string_view check, Reason reason) const;

  std::vector<Finding> all;
  std::vector<std::string> checks;

 private:
  std::string name_;
};

/// What the collector exports: manifest, entries, checkpoint, phase events, sworn items.
void export_log(MemoryRecord& record, TestElection& e, const TestLog& log);
/// What the collector exports after twelve voters, recasts, a revocation and a restoration. Units u2 and u3
/// are merged, since u3 has one ballot.
void small_log(TestElection& e, TestLog& log);

}  // namespace psephos::test
