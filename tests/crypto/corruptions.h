#pragma once
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "crypto/group/group.h"
#include "tests/crypto/sigma_fixture.h"

/// Proofs and statements changed at random, for comparing verifiers that must give one answer.
namespace psephos::sigma_test {

/// How many changes a test tries: PSEPHOS_CORRUPTIONS, or a thousand. And where they come from: a seed that
/// is printed, and that PSEPHOS_SEED brings back.
struct Corruptions {
  std::size_t count = 1000;
  std::string seed;

  explicit Corruptions(std::string_view test) {
    if (const char* asked = std::getenv("PSEPHOS_CORRUPTIONS")) count = std::strtoul(asked, nullptr, 10);
    if (const char* given = std::getenv("PSEPHOS_SEED")) {
      seed = given;
    } else {
      SystemRng rng;
      ByteArray<8> fresh{};
      rng.fill(fresh);
      seed = to_hex(fresh);
    }
    std::printf("%.*s: %zu corruptions, PSEPHOS_SEED=%s\n", static_cast<int>(test.size()), test.data(), count,
                seed.c_str());
  }
  /// What the i-th change is drawn from, whatever thread makes it.
  SeededRng rng(std::size_t i) const { return SeededRng(seed + "/" + std::to_string(i)); }
};

/// A number below `bound`, which is small against 2^64.
inline std::size_t below(Rng& rng, std::size_t bound) {
  ByteArray<8> bytes{};
  rng.fill(bytes);
  std::uint64_t out = 0;
  for (const std::uint8_t byte : bytes) out = out << 8U | byte;
  return static_cast<std::size_t>(out % bound);
}

/// Where the elements of a proof and its statement are kept.
template <Group G>
struct Elements {
  std::vector<typename G::Point*> points;
  std::vector<typename G::Scalar*> scalars;

  void add(typename G::Point& p) { points.push_back(&p); }
  void add(typename G::Scalar& s) { scalars.push_back(&s); }
  void add(Ciphertext<G>& c) {
    add(c.alpha);
    add(c.beta);
  }
  template <class T>
  void add(std::vector<T>& list) {
    for (T& one : list) add(one);
  }
};

/// Changes one element or exchanges two: moved by a little, replaced by another that is valid too, or a bit
/// of its encoding turned over where that gives an element. @pre there are points and scalars.
template <Group G>
void change_one(Elements<G>& elements, Rng& rng) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  const auto fresh = [&] { return declassify(G::SecretScalar::random(rng)); };  // of a test, no secret
  const auto flipped = [&]<class T>(const T& x) {
    for (int i = 0; i < 64; ++i) {
      auto bytes = x.encode();
      bytes[below(rng, bytes.size())] ^= static_cast<std::uint8_t>(1U << below(rng, 8));
      if (const auto other = T::decode(bytes)) return *other;
    }
    return x;
  };
  if (below(rng, 2) == 0) {
    Point& p = *elements.points[below(rng, elements.points.size())];
    Point& other = *elements.points[below(rng, elements.points.size())];
    switch (below(rng, 16)) {
      case 0:
        p = Point::identity();
        break;
      case 1:
        p = -p;
        break;
      case 2:
        p = G::mul_base_vartime(fresh());
        break;
      case 3:
      case 4:
        p = other;
        break;
      case 5:
      case 6:
      case 7:
        std::swap(p, other);
        break;
      case 8:
      case 9:
        p = flipped(p);
        break;
      default:
        p = p + multiple<G>(1 + below(rng, 3));
    }
    return;
  }
  Scalar& s = *elements.scalars[below(rng, elements.scalars.size())];
  Scalar& other = *elements.scalars[below(rng, elements.scalars.size())];
  switch (below(rng, 16)) {
    case 0:
      s = Scalar{};
      break;
    case 1:
      s = -s;
      break;
    case 2:
      s = fresh();
      break;
    case 3:
    case 4:
      s = other;
      break;
    case 5:
    case 6:
    case 7:
      std::swap(s, other);
      break;
    case 8:
    case 9:
      s = flipped(s);
      break;
    default:
      s = s + scalar<G>(1 + below(rng, 3));
  }
}

/// A bit of some elements' encodings turned over: half of the time the lowest or the highest of one, of which
/// decoders take special care. @pre whole elements, at least one.
template <Group G>
void flip_bit(Bytes& elements, Rng& rng) {
  constexpr std::size_t kWidth = G::Point::kWidth;
  const std::size_t element = below(rng, elements.size() / kWidth);
  const std::array<std::size_t, 4> bits{0, 8 * kWidth - 1, below(rng, 8 * kWidth), below(rng, 8 * kWidth)};
  const std::size_t bit = bits[below(rng, 4)];
  elements[element * kWidth + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
}

}  // namespace psephos::sigma_test
