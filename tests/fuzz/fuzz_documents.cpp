#include "protocol/files/record_directory.h"
#include "protocol/national_id.h"
#include "tally/documents.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text = text_of({data, size});
  const std::vector<std::string> types = {"PNOEE", "PNOLV", "IDCKH"};
  if (const auto changes = parse_roll(text, types)) {
    for (const RollChange& change : *changes) {
      require(is_national_id(change.national_id, types),
              "roll: every voter has an identifier of the profile");
      require(decode<RollChange>(encode(change)).has_value(), "roll: every change can be signed");
    }
  }
  if (const auto ids = parse_ids(text, types)) {
    require(!ids->empty() && std::ranges::is_sorted(*ids), "ids: in the order of the document");
    require(std::ranges::adjacent_find(*ids) == ids->end(), "ids: nobody twice");
    for (const NationalId& id : *ids) require(is_national_id(id, types), "ids: every one is of the profile");
  }
  if (const auto fingerprint = parse_fingerprint(text)) {
    const auto again = parse_fingerprint(spoken_fingerprint(*fingerprint));
    require(again && *again == *fingerprint, "fingerprint: what is read aloud can be typed");
  }
  return 0;
}
