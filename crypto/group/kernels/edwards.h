#pragma once
// Formulas, written once for all fields and lane counts. Includes nothing of the standard library but integer
// types (see field_ifma.h).
#include <cstddef>
#include <cstdint>

namespace psephos::kernels {
// Internal linkage on purpose: no copy compiled for one processor may serve the rest of the program.
namespace {  // NOLINT(google-build-namespaces)

/// A 255-bit constant, little-endian.
struct Words {
  std::uint64_t w[4];
};
// RFC 9496 section 4.1.
inline constexpr Words kD = {
    {0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73}};
inline constexpr Words k2D = {
    {0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7}};
inline constexpr Words kSqrtMinusOne = {
    {0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b}};
inline constexpr Words kMinusOne = {
    {0xffffffffffffffec, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff}};
inline constexpr Words kMinusSqrtMinusOne = {
    {0x3b11e4d8b5f15f3d, 0xd0bce7f952d01b87, 0xd4b2ff66c2042858, 0x547cdb7fb03e20f4}};
inline constexpr Words kInvSqrtAMinusD = {
    {0x99c8fdaa805d40ea, 0x9d2f16175a4172be, 0x16c27b91fe01d840, 0x786c8905cfaffca2}};
inline constexpr Words kOneMinusDSquared = {
    {0xe27c09c1945fc176, 0x2c81a138cd5e350f, 0x9994abddbe70dfe4, 0x029072a8b2b3e0d7}};
inline constexpr Words kDMinusOneSquared = {
    {0x31ad5aaa44ed4d20, 0xd29e4a2cb01e1999, 0x4cdcd32f529b4eeb, 0x5968b37af66c2241}};
inline constexpr Words kSqrtADMinusOne = {
    {0x7e97f6a0497b2e1b, 0xaf9d8e0c1b7854bd, 0x0f3cfcc931f5d1fd, 0x376931bf2b8348ac}};

/// The twisted Edwards curve −x² + y² = 1 + d·x²·y² over F, and ristretto255 (RFC 9496) on top of it. All
/// functions work on F::kLanes independent points; none has a branch or an address that depends on a value.
template <class F>
struct Edwards {
  using Fe = typename F::Fe;
  using Clean = typename F::Clean;
  using Wide = typename F::Wide;
  using Product = decltype(F::mul(Fe{}, Fe{}));  ///< a Wide, or one of which more is known
  using Mask = typename F::Mask;
  using Vector = typename F::Vector;
  static constexpr std::size_t kLanes = F::kLanes;
  static constexpr Mask kAll = static_cast<Mask>((1U << kLanes) - 1);

  /// A point (X : Y : Z) with T = XY/Z, kept as S = Y + X and D = Y − X, which is what all formulas want.
  struct Point {
    Fe S, D;
    Clean Z;
    Fe T;
  };
  /// An affine point to be added: y + x, y − x, 2d·x·y.
  struct Affine {
    Fe s, d, k;
  };
  /// A projective point to be added: S, D, Z and 2d·T.
  struct Cached {
    Fe S, D, Z, k;
  };

  static inline __attribute__((always_inline)) Fe mul(const Fe& a, const Fe& b) {
    return F::reduce(F::mul(a, b));
  }
  static inline __attribute__((always_inline)) Fe sqr(const Fe& a) { return F::reduce(F::sqr(a)); }
  static inline __attribute__((always_inline)) Clean cmul(const Fe& a, const Fe& b) {
    return F::clean(F::reduce(F::mul(a, b)));
  }
  static inline __attribute__((always_inline)) Clean csqr(const Fe& a) {
    return F::clean(F::reduce(F::sqr(a)));
  }
  static inline __attribute__((always_inline)) Clean add(const Clean& a, const Clean& b) {
    return F::clean(F::reduce(F::wide(a) + F::wide(b)));
  }
  static inline __attribute__((always_inline)) Clean sub(const Clean& a, const Clean& b) {
    return F::clean(F::reduce(F::wide(a) - F::wide(b)));
  }
  static inline __attribute__((always_inline)) Clean neg(const Clean& a) { return sub(F::small(0), a); }
  static inline __attribute__((always_inline)) Clean constant(const Words& c) {
    if constexpr (kLanes == 1) {
      return F::from_words(c.w);
    } else {
      const Vector w[4] = {F::set1(c.w[0]), F::set1(c.w[1]), F::set1(c.w[2]), F::set1(c.w[3])};
      return F::from_words(w);
    }
  }
  /// "negative" in the sense of RFC 9496 section 2: odd.
  static inline __attribute__((always_inline)) Mask is_negative(const Fe& a) {
    return F::is_odd(F::canonical(a));
  }
  static inline __attribute__((always_inline)) Clean negate_if(Mask m, const Clean& a) {
    return F::select(m, neg(a), a);
  }
  static inline __attribute__((always_inline)) Clean abs(const Clean& a) {
    return negate_if(is_negative(a), a);
  }

  static inline __attribute__((always_inline)) Point identity() {
    return {F::small(1), F::small(1), F::small(1), F::small(0)};
  }

  // ---- addition and doubling --------------------------------------------------------------------

  /// From A = (Y1 − X1)(Y2 − X2), B = (Y1 + X1)(Y2 + X2), C = 2d·T1·T2, ZZ = 2·Z1·Z2: the last four steps of
  /// add-2008-hwcd-3 (Hisil, Wong, Carter & Dawson, ASIACRYPT 2008, section 3.1, a = −1). Complete, because
  /// −1 is a square and d is none. Where `negative` is set, C counts negatively.
  static inline __attribute__((always_inline)) Point finish(const Product& A, const Product& B,
                                                            const Product& C, const Wide& ZZ, Mask negative) {
    const Wide plus = ZZ + C, minus = ZZ - C;
    return from_EFGH(F::reduce(B - A), F::reduce(F::select(negative, plus, minus)),
                     F::reduce(F::select(negative, minus, plus)), F::reduce(B + A));
  }
  static inline __attribute__((always_inline)) Point finish(const Product& A, const Product& B,
                                                            const Product& C, const Wide& ZZ) {
    return from_EFGH(F::reduce(B - A), F::reduce(ZZ - C), F::reduce(ZZ + C), F::reduce(B + A));
  }
  /// X = E·F, Y = G·H, Z = F·G, T = E·H, in the letters of that paper.
  static inline __attribute__((always_inline)) Point from_EFGH(const Fe& e, const Fe& f, const Fe& g,
                                                               const Fe& h) {
    Point out = from_EFGH_without_T(e, f, g, h);
    out.T = F::reduce(F::mul(e, h));
    return out;
  }
  static inline __attribute__((always_inline)) Point from_EFGH_without_T(const Fe& e, const Fe& f,
                                                                         const Fe& g, const Fe& h) {
    const auto X = F::mul(e, f), Y = F::mul(g, h);
    return {F::reduce(Y + X), F::reduce(Y - X), F::clean(F::reduce(F::mul(f, g))), F::small(0)};
  }
  /// p + q, or p − q where `negative` is set: −(x, y) = (−x, y) exchanges y + x with y − x and negates k.
  /// 7 multiplications.
  static inline __attribute__((always_inline)) Point add(const Point& p, const Affine& q, Mask negative) {
    if constexpr (kLanes == 1) {
      return add(p, negated(q, negative));
    } else {
      const auto z = F::wide(p.Z);
      return finish(F::mul(p.D, F::select(negative, q.s, q.d)), F::mul(p.S, F::select(negative, q.d, q.s)),
                    F::mul(p.T, q.k), z + z, negative);
    }
  }
  /// The same. 8 multiplications.
  static inline __attribute__((always_inline)) Point add(const Point& p, const Cached& q, Mask negative) {
    if constexpr (kLanes == 1) {
      return add(p, negated(q, negative));
    } else {
      const auto z = F::mul(p.Z, q.Z);
      return finish(F::mul(p.D, F::select(negative, q.S, q.D)), F::mul(p.S, F::select(negative, q.D, q.S)),
                    F::mul(p.T, q.k), z + z, negative);
    }
  }
  /// Without a sign.
  static inline __attribute__((always_inline)) Point add(const Point& p, const Affine& q) {
    const auto z = F::wide(p.Z);
    return finish(F::mul(p.D, q.d), F::mul(p.S, q.s), F::mul(p.T, q.k), z + z);
  }
  static inline __attribute__((always_inline)) Point add(const Point& p, const Cached& q) {
    const auto z = F::mul(p.Z, q.Z);
    return finish(F::mul(p.D, q.D), F::mul(p.S, q.S), F::mul(p.T, q.k), z + z);
  }
  /// −q where `negative` is set, else q: for single lanes, where this costs less than exchanging F and G.
  static inline __attribute__((always_inline)) Affine negated(const Affine& q, Mask negative) {
    return {F::select(negative, q.d, q.s), F::select(negative, q.s, q.d), F::negate_if(negative, q.k)};
  }
  static inline __attribute__((always_inline)) Cached negated(const Cached& q, Mask negative) {
    return {F::select(negative, q.D, q.S), F::select(negative, q.S, q.D), q.Z, F::negate_if(negative, q.k)};
  }
  static inline __attribute__((always_inline)) Cached cached(const Point& p) {
    return {p.S, p.D, p.Z, mul(p.T, constant(k2D))};
  }
  /// 2p: dbl-2008-hwcd (same paper, section 3.3) in S and D: with U = S², V = D² it has 2XY·2 = U − V,
  /// 2(X² + Y²) = U + V, Y² − X² = SD. All coordinates carry a factor −4, which cancels. 3 squarings and 5
  /// multiplications.
  static inline __attribute__((always_inline)) Point twice(const Point& p) {
    const Doubled x = doubled(p);
    return from_EFGH(x.e, x.f, x.g, x.h);
  }
  /// 2^n·p, n ≥ 1. Doubling needs no T, so only the last of them makes it.
  static inline __attribute__((always_inline)) Point twice(const Point& p, int n) {
    Point out = p;
    for (int i = 1; i < n; ++i) {
      const Doubled x = doubled(out);
      out = from_EFGH_without_T(x.e, x.f, x.g, x.h);
    }
    return twice(out);
  }
  struct Doubled {
    Fe e, f, g, h;
  };
  static inline __attribute__((always_inline)) Doubled doubled(const Point& p) {
    const auto U = F::sqr(p.S), V = F::sqr(p.D), SD = F::mul(p.S, p.D), ZZ = F::sqr(p.Z);
    const Wide SD2 = SD + SD, ZZ2 = ZZ + ZZ;
    return {F::reduce(U - V), F::reduce((ZZ2 + ZZ2) - SD2), F::reduce(SD2), F::reduce(U + V)};
  }

  // ---- square roots -----------------------------------------------------------------------------

  // What needs a square root is computed for K vectors at once, step by step for all of them: each step waits
  // for the one before, so the others fill the time.

  template <std::size_t K, class Step>
  static inline __attribute__((always_inline)) void each(Step&& step) {
    for (std::size_t k = 0; k < K; ++k) step(k);
  }

  template <std::size_t K>
  static inline __attribute__((always_inline)) void square_times(Fe (&a)[K], int n) {
    for (int i = 0; i < n; ++i)
      for (std::size_t k = 0; k < K; ++k) a[k] = sqr(a[k]);
  }
  template <std::size_t K>
  static inline __attribute__((always_inline)) void multiply(Fe (&a)[K], const Fe (&b)[K]) {
    for (std::size_t k = 0; k < K; ++k) a[k] = mul(a[k], b[k]);
  }
  template <std::size_t K>
  static inline __attribute__((always_inline)) void copy(Fe (&a)[K], const Fe (&b)[K]) {
    for (std::size_t k = 0; k < K; ++k) a[k] = b[k];
  }
  /// z^((p−5)/8) = z^(2^252 − 3), for K vectors at once, whose latencies overlap. 252 squarings and 11
  /// multiplications each.
  template <std::size_t K>
  static inline void power_p58(Fe (&z)[K]) {
    Fe a[K], b[K], c[K];
    copy<K>(a, z), square_times<K>(a, 1);                       // 2
    copy<K>(b, a), square_times<K>(b, 2), multiply<K>(b, z);    // 9
    multiply<K>(a, b), square_times<K>(a, 1);                   // 22
    multiply<K>(a, b);                                          // 2^5 − 1
    copy<K>(b, a), square_times<K>(b, 5), multiply<K>(a, b);    // 2^10 − 1
    copy<K>(b, a), square_times<K>(b, 10), multiply<K>(b, a);   // 2^20 − 1
    copy<K>(c, b), square_times<K>(c, 20), multiply<K>(b, c);   // 2^40 − 1
    square_times<K>(b, 10), multiply<K>(a, b);                  // 2^50 − 1
    copy<K>(b, a), square_times<K>(b, 50), multiply<K>(b, a);   // 2^100 − 1
    copy<K>(c, b), square_times<K>(c, 100), multiply<K>(b, c);  // 2^200 − 1
    square_times<K>(b, 50), multiply<K>(a, b);                  // 2^250 − 1
    square_times<K>(a, 2), multiply<K>(z, a);                   // 2^252 − 3
  }
  template <std::size_t K>
  struct Roots {
    Mask was_square[K];
    Clean root[K];
  };
  /// SQRT_RATIO_M1 (RFC 9496 section 4.2) of u/v: +sqrt(u/v) if that is a square, else +sqrt(i·u/v).
  template <std::size_t K>
  static inline void root_of_ratio(const Clean (&u)[K], const Fe (&v)[K], Roots<K>& out) {
    Fe v3[K], power[K], r[K];
    Clean check[K], other[K];
    const Clean i = constant(kSqrtMinusOne);
    each<K>([&](std::size_t k) { v3[k] = sqr(v[k]); });
    each<K>([&](std::size_t k) { v3[k] = mul(v3[k], v[k]); });
    each<K>([&](std::size_t k) { power[k] = sqr(v3[k]); });
    each<K>([&](std::size_t k) { power[k] = mul(power[k], v[k]); });
    each<K>([&](std::size_t k) { power[k] = mul(u[k], power[k]); });
    each<K>([&](std::size_t k) { r[k] = mul(u[k], v3[k]); });
    power_p58<K>(power);
    each<K>([&](std::size_t k) { r[k] = mul(r[k], power[k]); });
    each<K>([&](std::size_t k) { power[k] = sqr(r[k]); });
    each<K>([&](std::size_t k) { check[k] = F::canonical(mul(v[k], power[k])); });
    each<K>([&](std::size_t k) { other[k] = neg(u[k]); });
    each<K>([&](std::size_t k) {
      const Mask correct = F::equal(check[k], F::canonical(u[k]));
      const Mask flipped = F::equal(check[k], F::canonical(other[k]));
      const Mask flipped_i = F::equal(check[k], F::canonical(mul(other[k], i)));
      const Clean turned = F::select(static_cast<Mask>(flipped | flipped_i), cmul(r[k], i), F::clean(r[k]));
      out.was_square[k] = static_cast<Mask>(correct | flipped);
      out.root[k] = abs(turned);
    });
  }
  /// The same for u = 1: 1/sqrt(v), or 1/sqrt(v/i) where v is no square.
  template <std::size_t K>
  static inline void inverse_root(const Fe (&v)[K], Roots<K>& out) {
    Fe r[K], power[K];
    Clean check[K];
    each<K>([&](std::size_t k) { r[k] = sqr(v[k]); });
    each<K>([&](std::size_t k) { r[k] = mul(r[k], v[k]); });
    each<K>([&](std::size_t k) { power[k] = sqr(r[k]); });
    each<K>([&](std::size_t k) { power[k] = mul(power[k], v[k]); });
    power_p58<K>(power);
    each<K>([&](std::size_t k) { r[k] = mul(r[k], power[k]); });
    each<K>([&](std::size_t k) { power[k] = sqr(r[k]); });
    each<K>(
        [&](std::size_t k) { check[k] = F::canonical(mul(v[k], power[k])); });  // ±1 or ±i, or 0 for v = 0
    each<K>([&](std::size_t k) {
      const Mask correct = F::equal(check[k], F::small(1));
      const Mask flipped = F::equal(check[k], constant(kMinusOne));
      const Mask flipped_i = F::equal(check[k], constant(kMinusSqrtMinusOne));
      const Clean turned = F::select(static_cast<Mask>(flipped | flipped_i),
                                     cmul(r[k], constant(kSqrtMinusOne)), F::clean(r[k]));
      out.was_square[k] = static_cast<Mask>(correct | flipped);
      out.root[k] = abs(turned);
    });
  }

  // ---- ristretto255 -----------------------------------------------------------------------------

  /// RFC 9496 section 4.3.1 for K vectors of encodings, given as field elements s that the caller has found
  /// canonical and non-negative. valid[k]: which lanes hold a group element.
  template <std::size_t K>
  static inline void decode(const Clean (&s)[K], Affine (&out)[K], Mask (&valid)[K]) {
    Clean u1[K], u2[K], v[K], u2_squared[K], x[K], y[K], t[K];
    Fe w[K], den_x[K], den_y[K];
    Roots<K> inverse;
    const Clean one = F::small(1);
    each<K>([&](std::size_t k) { t[k] = csqr(s[k]); });
    each<K>([&](std::size_t k) { u1[k] = sub(one, t[k]), u2[k] = add(one, t[k]); });
    each<K>([&](std::size_t k) { u2_squared[k] = csqr(u2[k]); });
    each<K>([&](std::size_t k) { v[k] = csqr(u1[k]); });
    each<K>([&](std::size_t k) { v[k] = cmul(constant(kD), v[k]); });
    each<K>([&](std::size_t k) { v[k] = neg(add(v[k], u2_squared[k])); });
    each<K>([&](std::size_t k) { w[k] = mul(v[k], u2_squared[k]); });
    inverse_root<K>(w, inverse);
    each<K>([&](std::size_t k) { den_x[k] = mul(inverse.root[k], u2[k]); });
    each<K>([&](std::size_t k) { den_y[k] = mul(inverse.root[k], v[k]); });
    each<K>([&](std::size_t k) { x[k] = cmul(s[k], den_x[k]); });
    each<K>([&](std::size_t k) { den_y[k] = mul(den_x[k], den_y[k]); });
    each<K>([&](std::size_t k) { x[k] = abs(add(x[k], x[k])); });
    each<K>([&](std::size_t k) { y[k] = cmul(u1[k], den_y[k]); });
    each<K>([&](std::size_t k) { t[k] = cmul(x[k], y[k]); });
    each<K>([&](std::size_t k) {
      const Mask bad = static_cast<Mask>(is_negative(t[k]) | F::is_zero(F::canonical(y[k])));
      valid[k] = static_cast<Mask>(inverse.was_square[k] & ~bad & kAll);
      out[k] = {add(y[k], x[k]), sub(y[k], x[k]), mul(t[k], constant(k2D))};
    });
  }

  /// What RFC 9496 section 4.3.2 computes with, for the point (x : y : z) with t = xy/z.
  struct Encoding {
    Clean x, y, z;
    Fe t, u1, u2;
  };
  static inline __attribute__((always_inline)) Encoding encoding_of(const Clean& x, const Clean& y,
                                                                    const Clean& z, const Fe& t) {
    return {x, y, z, t, mul(add(z, y), sub(z, y)), mul(x, y)};
  }
  /// The canonical s of K vectors, given 1/sqrt(u1·u2²) with either sign, or 0 where that is not defined.
  template <std::size_t K>
  static inline __attribute__((always_inline)) void finish_encoding(const Encoding* p, const Fe (&inverse)[K],
                                                                    Clean* s) {
    Fe den1[K], den2[K], z_inverse[K];
    Clean x[K], y[K];
    Mask rotate[K], negative[K];
    const Clean i = constant(kSqrtMinusOne);
    each<K>([&](std::size_t k) { den1[k] = mul(inverse[k], p[k].u1); });
    each<K>([&](std::size_t k) { den2[k] = mul(inverse[k], p[k].u2); });
    each<K>([&](std::size_t k) { x[k] = cmul(p[k].y, i); });
    each<K>([&](std::size_t k) { y[k] = cmul(p[k].x, i); });
    each<K>([&](std::size_t k) { z_inverse[k] = mul(den1[k], den2[k]); });
    each<K>([&](std::size_t k) { den1[k] = mul(den1[k], constant(kInvSqrtAMinusD)); });
    each<K>([&](std::size_t k) { z_inverse[k] = mul(z_inverse[k], p[k].t); });
    each<K>([&](std::size_t k) { rotate[k] = is_negative(mul(p[k].t, z_inverse[k])); });
    each<K>([&](std::size_t k) {
      x[k] = F::select(rotate[k], x[k], p[k].x);
      y[k] = F::select(rotate[k], y[k], p[k].y);
      den2[k] = F::select(rotate[k], den1[k], den2[k]);
    });
    each<K>([&](std::size_t k) { negative[k] = is_negative(mul(x[k], z_inverse[k])); });
    each<K>([&](std::size_t k) { y[k] = sub(p[k].z, negate_if(negative[k], y[k])); });
    each<K>([&](std::size_t k) { y[k] = cmul(den2[k], y[k]); });
    each<K>([&](std::size_t k) { s[k] = F::canonical(abs(y[k])); });
  }

  /// RFC 9496 section 4.3.2: the canonical s of the encoding, for K vectors of points.
  template <std::size_t K>
  static inline void encode(const Point (&p)[K], Clean (&s)[K]) {
    Encoding e[K];
    Fe w[K];
    Roots<K> inverse;
    each<K>([&](std::size_t k) {
      // S, D, Z, T stand for (2X : 2Y : 2Z), T doubled too.
      const Clean S = F::clean(p[k].S), D = F::clean(p[k].D), T = F::clean(p[k].T);
      e[k] = encoding_of(sub(S, D), add(S, D), add(p[k].Z, p[k].Z), add(T, T));
    });
    each<K>([&](std::size_t k) { w[k] = sqr(e[k].u2); });
    each<K>([&](std::size_t k) { w[k] = mul(e[k].u1, w[k]); });
    inverse_root<K>(w, inverse);
    each<K>([&](std::size_t k) { w[k] = inverse.root[k]; });
    finish_encoding<K>(e, w, s);
  }

  /// The canonical s of the encodings of 2p, for n vectors of points, without square roots. With the E, F, G,
  /// H of the doubling, 2p = (E·F : G·H : F·G : E·H); the curve's equation at p and at 2p gives
  ///   F² − H² = (a − d)·E²,  hence  1/sqrt(u1·u2²) = ±1/sqrt(a − d) / (E²·F·G²·H),
  /// and inverses of many come from one (Montgomery's trick). Where 2p is in the class of the identity, E or
  /// H is zero and so is s. The idea is Hamburg's (batched double-and-encode for Decaf), derived here from
  /// the formulas above.
  /// `invert` computes 1/x in every lane.
  template <class Invert>
  static inline void encode_doubled(const Point* p, std::size_t n, Clean* s, Invert&& invert) {
    constexpr std::size_t kMost = 16, K = kLanes == 1 ? 1 : 2;
    Encoding e[kMost];
    Fe w[kMost], before[kMost];
    Mask zero[kMost];
    Fe product = F::small(1);
    for (std::size_t k = 0; k < n; ++k) {
      const Doubled x = doubled(p[k]);
      e[k] = encoding_of(cmul(x.e, x.f), cmul(x.g, x.h), cmul(x.f, x.g), mul(x.e, x.h));
      const Clean denominator = cmul(mul(sqr(x.e), x.f), mul(sqr(x.g), x.h));
      zero[k] = F::is_zero(F::canonical(denominator));
      w[k] = F::template select<Fe>(zero[k], F::small(1), denominator);
      before[k] = product;
      product = mul(product, w[k]);
    }
    Fe inverse = invert(product);
    for (std::size_t k = n; k-- > 0;) {
      const Fe own = mul(inverse, before[k]);
      inverse = mul(inverse, w[k]);
      before[k] = F::template select<Fe>(zero[k], F::small(0), mul(own, constant(kInvSqrtAMinusD)));
    }
    for (std::size_t first = 0; first < n; first += K) {
      // Of an odd number the last is done twice.
      Encoding some[K];
      Fe own[K];
      Clean encoded[K];
      for (std::size_t k = 0; k < K; ++k) {
        const std::size_t from = first + k < n ? first + k : first;
        some[k] = e[from], own[k] = before[from];
      }
      finish_encoding<K>(some, own, encoded);
      for (std::size_t k = 0; k < K && first + k < n; ++k) s[first + k] = encoded[k];
    }
  }
  /// z^(p − 2) = z^3·(z^((p−5)/8))^8; 0 for 0.
  static inline Fe invert(const Fe& z) {
    Fe power[1] = {z};
    power_p58<1>(power);
    square_times<1>(power, 3);
    return mul(power[0], mul(sqr(z), z));
  }

  /// MAP of RFC 9496 section 4.3.4, for K vectors of field elements.
  template <std::size_t K>
  static inline void map(const Clean (&t)[K], Point (&out)[K]) {
    Clean r[K], u[K], v[K], c[K], N[K], s[K], ss[K], sv[K], w2[K], w3[K];
    Fe w[K], w0[K], w1[K];
    Roots<K> root;
    const Clean one = F::small(1), d = constant(kD);
    each<K>([&](std::size_t k) { w[k] = sqr(t[k]); });
    each<K>([&](std::size_t k) { r[k] = cmul(constant(kSqrtMinusOne), w[k]); });
    each<K>([&](std::size_t k) { u[k] = cmul(add(r[k], one), constant(kOneMinusDSquared)); });
    each<K>([&](std::size_t k) { v[k] = sub(neg(one), cmul(r[k], d)); });
    each<K>([&](std::size_t k) { v[k] = cmul(v[k], add(r[k], d)), w[k] = v[k]; });
    root_of_ratio<K>(u, w, root);
    each<K>([&](std::size_t k) { s[k] = cmul(root.root[k], t[k]); });
    each<K>([&](std::size_t k) {
      s[k] = F::select(root.was_square[k], root.root[k], neg(abs(s[k])));
      c[k] = F::select(root.was_square[k], neg(one), r[k]);
    });
    each<K>([&](std::size_t k) { w[k] = mul(c[k], sub(r[k], one)); });
    each<K>([&](std::size_t k) { N[k] = cmul(w[k], constant(kDMinusOneSquared)); });
    each<K>([&](std::size_t k) { N[k] = sub(N[k], v[k]); });
    each<K>([&](std::size_t k) { sv[k] = cmul(s[k], v[k]); });
    each<K>([&](std::size_t k) { ss[k] = csqr(s[k]); });
    each<K>(
        [&](std::size_t k) { w0[k] = add(sv[k], sv[k]), w2[k] = sub(one, ss[k]), w3[k] = add(one, ss[k]); });
    each<K>([&](std::size_t k) { w1[k] = mul(N[k], constant(kSqrtADMinusOne)); });
    each<K>([&](std::size_t k) {
      const Clean X = cmul(w0[k], w3[k]), Y = cmul(w2[k], w1[k]);
      out[k] = {add(Y, X), sub(Y, X), cmul(w1[k], w3[k]), mul(w0[k], w2[k])};
    });
  }
};

}  // namespace
}  // namespace psephos::kernels
