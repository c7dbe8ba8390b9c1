#include "protocol/checks/definition.h"
#include "protocol/files/definition_json.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView bytes(data, size);
  static_cast<void>(certificates_in(bytes, "fuzz"));
  static_cast<void>(parse_utc(text_of(bytes)));
  // Without a directory no anchor comes from a file; those in base64 need none.
  const auto definition = parse_definition(text_of(bytes), "/nonexistent");
  if (!definition) {
    require(name_of(definition.error().reason) != "UNKNOWN", "definition: a refusal has a name");
    return 0;
  }
  const Bytes encoded = encode(*definition);
  const auto again = decode<Definition>(encoded);
  require(again && equal(encode(*again), encoded),
          "definition: what is read survives the canonical encoding");
  static_cast<void>(check_definition(*definition));
  return 0;
}
