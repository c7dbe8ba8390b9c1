#pragma once
// The interface between the group and its kernels: plain memory, nothing of the standard library but integer
// types (see field_ifma.h).
#include <cstddef>
#include <cstdint>

namespace psephos::kernels {

/// An affine point as the kernels want it: y + x, y − x and 2d·xy in the limbs of one field, and padding.
/// Rows made by one set of kernels mean nothing to the other.
struct alignas(64) Row {
  std::uint64_t limbs[16];
};

/// A projective point (S : D : Z, T) of edwards.h, canonical words; the same for all kernels.
struct WidePoint {
  std::uint64_t S[4], D[4], Z[4], T[4];
};

/// Multiples of one point, as the kernels that make it lay them out.
struct alignas(64) FixedBaseTable {
  std::uint64_t words[std::size_t{43} * 15 * 32];
};

/// One implementation of the bulk operations (SPEC §3.2, §6). All work on one thread. Encodings are 32 bytes
/// each, one after the other; scalars 32 bytes each, little-endian, below ℓ. `scratch` is aligned to 64 bytes
/// and as large as the function before it says; what was secret in it is left there for the caller to wipe.
struct Kernels {
  const char* name;

  /// Decodes strictly (RFC 9496 section 4.3.1). @return the index of the first encoding that is no group
  /// element's, n if there is none; rows before it are right. Variable time.
  std::size_t (*decode)(const std::uint8_t* in, std::size_t n, Row* out);
  /// Encodes (RFC 9496 section 4.3.2). Constant time.
  void (*encode)(const Row* in, std::size_t n, std::uint8_t* out);
  void (*encode_wide)(const WidePoint* in, std::size_t n, std::uint8_t* out);
  /// The one-way map (RFC 9496 section 4.3.4) of 64 bytes each. Constant time.
  void (*from_uniform)(const std::uint8_t* in, std::size_t n, std::uint8_t* out);

  /// out[a] = Σ scalars[i]·rows[a][i] for each of `arrays` arrays, scalars below 2^bits. Variable time.
  std::size_t (*msm_scratch_bytes)(std::size_t n, unsigned bits);
  void (*msm)(const Row* const* rows, std::size_t arrays, const std::uint8_t* scalars, std::size_t n,
              unsigned bits, void* scratch, WidePoint* out);
  /// out = Σ rows[i]. Constant time.
  void (*sum)(const Row* rows, std::size_t n, WidePoint* out);
  /// out = Σ scalars[i]·rows[i]. Constant time.
  std::size_t (*secret_msm_scratch_bytes)();
  void (*secret_msm)(const Row* rows, const std::uint8_t* scalars, std::size_t n, void* scratch,
                     WidePoint* out);

  /// out[i] = encoding of scalars[i·stride]·rows[i], in bytes from scalars; stride 0: one scalar for all.
  /// Constant time.
  void (*mul_each)(const Row* rows, const std::uint8_t* scalars, std::size_t stride, std::size_t n,
                   std::uint8_t* out);
  void (*make_table)(const Row* base, FixedBaseTable* out);
  /// out[i] = encoding of Σ_b scalars[b][i]·base b, plus addends[i] if addends is not null. Constant time.
  void (*fixed_base)(const FixedBaseTable* const* tables, const std::uint8_t* const* scalars,
                     std::size_t bases, const Row* addends, std::size_t n, std::uint8_t* out);
  /// out = p + q, 2^n·p. For what comes out of the bulk operations.
  void (*add_wide)(const WidePoint* p, const WidePoint* q, WidePoint* out);
};

const Kernels& portable();
/// nullptr where this build or processor has no AVX-512 IFMA.
const Kernels* ifma();

}  // namespace psephos::kernels
