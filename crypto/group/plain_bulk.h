#pragma once
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/invariant.h"
#include "crypto/result.h"

namespace psephos {

/// The bulk interface of the group concept in its plain form, one operation at a time: added to
/// the arithmetic A of a group: for the tiny groups, and as the meaning of the fast ones.
template <class A>
struct PlainBulk : A {
  using Scalar = typename A::Scalar;
  using SecretScalar = typename A::SecretScalar;
  using Point = typename A::Point;
  using Points = std::vector<Point>;

  static Result<Points, std::pair<Fault, std::size_t>> decode_points(ByteView bytes) {
    if (bytes.size() % Point::kWidth != 0)
      return std::unexpected(std::pair{Fault::kWireLength, bytes.size() / Point::kWidth});
    Points out;
    out.reserve(bytes.size() / Point::kWidth);
    for (std::size_t i = 0; i < bytes.size() / Point::kWidth; ++i) {
      const auto point = Point::decode(bytes.subspan(i * Point::kWidth, Point::kWidth));
      if (!point) return std::unexpected(std::pair{point.error(), i});
      out.push_back(*point);
    }
    return out;
  }
  static Result<std::vector<Point>, std::pair<Fault, std::size_t>> decode_batch(ByteView bytes) {
    return decode_points(bytes);
  }
  static std::vector<Point> adopt_judged(ByteView bytes) { return decode_batch(bytes).value(); }
  static Points points_of(std::span<const Point> points) { return {points.begin(), points.end()}; }
  static Points first_of(const Points& points, std::size_t n) {
    invariant(n <= points.size(), "so many points");
    return {points.begin(), points.begin() + static_cast<std::ptrdiff_t>(n)};
  }
  static std::vector<Point> from_uniform_batch(ByteView bytes) {
    std::vector<Point> out;
    for (std::size_t at = 0; at < bytes.size(); at += 64)
      out.push_back(Point::from_uniform(bytes.subspan(at, 64)));
    return out;
  }
  static std::vector<Point> mul_batch(std::span<const SecretScalar> secrets, const Point& base) {
    std::vector<Point> out;
    for (const SecretScalar& x : secrets) out.push_back(x * base);
    return out;
  }
  static std::vector<Point> mul_bases(std::span<const std::span<const SecretScalar>> secrets,
                                      std::span<const Point> bases, const Points* addends) {
    invariant(!bases.empty() && secrets.size() == bases.size(), "one list of scalars a base");
    std::vector<Point> out(secrets[0].size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (addends != nullptr) out[i] = (*addends)[i];
      for (std::size_t b = 0; b < bases.size(); ++b) out[i] = out[i] + secrets[b][i] * bases[b];
    }
    return out;
  }
  static std::vector<Point> mul_each(const SecretScalar& x, const Points& points) {
    std::vector<Point> out;
    for (const Point& p : points) out.push_back(x * p);
    return out;
  }
  static Point secret_msm(std::span<const SecretScalar> secrets, const Points& points) {
    invariant(secrets.size() == points.size(), "one scalar a point");
    Point sum;
    for (std::size_t i = 0; i < points.size(); ++i) sum = sum + secrets[i] * points[i];
    return sum;
  }
  static Point sum(const Points& points) {
    Point sum;
    for (const Point& p : points) sum = sum + p;
    return sum;
  }
  static Point msm_vartime(std::span<const Scalar> scalars, std::span<const Point> points) {
    invariant(scalars.size() == points.size(), "one scalar a point");
    Point sum;
    for (std::size_t i = 0; i < scalars.size(); ++i) sum = sum + A::mul_vartime(scalars[i], points[i]);
    return sum;
  }
  static std::vector<Point> msm_vartime(std::span<const Scalar> scalars,
                                        std::span<const Points* const> arrays) {
    std::vector<Point> out;
    for (const Points* points : arrays) out.push_back(msm_vartime(scalars, std::span<const Point>(*points)));
    return out;
  }
};

}  // namespace psephos
