#pragma once
#include <concepts>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/random.h"
#include "crypto/result.h"

namespace psephos {

/// A cyclic group of prime order q with generator G, written additively. The proofs are templates over it, so
/// that the code that runs elections over ristretto255 runs exhaustively over groups of order 7 and 13 in
/// tests.
///
/// `Scalar` and `Point` hold only valid values. `SecretScalar` is move-only and wiped; what it multiplies
/// takes constant time; `declassify` is its one way out. Names with `_vartime` take public values only: a
/// SecretScalar does not bind to them.
template <class G>
concept Group =
    requires(typename G::Scalar s, typename G::Point p, typename G::SecretScalar x, ByteView bytes, Rng& rng,
             std::uint64_t n, const G::SecretScalar& secret, std::span<const typename G::Scalar> scalars,
             std::span<const typename G::SecretScalar> secrets,
             std::span<const std::span<const typename G::SecretScalar>> secret_lists,
             std::span<const typename G::Point> point_span, const typename G::Points& points,
             std::span<const typename G::Points* const> arrays) {
      { G::kName } -> std::convertible_to<std::string_view>;
      { G::Scalar::kWidth } -> std::convertible_to<std::size_t>;
      { G::Point::kWidth } -> std::convertible_to<std::size_t>;
      // Scalars: the field of integers modulo q.
      { G::Scalar::from_u64(n) } -> std::same_as<typename G::Scalar>;
      {
        G::Scalar::from_wide(bytes)
      } -> std::same_as<typename G::Scalar>;  // up to 64 bytes, little-endian, reduced
      { G::Scalar::decode(bytes) } -> std::same_as<Result<typename G::Scalar, Fault>>;
      { s + s } -> std::same_as<typename G::Scalar>;
      { s - s } -> std::same_as<typename G::Scalar>;
      { s* s } -> std::same_as<typename G::Scalar>;
      { -s } -> std::same_as<typename G::Scalar>;
      { s.inverse_vartime() } -> std::same_as<typename G::Scalar>;  // @pre s is not zero
      { s == s } -> std::same_as<bool>;
      { s.is_zero() } -> std::same_as<bool>;
      { s.encode() } -> std::convertible_to<ByteView>;
      // Secret scalars.
      { G::SecretScalar::random(rng) } -> std::same_as<typename G::SecretScalar>;
      { G::SecretScalar::from_wide(bytes) } -> std::same_as<typename G::SecretScalar>;
      { G::SecretScalar::of(s) } -> std::same_as<typename G::SecretScalar>;
      { secret + secret } -> std::same_as<typename G::SecretScalar>;
      { secret* secret } -> std::same_as<typename G::SecretScalar>;
      { secret* s } -> std::same_as<typename G::SecretScalar>;
      { secret - secret } -> std::same_as<typename G::SecretScalar>;
      { secret.seal_bytes().expose() } -> std::convertible_to<ByteView>;
      { declassify(secret) } -> std::same_as<typename G::Scalar>;
      // Points.
      { p.encode() } -> std::convertible_to<ByteView>;
      { G::Point::decode(bytes) } -> std::same_as<Result<typename G::Point, Fault>>;
      { G::Point::identity() } -> std::same_as<typename G::Point>;
      { G::Point::generator() } -> std::same_as<typename G::Point>;
      { G::Point::from_uniform(bytes) } -> std::same_as<typename G::Point>;  // one-way map of 64 bytes
      { p.is_identity() } -> std::same_as<bool>;
      { p + p } -> std::same_as<typename G::Point>;
      { p - p } -> std::same_as<typename G::Point>;
      { secret* p } -> std::same_as<typename G::Point>;  // constant time
      { G::mul_vartime(s, p) } -> std::same_as<typename G::Point>;
      { G::mul_base(secret) } -> std::same_as<typename G::Point>;  // constant time
      { G::mul_base_vartime(s) } -> std::same_as<typename G::Point>;
      // The bulk interface: nine tenths of all time is spent in these. All cores work on them; results do not
      // depend on how many.
      /// Many points in the form that bulk operations take.
      { points.size() } -> std::convertible_to<std::size_t>;
      /// Decodes n · kWidth bytes, strictly. @return the points, or the fault and the index of the first bad
      /// one. Variable time.
      { G::decode_points(bytes) } -> std::same_as<Result<typename G::Points, std::pair<Fault, std::size_t>>>;
      /// The same, for keeping them as they are.
      {
        G::decode_batch(bytes)
      } -> std::same_as<Result<std::vector<typename G::Point>, std::pair<Fault, std::size_t>>>;
      { G::points_of(point_span) } -> std::same_as<typename G::Points>;
      /// The first n of them, without decoding anything. @pre there are so many.
      { G::first_of(points, n) } -> std::same_as<typename G::Points>;
      /// The points of encodings that decode_points has accepted before, which is not repeated here. @pre
      /// that.
      { G::adopt_judged(bytes) } -> std::same_as<std::vector<typename G::Point>>;
      /// Point::from_uniform of every 64 bytes. Constant time.
      { G::from_uniform_batch(bytes) } -> std::same_as<std::vector<typename G::Point>>;
      /// secrets[i] · base for all i. Constant time.
      { G::mul_batch(secrets, p) } -> std::same_as<std::vector<typename G::Point>>;
      /// addends[i] + Σ_b secrets[b][i] · bases[b] for all i; without addends if null. Constant time.
      /// @pre a list of scalars a base, all and the addends of one length; bases are public.
      { G::mul_bases(secret_lists, point_span, &points) } -> std::same_as<std::vector<typename G::Point>>;
      /// secret · points[i] for all i. Constant time.
      { G::mul_each(secret, points) } -> std::same_as<std::vector<typename G::Point>>;
      /// Σ secrets[i] · points[i]. Constant time. @pre equal lengths.
      { G::secret_msm(secrets, points) } -> std::same_as<typename G::Point>;
      /// Σ points[i].
      { G::sum(points) } -> std::same_as<typename G::Point>;
      /// Σ scalars[i] · points[i]. Variable time. @pre equal lengths.
      { G::msm_vartime(scalars, point_span) } -> std::same_as<typename G::Point>;
      /// The same for several lists of points with the same scalars, which are then sorted once.
      { G::msm_vartime(scalars, arrays) } -> std::same_as<std::vector<typename G::Point>>;
    };

/// Encodings of many points one after the other.
template <class Point>
Bytes encode_all(std::span<const Point> points) {
  Bytes out;
  out.reserve(points.size() * Point::kWidth);
  for (const Point& p : points) append(out, p.encode());
  return out;
}

}  // namespace psephos
