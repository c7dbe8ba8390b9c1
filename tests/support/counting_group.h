#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/result.h"

namespace psephos::test {

/// What a group is asked to do. A multiplication by a public scalar is short if the scalar is below 2^128,
/// and long otherwise; those by secrets are always long, because their time must not tell.
enum class Operation : std::uint8_t {
  kDecode,                 ///< a point from its bytes, singly or in a batch
  kEncode,                 ///< the bytes of a point
  kHashToGroup,            ///< the one-way map
  kAddition,               ///< P + Q, P − Q, −P
  kSecretTimesG,           ///< x·G, constant time
  kSecretTimesShared,      ///< x_i·P for one P of a mul_batch other than G, constant time
  kSecretTimesPoint,       ///< x·P, constant time
  kLongTimesG,             ///< s·G by mul_base_vartime
  kShortTimesG,            ///< the same with a short scalar
  kLongTimesPoint,         ///< s·P by mul_vartime
  kShortTimesPoint,        ///< the same with a short scalar
  kLongMultiScalarTerm,    ///< one s_i·P_i of a multi-scalar multiplication
  kShortMultiScalarTerm,   ///< the same with a short scalar
  kSecretMultiScalarTerm,  ///< one x_i·P_i of a secret_msm, constant time
};
inline constexpr std::size_t kOperations = 14;

/// For reports and as keys of JSON, by Operation.
inline constexpr std::array<std::string_view, kOperations> kOperationNames = {"decode",
                                                                              "encode",
                                                                              "hash_to_group",
                                                                              "addition",
                                                                              "secret_times_G",
                                                                              "secret_times_shared_base",
                                                                              "secret_times_point",
                                                                              "scalar253_times_G",
                                                                              "scalar128_times_G",
                                                                              "scalar253_times_point",
                                                                              "scalar128_times_point",
                                                                              "msm_term_253",
                                                                              "msm_term_128",
                                                                              "secret_msm_term"};

/// How often each operation ran.
struct OperationCounts {
  std::array<std::uint64_t, kOperations> times{};
  std::uint64_t& operator[](Operation o) { return times[static_cast<std::size_t>(o)]; }
  std::uint64_t operator[](Operation o) const { return times[static_cast<std::size_t>(o)]; }
  friend bool operator==(const OperationCounts&, const OperationCounts&) = default;
};

/// `Inner`, counting what it is asked to do: the provers and verifiers are templates over the group, so that
/// the code that runs elections says exactly what it costs. Sums and products inside a bulk operation of
/// Inner belong to Inner and are not counted. One count a type, over all threads; `measure` gives that of a
/// piece of work.
template <Group Inner>
struct CountingGroup {
  static constexpr std::string_view kName = Inner::kName;
  using Scalar = typename Inner::Scalar;
  using SecretScalar = typename Inner::SecretScalar;

  /// One more of these; for what is called from inside.
  static void count(Operation o, std::uint64_t n = 1) {
    counters_[static_cast<std::size_t>(o)].fetch_add(n, std::memory_order_relaxed);
  }

  class Point {
   public:
    static constexpr std::size_t kWidth = Inner::Point::kWidth;
    Point() = default;
    static Point identity() { return {}; }
    static Point generator() { return Point(Inner::Point::generator()); }
    static Point from_uniform(ByteView bytes) {
      count(Operation::kHashToGroup);
      return Point(Inner::Point::from_uniform(bytes));
    }
    static Result<Point, Fault> decode(ByteView bytes) { return wrap(Inner::Point::decode(bytes)); }
    static Result<Point, Fault> decode_nonidentity(ByteView bytes) {
      return wrap(Inner::Point::decode_nonidentity(bytes));
    }
    ByteArray<kWidth> encode() const {
      count(Operation::kEncode);
      return inner_.encode();
    }
    bool is_identity() const { return inner_.is_identity(); }
    Point operator-() const {
      count(Operation::kAddition);
      return Point(-inner_);
    }
    friend Point operator+(const Point& p, const Point& q) {
      count(Operation::kAddition);
      return Point(p.inner_ + q.inner_);
    }
    friend Point operator-(const Point& p, const Point& q) {
      count(Operation::kAddition);
      return Point(p.inner_ - q.inner_);
    }
    friend bool operator==(const Point&, const Point&) = default;
    friend auto operator<=>(const Point&, const Point&) = default;
    friend Point operator*(const SecretScalar& x, const Point& p) {
      count(Operation::kSecretTimesPoint);
      return Point(x * p.inner_);
    }

   private:
    friend struct CountingGroup;
    explicit Point(typename Inner::Point inner) : inner_(std::move(inner)) {}
    static Result<Point, Fault> wrap(const Result<typename Inner::Point, Fault>& inner) {
      count(Operation::kDecode);
      if (!inner) return std::unexpected(inner.error());
      return Point(*inner);
    }
    typename Inner::Point inner_;
  };

  static Point mul_vartime(const Scalar& s, const Point& p) {
    count(is_short(s) ? Operation::kShortTimesPoint : Operation::kLongTimesPoint);
    return Point(Inner::mul_vartime(s, p.inner_));
  }
  static Point mul_base(const SecretScalar& x) {
    count(Operation::kSecretTimesG);
    return Point(Inner::mul_base(x));
  }
  static Point mul_base_vartime(const Scalar& s) {
    count(is_short(s) ? Operation::kShortTimesG : Operation::kLongTimesG);
    return Point(Inner::mul_base_vartime(s));
  }
  static Result<std::vector<Point>, std::pair<Fault, std::size_t>> decode_batch(ByteView bytes) {
    count(Operation::kDecode, bytes.size() / Point::kWidth);
    const auto inner = Inner::decode_batch(bytes);
    if (!inner) return std::unexpected(inner.error());
    return wrapped(*inner);
  }
  /// Bulk operations count as that many single ones; decoding into Points counts as decoding.
  struct Points {
    typename Inner::Points inner;
    std::size_t size() const { return inner.size(); }
  };
  static Result<Points, std::pair<Fault, std::size_t>> decode_points(ByteView bytes) {
    count(Operation::kDecode, bytes.size() / Point::kWidth);
    auto inner = Inner::decode_points(bytes);
    if (!inner) return std::unexpected(inner.error());
    return Points{std::move(*inner)};
  }
  static std::vector<Point> adopt_judged(ByteView bytes) { return wrapped(Inner::adopt_judged(bytes)); }
  static Points points_of(std::span<const Point> points) {
    count(Operation::kDecode, points.size());
    return {Inner::points_of(unwrapped(points))};
  }
  static Points first_of(const Points& points, std::size_t n) { return {Inner::first_of(points.inner, n)}; }
  static std::vector<Point> from_uniform_batch(ByteView bytes) {
    count(Operation::kHashToGroup, bytes.size() / 64);
    return wrapped(Inner::from_uniform_batch(bytes));
  }
  static std::vector<Point> mul_batch(std::span<const SecretScalar> secrets, const Point& base) {
    count_shared(base, secrets.size());
    return wrapped(Inner::mul_batch(secrets, base.inner_));
  }
  static std::vector<Point> mul_bases(std::span<const std::span<const SecretScalar>> secrets,
                                      std::span<const Point> bases, const Points* addends) {
    for (const Point& base : bases) count_shared(base, secrets[0].size());
    const std::size_t terms = bases.size() + (addends == nullptr ? 0 : 1);
    count(Operation::kAddition, (terms - 1) * secrets[0].size());
    return wrapped(
        Inner::mul_bases(secrets, unwrapped(bases), addends == nullptr ? nullptr : &addends->inner));
  }
  static std::vector<Point> mul_each(const SecretScalar& x, const Points& points) {
    count(Operation::kSecretTimesPoint, points.size());
    return wrapped(Inner::mul_each(x, points.inner));
  }
  static Point secret_msm(std::span<const SecretScalar> secrets, const Points& points) {
    count(Operation::kSecretMultiScalarTerm, points.size());
    return Point(Inner::secret_msm(secrets, points.inner));
  }
  static Point sum(const Points& points) {
    count(Operation::kAddition, points.size());
    return Point(Inner::sum(points.inner));
  }
  static Point msm_vartime(std::span<const Scalar> scalars, std::span<const Point> points) {
    count_terms(scalars);
    return Point(Inner::msm_vartime(scalars, unwrapped(points)));
  }
  static std::vector<Point> msm_vartime(std::span<const Scalar> scalars,
                                        std::span<const Points* const> arrays) {
    std::vector<const typename Inner::Points*> inner;
    for (const Points* points : arrays) {
      count_terms(scalars);
      inner.push_back(&points->inner);
    }
    return wrapped(Inner::msm_vartime(scalars, inner));
  }

  /// What `work` asks of the group. @pre nothing else uses this CountingGroup meanwhile.
  template <class Work>
  static OperationCounts measure(Work&& work) {
    for (auto& counter : counters_) counter.store(0);
    std::forward<Work>(work)();
    OperationCounts counts;
    for (std::size_t i = 0; i < kOperations; ++i) counts.times[i] = counters_[i].load();
    return counts;
  }

 private:
  static bool is_short(const Scalar& s) {
    const auto bytes = s.encode();  // little-endian
    for (std::size_t i = 16; i < bytes.size(); ++i)
      if (bytes[i] != 0) return false;
    return true;
  }
  static void count_terms(std::span<const Scalar> scalars) {
    for (const Scalar& s : scalars)
      count(is_short(s) ? Operation::kShortMultiScalarTerm : Operation::kLongMultiScalarTerm);
  }
  static void count_shared(const Point& base, std::size_t n) {
    count(base == Point::generator() ? Operation::kSecretTimesG : Operation::kSecretTimesShared, n);
  }
  static std::vector<typename Inner::Point> unwrapped(std::span<const Point> points) {
    std::vector<typename Inner::Point> out;
    out.reserve(points.size());
    for (const Point& p : points) out.push_back(p.inner_);
    return out;
  }
  static std::vector<Point> wrapped(const std::vector<typename Inner::Point>& inner) {
    std::vector<Point> out;
    out.reserve(inner.size());
    for (const auto& p : inner) out.push_back(Point(p));
    return out;
  }
  inline static std::array<std::atomic<std::uint64_t>, kOperations> counters_{};
};

}  // namespace psephos::test
