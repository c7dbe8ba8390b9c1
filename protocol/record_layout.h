#pragma once
#include <cstdint>
#include <string>

#include "protocol/record.h"

/// Where things lie inside a record directory (SPEC §11.7): two tiers, public/ and sworn/. Paths are relative
/// to the record.
namespace psephos::layout {

std::string tier_dir(Tier tier);             ///< "public", "sworn"
std::string index(Tier tier);                ///< "public/index"
std::string manifest();                      ///< "public/manifest"
std::string log_entries();                   ///< "public/log/entries": 34 bytes an entry
std::string log_checkpoint();                ///< "public/log/checkpoint"
std::string log_event(std::uint64_t index);  ///< "public/log/events/00000017": LoggedItem of a phase event
std::string log_items();  ///< "sworn/log/items": u32(|x|) ‖ LoggedItem x, for every entry in order
std::string sheet();      ///< "public/sheet"
std::string input(std::size_t group, MixInputs where);       ///< "sworn/groups/0003/input"
std::string mix(std::size_t group, std::uint64_t position);  ///< "public/groups/0003/mix-1"
std::string mix_proof(std::size_t group, std::uint64_t position,
                      MixInputs where);  ///< of the first mix sworn, unless inputs are public
std::string share(std::size_t group, std::uint64_t trustee);        ///< "public/groups/0003/share-2"
std::string share_proof(std::size_t group, std::uint64_t trustee);  ///< "public/groups/0003/share-2.proof"
std::string plaintexts(std::size_t group);                          ///< "public/groups/0003/plaintexts"
std::string mix_statement(
    std::uint64_t position);  ///< "public/statements/mix-1": SignedDocument of a StageStatement
std::string share_statement(std::uint64_t trustee);  ///< "public/statements/share-2"
std::string result();                                ///< "public/result"; beside it .json, .csv, .html
std::string result_as(const char* extension);        ///< "public/result.json"

}  // namespace psephos::layout
