#include "protocol/files/registrar.h"
#include "protocol/files/roll_files.h"
#include "protocol/national_id.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

UnitRule rule() {
  Definition definition;
  for (const char* unit : {"0482.3", "0514.7", "foreign.11"})
    definition.units.push_back({.id = {unit}, .names = {}, .contests = {}});
  return UnitRule(definition);
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const UnitRule kRule = rule();
  const std::string_view text = text_of({data, size});
  if (const auto roll = read_roll_file(text, kRule)) {
    for (const RollChange& change : roll->changes) {
      require(is_national_id(change.national_id), "roll: every voter has an identifier of the profile");
      require(decode<RollChange>(encode(change)).has_value(), "roll: every change can be signed");
    }
    for (const ListForm form : {ListForm::kTabs, ListForm::kJson}) {
      const std::string written = write_roll_file(*roll, form);
      const auto again = read_roll_file(written, kRule);
      require(again && write_roll_file(*again, form) == written, "roll: what is written reads back");
    }
  }
  if (const auto list = read_paper_list(text)) {
    const std::string written = write_paper_list(*list, ListForm::kTabs);
    const auto again = read_paper_list(written);
    require(again && again->voters == list->voters && again->kind == list->kind,
            "paper: what is written reads back");
    if (form_of(text) == ListForm::kTabs) require(written == text, "paper: one encoding a list");
  }
  if (const auto list = read_voted_list(text)) {
    const std::string written = write_voted_list(*list, ListForm::kTabs);
    const auto again = read_voted_list(written);
    require(again && again->lines == list->lines, "voted: what is written reads back");
    if (form_of(text) == ListForm::kTabs) require(written == text, "voted: one encoding a list");
  }
  if (const auto key = RegistrarKey::parse({data, size}))
    require(!key->check({data, size}, {data, size}, "x").has_value(),
            "registrar: a key is no signature of itself");
  return 0;
}
