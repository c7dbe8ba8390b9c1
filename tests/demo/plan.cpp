#include "tests/demo/plan.h"

namespace psephos {

Result<PlanReader, Rejection> PlanReader::open(const std::string& path) {
  std::ifstream in(path);
  if (!in) return reject(Reason::kFileUnreadable, path);
  return PlanReader(path, std::move(in));
}

Result<std::optional<PlannedBallot>, Rejection> PlanReader::next() {
  std::string text;
  do {
    if (!std::getline(in_, text)) return std::nullopt;
    ++line_;
  } while (text.empty() || text.front() == '#');
  const auto wrong = [&] { return reject(Reason::kUsage, path_ + ", line " + std::to_string(line_)); };
  const std::size_t tab = text.find('\t');
  if (tab == std::string::npos) return wrong();
  const std::size_t second = text.find('\t', tab + 1);
  PlannedBallot ballot{.national_id = text.substr(0, tab), .choices = {}, .refusal = {}, .line = line_};
  if (second != std::string::npos) ballot.refusal = text.substr(second + 1);
  std::string_view rest = std::string_view(text).substr(0, second).substr(tab + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    auto choice = Choosing::parse(rest.substr(0, comma));
    if (!choice) return wrong();
    ballot.choices.push_back(std::move(*choice));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return ballot;
}

Result<std::vector<PlannedBallot>, Rejection> read_plan(const std::string& path) {
  auto reader = PlanReader::open(path);
  if (!reader) return std::unexpected(reader.error());
  std::vector<PlannedBallot> out;
  for (;;) {
    auto ballot = reader->next();
    if (!ballot) return std::unexpected(ballot.error());
    if (!*ballot) return out;
    out.push_back(std::move(**ballot));
  }
}

}  // namespace psephos
