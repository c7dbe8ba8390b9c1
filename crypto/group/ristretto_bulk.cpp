// The bulk operations of ristretto255: work is cut into pieces for all cores, each done by the kernels in
// use.
#include <sodium.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "crypto/group/kernels.h"
#include "crypto/group/kernels/interface.h"
#include "crypto/group/ristretto.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"

namespace psephos {

namespace {

using kernels::FixedBaseTable;
using kernels::Row;
using kernels::WidePoint;
using Point = Ristretto::Point;
using Scalar = Ristretto::Scalar;
using SecretScalar = Ristretto::SecretScalar;

// Lists of points and scalars are lists of their encodings, which the kernels read as they lie.
static_assert(sizeof(Point) == 32 && sizeof(Scalar) == 32 && sizeof(SecretScalar) == 32);
template <class T>
const std::uint8_t* bytes_at(std::span<const T> items, std::size_t at = 0) {
  return reinterpret_cast<const std::uint8_t*>(items.data() + at);
}
std::uint8_t* bytes_at(std::vector<Point>& points, std::size_t at = 0) {
  return reinterpret_cast<std::uint8_t*>(points.data() + at);
}

/// Memory aligned as the kernels ask. Large blocks are on large pages where the system has them, for rows are
/// read in the order of scalars' digits, and a small page for each would be a miss for each; and they are
/// kept for the next who asks, for the system clears what it gives anew.
class LargeBlocks {
 public:
  void* take(std::size_t bytes) {
    if (bytes < kSmallest) return allocate(64, bytes);
    const std::lock_guard lock(mutex_);
    const auto fits = std::ranges::find_if(
        kept_, [&](const Block& b) { return bytes <= b.bytes && b.bytes <= bytes + bytes / 2; });
    if (fits == kept_.end()) return allocate_large(bytes);
    void* memory = fits->memory;
    kept_bytes_ -= fits->bytes;
    kept_.erase(fits);
    return memory;
  }
  void give(void* memory, std::size_t bytes) {
    if (bytes < kSmallest) return std::free(memory);
    // A block that was larger than asked for counts as what was asked.
    const std::lock_guard lock(mutex_);
    kept_.push_back({memory, bytes});  // in the memory reserved: this is called where nothing may be thrown
    kept_bytes_ += bytes;
    while (kept_bytes_ > kMostKept) {
      std::free(kept_.front().memory);
      kept_bytes_ -= kept_.front().bytes;
      kept_.erase(kept_.begin());
    }
  }
  static LargeBlocks& all() {
    // Never destroyed: points may outlive whatever order the end of the program has.
    static auto* blocks = new LargeBlocks;
    return *blocks;
  }

 private:
  LargeBlocks() { kept_.reserve(kMostKept / kSmallest + 2); }

  static constexpr std::size_t kLargePage = std::size_t{1} << 21U;
  static constexpr std::size_t kSmallest = std::size_t{1} << 19U;
  static constexpr std::size_t kMostKept = std::size_t{1} << 26U;
  struct Block {
    void* memory;
    std::size_t bytes;
  };

  static void* allocate(std::size_t alignment, std::size_t bytes) {
    const std::size_t whole = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, whole);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  static void* allocate_large(std::size_t bytes) {
    if (bytes < 2 * kLargePage) return allocate(64, bytes);
    void* memory = allocate(kLargePage, bytes);
#if defined(MADV_HUGEPAGE)
    ::madvise(memory, (bytes + kLargePage - 1) / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
    return memory;
  }

  std::mutex mutex_;
  std::vector<Block> kept_;
  std::size_t kept_bytes_ = 0;
};

/// Memory for a kernel's intermediate results; wiped where they are secret.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : bytes_(bytes), memory_(LargeBlocks::all().take(bytes)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (secret_) sodium_memzero(memory_, bytes_);
    LargeBlocks::all().give(memory_, bytes_);
  }
  void* get() { return memory_; }
  void* get_secret() {
    secret_ = true;
    return memory_;
  }

 private:
  std::size_t bytes_;
  bool secret_ = false;
  void* memory_;
};

/// Calls body(first, count) for pieces of at most `piece` of n, on all cores.
template <class Body>
void for_pieces(std::size_t n, std::size_t piece, Body&& body) {
  parallel_for((n + piece - 1) / piece, 1,
               [&](std::size_t i) { body(i * piece, std::min(piece, n - i * piece)); });
}

// Whole numbers of what the kernels do together: 24 square roots, 96 (or 16) products to one inversion.
constexpr std::size_t kDecodePiece = 768;
constexpr std::size_t kMultiplyPiece = 768;

/// Pieces of a multi-scalar multiplication: as few as there are threads, but none so large that its rows
/// leave the cache.
std::size_t msm_piece(std::size_t n) {
  constexpr std::size_t kLargest = 100'000, kSmallest = 2'000;
  const std::size_t pieces = std::max<std::size_t>((n + kLargest - 1) / kLargest, parallelism());
  return std::max(kSmallest, (n + pieces - 1) / pieces);
}

/// The bits of the longest scalar.
unsigned bits_of(std::span<const Scalar> scalars) {
  ByteArray<32> any{};
  for (const Scalar& s : scalars)
    for (std::size_t k = 0; k < 32; ++k) any[k] = static_cast<std::uint8_t>(any[k] | s.encode()[k]);
  for (std::size_t k = 32; k-- > 0;)
    for (unsigned bit = 8; bit-- > 0;)
      if (((any[k] >> bit) & 1) != 0) return static_cast<unsigned>(8 * k) + bit + 1;
  return 1;
}

/// The sum may be secret: its encoding is taken as it is, for decoding it again would take variable time.
Point sum_of(std::span<const WidePoint> parts) {
  WidePoint sum = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    WidePoint next;
    active_kernels().add_wide(&sum, &parts[i], &next);
    sum = next;
  }
  Point out;
  active_kernels().encode_wide(&sum, 1, reinterpret_cast<std::uint8_t*>(&out));
  return out;
}

/// Tables of the bases used last. Bases are public: generators, keys, nothing of a voter's or a mixer's.
class Tables {
 public:
  std::shared_ptr<const FixedBaseTable> of(const Point& base) {
    const std::lock_guard lock(mutex_);
    const kernels::Kernels* now = &active_kernels();
    const auto known =
        std::ranges::find_if(entries_, [&](const Entry& e) { return e.base == base && e.made_by == now; });
    if (known != entries_.end()) {
      std::rotate(entries_.begin(), known, known + 1);
      return entries_.front().table;
    }
    Row row;
    invariant(now->decode(base.encode().data(), 1, &row) == 1, "points are valid by type");
    const auto table = std::make_shared<FixedBaseTable>();
    now->make_table(&row, table.get());
    entries_.insert(entries_.begin(), {base, now, table});
    if (entries_.size() > kKept) entries_.pop_back();
    return table;
  }

 private:
  static constexpr std::size_t kKept = 16;  ///< 165 kB each
  struct Entry {
    Point base;
    const kernels::Kernels* made_by;
    std::shared_ptr<const FixedBaseTable> table;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};
Tables& tables() {
  static Tables all;
  return all;
}

/// Below this a table is not worth making: it costs about as much as so many multiplications.
constexpr std::size_t kTableWorthwhile = 16;
/// Below this Straus's method is faster than buckets.
constexpr std::size_t kFewTerms = 200;

}  // namespace

Ristretto::Points::Points() = default;
Ristretto::Points::Points(std::size_t n)
    : rows_(static_cast<kernels::Row*>(LargeBlocks::all().take(n * sizeof(kernels::Row))),
            [n](kernels::Row* rows) { LargeBlocks::all().give(rows, n * sizeof(kernels::Row)); }),
      size_(n) {}
const kernels::Row* Ristretto::Points::rows() const {
  return rows_.get();
}
kernels::Row* Ristretto::Points::rows() {
  return rows_.get();
}

Result<Ristretto::Points, std::pair<Fault, std::size_t>> Ristretto::decode_points(ByteView bytes) {
  const std::size_t n = bytes.size() / Point::kWidth;
  if (bytes.size() % Point::kWidth != 0) return std::unexpected(std::pair{Fault::kWireLength, n});
  Points out(n);
  std::vector<std::size_t> bad((n + kDecodePiece - 1) / kDecodePiece, n);
  for_pieces(n, kDecodePiece, [&](std::size_t first, std::size_t count) {
    const std::size_t at = active_kernels().decode(bytes.data() + 32 * first, count, out.rows() + first);
    if (at < count) bad[first / kDecodePiece] = first + at;
  });
  const auto first_bad = std::ranges::min_element(bad);
  if (first_bad == bad.end() || *first_bad == n) return out;
  const auto refused = Point::decode(bytes.subspan(*first_bad * Point::kWidth, Point::kWidth));
  invariant(!refused, "kernels and libsodium agree on what is a point");
  return std::unexpected(std::pair{refused.error(), *first_bad});
}

Result<std::vector<Point>, std::pair<Fault, std::size_t>> Ristretto::decode_batch(ByteView bytes) {
  if (const auto judged = decode_points(bytes); !judged) return std::unexpected(judged.error());
  return adopt_judged(bytes);
}

std::vector<Point> Ristretto::adopt_judged(ByteView bytes) {
  invariant(bytes.size() % Point::kWidth == 0, "whole encodings were judged");
  std::vector<Point> out(bytes.size() / Point::kWidth);
  if (!out.empty()) std::memcpy(bytes_at(out), bytes.data(), bytes.size());
  return out;
}

Ristretto::Points Ristretto::points_of(std::span<const Point> points) {
  auto out = decode_points({bytes_at(points), 32 * points.size()});
  invariant(out.has_value(), "points are valid by type");
  return std::move(*out);
}

Ristretto::Points Ristretto::first_of(const Points& points, std::size_t n) {
  invariant(n <= points.size(), "so many points");
  Points out;
  out.rows_ = points.rows_;
  out.size_ = n;
  return out;
}

std::vector<Point> Ristretto::from_uniform_batch(ByteView bytes) {
  invariant(bytes.size() % 64 == 0, "the one-way map takes 64 bytes");
  std::vector<Point> out(bytes.size() / 64);
  for_pieces(out.size(), kMultiplyPiece, [&](std::size_t first, std::size_t count) {
    active_kernels().from_uniform(bytes.data() + 64 * first, count, bytes_at(out, first));
  });
  return out;
}

std::vector<Point> Ristretto::mul_batch(std::span<const SecretScalar> secrets, const Point& base) {
  const std::array lists{secrets};
  return mul_bases(lists, {&base, 1}, nullptr);
}

std::vector<Point> Ristretto::mul_bases(std::span<const std::span<const SecretScalar>> secrets,
                                        std::span<const Point> bases, const Points* addends) {
  invariant(!bases.empty() && secrets.size() == bases.size(), "one list of scalars a base");
  const std::size_t n = secrets[0].size();
  invariant(addends == nullptr || addends->size() == n, "one addend a sum");
  for (const auto& list : secrets) invariant(list.size() == n, "lists of one length");
  std::vector<Point> out(n);
  if (n < kTableWorthwhile && addends == nullptr) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t b = 0; b < bases.size(); ++b) {
        const Point term =
            bases[b] == Point::generator() ? mul_base(secrets[b][i]) : secrets[b][i] * bases[b];
        out[i] = b == 0 ? term : out[i] + term;
      }
    return out;
  }
  std::vector<std::shared_ptr<const FixedBaseTable>> kept;
  std::vector<const FixedBaseTable*> base_tables;
  for (const Point& base : bases) {
    kept.push_back(tables().of(base));
    base_tables.push_back(kept.back().get());
  }
  for_pieces(n, kMultiplyPiece, [&](std::size_t first, std::size_t count) {
    std::vector<const std::uint8_t*> scalars;
    for (const auto& list : secrets) scalars.push_back(bytes_at(list, first));
    active_kernels().fixed_base(base_tables.data(), scalars.data(), bases.size(),
                                addends == nullptr ? nullptr : addends->rows() + first, count,
                                bytes_at(out, first));
  });
  return out;
}

std::vector<Point> Ristretto::mul_each(const SecretScalar& x, const Points& points) {
  std::vector<Point> out(points.size());
  for_pieces(out.size(), kMultiplyPiece, [&](std::size_t first, std::size_t count) {
    active_kernels().mul_each(points.rows() + first, bytes_at(std::span(&x, 1)), 0, count,
                              bytes_at(out, first));
  });
  return out;
}

Point Ristretto::secret_msm(std::span<const SecretScalar> secrets, const Points& points) {
  invariant(secrets.size() == points.size(), "one scalar a point");
  if (secrets.empty()) return {};
  const std::size_t piece = msm_piece(secrets.size());
  std::vector<WidePoint> parts((secrets.size() + piece - 1) / piece);
  for_pieces(secrets.size(), piece, [&](std::size_t first, std::size_t count) {
    Scratch scratch(active_kernels().secret_msm_scratch_bytes());
    active_kernels().secret_msm(points.rows() + first, bytes_at(secrets, first), count, scratch.get_secret(),
                                &parts[first / piece]);
  });
  return sum_of(parts);
}

Point Ristretto::sum(const Points& points) {
  if (points.size() == 0) return {};
  const std::size_t piece = msm_piece(points.size());
  std::vector<WidePoint> parts((points.size() + piece - 1) / piece);
  for_pieces(points.size(), piece, [&](std::size_t first, std::size_t count) {
    active_kernels().sum(points.rows() + first, count, &parts[first / piece]);
  });
  return sum_of(parts);
}

Point Ristretto::msm_vartime(std::span<const Scalar> scalars, std::span<const Point> points) {
  const Points decoded = points_of(points);
  const std::array arrays{&decoded};
  return msm_vartime(scalars, arrays)[0];
}

std::vector<Point> Ristretto::msm_vartime(std::span<const Scalar> scalars,
                                          std::span<const Points* const> arrays) {
  std::vector<Point> out(arrays.size());
  for (const Points* points : arrays) invariant(scalars.size() == points->size(), "one scalar a point");
  if (scalars.empty()) return out;
  const std::size_t n = scalars.size();
  const unsigned bits = bits_of(scalars);
  const std::size_t piece = msm_piece(n);
  const std::size_t pieces = (n + piece - 1) / piece;
  std::vector<WidePoint> parts(arrays.size() * pieces);  // array after array
  for_pieces(n, piece, [&](std::size_t first, std::size_t count) {
    const kernels::Kernels& k = active_kernels();
    std::vector<const Row*> rows;
    for (const Points* points : arrays) rows.push_back(points->rows() + first);
    std::vector<WidePoint> sums(arrays.size());
    if (count < kFewTerms) {
      Scratch scratch(k.secret_msm_scratch_bytes());
      for (std::size_t a = 0; a < arrays.size(); ++a)
        k.secret_msm(rows[a], bytes_at(scalars, first), count, scratch.get(), &sums[a]);
    } else {
      Scratch scratch(k.msm_scratch_bytes(count, bits));
      k.msm(rows.data(), rows.size(), bytes_at(scalars, first), count, bits, scratch.get(), sums.data());
    }
    for (std::size_t a = 0; a < arrays.size(); ++a) parts[a * pieces + first / piece] = sums[a];
  });
  for (std::size_t a = 0; a < arrays.size(); ++a)
    out[a] = sum_of(std::span(parts).subspan(a * pieces, pieces));
  return out;
}

}  // namespace psephos
