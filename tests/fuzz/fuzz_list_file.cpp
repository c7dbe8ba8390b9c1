#include "protocol/list_file.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes = ByteView(data, size).subspan(1);
  const auto stage = static_cast<Stage>(1 + data[0] % 6);

  const auto file = parse_list(bytes, stage, "fuzz");
  if (!file) {
    require(name_of(file.error().reason) != "UNKNOWN", "list: a refusal has a name");
    return 0;
  }
  require(file->header.stage == stage, "list: it is of the stage asked for");
  require(equal(write_elements(file->header, file->elements), bytes), "list: accepted bytes are canonical");
  if (stage == Stage::kInput || stage == Stage::kMixed) {
    if (const auto list = read_ciphertexts(*file, "fuzz")) {
      require(equal(write_ciphertexts(file->header, list->items), bytes),
              "list: accepted ciphertexts are canonical");
      require(list->items.size() == file->header.count * file->header.width, "list: whole rows");
    }
  }
  if (stage == Stage::kShare || stage == Stage::kPlaintexts) {
    if (const auto points = read_points(*file, "fuzz")) {
      require(equal(write_points(file->header, *points), bytes), "list: accepted points are canonical");
    }
  }
  return 0;
}
