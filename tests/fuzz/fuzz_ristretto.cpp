#include "crypto/group/ristretto.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);

  if (const auto scalar = Ristretto::Scalar::decode(input)) {
    require(equal(scalar->encode(), input), "scalar: accepted bytes are canonical");
    require(*scalar - *scalar == Ristretto::Scalar(), "scalar: s - s = 0");
  }
  const auto point = Ristretto::Point::decode(input);
  if (point) {
    require(equal(point->encode(), input), "point: accepted bytes are canonical");
    require(*point + Ristretto::Point::identity() == *point, "point: P + 0 = P");
    require((*point + *point) - *point == *point, "point: an accepted point can be computed with");
  }
  const auto strict = Ristretto::Point::decode_nonidentity(input);
  require(strict.has_value() == (point && !point->is_identity()), "point: the identity is all that differs");
  if (!point) require(strict.error() == point.error(), "point: both decoders name the same fault");

  const auto batch = Ristretto::decode_batch(input);
  if (batch) {
    require(equal(encode_all<Ristretto::Point>(*batch), input), "batch: accepted bytes are canonical");
  } else if (size % Ristretto::Point::kWidth == 0) {
    const auto [fault, index] = batch.error();
    const auto single =
        Ristretto::Point::decode(input.subspan(index * Ristretto::Point::kWidth, Ristretto::Point::kWidth));
    require(!single && single.error() == fault, "batch: names the first bad point and its fault");
    for (std::size_t i = 0; i < index; ++i) {
      require(Ristretto::Point::decode(input.subspan(i * Ristretto::Point::kWidth, Ristretto::Point::kWidth))
                  .has_value(),
              "batch: all points before the one named are good");
    }
  }
  return 0;
}
