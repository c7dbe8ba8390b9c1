#pragma once
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/declassify.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/shuffle/generators.h"
#include "crypto/shuffle/offsets.h"
#include "crypto/shuffle/scalars.h"
#include "crypto/shuffle/shuffle.h"
#include "crypto/transcript.h"

namespace psephos {

/// Label of the ProofContext of a proof of shuffle (SPEC §6.3).
inline constexpr std::string_view kShuffleLabel = "shuffle/v1";

/// "`output` is `input`, rows permuted and every ciphertext re-encrypted under Y." Refers to the lists, which
/// must outlive it.
template <Group G>
struct ShuffleStatement {
  const typename G::Point& Y;
  const CiphertextList<G>& input;   ///< w
  const CiphertextList<G>& output;  ///< w'
};

/// Proof of shuffle over N rows of W columns. Letters, equations and encoding: SPEC §6.3.
template <Group G>
struct ShuffleProof {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  std::vector<Point> u;           ///< u_i = r_π(i)·G + h_π(i): commits to π before e is known
  std::vector<Point> B;           ///< B_i = b_i·G + e'_i·B_(i−1): commits to the product of e'
  Point A1;                       ///< A' = α·G + Σ ε_i·h_i
  std::vector<Point> B1;          ///< B'_i = β_i·G + ε_i·B_(i−1)
  Point C1;                       ///< C' = γ·G
  Point D1;                       ///< D' = δ·G
  std::vector<Ciphertext<G>> F1;  ///< F'_k = −φ_k·(G, Y) + Σ ε_i·w'_(i,k)
  Scalar k_A;                     ///< v·a + α
  std::vector<Scalar> k_B;        ///< v·b_i + β_i
  Scalar k_C;                     ///< v·c + γ
  Scalar k_D;                     ///< v·d + δ
  std::vector<Scalar> k_E;        ///< v·e'_i + ε_i
  std::vector<Scalar> k_F;        ///< v·f_k + φ_k
  friend bool operator==(const ShuffleProof&, const ShuffleProof&) = default;
};

/// Which equation of (6.3.5) fails; index is the row for B, the column for F.
enum class ShuffleEquation : std::uint8_t { kNone, kA, kB, kC, kD, kFAlpha, kFBeta };

/// Whose bytes are no group element or scalar.
enum class ShufflePart : std::uint8_t { kProof, kInput, kOutput };

struct ShuffleRejection {
  Fault fault;
  ShuffleEquation equation = ShuffleEquation::kNone;  ///< with kShuffleProofInvalid
  std::uint64_t index = 0;  ///< of the row or column; of a bad encoding, the element of `part`
  ShufflePart part = ShufflePart::kProof;
  friend bool operator==(const ShuffleRejection&, const ShuffleRejection&) = default;
};

/// "SHUFFLE_PROOF_INVALID (equation B_17)", for reports.
inline std::string describe(const ShuffleRejection& rejection) {
  const std::string index = std::to_string(rejection.index);
  const std::string name(name_of(rejection.fault));
  switch (rejection.equation) {
    case ShuffleEquation::kNone:
      switch (rejection.part) {
        case ShufflePart::kInput:
          return name + " (input, element " + index + ")";
        case ShufflePart::kOutput:
          return name + " (output, element " + index + ")";
        case ShufflePart::kProof:
          if (rejection.fault == Fault::kMixOffsetReused) return name + " (output, row " + index + ")";
          return rejection.fault == Fault::kPointNoncanonical || rejection.fault == Fault::kPointInvalid ||
                         rejection.fault == Fault::kScalarNoncanonical
                     ? name + " (element " + index + ")"
                     : name;
      }
      return name;
    case ShuffleEquation::kA:
      return name + " (equation A)";
    case ShuffleEquation::kB:
      return name + " (equation B_" + index + ")";
    case ShuffleEquation::kC:
      return name + " (equation C)";
    case ShuffleEquation::kD:
      return name + " (equation D)";
    case ShuffleEquation::kFAlpha:
      return name + " (equation F_" + index + ", alpha)";
    case ShuffleEquation::kFBeta:
      return name + " (equation F_" + index + ", beta)";
  }
  return name;
}

/// The prover's one-time secrets (SPEC §6.3, Nonces).
template <Group G>
struct ShuffleNonces {
  using Secret = typename G::SecretScalar;
  std::vector<Secret> r, b, beta, epsilon;  ///< N each
  std::vector<Secret> phi;                  ///< one a column
  Secret alpha, gamma, delta;

  /// Nonce i of kind j is block i of the ChaCha20 stream of kind j (SPEC §6.3), 64 bytes, reduced.
  static ShuffleNonces expand(const SecretBytes<64>& seed, std::size_t N, std::size_t W) {
    const auto many = [&](std::uint8_t kind, std::size_t n) {
      std::vector<Secret> out(n);
      constexpr std::size_t kPiece = 256;
      parallel_for((n + kPiece - 1) / kPiece, 1, [&](std::size_t piece) {
        const std::size_t first = piece * kPiece, here = std::min(kPiece, n - first);
        SecretBytes<64 * kPiece> stream;
        const ByteArray<crypto_stream_chacha20_ietf_NONCEBYTES> nonce{kind};
        // An exclusive or with zeros is the stream itself, from any block on.
        crypto_stream_chacha20_ietf_xor_ic(stream.expose_mutable().data(), stream.expose().data(), 64 * here,
                                           nonce.data(), static_cast<std::uint32_t>(first),
                                           seed.expose().data());
        for (std::size_t i = 0; i < here; ++i)
          out[first + i] = Secret::from_wide(stream.expose().subspan(64 * i, 64));
      });
      return out;
    };
    const auto one = [&](std::uint8_t kind) { return std::move(many(kind, 1)[0]); };
    invariant(N <= std::numeric_limits<std::uint32_t>::max(), "rows are counted in 32 bits");
    return {many(1, N), many(2, N), many(4, N), many(7, N), many(8, W), one(3), one(5), one(6)};
  }
};

namespace shuffle_detail {

/// All alphas or betas of a list, row after row; or of its column k alone.
template <Group G>
std::vector<typename G::Point> parts(const CiphertextList<G>& list, typename G::Point Ciphertext<G>::* part) {
  std::vector<typename G::Point> out;
  out.reserve(list.items.size());
  for (const Ciphertext<G>& c : list.items) out.push_back(c.*part);
  return out;
}
template <Group G>
std::vector<typename G::Point> column(const CiphertextList<G>& list, std::size_t k,
                                      typename G::Point Ciphertext<G>::* part) {
  std::vector<typename G::Point> out;
  out.reserve(list.rows());
  for (std::size_t i = 0; i < list.rows(); ++i) out.push_back(list.items[i * list.width + k].*part);
  return out;
}

/// Σ secrets[i] · points[i], constant time.
template <Group G>
typename G::Point secret_sum(std::span<const typename G::SecretScalar> secrets,
                             std::span<const typename G::Point> points) {
  typename G::Point sum;
  for_pieces(points.size(), [&](std::size_t first, std::size_t n) {
    sum = sum + G::secret_msm(secrets.subspan(first, n), G::points_of(points.subspan(first, n)));
  });
  return sum;
}

/// x_i·P + y_i·Q for all i, constant time.
template <Group G>
std::vector<typename G::Point> commit_batch(std::span<const typename G::SecretScalar> x,
                                            const typename G::Point& P,
                                            std::span<const typename G::SecretScalar> y,
                                            const typename G::Point& Q) {
  const std::array lists{x, y};
  const std::array bases{P, Q};
  return G::mul_bases(lists, bases, nullptr);
}

template <Group G>
std::vector<typename G::Point> flat(std::span<const Ciphertext<G>> row) {
  std::vector<typename G::Point> out;
  for (const Ciphertext<G>& c : row) {
    out.push_back(c.alpha);
    out.push_back(c.beta);
  }
  return out;
}

/// What round 2 binds.
template <Group G, class T>
void append_commitments(T& transcript, const ShuffleProof<G>& p) {
  using Points = std::span<const typename G::Point>;
  transcript.append_points("B", Points(p.B));
  transcript.append_value("A'", p.A1);
  transcript.append_points("B'", Points(p.B1));
  transcript.append_value("C'", p.C1);
  transcript.append_value("D'", p.D1);
  transcript.append_points("F'", Points(flat<G>(p.F1)));
}

/// What the weights of the folded check bind besides: so they depend on every byte of the proof.
template <Group G, class T>
void append_responses(T& transcript, const ShuffleProof<G>& p) {
  using Scalars = std::span<const typename G::Scalar>;
  transcript.append_value("k_A", p.k_A);
  transcript.append_points("k_B", Scalars(p.k_B));
  transcript.append_value("k_C", p.k_C);
  transcript.append_value("k_D", p.k_D);
  transcript.append_points("k_E", Scalars(p.k_E));
  transcript.append_points("k_F", Scalars(p.k_F));
}

/// Lists and proof have the shape of one N and one W.
template <Group G>
bool has_shape(const ShuffleStatement<G>& st, const ShuffleProof<G>& p) {
  const std::size_t W = st.input.width;
  if (W < 1 || st.output.width != W || st.input.items.size() % W != 0 ||
      st.output.items.size() != st.input.items.size())
    return false;
  const std::size_t N = st.input.rows();
  if (N == 0) return p == ShuffleProof<G>{};
  return p.u.size() == N && p.B.size() == N && p.B1.size() == N && p.F1.size() == W && p.k_B.size() == N &&
         p.k_E.size() == N && p.k_F.size() == W;
}

}  // namespace shuffle_detail

/// Consecutive links of the chain B, from the one whose predecessor is `before`.
template <Group G>
struct ShuffleLinks {
  typename G::Point before;  ///< h_0 for the first link
  std::span<const typename G::Point> B, B1;
  std::span<const typename G::Scalar> k_B, k_E;
  static ShuffleLinks all_of(const ShuffleProof<G>& p, const typename G::Point& h_0) {
    return {h_0, p.B, p.B1, p.k_B, p.k_E};
  }
};

/// The chain equations  v·B_i + B'_i = k_B,i·G + k_E,i·B_(i−1),  each by itself. @return the first i that
/// fails, counted from the first link given. Variable time. Cost, a row: 3 multiplications.
template <Group G>
std::optional<std::size_t> first_broken_link_vartime(const ShuffleLinks<G>& links,
                                                     const typename G::Scalar& v) {
  using Point = typename G::Point;
  std::vector<std::uint8_t> holds(links.B.size());
  parallel_for(holds.size(), 16, [&](std::size_t i) {
    const Point& before = i == 0 ? links.before : links.B[i - 1];
    holds[i] = G::mul_vartime(v, links.B[i]) + links.B1[i] ==
               G::mul_vartime(links.k_B[i], Point::generator()) + G::mul_vartime(links.k_E[i], before);
  });
  for (std::size_t i = 0; i < holds.size(); ++i)
    if (holds[i] == 0) return i;
  return std::nullopt;
}

/// The same equations at once, the i-th times t_i, with the terms of each B_i brought together:
///   Σ t_i·B'_i + Σ (v·t_i − t_(i+1)·k_E,i+1)·B_i = (Σ t_i·k_B,i)·G + t_0·k_E,0·before,
/// where the last of the links has no t_(i+1). The plain form of what StreamedSums computes over all rows.
/// True if all hold; if one does not, true with probability 1/2^128 over the weights t.
template <Group G>
bool folded_chain_holds_vartime(const ShuffleLinks<G>& links, const typename G::Scalar& v,
                                std::span<const typename G::Scalar> t) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  const std::size_t N = links.B.size();
  std::vector<Scalar> coefficients(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) {
    coefficients[i] = i + 1 < N ? v * t[i] - t[i + 1] * links.k_E[i + 1] : v * t[i];
  });
  const Scalar k_B =
      shuffle_detail::parallel_fold(N, [&](std::size_t i) { return t[i] * links.k_B[i]; }, std::plus<>{});
  return G::msm_vartime(t, links.B1) + G::msm_vartime(coefficients, links.B) ==
         G::mul_vartime(k_B, Point::generator()) + G::mul_vartime(t[0] * links.k_E[0], links.before);
}

/// Lists and proof as they lie in files or memory: rows of W ciphertexts alpha ‖ beta, and the encoding of a
/// proof (SPEC §6.3). None of it needs to have been looked at before.
template <Group G>
struct EncodedShuffle {
  const typename G::Point& Y;
  std::size_t width;
  ByteView input, output, proof;
  const DecodedList<G>* decoded_input = nullptr;  ///< where the stage before has left it
  DecodedList<G>* keep_output = nullptr;          ///< where to leave the output for the next stage; empty

  static constexpr std::size_t kWidth = G::Point::kWidth;
  std::size_t rows() const { return input.size() / (2 * kWidth * width); }
  ByteView elements(std::size_t first, std::size_t n) const {
    return proof.subspan(first * kWidth, n * kWidth);
  }
  // By number of their first element.
  std::size_t at_B() const { return rows(); }
  std::size_t at_A1() const { return 2 * rows(); }
  std::size_t at_B1() const { return at_A1() + 1; }
  std::size_t at_C1() const { return at_B1() + rows(); }
  std::size_t at_D1() const { return at_C1() + 1; }
  std::size_t at_F1() const { return at_D1() + 1; }
  std::size_t at_k_A() const { return at_F1() + 2 * width; }
  std::size_t at_k_B() const { return at_k_A() + 1; }
  std::size_t at_k_C() const { return at_k_B() + rows(); }
  std::size_t at_k_D() const { return at_k_C() + 1; }
  std::size_t at_k_E() const { return at_k_D() + 1; }
  std::size_t at_k_F() const { return at_k_E() + rows(); }
};

/// Elements of an encoded proof over N rows of W columns.
constexpr std::uint64_t shuffle_proof_elements(std::uint64_t N, std::uint64_t W) {
  return N == 0 ? 0 : 5 * N + 3 * W + 6;
}

namespace shuffle_detail {

template <Group G>
using Decoded = Result<typename G::Points, ShuffleRejection>;

template <Group G>
Decoded<G> decode_part(ByteView bytes, ShufflePart part, std::uint64_t first) {
  auto points = G::decode_points(bytes);
  if (!points)
    return std::unexpected(
        ShuffleRejection{points.error().first, ShuffleEquation::kNone, first + points.error().second, part});
  return std::move(*points);
}

template <Group G>
Decoded<G> decode_part(ByteView list, std::size_t width, std::size_t k, Part which, std::size_t first,
                       std::size_t n, ShufflePart part) {
  auto points = decode_column<G>(list, width, k, which, first, n);
  if (!points)
    return std::unexpected(
        ShuffleRejection{points.error().first, ShuffleEquation::kNone, points.error().second, part});
  return std::move(*points);
}

template <Group G>
Result<std::vector<typename G::Scalar>, ShuffleRejection> decode_scalars(const EncodedShuffle<G>& x,
                                                                         std::size_t first, std::size_t n) {
  std::vector<typename G::Scalar> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto scalar = G::Scalar::decode(x.elements(first + i, 1));
    if (!scalar) return std::unexpected(ShuffleRejection{scalar.error(), ShuffleEquation::kNone, first + i});
    out[i] = *scalar;
  }
  return out;
}

/// Every sum over rows that the equations (6.3.5) need.
template <Group G>
struct StreamedSums {
  using Point = typename G::Point;
  Point A;                         ///< Σ e_i·u_i
  Point C;                         ///< Σ u_i − Σ h_i
  Point E_h;                       ///< Σ k_E,i·h_i
  Point chain;                     ///< Σ t_i·B'_i + Σ (v·t_i − t_(i+1)·k_E,i+1)·B_i
  typename G::Scalar k_B;          ///< Σ t_i·k_B,i
  std::vector<Ciphertext<G>> F;    ///< Σ e_i·w_(i,k)
  std::vector<Ciphertext<G>> E_w;  ///< Σ k_E,i·w'_(i,k)
};

/// Adds the terms of n rows from `first`, a whole piece. Every element is decoded once, judged, used and
/// forgotten, unless the caller keeps it; lists that share scalars are multiplied together.
template <Group G>
Result<void, ShuffleRejection> add_rows(const EncodedShuffle<G>& x, const ShuffleGenerators<G>& h,
                                        std::span<const typename G::Scalar> e, const typename G::Scalar& v,
                                        std::span<const typename G::Scalar> t, std::size_t first,
                                        std::size_t n, StreamedSums<G>& sums) {
  using Scalar = typename G::Scalar;
  using Points = typename G::Points;
  const std::size_t N = x.rows();
  // One scalar more than rows, where there is one: the chain looks ahead.
  const std::size_t ahead = std::min(n + 1, N - first);
  const auto k_E = decode_scalars(x, x.at_k_E() + first, ahead);
  if (!k_E) return std::unexpected(k_E.error());
  const auto k_B = decode_scalars(x, x.at_k_B() + first, n);
  if (!k_B) return std::unexpected(k_B.error());
  const auto e_here = e.subspan(first, n);
  const auto E_here = std::span(*k_E).first(n);
  {
    std::vector<Scalar> coefficients(n);
    parallel_for(n, kScalarPiece, [&](std::size_t i) {
      const Scalar own = v * t[first + i];
      coefficients[i] = i + 1 < ahead ? own - t[first + i + 1] * (*k_E)[i + 1] : own;
    });
    sums.k_B =
        sums.k_B + parallel_fold(n, [&](std::size_t i) { return t[first + i] * (*k_B)[i]; }, std::plus<>{});
    const auto B = decode_part<G>(x.elements(x.at_B() + first, n), ShufflePart::kProof, x.at_B() + first);
    if (!B) return std::unexpected(B.error());
    const auto B1 = decode_part<G>(x.elements(x.at_B1() + first, n), ShufflePart::kProof, x.at_B1() + first);
    if (!B1) return std::unexpected(B1.error());
    const std::array links{&*B}, links1{&*B1};
    sums.chain =
        sums.chain + G::msm_vartime(coefficients, links)[0] + G::msm_vartime(t.subspan(first, n), links1)[0];
  }
  for (std::size_t k = 0; k < x.width; ++k) {
    std::vector<Points> own;
    std::vector<const Points*> with_e;
    if (x.decoded_input != nullptr) {
      for (const Part part : {Part::kAlpha, Part::kBeta})
        with_e.push_back(&x.decoded_input->at(first / kPieceRows, k, part));
    } else {
      own.reserve(2);
      for (const Part part : {Part::kAlpha, Part::kBeta}) {
        auto points = decode_part<G>(x.input, x.width, k, part, first, n, ShufflePart::kInput);
        if (!points) return std::unexpected(points.error());
        with_e.push_back(&own.emplace_back(std::move(*points)));
      }
    }
    std::optional<Points> u;
    if (k == 0) {
      auto decoded = decode_part<G>(x.elements(first, n), ShufflePart::kProof, first);
      if (!decoded) return std::unexpected(decoded.error());
      with_e.push_back(&u.emplace(std::move(*decoded)));
    }
    const auto products = G::msm_vartime(e_here, with_e);
    sums.F[k] = sums.F[k] + Ciphertext<G>{products[0], products[1]};
    if (k == 0) {
      sums.A = sums.A + products[2];
      sums.C = sums.C + G::sum(*u);
    }
  }
  for (std::size_t k = 0; k < x.width; ++k) {
    auto alpha = decode_part<G>(x.output, x.width, k, Part::kAlpha, first, n, ShufflePart::kOutput);
    if (!alpha) return std::unexpected(alpha.error());
    auto beta = decode_part<G>(x.output, x.width, k, Part::kBeta, first, n, ShufflePart::kOutput);
    if (!beta) return std::unexpected(beta.error());
    std::vector<const Points*> with_E{&*alpha, &*beta};
    std::optional<Points> generators;
    if (k == 0) with_E.push_back(&generators.emplace(h.decoded(first, n)));
    const auto products = G::msm_vartime(E_here, with_E);
    sums.E_w[k] = sums.E_w[k] + Ciphertext<G>{products[0], products[1]};
    if (k == 0) {
      sums.E_h = sums.E_h + products[2];
      sums.C = sums.C - G::sum(*generators);
    }
    if (x.keep_output != nullptr) {
      x.keep_output->width = x.width;
      x.keep_output->parts.push_back(std::move(*alpha));
      x.keep_output->parts.push_back(std::move(*beta));
    }
  }
  return {};
}

/// The first link that does not hold, where the folded chain has not: piece by piece, folded, and the links
/// of the piece that fails. @pre all elements decode.
template <Group G>
std::size_t find_broken_link(const EncodedShuffle<G>& x, const typename G::Point& h_0,
                             const typename G::Scalar& v, std::span<const typename G::Scalar> t) {
  constexpr std::size_t kPiece = 4096;
  typename G::Point before = h_0;
  for (std::size_t first = 0; first < x.rows(); first += kPiece) {
    const std::size_t n = std::min(kPiece, x.rows() - first);
    const auto B = G::decode_batch(x.elements(x.at_B() + first, n)).value();
    const auto B1 = G::decode_batch(x.elements(x.at_B1() + first, n)).value();
    const auto k_B = decode_scalars(x, x.at_k_B() + first, n).value();
    const auto k_E = decode_scalars(x, x.at_k_E() + first, n).value();
    const ShuffleLinks<G> links{before, B, B1, k_B, k_E};
    if (!folded_chain_holds_vartime(links, v, t.subspan(first, n)))
      if (const auto i = first_broken_link_vartime(links, v)) return first + *i;
    before = B.back();
  }
  invariant(false, "a sum of true equations is true");
  return 0;
}

}  // namespace shuffle_detail

/// The equations (6.3.5) in the spec's order. @pre sizes fit, N ≥ 1. @return the first element that is no
/// group element or scalar, else the first equation that fails.
/// Variable time. Cost, a row: 3 + 4W decodes, 3 + 2W where the input is decoded already; 2 + 2W terms with
/// 128-bit scalars (e with u, w; t with B') and 2 + 2W with 253-bit ones (k_E with h, w'; one with B); 2
/// additions. Where a chain equation fails, a second pass over the chain besides. Memory: that of kPieceRows
/// rows, whatever N.
template <Group G>
std::optional<ShuffleRejection> first_failing_equation_vartime(const EncodedShuffle<G>& x,
                                                               const ShuffleGenerators<G>& h,
                                                               std::span<const typename G::Scalar> e,
                                                               const typename G::Scalar& v,
                                                               std::span<const typename G::Scalar> t) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  const std::size_t N = x.rows(), W = x.width;
  const Point& base = Point::generator();
  const auto failing = [](ShuffleEquation equation, std::size_t index = 0) {
    return ShuffleRejection{Fault::kShuffleProofInvalid, equation, index};
  };

  // What there is once in a proof.
  std::vector<Point> single;
  for (const auto& [at, n] :
       {std::pair{x.at_A1(), std::size_t{1}}, {x.at_C1(), 2 + 2 * W}, {x.at_B() + N - 1, std::size_t{1}}}) {
    const auto points = G::decode_batch(x.elements(at, n));
    if (!points)
      return ShuffleRejection{points.error().first, ShuffleEquation::kNone, at + points.error().second};
    single.insert(single.end(), points->begin(), points->end());
  }
  const Point &A1 = single[0], &C1 = single[1], &D1 = single[2], &last_B = single.back();
  const auto F1 = [&](std::size_t k) { return Ciphertext<G>{single[3 + 2 * k], single[4 + 2 * k]}; };
  std::vector<Scalar> responses;  // k_A, k_C, k_D, k_F
  for (const auto& [at, n] :
       {std::pair{x.at_k_A(), std::size_t{1}}, {x.at_k_C(), std::size_t{2}}, {x.at_k_F(), W}}) {
    const auto scalars = shuffle_detail::decode_scalars(x, at, n);
    if (!scalars) return scalars.error();
    responses.insert(responses.end(), scalars->begin(), scalars->end());
  }
  const Scalar &k_A = responses[0], &k_C = responses[1], &k_D = responses[2];
  const auto k_E0 = shuffle_detail::decode_scalars(x, x.at_k_E(), 1);
  if (!k_E0) return k_E0.error();

  shuffle_detail::StreamedSums<G> sums;
  sums.F.resize(W);
  sums.E_w.resize(W);
  std::optional<ShuffleRejection> refused;
  for_pieces(N, [&](std::size_t first, std::size_t n) {
    if (refused) return;
    if (const auto ok = shuffle_detail::add_rows(x, h, e, v, t, first, n, sums); !ok) refused = ok.error();
  });
  if (refused) return refused;

  // v·A + A' = k_A·G + Σ k_E,i·h_i
  if (G::mul_vartime(v, sums.A) + A1 != G::mul_vartime(k_A, base) + sums.E_h)
    return failing(ShuffleEquation::kA);

  // v·B_i + B'_i = k_B,i·G + k_E,i·B_(i−1), folded
  if (sums.chain != G::mul_vartime(sums.k_B, base) + G::mul_vartime(t[0] * (*k_E0)[0], h.front()))
    return failing(ShuffleEquation::kB, shuffle_detail::find_broken_link(x, h.front(), v, t));

  // v·C + C' = k_C·G
  if (G::mul_vartime(v, sums.C) + C1 != G::mul_vartime(k_C, base)) return failing(ShuffleEquation::kC);

  // v·D + D' = k_D·G  with  D = B_(N−1) − (Π e_i)·h_0
  const Scalar product =
      shuffle_detail::parallel_fold(N, [&](std::size_t i) { return e[i]; }, std::multiplies<>{});
  if (G::mul_vartime(v, last_B - G::mul_vartime(product, h.front())) + D1 != G::mul_vartime(k_D, base))
    return failing(ShuffleEquation::kD);

  // v·F_k + F'_k = −k_F,k·(G, Y) + Σ k_E,i·w'_(i,k), in both parts
  for (std::size_t k = 0; k < W; ++k) {
    const Scalar& k_F = responses[3 + k];
    if (G::mul_vartime(v, sums.F[k].alpha) + F1(k).alpha != sums.E_w[k].alpha - G::mul_vartime(k_F, base))
      return failing(ShuffleEquation::kFAlpha, k);
    if (G::mul_vartime(v, sums.F[k].beta) + F1(k).beta != sums.E_w[k].beta - G::mul_vartime(k_F, x.Y))
      return failing(ShuffleEquation::kFBeta, k);
  }
  return std::nullopt;
}

/// What round 1 binds, but for u: prover and verifier both begin with it (SPEC §6.3, Transcript). T is
/// Transcript, except in tests of what happens when it errs.
template <Group G, class T>
void append_statement(T& transcript, const ShuffleStatement<G>& st, const ShuffleGenerators<G>& generators) {
  using C = Ciphertext<G>;
  using Points = std::span<const typename G::Point>;
  transcript.append_value("Y", st.Y);
  transcript.append_u64("width", st.input.width);
  transcript.append_u64("rows", st.input.rows());
  transcript.append("generators", bytes_of(generators.tag()));
  transcript.append_points("input alpha", Points(shuffle_detail::parts(st.input, &C::alpha)));
  transcript.append_points("input beta", Points(shuffle_detail::parts(st.input, &C::beta)));
  transcript.append_points("output alpha", Points(shuffle_detail::parts(st.output, &C::alpha)));
  transcript.append_points("output beta", Points(shuffle_detail::parts(st.output, &C::beta)));
}

/// The same of encoded lists.
template <Group G, class T>
void append_statement(T& transcript, const EncodedShuffle<G>& x, const ShuffleGenerators<G>& generators) {
  constexpr std::size_t kWidth = G::Point::kWidth;
  transcript.append_value("Y", x.Y);
  transcript.append_u64("width", x.width);
  transcript.append_u64("rows", x.rows());
  transcript.append("generators", bytes_of(generators.tag()));
  transcript.append_every("input alpha", x.input, 0, kWidth, 2 * kWidth);
  transcript.append_every("input beta", x.input, kWidth, kWidth, 2 * kWidth);
  transcript.append_every("output alpha", x.output, 0, kWidth, 2 * kWidth);
  transcript.append_every("output beta", x.output, kWidth, kWidth, 2 * kWidth);
}

/// Proof of shuffle with given nonces; for prove_shuffle, and for tests that try all nonces.
/// @pre as prove_shuffle. `transcript` already holds the statement (append_statement).
template <Group G, class T>
ShuffleProof<G> prove_shuffle_with_nonces(const ShuffleStatement<G>& st, const ShuffleWitness<G>& witness,
                                          const ShuffleNonces<G>& n, T& transcript,
                                          const ShuffleGenerators<G>& h) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  using Secret = typename G::SecretScalar;
  using C = Ciphertext<G>;
  const std::size_t N = st.input.rows();
  const std::size_t W = st.input.width;
  const Point& base = Point::generator();
  const std::span<const std::uint32_t> pi = witness.permutation.expose();
  // Commitments are published: each hides what it commits to under a uniform nonce used only here.
  ShuffleProof<G> p;

  // u_i = r_π(i)·G + h_π(i), computed in the order of h; A' needs the decoded h too.
  p.u.resize(N);
  p.A1 = G::mul_base(n.alpha);
  {
    std::vector<Point> committed;
    committed.reserve(N);
    for_pieces(N, [&](std::size_t first, std::size_t rows) {
      const auto generators = h.decoded(first, rows);
      const std::array scalars{std::span<const Secret>(n.r).subspan(first, rows)};
      const auto some = G::mul_bases(scalars, {&base, 1}, &generators);
      committed.insert(committed.end(), some.begin(), some.end());
      p.A1 = p.A1 + G::secret_msm(std::span<const Secret>(n.epsilon).subspan(first, rows), generators);
    });
    for (std::size_t i = 0; i < N; ++i) p.u[i] = committed[pi[i]];
    p.u = published(std::move(p.u));
    p.A1 = published(p.A1);
  }
  transcript.append_points("u", std::span<const Point>(p.u));
  const std::vector<Scalar> e = transcript.template challenge_vector<G>("e", N);

  // e'_π(i) = e_i, secret because their order is π.
  std::vector<Secret> e1(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) { e1[pi[i]] = Secret::of(e[i]); });

  // The chain without its sequence: with d_i = d_(i−1)·e'_i + b_i and p_i = p_(i−1)·e'_i, d_(−1) = 0 and
  // p_(−1) = 1,  B_i = d_i·G + p_i·h_0  and  B'_i = (β_i + ε_i·d_(i−1))·G + ε_i·p_(i−1)·h_0.
  const auto [d, product] = shuffle_detail::shuffle_chain<G>(e1, n.b);
  std::vector<Secret> d1G(N), p1h(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) {
    d1G[i] = i == 0 ? n.beta[i].clone() : n.beta[i] + n.epsilon[i] * d[i - 1];
    p1h[i] = i == 0 ? n.epsilon[i].clone() : n.epsilon[i] * product[i - 1];
  });
  p.B = published(shuffle_detail::commit_batch<G>(d, base, product, h.front()));
  p.B1 = published(shuffle_detail::commit_batch<G>(d1G, base, p1h, h.front()));

  p.C1 = published(G::mul_base(n.gamma));
  p.D1 = published(G::mul_base(n.delta));
  for (std::size_t k = 0; k < W; ++k) {
    const auto part = [&](Point C::* which, const Point& P) {
      return shuffle_detail::secret_sum<G>(n.epsilon, shuffle_detail::column(st.output, k, which)) -
             n.phi[k] * P;
    };
    p.F1.push_back(published(C{part(&C::alpha, base), part(&C::beta, st.Y)}));
  }
  shuffle_detail::append_commitments(transcript, p);
  const Scalar v = transcript.template challenge_scalar<G>("v");

  const auto sum = [&](auto&& term) { return shuffle_detail::parallel_fold(N, term, std::plus<>{}); };
  const Secret a = sum([&](std::size_t i) { return n.r[i] * e1[i]; });
  const Secret c = sum([&](std::size_t i) { return n.r[i].clone(); });
  // Responses are published: each holds its value under a uniform nonce used only here.
  const auto respond = [&](const Secret& value, const Secret& nonce) {
    return declassify(value * v + nonce);
  };
  p.k_A = respond(a, n.alpha);
  p.k_C = respond(c, n.gamma);
  p.k_D = respond(d[N - 1], n.delta);
  p.k_B.resize(N);
  p.k_E.resize(N);
  parallel_for(N, shuffle_detail::kScalarPiece, [&](std::size_t i) {
    p.k_B[i] = respond(n.b[i], n.beta[i]);
    p.k_E[i] = respond(e1[i], n.epsilon[i]);
  });
  for (std::size_t k = 0; k < W; ++k) {
    const Secret f = sum([&](std::size_t i) { return witness.s[i * W + k] * e[i]; });
    p.k_F.push_back(respond(f, n.phi[k]));
  }
  return p;
}

/// Proves `st` (SPEC §6.3). `transcript` was made for label kShuffleLabel and holds what names the group.
/// @pre the lists and the witness are those of `shuffle`; at least N generators.
/// Constant time but for the memory accesses of π. Does not verify itself.
/// Cost, a row: 2W decodes, 3 multiplications of G, 2 of h_0, 1 + 2W terms of constant-time sums, 3
/// additions.
template <Group G, class T>
[[nodiscard]] ShuffleProof<G> prove_shuffle(const ShuffleStatement<G>& st, const ShuffleWitness<G>& witness,
                                            T& transcript, const ShuffleGenerators<G>& generators, Rng& rng) {
  const std::size_t N = st.input.rows();
  const std::size_t W = st.input.width;
  invariant(st.output.items.size() == N * W && witness.permutation.size() == N && witness.s.size() == N * W,
            "statement and witness come from one call of shuffle");
  append_statement(transcript, st, generators);
  if (N == 0) return {};
  const SecretBytes<64> seed = transcript.hedged_seed("shuffle nonces", witness.hedge.expose(), rng);
  return prove_shuffle_with_nonces(st, witness, ShuffleNonces<G>::expand(seed, N, W), transcript, generators);
}

/// True statement: somebody who knows π and s made this proof for exactly these lists in this context (SPEC
/// §6.3, soundness error below 2^-100 while nobody knows a discrete logarithm among G and the generators).
/// `transcript` as for prove_shuffle.
/// @return in this order: kProofEncoding where lists differ in shape; kProofParse for a proof of another
/// length; kPointIdentity for Y; kCrsDegenerate; kShuffleDegenerate for an identity commitment or a zero or
/// repeated e_i; kPointNoncanonical, kPointInvalid or kScalarNoncanonical for an element of proof or lists
/// that is none; kShuffleProofInvalid with the first equation that fails; kMixOffsetReused with the output
/// row where width > 1 and two columns have one offset; nothing else.
/// Variable time: all inputs are public. Cost and memory: first_failing_equation_vartime, two sorts of N, and
/// 64 bytes a row for challenges; with width > 1 also find_reused_offset_vartime, and both lists.
template <Group G, class T>
[[nodiscard]] Result<void, ShuffleRejection> verify_shuffle_vartime(const EncodedShuffle<G>& x, T& transcript,
                                                                    const ShuffleGenerators<G>& generators) {
  constexpr std::size_t kWidth = G::Point::kWidth;
  const auto refuse = [](Fault fault) { return std::unexpected(ShuffleRejection{fault}); };
  if (x.width < 1 || x.input.size() % (2 * kWidth * x.width) != 0 || x.output.size() != x.input.size())
    return refuse(Fault::kProofEncoding);
  const std::size_t N = x.rows();
  if (x.proof.size() != shuffle_proof_elements(N, x.width) * kWidth) return refuse(Fault::kProofParse);
  if (x.Y.is_identity()) return refuse(Fault::kPointIdentity);
  if (const auto ok = check_generators<G>(generators.all(), N, x.Y); !ok) return refuse(ok.error());
  append_statement(transcript, x, generators);
  if (N == 0) return {};
  if (find_identity<G>(x.elements(0, x.at_k_A()))) return refuse(Fault::kShuffleDegenerate);

  transcript.append("u", x.elements(0, N));
  const auto e = transcript.template challenge_vector<G>("e", N);
  if (shuffle_detail::has_zero_or_repeated<G>(e)) return refuse(Fault::kShuffleDegenerate);
  transcript.append("B", x.elements(x.at_B(), N));
  transcript.append("A'", x.elements(x.at_A1(), 1));
  transcript.append("B'", x.elements(x.at_B1(), N));
  transcript.append("C'", x.elements(x.at_C1(), 1));
  transcript.append("D'", x.elements(x.at_D1(), 1));
  transcript.append("F'", x.elements(x.at_F1(), 2 * x.width));
  const auto v = transcript.template challenge_scalar<G>("v");
  transcript.append("k_A", x.elements(x.at_k_A(), 1));
  transcript.append("k_B", x.elements(x.at_k_B(), N));
  transcript.append("k_C", x.elements(x.at_k_C(), 1));
  transcript.append("k_D", x.elements(x.at_k_D(), 1));
  transcript.append("k_E", x.elements(x.at_k_E(), N));
  transcript.append("k_F", x.elements(x.at_k_F(), x.width));
  const auto t = transcript.template challenge_vector<G>("t", N);

  const auto failing = first_failing_equation_vartime<G>(x, generators, e, v, t);
  if (failing) return std::unexpected(*failing);
  if (const auto row = find_reused_offset_vartime<G>(x.input, x.output, x.width))
    return std::unexpected(ShuffleRejection{Fault::kMixOffsetReused, ShuffleEquation::kNone, *row});
  return {};
}

/// u, B, A', B', C', D', F', k_A, k_B, k_C, k_D, k_E, k_F one after the other; no bytes for N = 0.
template <Group G>
Bytes encode_proof(const ShuffleProof<G>& p) {
  Bytes out;
  if (p.u.empty()) return out;
  out.reserve(shuffle_proof_elements(p.u.size(), p.F1.size()) * G::Point::kWidth);
  const auto put = [&](const auto& element) { append(out, element.encode()); };
  const auto put_all = [&](const auto& elements) {
    for (const auto& x : elements) append(out, x.encode());
  };
  put_all(p.u);
  put_all(p.B);
  put(p.A1);
  put_all(p.B1);
  put(p.C1);
  put(p.D1);
  put_all(shuffle_detail::flat<G>(p.F1));
  put(p.k_A);
  put_all(p.k_B);
  put(p.k_C);
  put(p.k_D);
  put_all(p.k_E);
  put_all(p.k_F);
  return out;
}

/// Reads exactly the proof of a statement over N rows of W columns, which the caller knows: the bytes say
/// nothing of sizes or parameters (A117). encode_proof(decode_proof(b)) == b.
/// @return kProofParse for another length; the fault of Point::decode or Scalar::decode with the number of
/// the first bad element. Allocates only after the length is found right.
template <Group G>
[[nodiscard]] Result<ShuffleProof<G>, ShuffleRejection> decode_proof(ByteView bytes, std::uint64_t N,
                                                                     std::uint64_t W) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  static_assert(Point::kWidth == Scalar::kWidth);
  constexpr std::size_t kWidth = Point::kWidth;
  const auto refuse = [](Fault fault, std::uint64_t element) {
    return std::unexpected(ShuffleRejection{fault, ShuffleEquation::kNone, element});
  };
  // The bounds come first, so that the count cannot overflow.
  if (W < 1 || N > bytes.size() || (N > 0 && W > bytes.size()) ||
      bytes.size() != shuffle_proof_elements(N, W) * kWidth)
    return refuse(Fault::kProofParse, 0);
  if (N == 0) return ShuffleProof<G>{};

  const std::size_t n_points = 3 * N + 3 + 2 * W;
  const auto points = G::decode_batch(bytes.first(n_points * kWidth));
  if (!points) return refuse(points.error().first, points.error().second);
  std::vector<Scalar> scalars(2 * N + 3 + W);
  for (std::size_t j = 0; j < scalars.size(); ++j) {
    const auto scalar = Scalar::decode(bytes.subspan((n_points + j) * kWidth, kWidth));
    if (!scalar) return refuse(scalar.error(), n_points + j);
    scalars[j] = *scalar;
  }

  ShuffleProof<G> p;
  auto point = points->begin();
  auto scalar = scalars.cbegin();
  const auto take = [](auto& from, std::uint64_t n, auto& to) {
    to.assign(from, from + static_cast<std::ptrdiff_t>(n));
    from += static_cast<std::ptrdiff_t>(n);
  };
  take(point, N, p.u);
  take(point, N, p.B);
  p.A1 = *point++;
  take(point, N, p.B1);
  p.C1 = *point++;
  p.D1 = *point++;
  for (std::uint64_t k = 0; k < W; ++k, point += 2) p.F1.push_back({point[0], point[1]});
  p.k_A = *scalar++;
  take(scalar, N, p.k_B);
  p.k_C = *scalar++;
  p.k_D = *scalar++;
  take(scalar, N, p.k_E);
  take(scalar, W, p.k_F);
  return p;
}

// The same of lists and proofs that are values already.

template <Group G>
std::optional<ShuffleRejection> first_failing_equation_vartime(const ShuffleStatement<G>& st,
                                                               const ShuffleProof<G>& p,
                                                               const ShuffleGenerators<G>& h,
                                                               std::span<const typename G::Scalar> e,
                                                               const typename G::Scalar& v,
                                                               std::span<const typename G::Scalar> t) {
  const Bytes input = encode_list(st.input), output = encode_list(st.output), proof = encode_proof(p);
  return first_failing_equation_vartime<G>(EncodedShuffle<G>{st.Y, st.input.width, input, output, proof}, h,
                                           e, v, t);
}

/// @return kProofEncoding besides, for a proof whose vectors have not the lengths of the statement.
template <Group G, class T>
[[nodiscard]] Result<void, ShuffleRejection> verify_shuffle_vartime(const ShuffleStatement<G>& st,
                                                                    const ShuffleProof<G>& p, T& transcript,
                                                                    const ShuffleGenerators<G>& generators) {
  if (!shuffle_detail::has_shape(st, p)) return std::unexpected(ShuffleRejection{Fault::kProofEncoding});
  const Bytes input = encode_list(st.input), output = encode_list(st.output), proof = encode_proof(p);
  return verify_shuffle_vartime(EncodedShuffle<G>{st.Y, st.input.width, input, output, proof}, transcript,
                                generators);
}

}  // namespace psephos
