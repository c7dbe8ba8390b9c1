#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "audit/audit.h"
#include "protocol/files/record_directory.h"

namespace psephos {

namespace {

/// In a text report; the JSON has them all.
constexpr std::size_t kFindingsShown = 10;

std::string_view word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "FAILED";
    case Outcome::kNotCheckable:
      return "not checkable";
  }
  return "";
}

std::string_view json_word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kNotCheckable:
      return "not_checkable";
  }
  return "";
}

std::string numbers_of(const AuditReport& report, Outcome outcome) {
  std::string out;
  for (const AuditCheck& check : report.checks)
    if (check.outcome == outcome)
      out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", check.number(), check.name);
  return out;
}

std::string verdict_of(const AuditReport& report) {
  if (!report.accepted()) return "VERDICT: REFUSED. Failed: " + numbers_of(report, Outcome::kFailed);
  if (report.sworn) return "VERDICT: ACCEPTED. Every check passed on both tiers of the record";
  std::string out = "VERDICT: ACCEPTED on the public tier. ";
  const std::string left = numbers_of(report, Outcome::kNotCheckable);
  out += left.empty() ? "Every check passed"
                      : "Every check that this tier allows passed; not checkable: " + left;
  return out;
}

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace

std::string report_text(const AuditReport& report) {
  std::string out = "Audit of the record of an election\n\n";
  if (report.fingerprint) {
    out += fmt::format("  election     {}\n", report.title);
    out += fmt::format(
        "  fingerprint  {}\n               {}\n", to_hex(*report.fingerprint),
        report.pinned ? "is the one you gave; compare it with the commission's announcement"
                      : "COMES FROM THE RECORD ITSELF: anybody can make a record that agrees with itself");
    out += fmt::format("  log          {}, {}\n", counted(report.log_size, "entry", "entries"),
                       counted(report.ballots, "ballot", "ballots"));
    out += fmt::format("  lists        {}\n", counted(report.groups, "mixing group", "mixing groups"));
  }
  out += fmt::format("  tier         {}\n", report.sworn ? "public and sworn" : "public");
  if (report.compared_checkpoints + report.compared_receipts + report.compared_time_stamps > 0)
    out += fmt::format("  compared     {}, {}, {}\n",
                       counted(report.compared_checkpoints, "checkpoint", "checkpoints"),
                       counted(report.compared_receipts, "receipt", "receipts"),
                       counted(report.compared_time_stamps, "time-stamp", "time-stamps"));
  out += "\n";
  for (const AuditCheck& check : report.checks) {
    out += fmt::format("{:>3}. {:<11} {:<14}{:>8.1f} s   {}\n", check.number(), check.name,
                       word_of(check.outcome), check.seconds, check.covers);
    for (std::size_t i = 0; i < check.parts.size(); ++i)
      out += fmt::format("{}{} {:.1f} s{}", i == 0 ? "       time: " : ", ", name_of(check.parts[i].first),
                         check.parts[i].second, i + 1 == check.parts.size() ? "\n" : "");
    if (check.proofs)
      out += fmt::format("       proofs: {} expected, {} verified, {} failed\n", check.proofs->expected,
                         check.proofs->verified, check.proofs->failed());
    if (!check.not_covered.empty()) out += "       not shown by the public tier: " + check.not_covered + "\n";
    for (std::size_t i = 0; i < check.findings.size() && i < kFindingsShown; ++i)
      out += "       ! " + to_string(check.findings[i]) + "\n";
    if (check.findings.size() > kFindingsShown)
      out += fmt::format("       ! and {} more\n", check.findings.size() - kFindingsShown);
  }
  for (const auto& notes : report.equivocations)
    out += "\nTwo heads signed by the log that cannot both be true. Keep both:\n\n" + notes[0] + "\n" +
           notes[1] + "\n";
  return out + "\n" + verdict_of(report) + "\n";
}

std::string report_json(const AuditReport& report) {
  namespace json = boost::json;
  json::object out;
  out["verdict"] = report.accepted() ? "accepted" : "refused";
  out["accepted"] = report.accepted();
  out["tier"] = report.sworn ? "public and sworn" : "public";
  out["election"] = report.title;
  out["fingerprint"] = report.fingerprint ? json::value(to_hex(*report.fingerprint)) : json::value();
  out["fingerprint_given"] = report.pinned;
  out["log_size"] = report.log_size;
  out["ballots_logged"] = report.ballots;
  out["groups"] = report.groups;
  out["checkpoints_compared"] = report.compared_checkpoints;
  out["receipts_compared"] = report.compared_receipts;
  out["time_stamps_compared"] = report.compared_time_stamps;
  json::array checks;
  for (const AuditCheck& check : report.checks) {
    json::object one;
    one["number"] = check.number();
    one["name"] = check.name;
    one["covers"] = check.covers;
    one["outcome"] = json_word_of(check.outcome);
    if (!check.not_covered.empty()) one["not_covered"] = check.not_covered;
    if (check.proofs)
      one["proofs"] = json::object{{"expected", check.proofs->expected},
                                   {"verified", check.proofs->verified},
                                   {"failed", check.proofs->failed()}};
    json::array findings;
    for (const Rejection& finding : check.findings)
      findings.push_back(json::object{{"reason", name_of(finding.reason)},
                                      {"number", static_cast<std::uint64_t>(finding.reason)},
                                      {"object", finding.object}});
    one["findings"] = std::move(findings);
    one["seconds"] = check.seconds;
    if (!check.parts.empty()) {
      json::object parts;
      for (const auto& [part, seconds] : check.parts) {
        std::string name(name_of(part));
        std::ranges::replace(name, ' ', '_');
        parts[name] = seconds;
      }
      one["seconds_by_part"] = std::move(parts);
    }
    checks.push_back(std::move(one));
  }
  out["checks"] = std::move(checks);
  json::array equivocations;
  for (const auto& notes : report.equivocations) equivocations.push_back(json::array{notes[0], notes[1]});
  out["equivocations"] = std::move(equivocations);
  return json::serialize(out) + "\n";
}

}  // namespace psephos
