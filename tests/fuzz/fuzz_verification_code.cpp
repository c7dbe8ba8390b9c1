#include "protocol/verification_code.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);
  const auto code = read_verification_code(input);
  if (code)
    require(equal(write_verification_code(*code).expose(), input), "what is accepted is canonical");
  else
    require(code.error().reason == Reason::kQrFormat, "QR_FORMAT is the only refusal");

  // Any 112 bytes are the content of a code, which reads back.
  if (size < 112) return 0;
  VerificationCode made;
  std::copy_n(input.begin(), 32, made.fingerprint.begin());
  std::copy_n(input.begin() + 32, 32, made.ballot_id.begin());
  made.seed = BallotSeed::copy_from(input.subspan<64, 32>());
  made.fetch_secret = SecretBytes<16>::copy_from(input.subspan<96, 16>());
  const SecretBuffer text = write_verification_code(made);
  const auto read = read_verification_code(text.expose());
  require(read && equal(write_verification_code(*read).expose(), text.expose()),
          "what is written reads back");
  return 0;
}
