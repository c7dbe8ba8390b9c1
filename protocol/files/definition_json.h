#pragma once
#include <filesystem>
#include <string_view>

#include "protocol/definition.h"

namespace psephos {

/// Reads the readable form of a definition (SPEC §4.1). Every key is known, none is given twice, every value
/// has its type; what results survives the canonical encoding. Says nothing about the rules of §4.3
/// (check_definition). Paths of anchor files are relative to `directory`.
/// @return DEFINITION_PARSE with the path of the value, e.g. "contests[0].lists[1].choices[2].id";
/// FILE_UNREADABLE for an anchor file; a wire refusal for a limit exceeded.
Result<Definition, Rejection> parse_definition(std::string_view json, const std::filesystem::path& directory);

/// The same from a file; anchor paths are relative to its directory.
Result<Definition, Rejection> read_definition(const std::filesystem::path& file);

/// "2026-03-01T09:00:00Z", RFC 3339 in UTC with seconds, as unix time; nullopt for anything else.
std::optional<std::uint64_t> parse_utc(std::string_view text);

/// The inverse, for times before the year 10000.
std::string utc_text(std::uint64_t unix_s);

/// The DER certificates in a file's bytes: the one of a DER file, or all of a PEM file in their order.
/// @return DEFINITION_PARSE (object) for neither.
Result<std::vector<Bytes>, Rejection> certificates_in(ByteView file, const std::string& object);

}  // namespace psephos
