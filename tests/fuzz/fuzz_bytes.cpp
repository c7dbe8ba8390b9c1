#include "crypto/bytes.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);
  const std::string_view text = text_of(input);

  if (const auto bytes = from_hex(text)) require(to_hex(*bytes) == text, "hex: accepted text is canonical");
  if (const auto bytes = from_base64(text)) {
    require(to_base64(*bytes) == text, "base64: accepted text is canonical");
  }
  const auto hex = from_hex(to_hex(input));
  require(hex && equal(*hex, input), "hex: what is encoded decodes");
  const auto base64 = from_base64(to_base64(input));
  require(base64 && equal(*base64, input), "base64: what is encoded decodes");
  return 0;
}
