#include "crypto/secret/dkg_participant.h"
#include "crypto/signature.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (const auto key = VerifyKey::decode(bytes)) {
    require(equal(key->encode(), bytes), "key: accepted bytes are canonical");
    const ByteArray<64> zeros{};
    require(!verify_signature(*key, bytes, zeros), "key: no signature of zeros verifies");
  }
  if (size == DkgSecret::kWidth) {
    const auto secret = DkgSecret::from_secret_bytes(
        SecretBytes<DkgSecret::kWidth>::copy_from(bytes.first<DkgSecret::kWidth>()));
    if (secret) {
      const auto again = secret->seal_bytes();
      require(equal(again.expose(), bytes), "secret: accepted bytes are canonical");
      require(!secret->static_key().is_identity(), "secret: it has a key");
    }
  }
  return 0;
}
