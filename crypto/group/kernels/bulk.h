#pragma once
// The bulk operations over any field of edwards.h. Included by the file that compiles them for one field.
#include <cstddef>
#include <cstdint>

#include "crypto/group/kernels/edwards.h"
#include "crypto/group/kernels/field_portable.h"
#include "crypto/group/kernels/interface.h"
#include "crypto/secret/value_barrier.h"

namespace psephos::kernels {
// Internal linkage on purpose: no copy compiled for one processor may serve the rest of the program.
namespace {  // NOLINT(google-build-namespaces)

template <class F>
struct Bulk {
  using E = Edwards<F>;
  using One = Edwards<FieldPortable>;  ///< for the few operations on single points
  using Fe = typename F::Fe;
  using Clean = typename F::Clean;
  using Vector = typename F::Vector;
  using Mask = typename F::Mask;
  using Point = typename E::Point;
  using Affine = typename E::Affine;
  static constexpr std::size_t kLanes = F::kLanes;
  static constexpr std::size_t kLimbs = sizeof(Fe) / sizeof(Vector);  ///< of a field element
  static constexpr std::size_t kTogether =
      kLanes == 1 ? 4 : 3;  ///< vectors whose square roots are computed together

  // ---- memory -----------------------------------------------------------------------------------

  static inline Affine affine(const Row* const (&rows)[kLanes]) {
    const std::uint64_t* p[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) p[i] = rows[i]->limbs;
    Vector w[16];
    F::template load_words<2>(p, w);
    return affine_of(w);
  }
  static inline __attribute__((always_inline)) Affine affine_of(const Vector* w) {
    Affine out;
    for (std::size_t k = 0; k < kLimbs; ++k) {
      out.s.l[k] = w[k];
      out.d.l[k] = w[kLimbs + k];
      out.k.l[k] = w[2 * kLimbs + k];
    }
    return out;
  }
  /// For a single lane: the row that an entry of `dealt` names, its negative where the top bit is set.
  static inline Affine term(const std::uint64_t* rows, std::uint32_t entry) {
    const std::uint64_t* row = rows + 16 * static_cast<std::size_t>(entry & 0x7fffffff);
    const std::size_t negative = entry >> 31;
    Affine out;
    for (std::size_t k = 0; k < kLimbs; ++k) {
      out.s.l[k] = row[kLimbs * negative + k];
      out.d.l[k] = row[kLimbs * (1 - negative) + k];
      out.k.l[k] = row[2 * kLimbs + k];
    }
    out.k = F::negate_if(static_cast<Mask>(negative), out.k);
    return out;
  }
  /// 1/(2d): the inverse of what a row multiplies xy by.
  static constexpr Words kInverse2D = {
      {0x12f0793b66e4fc18, 0x05aeeb4c213caa17, 0x958b108a66dce7b3, 0x60483f690a6ae721}};
  /// The same point with Z = 1: S = y + x, D = y − x, T = xy.
  static inline Point point_of(const Affine& a) {
    return {a.s, a.d, F::small(1), E::mul(a.k, E::constant(kInverse2D))};
  }
  /// kLanes rows, identities from the n-th on.
  static inline Affine affine(const Row* rows, std::size_t n, const Row& identity) {
    const Row* p[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) p[i] = i < n ? rows + i : &identity;
    return affine(p);
  }
  static inline void store(const Affine& a, Row* const (&rows)[kLanes]) {
    const Clean s = F::clean(a.s), d = F::clean(a.d), k = F::clean(a.k);
    Vector w[16];
    for (std::size_t i = 0; i < kLimbs; ++i) {
      w[i] = s.l[i];
      w[kLimbs + i] = d.l[i];
      w[2 * kLimbs + i] = k.l[i];
    }
    for (std::size_t i = 3 * kLimbs; i < 16; ++i) w[i] = F::set1(0);
    std::uint64_t* p[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) p[i] = rows[i]->limbs;
    F::template store_words<2>(w, p);
  }
  static inline Row identity_row() {
    Row out{};
    out.limbs[0] = out.limbs[kLimbs] = 1;
    return out;
  }
  /// Lane `lane` of a vector of points, for single-point arithmetic.
  static inline void lanes_of(const Point& p, typename One::Point (&out)[kLanes]) {
    std::uint8_t bytes[4][32 * kLanes];
    const Fe* parts[4] = {&p.S, &p.D, &p.Z, &p.T};
    for (int j = 0; j < 4; ++j) {
      Vector w[4];
      F::to_words(F::canonical(*parts[j]), w);
      F::store_bytes(w, bytes[j], 32);
    }
    for (std::size_t i = 0; i < kLanes; ++i) {
      FieldPortable::Clean c[4];
      for (int j = 0; j < 4; ++j) {
        std::uint64_t w[4];
        __builtin_memcpy(w, bytes[j] + 32 * i, 32);
        c[j] = FieldPortable::from_words(w);
      }
      out[i] = {c[0], c[1], c[2], c[3]};
    }
  }
  static inline WidePoint wide_of(const One::Point& p) {
    WidePoint out;
    FieldPortable::to_words(FieldPortable::canonical(p.S), out.S);
    FieldPortable::to_words(FieldPortable::canonical(p.D), out.D);
    FieldPortable::to_words(FieldPortable::canonical(p.Z), out.Z);
    FieldPortable::to_words(FieldPortable::canonical(p.T), out.T);
    return out;
  }
  static inline One::Point one_of(const WidePoint& p) {
    return {FieldPortable::from_words(p.S), FieldPortable::from_words(p.D), FieldPortable::from_words(p.Z),
            FieldPortable::from_words(p.T)};
  }
  static inline One::Point add(const One::Point& p, const One::Point& q) {
    return One::add(p, One::cached(q));
  }
  static inline One::Point sum_of_lanes(const Point& p) {
    One::Point lanes[kLanes];
    lanes_of(p, lanes);
    One::Point sum = lanes[0];
    for (std::size_t i = 1; i < kLanes; ++i) sum = add(sum, lanes[i]);
    return sum;
  }

  // ---- encodings --------------------------------------------------------------------------------

  /// Below p and even; the value is public.
  static inline bool is_canonical(const std::uint8_t* bytes) {
    std::uint64_t w[4];
    __builtin_memcpy(w, bytes, 32);
    if ((w[0] & 1) != 0 || (w[3] >> 63) != 0) return false;
    return w[3] != 0x7fffffffffffffff || w[2] != ~std::uint64_t{0} || w[1] != ~std::uint64_t{0} ||
           w[0] < 0xffffffffffffffed;
  }

  static std::size_t decode(const std::uint8_t* in, std::size_t n, Row* out) {
    constexpr std::size_t kStep = kLanes * kTogether;
    for (std::size_t at = 0; at < n; at += kStep) {
      const std::size_t here = n - at < kStep ? n - at : kStep;
      std::uint8_t bytes[32 * kStep] = {};  // zeros decode: they are the identity
      std::size_t canonical = 0;
      while (canonical < here && is_canonical(in + 32 * (at + canonical))) ++canonical;
      __builtin_memcpy(bytes, in + 32 * at, 32 * canonical);
      Clean s[kTogether];
      for (std::size_t k = 0; k < kTogether; ++k) {
        Vector w[4];
        F::load_bytes(bytes + 32 * kLanes * k, 32, w);
        s[k] = F::from_words(w);
      }
      Affine a[kTogether];
      Mask valid[kTogether];
      E::template decode<kTogether>(s, a, valid);
      Row spare[kLanes];
      for (std::size_t k = 0; k < kTogether; ++k) {
        const std::size_t first = at + kLanes * k;
        Row* rows[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i) rows[i] = first + i < n ? out + first + i : spare + i;
        store(a[k], rows);
        for (std::size_t i = 0; i < kLanes && first + i < at + canonical; ++i)
          if (((valid[k] >> i) & 1) == 0) return first + i;
      }
      if (canonical < here) return at + canonical;
    }
    return n;
  }

  /// Encodings of the first n of kTogether vectors of points.
  static inline void encode_some(const Point (&p)[kTogether], std::size_t n, std::uint8_t* out) {
    Clean s[kTogether];
    E::template encode<kTogether>(p, s);
    for (std::size_t k = 0; k < kTogether; ++k) {
      const std::size_t first = kLanes * k;
      if (first >= n) break;
      store_encodings(s[k], n - first, out + 32 * first);
    }
  }
  /// The bytes of the first n lanes.
  static inline void store_encodings(const Clean& s, std::size_t n, std::uint8_t* out) {
    Vector w[4];
    F::to_words(s, w);
    std::uint8_t bytes[32 * kLanes];
    F::store_bytes(w, bytes, 32);
    __builtin_memcpy(out, bytes, 32 * (n < kLanes ? n : kLanes));
  }

  static void encode(const Row* in, std::size_t n, std::uint8_t* out) {
    constexpr std::size_t kStep = kLanes * kTogether;
    const Row identity = identity_row();
    for (std::size_t at = 0; at < n; at += kStep) {
      Point p[kTogether];
      for (std::size_t k = 0; k < kTogether; ++k) {
        const std::size_t first = at + kLanes * k;
        p[k] = point_of(affine(in + first, first < n ? n - first : 0, identity));
      }
      encode_some(p, n - at < kStep ? n - at : kStep, out + 32 * at);
    }
  }

  static void encode_wide(const WidePoint* in, std::size_t n, std::uint8_t* out) {
    constexpr std::size_t kStep = kLanes * kTogether;
    for (std::size_t at = 0; at < n; at += kStep) {
      Point p[kTogether];
      for (std::size_t k = 0; k < kTogether; ++k) {
        WidePoint lanes[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i) {
          const std::size_t j = at + kLanes * k + i;
          lanes[i] = in[j < n ? j : n - 1];
        }
        p[k] = vector_of(lanes);
      }
      encode_some(p, n - at < kStep ? n - at : kStep, out + 32 * at);
    }
  }
  static inline Point vector_of(const WidePoint (&lanes)[kLanes]) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(lanes);
    Clean c[4];
    for (std::size_t j = 0; j < 4; ++j) {
      Vector w[4];
      F::load_bytes(first + 32 * j, sizeof(WidePoint), w);
      c[j] = F::from_words(w);
    }
    return {c[0], c[1], c[2], c[3]};
  }

  static void from_uniform(const std::uint8_t* in, std::size_t n, std::uint8_t* out) {
    constexpr std::size_t kStep = kLanes * kTogether;
    for (std::size_t at = 0; at < n; at += kStep) {
      const std::size_t here = n - at < kStep ? n - at : kStep;
      std::uint8_t bytes[64 * kStep] = {};
      __builtin_memcpy(bytes, in + 64 * at, 64 * here);
      Point sums[kTogether];
      Clean t[kTogether];
      for (std::size_t half = 0; half < 2; ++half) {
        for (std::size_t k = 0; k < kTogether; ++k) {
          Vector w[4];
          F::load_bytes(bytes + 64 * kLanes * k + 32 * half, 64, w);
          t[k] = F::from_words(w);
        }
        Point mapped[kTogether];
        E::template map<kTogether>(t, mapped);
        for (std::size_t k = 0; k < kTogether; ++k)
          sums[k] = half == 0 ? mapped[k] : E::add(sums[k], E::cached(mapped[k]));
      }
      encode_some(sums, here, out + 32 * at);
    }
  }

  // ---- multi-scalar multiplication, public scalars ------------------------------------------------

  // Pippenger's bucket method with signed digits (Bernstein, Doumen, Lange & Oosterwijk, INDOCRYPT 2012,
  // section 4). A window's points are sorted by digit; buckets are taken in order of length, kLanes at a
  // time, one a lane, so that lanes of a group end together.

  struct alignas(64) Bucket {
    std::uint64_t words[24];  ///< the limbs of S, D, Z and T, and padding
  };
  struct Window {
    unsigned bits = 0;      ///< of a digit
    std::size_t count = 0;  ///< of digits
    std::size_t buckets() const { return std::size_t{1} << (bits - 1); }
  };
  /// The cheapest: count·(n additions + 2.5 for each bucket). Two bits more than the scalar's, so that the
  /// last digit with the carry into it has room among the positive ones.
  static Window window_for(std::size_t n, unsigned scalar_bits) {
    Window best;
    std::size_t least = ~std::size_t{0};
    for (unsigned c = 3; c <= 15; ++c) {
      const Window w{c, (scalar_bits + 2 + c - 1) / c};
      const std::size_t cost = w.count * (n + 5 * w.buckets() / 2);
      if (cost < least) {
        least = cost;
        best = w;
      }
    }
    return best;
  }
  static std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
  static std::size_t msm_scratch_bytes(std::size_t n, unsigned bits) {
    const Window w = window_for(n, bits);
    return aligned(w.count * n * 2) + 4 * aligned((w.buckets() + 2) * 4) + aligned((1 + kLanes) * n * 4) +
           aligned((n + 2) * 4) + w.buckets() * sizeof(Bucket);
  }
  /// digits[i·n + j]: digit i of scalar j, between −2^(c−1) and 2^(c−1) − 1; the last one is not negative.
  static void recode(const std::uint8_t* scalars, std::size_t n, const Window& window, std::int16_t* digits) {
    // Adding 2^(c−1) in every digit but the last makes signed digits plain ones.
    const unsigned c = window.bits;
    std::uint64_t offset[4] = {};
    for (std::size_t i = 0; i + 1 < window.count; ++i) {
      const std::size_t bit = c * i + c - 1;
      offset[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
    std::uint8_t bytes[32 * kLanes];
    for (std::size_t j = 0; j < n; j += kLanes) {
      const std::size_t here = n - j < kLanes ? n - j : kLanes;
      for (std::size_t l = 0; l < here; ++l) {
        std::uint64_t s[4];
        __builtin_memcpy(s, scalars + 32 * (j + l), 32);
        add_words(s, offset);
        __builtin_memcpy(bytes + 32 * l, s, 32);
      }
      Vector w[4];
      F::load_bytes(bytes, 32, w);
      for (std::size_t i = 0; i < window.count; ++i) {
        const Vector plain = bits_of(w, c * i, c);
        const std::uint64_t excess = i + 1 < window.count ? std::uint64_t{1} << (c - 1) : 0;
        const Vector digit = F::add64(plain, F::set1(0 - excess));
        std::int16_t some[kLanes];
        F::store_halfwords(digit, here == kLanes ? digits + i * n + j : some);
        if (here < kLanes) __builtin_memcpy(digits + i * n + j, some, here * sizeof(std::int16_t));
      }
    }
  }
  /// The n bits from bit `first` on of 256-bit numbers. @pre n < 64.
  static inline Vector bits_of(const Vector (&w)[4], std::size_t first, unsigned n) {
    const std::size_t word = first / 64, shift = first % 64;
    if (word > 3) return F::set1(0);
    Vector out = F::shift_right(w[word], static_cast<unsigned>(shift));
    if (shift + n > 64 && word < 3)
      out = F::bit_or(out, F::shift_left(w[word + 1], static_cast<unsigned>(64 - shift)));
    return F::bit_and(out, (std::uint64_t{1} << n) - 1);
  }
  /// s += words, below 2^256.
  static inline void add_words(std::uint64_t (&s)[4], const std::uint64_t (&words)[4]) {
    std::uint64_t carry = 0;
    for (int k = 0; k < 4; ++k) {
      const std::uint64_t a = s[k] + carry, b = a + words[k];
      carry = static_cast<std::uint64_t>(a < carry) | static_cast<std::uint64_t>(b < a);
      s[k] = b;
    }
  }

  static inline void store(const Point& p, Bucket* const (&to)[kLanes]) {
    const Clean S = F::clean(p.S), D = F::clean(p.D), T = F::clean(p.T);
    Vector w[24];
    for (std::size_t k = 0; k < kLimbs; ++k) {
      w[k] = S.l[k];
      w[kLimbs + k] = D.l[k];
      w[2 * kLimbs + k] = p.Z.l[k];
      w[3 * kLimbs + k] = T.l[k];
    }
    for (std::size_t k = 4 * kLimbs; k < 24; ++k) w[k] = F::set1(0);
    std::uint64_t* q[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) q[i] = to[i]->words;
    F::template store_words<3>(w, q);
  }
  static inline Point load(const Bucket* const (&from)[kLanes]) {
    const std::uint64_t* q[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) q[i] = from[i]->words;
    Vector w[24];
    F::template load_words<3>(q, w);
    Point p;
    for (std::size_t k = 0; k < kLimbs; ++k) {
      p.S.l[k] = w[k];
      p.D.l[k] = w[kLimbs + k];
      p.Z.l[k] = w[2 * kLimbs + k];
      p.T.l[k] = w[3 * kLimbs + k];
    }
    return p;
  }

  /// Σ (j + 1)·buckets[j]. Lane l takes the l-th part of the buckets from its end: `running` is the sum so
  /// far, `total` the sum of those. Parts are put together with their offsets by single-point arithmetic.
  static One::Point weigh(const Bucket* buckets, std::size_t n_buckets) {
    if (n_buckets < 2 * kLanes) {
      One::Point running = One::identity(), total = One::identity();
      for (std::size_t j = n_buckets; j-- > 0;) {
        const Bucket* from[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i) from[i] = buckets + j;
        One::Point lanes[kLanes];
        lanes_of(load(from), lanes);
        running = add(running, lanes[0]);
        total = add(total, running);
      }
      return total;
    }
    const std::size_t part = n_buckets / kLanes;
    Point running = E::identity(), total = E::identity();
    for (std::size_t j = part; j-- > 0;) {
      const Bucket* from[kLanes];
      for (std::size_t i = 0; i < kLanes; ++i) from[i] = buckets + i * part + j;
      running = E::add(running, E::cached(load(from)));
      total = E::add(total, E::cached(running));
    }
    One::Point sums[kLanes], totals[kLanes];
    lanes_of(running, sums);
    lanes_of(total, totals);
    // Σ_l l·sums[l], then times `part`, a power of two.
    One::Point suffix = One::identity(), offset = One::identity();
    for (std::size_t l = kLanes; l-- > 1;) {
      suffix = add(suffix, sums[l]);
      offset = add(offset, suffix);
    }
    for (std::size_t k = part; k > 1; k /= 2) offset = One::twice(offset);
    for (std::size_t l = 0; l < kLanes; ++l) offset = add(offset, totals[l]);
    return offset;
  }

  static void msm(const Row* const* rows, std::size_t arrays, const std::uint8_t* scalars, std::size_t n,
                  unsigned bits, void* scratch, WidePoint* out) {
    const Window window = window_for(n, bits);
    const std::size_t n_buckets = window.buckets();
    auto* memory = static_cast<std::uint8_t*>(scratch);
    const auto take = [&memory](std::size_t bytes) {
      std::uint8_t* at = memory;
      memory += aligned(bytes);
      return at;
    };
    auto* digits = reinterpret_cast<std::int16_t*>(take(window.count * n * 2));
    // Of each bucket: how many points it has, its place in `order`, and where its next entry goes.
    auto* length = reinterpret_cast<std::uint32_t*>(take((n_buckets + 2) * 4));
    auto* order = reinterpret_cast<std::uint32_t*>(take((n_buckets + 2) * 4));  // buckets, longest first
    auto* next = reinterpret_cast<std::uint32_t*>(take((n_buckets + 2) * 4));
    auto* group_start = reinterpret_cast<std::uint32_t*>(take((n_buckets + 2) * 4));  // in `dealt`
    // The rows of kLanes buckets, step after step: the number of the row, and the sign on top.
    auto* dealt = reinterpret_cast<std::uint32_t*>(take((1 + kLanes) * n * 4));
    auto* by_length = reinterpret_cast<std::uint32_t*>(take((n + 2) * 4));
    auto* buckets = reinterpret_cast<Bucket*>(memory);
    const Row identity = identity_row();

    recode(scalars, n, window, digits);
    for (std::size_t a = 0; a < arrays; ++a) out[a] = wide_of(One::identity());
    for (std::size_t i = window.count; i-- > 0;) {
      const std::int16_t* digit = digits + i * n;
      // Bucket m − 1 is that of ±m; digit 0 goes to a last one, which nobody adds up.
      const auto bucket_of = [n_buckets](std::int16_t d) {
        const auto m = static_cast<std::size_t>(d < 0 ? -d : d);
        return m == 0 ? n_buckets : m - 1;
      };
      for (std::size_t m = 0; m <= n_buckets; ++m) length[m] = 0;
      for (std::size_t j = 0; j < n; ++j) ++length[bucket_of(digit[j])];
      // Buckets by length, by counting.
      std::uint32_t longest = 0;
      for (std::size_t m = 0; m < n_buckets; ++m) longest = length[m] > longest ? length[m] : longest;
      for (std::uint32_t l = 0; l <= longest + 1; ++l) by_length[l] = 0;
      for (std::size_t m = 0; m < n_buckets; ++m) ++by_length[longest - length[m] + 1];
      for (std::uint32_t l = 0; l <= longest; ++l) by_length[l + 1] += by_length[l];
      for (std::size_t m = 0; m < n_buckets; ++m)
        order[by_length[longest - length[m]]++] = static_cast<std::uint32_t>(m);
      // Deal them to lanes. What a shorter bucket lacks beside the first of its group is no entry; since
      // lengths fall, that is kLanes · longest in all at the most.
      const std::size_t groups = (n_buckets + kLanes - 1) / kLanes;
      std::uint32_t end = 0;
      for (std::size_t g = 0; g < groups; ++g) {
        group_start[g] = end;
        const std::uint32_t steps = length[order[g * kLanes]];
        for (std::size_t l = 0; l < kLanes; ++l) {
          const bool exists = g * kLanes + l < n_buckets;
          const std::uint32_t have = exists ? length[order[g * kLanes + l]] : 0;
          if (exists) next[order[g * kLanes + l]] = end + static_cast<std::uint32_t>(l);
          for (std::uint32_t step = have; step < steps; ++step) dealt[end + step * kLanes + l] = F::kNoEntry;
        }
        end += steps * static_cast<std::uint32_t>(kLanes);
      }
      group_start[groups] = end;
      for (std::size_t j = 0; j < n; ++j) {
        const std::size_t m = bucket_of(digit[j]);
        if (m == n_buckets) continue;
        dealt[next[m]] = static_cast<std::uint32_t>(j) | (digit[j] < 0 ? std::uint32_t{1} << 31 : 0);
        next[m] += static_cast<std::uint32_t>(kLanes);
      }

      for (std::size_t a = 0; a < arrays; ++a) {
        const std::uint64_t* base = rows[a]->limbs;
        for (std::size_t g = 0; g < groups; ++g) {
          std::uint32_t at = group_start[g];
          Point sum = E::identity();
          if constexpr (kLanes == 1)
            if (at < group_start[g + 1]) sum = point_of(term(base, dealt[at++]));
          for (; at < group_start[g + 1]; at += kLanes) {
            if (at + kAhead * kLanes < end)
              for (std::size_t l = 0; l < kLanes; ++l) {
                const std::uint64_t* ahead =
                    base + 16 * static_cast<std::size_t>(dealt[at + kAhead * kLanes + l] & 0x7fffffff);
                __builtin_prefetch(ahead);
                __builtin_prefetch(ahead + 8);
              }
            if constexpr (kLanes == 1) {
              sum = E::add(sum, term(base, dealt[at]));
            } else {
              Vector w[16];
              F::gather_rows(base, dealt + at, identity.limbs, w);
              sum = E::add(sum, affine_of(w), F::top_bits(dealt + at));
            }
          }
          Bucket spare;
          Bucket* to[kLanes];
          for (std::size_t l = 0; l < kLanes; ++l)
            to[l] = g * kLanes + l < n_buckets ? buckets + order[g * kLanes + l] : &spare;
          store(sum, to);
        }
        One::Point total = one_of(out[a]);
        for (unsigned k = 0; k < window.bits; ++k) total = One::twice(total);
        out[a] = wide_of(add(total, weigh(buckets, n_buckets)));
      }
    }
  }
  static constexpr std::uint32_t kAhead = 6;  ///< additions between the fetching of a row and its use

  static void sum(const Row* rows, std::size_t n, WidePoint* out) {
    const Row identity = identity_row();
    Point sum = E::identity();
    for (std::size_t at = 0; at < n; at += kLanes) sum = E::add(sum, affine(rows + at, n - at, identity));
    *out = wide_of(sum_of_lanes(sum));
  }

  // ---- secret scalars -----------------------------------------------------------------------------

  // Signed digits of four bits, −8 … 7 (plain ones of scalar + 0x88…8), looked up by reading the whole table.
  static constexpr std::size_t kNibbles = 64;

  /// Products that are encoded by themselves are made half as large, and doubled in the encoding.
  enum class Scale : std::uint8_t { kWhole, kHalf };

  struct Table {
    typename E::Cached multiples[8];  ///< 1 … 8 times the points
  };
  static inline void fill(const Affine& base, Table& table) {
    Point p = E::add(E::identity(), base);
    for (int j = 0; j < 8; ++j) {
      table.multiples[j] = E::cached(p);
      if (j < 7) p = E::add(p, base);
    }
  }
  /// |digit|·base and whether the digit is negative.
  static inline typename E::Cached pick(const Table& table, Vector nibble, Mask& negative) {
    negative = F::below(nibble, 8);
    const Vector size = F::distance(nibble, 8);
    typename E::Cached out = {F::small(1), F::small(1), F::small(1), F::small(0)};
    for (std::uint64_t j = 0; j < 8; ++j) {
      const Mask here = F::equals(size, j + 1);
      out.S = F::select(here, table.multiples[j].S, out.S);
      out.D = F::select(here, table.multiples[j].D, out.D);
      out.Z = F::select(here, table.multiples[j].Z, out.Z);
      out.k = F::select(here, table.multiples[j].k, out.k);
    }
    return out;
  }
  /// s ← s/2 modulo ℓ: s or s + ℓ, whichever is even, halved. Below 2^253.
  static inline void halve(std::uint64_t (&s)[4]) {
    constexpr std::uint64_t kOrder[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};
    const std::uint64_t odd = value_barrier(0 - (s[0] & 1));
    std::uint64_t addend[4];
    for (int k = 0; k < 4; ++k) addend[k] = kOrder[k] & odd;
    add_words(s, addend);
    for (int k = 0; k < 3; ++k) s[k] = (s[k] >> 1) | (s[k + 1] << 63);
    s[3] >>= 1;
  }
  static constexpr std::uint64_t kEights[4] = {0x8888888888888888, 0x8888888888888888, 0x8888888888888888,
                                               0x8888888888888888};
  /// The words of kLanes halved scalars plus 0x88…8, or of the scalars; zeros from the n-th on. A scalar is
  /// below 2^253, so the sum has 256 bits.
  static inline void nibbles_of(const std::uint8_t* scalars, std::size_t stride, std::size_t n, Scale scale,
                                Vector (&w)[4]) {
    std::uint8_t bytes[32 * kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      std::uint64_t s[4] = {};
      if (i < n) __builtin_memcpy(s, scalars + stride * i, 32);
      if (scale == Scale::kHalf) halve(s);
      add_words(s, kEights);
      __builtin_memcpy(bytes + 32 * i, s, 32);
    }
    F::load_bytes(bytes, 32, w);
    wipe(bytes, sizeof bytes);
  }
  static inline Vector nibble(const Vector (&w)[4], std::size_t i) {
    return F::bit_and(F::shift_right(w[i / 16], static_cast<unsigned>(4 * (i % 16))), 15);
  }
  static inline void wipe(void* p, std::size_t n) {
    __builtin_memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
  }

  // Straus's method, windows apart (Straus 1964): every window has a sum of its own, and doublings come once
  // at the end. Lanes are windows here: each point has a table, in which kLanes windows are looked up at
  // once.

  static constexpr std::size_t kWindowVectors = kNibbles / kLanes;
  static std::size_t secret_msm_scratch_bytes() { return kWindowVectors * sizeof(Point); }
  struct Multiples {
    alignas(64) std::uint64_t words[kLanes][4 * kLimbs * 8];  ///< of each of kLanes points, 1 … 8 times it
  };
  static inline void spread(const Table& table, Multiples& out) {
    for (std::size_t l = 0; l < 4 * kLimbs; ++l) {
      Vector v[8];
      for (std::size_t j = 0; j < 8; ++j) {
        const typename E::Cached& one = table.multiples[j];
        const Fe* const coordinates[4] = {&one.S, &one.D, &one.Z, &one.k};
        v[j] = coordinates[l / kLimbs]->l[l % kLimbs];
      }
      if constexpr (kLanes == 1) {
        for (std::size_t j = 0; j < 8; ++j) out.words[0][F::template place<8, 4 * kLimbs>(j, l)] = v[j];
      } else {
        std::uint64_t* to[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i)
          to[i] = out.words[i] + F::template place<8, 4 * kLimbs>(0, l);
        F::template store_words<1>(v, to);
      }
    }
  }
  /// |digit| times the point in each lane; 1, 1, 1, 0 is the identity.
  static inline typename E::Cached look_up(const std::uint64_t* words, Vector size) {
    const Vector one = zero_is_one(size);
    Vector limb[4 * kLimbs];
    F::template look_up<8, 4 * kLimbs>(words, size, limb);
    typename E::Cached out;
    Fe* const coordinates[4] = {&out.S, &out.D, &out.Z, &out.k};
    for (std::size_t l = 0; l < 4 * kLimbs; ++l) coordinates[l / kLimbs]->l[l % kLimbs] = limb[l];
    for (std::size_t k = 0; k < 3; ++k) coordinates[k]->l[0] = F::bit_or(coordinates[k]->l[0], one);
    return out;
  }
  static void secret_msm(const Row* rows, const std::uint8_t* scalars, std::size_t n, void* scratch,
                         WidePoint* out) {
    auto* sums = static_cast<Point*>(scratch);
    const Row identity = identity_row();
    for (std::size_t i = 0; i < kWindowVectors; ++i) sums[i] = E::identity();
    Table table;
    Multiples multiples;
    std::uint64_t words[4];
    for (std::size_t at = 0; at < n; at += kLanes) {
      fill(affine(rows + at, n - at, identity), table);
      spread(table, multiples);
      for (std::size_t j = 0; j < kLanes && at + j < n; ++j) {
        __builtin_memcpy(words, scalars + 32 * (at + j), 32);
        add_words(words, kEights);
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(words);
        for (std::size_t v = 0; v < kWindowVectors; ++v) {
          const Vector nibble = F::nibbles(bytes, v * kLanes);
          const typename E::Cached term = look_up(multiples.words[j], F::distance(nibble, 8));
          sums[v] = E::add(sums[v], term, F::below(nibble, 8));
        }
      }
    }
    // 16^kLanes from vector to vector, 16 from lane to lane.
    Point total = sums[kWindowVectors - 1];
    for (std::size_t v = kWindowVectors - 1; v-- > 0;)
      total = E::add(E::twice(total, 4 * kLanes), E::cached(sums[v]));
    One::Point lanes[kLanes];
    lanes_of(total, lanes);
    One::Point sum = lanes[kLanes - 1];
    for (std::size_t i = kLanes - 1; i-- > 0;) sum = add(One::twice(sum, 4), lanes[i]);
    *out = wide_of(sum);
    wipe(&table, sizeof table);
    wipe(&multiples, sizeof multiples);
    wipe(words, sizeof words);
  }

  /// 1/x in every lane, 0 for 0: one inversion of a single element, by Montgomery's trick over the lanes.
  /// @pre no lane of x is 0 if there are several.
  static inline Fe invert(const Fe& x) {
    if constexpr (kLanes == 1) {
      return E::invert(x);
    } else {
      std::uint8_t bytes[32 * kLanes];
      Vector w[4];
      F::to_words(F::canonical(x), w);
      F::store_bytes(w, bytes, 32);
      FieldPortable::Fe lanes[kLanes], before[kLanes], product = FieldPortable::small(1);
      for (std::size_t i = 0; i < kLanes; ++i) {
        std::uint64_t words[4];
        __builtin_memcpy(words, bytes + 32 * i, 32);
        lanes[i] = FieldPortable::from_words(words);
        before[i] = product;
        product = One::mul(product, lanes[i]);
      }
      FieldPortable::Fe inverse = One::invert(product);
      for (std::size_t i = kLanes; i-- > 0;) {
        std::uint64_t words[4];
        FieldPortable::to_words(FieldPortable::canonical(One::mul(inverse, before[i])), words);
        __builtin_memcpy(bytes + 32 * i, words, 32);
        inverse = One::mul(inverse, lanes[i]);
      }
      F::load_bytes(bytes, 32, w);
      return F::from_words(w);
    }
  }

  static constexpr std::size_t kEncodedTogether = kLanes == 1 ? 16 : 12;  ///< vectors that share an inversion
  /// Encodings of twice the first n of kEncodedTogether vectors of points.
  static inline void encode_doubled_some(const Point (&p)[kEncodedTogether], std::size_t n,
                                         std::uint8_t* out) {
    const std::size_t vectors = (n + kLanes - 1) / kLanes;
    Clean s[kEncodedTogether];
    E::encode_doubled(p, vectors < kEncodedTogether ? vectors : kEncodedTogether, s, invert);
    for (std::size_t first = 0; first < n && first < kLanes * kEncodedTogether; first += kLanes)
      store_encodings(s[first / kLanes], n - first, out + 32 * first);
  }

  static void mul_each(const Row* rows, const std::uint8_t* scalars, std::size_t stride, std::size_t n,
                       std::uint8_t* out) {
    constexpr std::size_t kStep = kLanes * kEncodedTogether;
    const Row identity = identity_row();
    Table table;
    Vector w[4];
    for (std::size_t at = 0; at < n; at += kStep) {
      Point products[kEncodedTogether];
      for (std::size_t k = 0; k < kEncodedTogether; ++k) {
        const std::size_t first = at + kLanes * k;
        if (first >= n) break;
        fill(affine(rows + first, n - first, identity), table);
        nibbles_of(scalars + stride * first, stride, n - first, Scale::kHalf, w);
        Point p = E::identity();
        for (std::size_t i = kNibbles; i-- > 0;) {
          if (i + 1 < kNibbles) p = E::twice(p, 4);
          Mask negative;
          const typename E::Cached term = pick(table, nibble(w, i), negative);
          p = E::add(p, term, negative);
        }
        products[k] = p;
      }
      encode_doubled_some(products, n - at, out + 32 * at);
    }
    wipe(&table, sizeof table);
    wipe(w, sizeof w);
  }

  // ---- fixed bases --------------------------------------------------------------------------------

  static constexpr unsigned kDigitBits = F::kFixedBaseBits;
  static constexpr std::size_t kMultiples = std::size_t{1} << (kDigitBits - 1);
  /// A scalar is below 2^253, and the last digit keeps the carry into it: it stays positive.
  static constexpr std::size_t kDigits = 253 / kDigitBits + 1;
  /// Multiples j·2^(i·kDigitBits)·P, j = 1 … kMultiples: of each digit i a table of affine rows.
  struct Multiplier {
    alignas(64) std::uint64_t words[kDigits][3 * kLimbs * kMultiples];
  };
  static_assert(sizeof(Multiplier) <= sizeof(FixedBaseTable));
  /// What digit i is stored plus: all but the last are signed.
  static constexpr std::uint64_t excess(std::size_t i) { return i + 1 < kDigits ? kMultiples : 0; }

  /// The words of kLanes scalars, halved or not, plus Σ excess(i)·2^(i·kDigitBits).
  static inline void digits_of(const std::uint8_t* scalars, std::size_t n, Scale scale, Vector (&w)[4]) {
    std::uint64_t offset[4] = {};
    for (std::size_t i = 0; i + 1 < kDigits; ++i) {
      const std::size_t bit = kDigitBits * i + kDigitBits - 1;
      offset[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
    std::uint8_t bytes[32 * kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      std::uint64_t s[4] = {};
      if (i < n) __builtin_memcpy(s, scalars + 32 * i, 32);
      if (scale == Scale::kHalf) halve(s);
      add_words(s, offset);
      __builtin_memcpy(bytes + 32 * i, s, 32);
    }
    F::load_bytes(bytes, 32, w);
    wipe(bytes, sizeof bytes);
  }
  static inline Vector digit(const Vector (&w)[4], std::size_t i) {
    return bits_of(w, kDigitBits * i, kDigitBits);
  }

  static void make_table(const Row* base, FixedBaseTable* out) {
    auto& multiplier = *reinterpret_cast<Multiplier*>(out->words);
    const Row* lanes[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = base;
    const Affine a = affine(lanes);
    Point power = point_of(a);
    for (std::size_t i = 0; i < kDigits; ++i) {
      Point multiples[kMultiples];
      multiples[0] = power;
      const typename E::Cached step = E::cached(power);
      for (std::size_t j = 1; j < kMultiples; ++j) multiples[j] = E::add(multiples[j - 1], step);
      // Montgomery's trick: one inversion for the Z of all multiples of a window.
      Fe before[kMultiples];
      Fe product = F::small(1);
      for (std::size_t j = 0; j < kMultiples; ++j) {
        before[j] = product;
        product = E::mul(product, multiples[j].Z);
      }
      Fe inverse = E::invert(product);
      for (std::size_t j = kMultiples; j-- > 0;) {
        const Fe z = E::mul(inverse, before[j]);
        inverse = E::mul(inverse, multiples[j].Z);
        // S/Z = y + x, D/Z = y − x, (T/Z)·2d = 2d·xy: the factor 2 of neither is there for table points.
        const Affine entry = {E::mul(multiples[j].S, z), E::mul(multiples[j].D, z),
                              E::mul(E::mul(multiples[j].T, z), E::constant(k2D))};
        Row spare[kLanes];
        Row* rows[kLanes];
        for (std::size_t l = 0; l < kLanes; ++l) rows[l] = spare + l;
        store(entry, rows);
        for (std::size_t l = 0; l < 3 * kLimbs; ++l)
          multiplier.words[i][F::template place<kMultiples, 3 * kLimbs>(j, l)] = spare[0].limbs[l];
      }
      power = E::twice(power, kDigitBits);
    }
  }
  static void fixed_base(const FixedBaseTable* const* tables, const std::uint8_t* const* scalars,
                         std::size_t bases, const Row* addends, std::size_t n, std::uint8_t* out) {
    constexpr std::size_t kMost = kEncodedTogether;  ///< vectors that share one reading of a table
    const Scale scale = addends == nullptr ? Scale::kHalf : Scale::kWhole;
    const Row identity = identity_row();
    Vector w[kMost][4];
    for (std::size_t at = 0; at < n; at += kMost * kLanes) {
      const std::size_t vectors = (n - at + kLanes - 1) / kLanes;
      const std::size_t groups = vectors < kMost ? vectors : kMost;
      Point sums[kMost];
      for (std::size_t g = 0; g < groups; ++g) {
        const std::size_t first = at + g * kLanes;
        sums[g] = E::identity();
        if (addends != nullptr) sums[g] = E::add(sums[g], affine(addends + first, n - first, identity));
      }
      for (std::size_t b = 0; b < bases; ++b) {
        const auto& multiplier = *reinterpret_cast<const Multiplier*>(tables[b]->words);
        for (std::size_t g = 0; g < groups; ++g) {
          const std::size_t first = at + g * kLanes;
          digits_of(scalars[b] + 32 * first, n - first, scale, w[g]);
        }
        for (std::size_t i = 0; i < kDigits; ++i) {
          for (std::size_t g = 0; g < groups; ++g) {
            const Vector stored = digit(w[g], i);
            const Mask negative = F::below(stored, excess(i));
            const Vector size = F::distance(stored, excess(i));
            // Where the digit is zero all limbs are looked up as zero: 1, 1, 0 is the identity.
            const Vector one = zero_is_one(size);
            Vector limb[3 * kLimbs];
            F::template look_up<kMultiples, 3 * kLimbs>(multiplier.words[i], size, limb);
            Affine term = affine_of(limb);
            term.s.l[0] = F::bit_or(term.s.l[0], one);
            term.d.l[0] = F::bit_or(term.d.l[0], one);
            sums[g] = E::add(sums[g], term, negative);
          }
        }
      }
      if (addends == nullptr) {
        encode_doubled_some(sums, n - at, out + 32 * at);
        continue;
      }
      for (std::size_t g = 0; g < groups; g += kTogether) {
        const std::size_t first = at + g * kLanes;
        Point some[kTogether];
        for (std::size_t k = 0; k < kTogether; ++k) some[k] = sums[g + k < groups ? g + k : g];
        encode_some(some, n - first < kLanes * kTogether ? n - first : kLanes * kTogether, out + 32 * first);
      }
    }
    wipe(w, sizeof w);
  }
  /// 1 where size is 0, else 0, for small sizes.
  static inline Vector zero_is_one(Vector size) {
    return F::bit_and(F::shift_right(F::add64(size, F::set1(~std::uint64_t{0})), 63), 1);
  }

  static void add_wide(const WidePoint* p, const WidePoint* q, WidePoint* out) {
    *out = wide_of(add(one_of(*p), one_of(*q)));
  }

  static constexpr Kernels kernels(const char* name) {
    return {name,        decode,       encode,
            encode_wide, from_uniform, msm_scratch_bytes,
            msm,         sum,          secret_msm_scratch_bytes,
            secret_msm,  mul_each,     make_table,
            fixed_base,  add_wide};
  }
};

}  // namespace
}  // namespace psephos::kernels
