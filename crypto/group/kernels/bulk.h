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
  /// The cheapest: count·(n additions + 2.5 for each bucket). Two bits more than the scalar's: a scalar below
  /// 2^bits plus half of every digit's range, which is below 2^(c·count − 1) + 2^(c·(count − 1)), must fit.
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
  /// digits[i·n + j]: digit i of scalar j, between −2^(c−1) and 2^(c−1) − 1.
  static void recode(const std::uint8_t* scalars, std::size_t n, const Window& window, std::int16_t* digits) {
    // Adding 2^(c−1) in every digit makes signed digits plain ones.
    const unsigned c = window.bits;
    std::uint64_t offset[5] = {};
    for (std::size_t i = 0; i < window.count; ++i) {
      const std::size_t bit = c * i + c - 1;
      if (bit < 320) offset[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
    const std::uint64_t mask = (std::uint64_t{1} << c) - 1;
    for (std::size_t j = 0; j < n; ++j) {
      std::uint64_t s[6] = {};
      __builtin_memcpy(s, scalars + 32 * j, 32);
      unsigned char carry = 0;
      for (int k = 0; k < 5; ++k) {
        const std::uint64_t a = s[k] + carry, b = a + offset[k];
        carry = static_cast<unsigned char>((a < s[k]) | (b < a));
        s[k] = b;
      }
      for (std::size_t i = 0; i < window.count; ++i) {
        const std::size_t bit = c * i, word = bit / 64, shift = bit % 64;
        std::uint64_t digit = s[word] >> shift;
        if (shift + c > 64) digit |= s[word + 1] << (64 - shift);
        digits[i * n + j] =
            static_cast<std::int16_t>(static_cast<std::int64_t>(digit & mask) - (std::int64_t{1} << (c - 1)));
      }
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
    std::uint64_t carry = 0;
    for (int k = 0; k < 4; ++k) {
      const std::uint64_t a = s[k] + carry, b = a + (kOrder[k] & odd);
      carry = static_cast<std::uint64_t>(a < carry) | static_cast<std::uint64_t>(b < a);
      s[k] = b;
    }
    for (int k = 0; k < 3; ++k) s[k] = (s[k] >> 1) | (s[k + 1] << 63);
    s[3] >>= 1;
  }
  /// The words of kLanes halved scalars plus 0x88…8, or of the scalars; zeros from the n-th on. A scalar is
  /// below 2^253, so the sum has 256 bits.
  static inline void nibbles_of(const std::uint8_t* scalars, std::size_t stride, std::size_t n, Scale scale,
                                Vector (&w)[4]) {
    std::uint8_t bytes[32 * kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      std::uint64_t s[4] = {};
      if (i < n) __builtin_memcpy(s, scalars + stride * i, 32);
      if (scale == Scale::kHalf) halve(s);
      std::uint64_t carry = 0;
      for (std::uint64_t& x : s) {
        const std::uint64_t a = x + carry, b = a + 0x8888888888888888;
        carry = static_cast<std::uint64_t>(a < x) | static_cast<std::uint64_t>(b < a);
        x = b;
      }
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

  // Straus's method, windows apart: every window has a sum of its own, in each lane, and doublings come once
  // at the end (Straus 1964; the order of loops so that one table is made and used at a time).
  static std::size_t secret_msm_scratch_bytes() { return kNibbles * sizeof(Point); }
  static void secret_msm(const Row* rows, const std::uint8_t* scalars, std::size_t n, void* scratch,
                         WidePoint* out) {
    auto* sums = static_cast<Point*>(scratch);
    const Row identity = identity_row();
    for (std::size_t i = 0; i < kNibbles; ++i) sums[i] = E::identity();
    Table table;
    Vector w[4];
    for (std::size_t at = 0; at < n; at += kLanes) {
      fill(affine(rows + at, n - at, identity), table);
      nibbles_of(scalars + 32 * at, 32, n - at, Scale::kWhole, w);
      for (std::size_t i = 0; i < kNibbles; ++i) {
        Mask negative;
        const typename E::Cached term = pick(table, nibble(w, i), negative);
        sums[i] = E::add(sums[i], term, negative);
      }
    }
    Point total = sums[kNibbles - 1];
    for (std::size_t i = kNibbles - 1; i-- > 0;) {
      total = E::add(E::twice(total, 4), E::cached(sums[i]));
    }
    *out = wide_of(sum_of_lanes(total));
    wipe(&table, sizeof table);
    wipe(w, sizeof w);
  }

  static constexpr std::size_t kEncodedTogether = kLanes == 1 ? 16 : 12;  ///< vectors that share an inversion
  /// Encodings of twice the first n of kEncodedTogether vectors of points.
  static inline void encode_doubled_some(const Point (&p)[kEncodedTogether], std::size_t n,
                                         std::uint8_t* out) {
    const std::size_t vectors = (n + kLanes - 1) / kLanes;
    Clean s[kEncodedTogether];
    E::encode_doubled(p, vectors < kEncodedTogether ? vectors : kEncodedTogether, s);
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

  /// Digits of five bits, −16 … 15: windows of scalar + Σ 16·32^i.
  static inline void fives_of(const std::uint8_t* scalars, std::size_t n, Scale scale, Vector (&w)[4]) {
    std::uint64_t offset[4] = {};
    for (std::size_t i = 0; i < FixedBaseTable::kWindows; ++i) {
      const std::size_t bit = 5 * i + 4;
      offset[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
    std::uint8_t bytes[32 * kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      std::uint64_t s[4] = {};
      if (i < n) __builtin_memcpy(s, scalars + 32 * i, 32);
      if (scale == Scale::kHalf) halve(s);
      std::uint64_t carry = 0;
      for (int k = 0; k < 4; ++k) {
        const std::uint64_t a = s[k] + carry, b = a + offset[k];
        carry = static_cast<std::uint64_t>(a < s[k]) | static_cast<std::uint64_t>(b < a);
        s[k] = b;
      }
      __builtin_memcpy(bytes + 32 * i, s, 32);
    }
    F::load_bytes(bytes, 32, w);
    wipe(bytes, sizeof bytes);
  }
  static inline Vector five(const Vector (&w)[4], std::size_t i) {
    const std::size_t bit = 5 * i, word = bit / 64, shift = bit % 64;
    Vector out = F::shift_right(w[word], static_cast<unsigned>(shift));
    if (shift > 59) out = F::bit_or(out, F::shift_left(w[word + 1], static_cast<unsigned>(64 - shift)));
    return F::bit_and(out, 31);
  }

  /// Limb l of multiple j + 1 of window i (see FixedBaseTable).
  static inline std::uint64_t* limb_of(FixedBaseTable& table, std::size_t i, std::size_t j, std::size_t l) {
    return kLanes == 1 ? &table.limbs[i][0][0] + 3 * kLimbs * j + l : &table.limbs[i][l][j];
  }
  /// The limbs of multiple `size`, zeros for 0.
  static inline __attribute__((always_inline)) void look_up(const std::uint64_t (&window)[15][16],
                                                            Vector size, Vector (&out)[3 * kLimbs]) {
    if constexpr (kLanes == 1) {
      F::template look_up<16, 3 * kLimbs>(&window[0][0], size, out);
    } else {
      const typename F::Index index = F::index_of(size);
      for (std::size_t l = 0; l < 3 * kLimbs; ++l) out[l] = F::look_up(window[l], index);
    }
  }

  static void make_table(const Row* base, FixedBaseTable* out) {
    constexpr std::size_t kMultiples = 16;
    const Row* lanes[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = base;
    const Affine a = affine(lanes);
    Point power = point_of(a);
    for (std::size_t i = 0; i < FixedBaseTable::kWindows; ++i) {
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
        for (std::size_t l = 0; l < 3 * kLimbs; ++l) *limb_of(*out, i, j, l) = spare[0].limbs[l];
      }
      power = E::twice(power, 5);
    }
  }
  static void fixed_base(const FixedBaseTable* const* tables, const std::uint8_t* const* scalars,
                         std::size_t bases, const Row* addends, std::size_t n, std::uint8_t* out) {
    constexpr std::size_t kGroups = kEncodedTogether;  ///< vectors that share one reading of a table
    const Scale scale = addends == nullptr ? Scale::kHalf : Scale::kWhole;
    const Row identity = identity_row();
    Vector w[kGroups][4];
    for (std::size_t at = 0; at < n; at += kGroups * kLanes) {
      Point sums[kGroups];
      for (std::size_t g = 0; g < kGroups; ++g) {
        const std::size_t first = at + g * kLanes;
        sums[g] = E::identity();
        if (addends != nullptr && first < n) {
          sums[g] = E::add(sums[g], affine(addends + first, n - first, identity));
        }
      }
      for (std::size_t b = 0; b < bases; ++b) {
        for (std::size_t g = 0; g < kGroups; ++g) {
          const std::size_t first = at + g * kLanes;
          fives_of(first < n ? scalars[b] + 32 * first : nullptr, first < n ? n - first : 0, scale, w[g]);
        }
        for (std::size_t i = 0; i < FixedBaseTable::kWindows; ++i) {
          for (std::size_t g = 0; g < kGroups; ++g) {
            const Vector digit = five(w[g], i);
            const Mask negative = F::below(digit, 16);
            const Vector size = F::distance(digit, 16);
            // Where the digit is zero all limbs are looked up as zero: 1, 1, 0 is the identity.
            const Vector one = zero_is_one(size);
            Vector limb[3 * kLimbs];
            look_up(tables[b]->limbs[i], size, limb);
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
      for (std::size_t g = 0; g < kGroups; g += kTogether) {
        const std::size_t first = at + g * kLanes;
        if (first >= n) break;
        Point some[kTogether];
        for (std::size_t k = 0; k < kTogether; ++k) some[k] = sums[g + k < kGroups ? g + k : g];
        encode_some(some, n - first < kLanes * kTogether ? n - first : kLanes * kTogether, out + 32 * first);
      }
    }
    wipe(w, sizeof w);
  }
  /// 1 where size is 0, else 0, for size ≤ 16.
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
