#include "protocol/record_layout.h"

#include <array>
#include <cstdio>

namespace psephos::layout {

namespace {

std::string padded(std::uint64_t number, int width) {
  std::array<char, 24> out{};
  std::snprintf(out.data(), out.size(), "%0*llu", width, static_cast<unsigned long long>(number));
  return out.data();
}
std::string group_dir(std::size_t group, Tier tier) {
  return tier_dir(tier) + "/groups/" + padded(group, 4) + "/";
}
Tier tier_of(MixInputs where) {
  return where == MixInputs::kPublic ? Tier::kPublic : Tier::kSworn;
}

}  // namespace

std::string tier_dir(Tier tier) {
  return tier == Tier::kPublic ? "public" : "sworn";
}
std::string index(Tier tier) {
  return tier_dir(tier) + "/index";
}
std::string manifest() {
  return "public/manifest";
}
std::string log_entries() {
  return "public/log/entries";
}
std::string log_checkpoint() {
  return "public/log/checkpoint";
}
std::string log_event(std::uint64_t index) {
  return "public/log/events/" + padded(index, 8);
}
std::string log_items() {
  return "sworn/log/items";
}
std::string sheet() {
  return "public/sheet";
}
std::string input(std::size_t group, MixInputs where) {
  return group_dir(group, tier_of(where)) + "input";
}
std::string mix(std::size_t group, std::uint64_t position) {
  return group_dir(group, Tier::kPublic) + "mix-" + std::to_string(position);
}
std::string mix_proof(std::size_t group, std::uint64_t position, MixInputs where) {
  return group_dir(group, position == 1 ? tier_of(where) : Tier::kPublic) + "mix-" +
         std::to_string(position) + ".proof";
}
std::string share(std::size_t group, std::uint64_t trustee) {
  return group_dir(group, Tier::kPublic) + "share-" + std::to_string(trustee);
}
std::string share_proof(std::size_t group, std::uint64_t trustee) {
  return share(group, trustee) + ".proof";
}
std::string plaintexts(std::size_t group) {
  return group_dir(group, Tier::kPublic) + "plaintexts";
}
std::string mix_statement(std::uint64_t position) {
  return "public/statements/mix-" + std::to_string(position);
}
std::string share_statement(std::uint64_t trustee) {
  return "public/statements/share-" + std::to_string(trustee);
}
std::string result() {
  return "public/result";
}
std::string result_as(const char* extension) {
  return "public/result." + std::string(extension);
}

}  // namespace psephos::layout
