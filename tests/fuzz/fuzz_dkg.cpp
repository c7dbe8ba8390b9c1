#include <vector>

#include "crypto/threshold/dkg.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

/// 2 of 3 with the static keys G, 2G, 3G.
CocktailSession fixed_session() {
  CocktailSession session;
  session.quorum = 2;
  for (std::uint64_t i = 1; i <= 3; ++i)
    session.static_keys.push_back(Ristretto::mul_base_vartime(Ristretto::Scalar::from_u64(i)));
  session.context = cocktail_context(bytes_of("fuzz"), session.static_keys);
  return session;
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const CocktailSession session = fixed_session();
  const ByteView input(data, size);
  if (const auto msg1 = CocktailMsg1::decode(session, input)) {
    require(equal(msg1->encode(), input), "msg1: accepted bytes are canonical");
    require(msg1->C.size() == session.quorum && msg1->ciphertexts.size() == session.size(),
            "msg1: its shape");
    const CocktailSharedPoints shared(msg1->E, session.static_keys[1]);
    const auto opened = cocktail_open(session, 1, 2, *msg1, shared);
    require(opened || opened.error() == Fault::kDkgDecryption || opened.error() == Fault::kDkgShareInvalid,
            "msg1: a share opens or is refused by name");
  }
  if (const auto announcement = DkgAnnouncement::decode(input))
    require(equal(announcement->encode(), input), "announcement: accepted bytes are canonical");
  if (const auto complaint = DkgComplaint::decode(input))
    require(equal(complaint->encode(), input), "complaint: accepted bytes are canonical");
  return 0;
}
