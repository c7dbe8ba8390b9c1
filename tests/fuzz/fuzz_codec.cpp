#include "protocol/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/messages.h"

using namespace psephos;

namespace {

template <class M>
void try_message(ByteView bytes) {
  const auto message = decode<M>(bytes);
  if (message) {
    require(equal(encode(*message), bytes), "codec: accepted bytes are canonical");
    require(decode<M>(encode(*message)).has_value(), "codec: what is encoded decodes");
  } else {
    require(name_of(message.error().reason) != "UNKNOWN", "codec: a refusal has a name");
    require(message.error().object.starts_with(M::kName), "codec: a refusal says where");
  }
}

constexpr void (*kMessages[])(ByteView) = {
#define PSEPHOS_X(type) try_message<type>,
    PSEPHOS_MESSAGES(PSEPHOS_X)
#undef PSEPHOS_X
};

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data, size);
  kMessages[input[0] % std::size(kMessages)](input.subspan(1));
  return 0;
}
