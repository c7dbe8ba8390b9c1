#pragma once
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "voter-client/ballot_text.h"

namespace psephos {

/// One ballot of a plan: who, what, and the name of the refusal that it should meet, if any.
struct PlannedBallot {
  std::string national_id;
  std::vector<Choosing> choices;
  std::string refusal;
  std::size_t line = 0;
};

/// A file that says who is to cast what, a line a ballot: national id, tab, contest=choice[,contest=choice…],
/// and perhaps tab, NAME_OF_REFUSAL; # begins a comment. Read line by line, however long it is.
class PlanReader {
 public:
  /// @return kFileUnreadable.
  static Result<PlanReader, Rejection> open(const std::string& path);
  /// nullopt at the end. @return kUsage naming the line that is none of a plan.
  Result<std::optional<PlannedBallot>, Rejection> next();

 private:
  PlanReader(std::string path, std::ifstream in) : path_(std::move(path)), in_(std::move(in)) {}
  std::string path_;
  std::ifstream in_;
  std::size_t line_ = 0;
};

/// The whole plan. @return as PlanReader.
Result<std::vector<PlannedBallot>, Rejection> read_plan(const std::string& path);

}  // namespace psephos
