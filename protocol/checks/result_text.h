#pragma once
#include <string>

#include "protocol/election.h"
#include "protocol/record.h"

/// The result as people and their programs read it (SPEC §11.6). Pure functions of what the record proves, so
/// that an audit renders them again and compares byte for byte. UTF-8, no clock, no locale.
namespace psephos {

/// A JSON object: every contest with its kind, lists, choices and votes, every group with its numbers.
/// @pre the result has the sheet's groups, in order (total() makes such).
std::string result_json(const Election& election, const Sheet& sheet, const ElectionResult& result);
/// RFC 4180 with a header line: a row for each choice of each list in total, then of each group.
std::string result_csv(const Election& election, const Sheet& sheet, const ElectionResult& result);
/// A page without script or external request: a bar chart and a table for each contest, names in all
/// languages, words of the page in the election's first language.
std::string result_html(const Election& election, const Sheet& sheet, const ElectionResult& result);

}  // namespace psephos
