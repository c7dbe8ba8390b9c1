#pragma once
#include <sodium.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "crypto/proof/choice_table.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/declassify.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/secret/value_barrier.h"
#include "crypto/transcript.h"

namespace psephos {

/// Label of the ProofContext of a proof that a ciphertext encrypts one of many points (SPEC §6.1).
inline constexpr std::string_view kOneOfManyLabel = "one-of-many/v1";
/// Label of the transcript from which a batch verifier draws its weights.
inline constexpr std::string_view kOneOfManyBatchLabel = "one-of-many-batch/v1";

/// Number of elements of an encoded proof: 4 + 2m points, 3m + 3 scalars.
constexpr std::size_t one_of_many_elements(std::size_t n) {
  return 5 * digits_for(n) + 7;
}

/// "(alpha, beta) encrypts an entry of T under Y, and the prover knows with which randomness": she knows l
/// and r with alpha = r·G, beta − T_l = r·Y. Refers to the table, which must outlive it.
template <Group G>
struct OneOfManyStatement {
  typename G::Point Y;
  typename G::Point alpha;
  typename G::Point beta;
  const ChoiceTable<G>& T;
};

/// Proof of a OneOfManyStatement, which is a proof of knowledge of r as well. Letters, equations and
/// encoding: SPEC §6.1. Source: Groth & Kohlweiss, EUROCRYPT 2015, in the form for ElGamal and vector
/// commitments of Bootle, Cerulli, Chaidos, Ghadafi, Groth & Petit, ESORICS 2015 (theirs: x for c, G_k for
/// E_k). Transcript, in order: the caller's context, choices, table, generators, Y, alpha, beta, A, B, C, D,
/// E → c. Soundness error max(m, 2)/q while nobody knows a relation among the generators.
template <Group G>
struct OneOfManyProof {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  Point A;                       ///< r_A·H + Σ a_(j,i)·H_(j,i)
  Point B;                       ///< r_B·H + Σ δ_(j,i)·H_(j,i):  the digits of l
  Point C;                       ///< r_C·H + Σ a_(j,i)·(1 − 2δ_(j,i))·H_(j,i)
  Point D;                       ///< r_D·H − Σ a_(j,i)²·H_(j,i)
  std::vector<Ciphertext<G>> E;  ///< (ρ_k·G, ρ_k·Y − Σ_i p_(i,k)·T_i),  k = 0 … m−1
  std::vector<Scalar> f;         ///< f_(j,i) = δ_(j,i)·c + a_(j,i) at 3j + i − 1, for i = 1, 2, 3
  Scalar z_A;                    ///< r_B·c + r_A
  Scalar z_C;                    ///< r_C·c + r_D
  Scalar z;                      ///< r·c^m − Σ ρ_k·c^k
  friend bool operator==(const OneOfManyProof&, const OneOfManyProof&) = default;

  /// A ‖ B ‖ C ‖ D ‖ E_0.alpha ‖ E_0.beta ‖ … ‖ f ‖ z_A ‖ z_C ‖ z. As many bytes whatever was chosen.
  Bytes encode() const {
    Bytes out;
    for (const Point* p : {&A, &B, &C, &D}) append(out, p->encode());
    for (const Ciphertext<G>& e : E) append(out, e.encode());
    for (const Scalar& x : f) append(out, x.encode());
    for (const Scalar* x : {&z_A, &z_C, &z}) append(out, x->encode());
    return out;
  }
  /// Accepts exactly what encode gives for a table of n entries, without an identity among the points.
  /// @return in this order: kProofEncoding for another length; kPointNoncanonical or kPointInvalid;
  /// kPointIdentity; kScalarNoncanonical. Cost: decodes 4 + 2m points.
  static Result<OneOfManyProof, Fault> decode(ByteView bytes, std::size_t n) {
    static_assert(Point::kWidth == Scalar::kWidth);
    constexpr std::size_t kWidth = Point::kWidth;
    const std::size_t m = digits_for(n);
    if (bytes.size() != one_of_many_elements(n) * kWidth) return std::unexpected(Fault::kProofEncoding);
    const auto points = G::decode_batch(bytes.first((4 + 2 * m) * kWidth));
    if (!points) return std::unexpected(points.error().first);
    if (std::ranges::any_of(*points, [](const Point& p) { return p.is_identity(); }))
      return std::unexpected(Fault::kPointIdentity);
    std::vector<Scalar> scalars;
    for (std::size_t at = points->size() * kWidth; at < bytes.size(); at += kWidth) {
      const auto scalar = Scalar::decode(bytes.subspan(at, kWidth));
      if (!scalar) return std::unexpected(scalar.error());
      scalars.push_back(*scalar);
    }
    OneOfManyProof out{(*points)[0], (*points)[1], (*points)[2], (*points)[3], {}, {}, {}, {}, {}};
    for (std::size_t k = 0; k < m; ++k) out.E.push_back({(*points)[4 + 2 * k], (*points)[5 + 2 * k]});
    out.z = scalars.back(), scalars.pop_back();
    out.z_C = scalars.back(), scalars.pop_back();
    out.z_A = scalars.back(), scalars.pop_back();
    out.f = std::move(scalars);
    return out;
  }
};

/// Which equation of (6.1.4) fails.
enum class OneOfManyEquation : std::uint8_t { kNone, kDigits, kBits, kAlpha, kBeta };

struct OneOfManyRejection {
  Fault fault;
  OneOfManyEquation equation = OneOfManyEquation::kNone;  ///< with kOneOfManyInvalid
  friend bool operator==(const OneOfManyRejection&, const OneOfManyRejection&) = default;
};

/// "equation beta", for reports; empty for none.
inline std::string_view describe(OneOfManyEquation equation) {
  switch (equation) {
    case OneOfManyEquation::kNone:
      return "";
    case OneOfManyEquation::kDigits:
      return "equation digits";
    case OneOfManyEquation::kBits:
      return "equation bits";
    case OneOfManyEquation::kAlpha:
      return "equation alpha";
    case OneOfManyEquation::kBeta:
      return "equation beta";
  }
  return "";
}

/// The prover's one-time secrets (SPEC §6.1, Nonces).
template <Group G>
struct OneOfManyNonces {
  using Secret = typename G::SecretScalar;
  Secret r_A, r_B, r_C, r_D;
  std::vector<Secret> a;    ///< a_(j,i) at 3j + i − 1, for i = 1, 2, 3
  std::vector<Secret> rho;  ///< ρ_k, k = 0 … m−1

  /// Nonce i of kind j is SHA-512(seed ‖ u64(j) ‖ u64(i)) reduced.
  static OneOfManyNonces expand(const SecretBytes<64>& seed, std::size_t m) {
    const auto one = [&](std::uint64_t kind, std::uint64_t i) {
      Sha512 hash;
      Digest512 digest = hash.update(seed.expose()).update(u64be(kind)).update(u64be(i)).finish();
      Secret out = Secret::from_wide(digest);
      sodium_memzero(digest.data(), digest.size());
      sodium_memzero(&hash, sizeof hash);
      return out;
    };
    const auto many = [&](std::uint64_t kind, std::size_t n) {
      std::vector<Secret> out;
      out.reserve(n);
      for (std::size_t i = 0; i < n; ++i) out.push_back(one(kind, i));
      return out;
    };
    return {one(1, 0), one(2, 0), one(3, 0), one(4, 0), many(5, (kDigitBase - 1) * m), many(6, m)};
  }
};

namespace one_of_many_detail {

/// 1 if a equals b, else 0, without a branch.
constexpr std::uint8_t equals(std::size_t a, std::size_t b) {
  const std::size_t difference = a ^ b;
  return static_cast<std::uint8_t>(
      value_barrier(1U ^ ((difference | (0 - difference)) >> (sizeof(std::size_t) * 8 - 1))));
}

/// out[k] = Σ_i secrets[i·K + k]·bases[i] for k = 0 … K−1, constant time.
template <Group G>
std::vector<typename G::Point> secret_sums(std::span<const typename G::SecretScalar> secrets,
                                           std::span<const typename G::Point> bases, std::size_t K) {
  const auto decoded = G::points_of(bases);
  std::vector<typename G::Point> out;
  for (std::size_t k = 0; k < K; ++k) {
    std::vector<typename G::SecretScalar> column;
    column.reserve(bases.size());
    for (std::size_t i = 0; i < bases.size(); ++i) column.push_back(secrets[i * K + k].clone());
    out.push_back(G::secret_msm(column, decoded));
  }
  return out;
}

/// The secret digits of l: δ_(j,i) at 4j + i. Neither branches nor indices depend on l.
template <Group G>
std::vector<typename G::SecretScalar> digit_vectors(std::size_t l, std::size_t m) {
  std::vector<typename G::SecretScalar> delta;
  delta.reserve(kDigitBase * m);
  for (std::size_t j = 0; j < m; ++j, l /= kDigitBase)
    for (std::size_t i = 0; i < kDigitBase; ++i) {
      ByteArray<1> bit{equals(l % kDigitBase, i)};
      delta.push_back(G::SecretScalar::from_wide(bit));
      sodium_memzero(bit.data(), bit.size());
    }
  return delta;
}

/// p_(i,k) at i·m + k, the coefficients below X^m of  p_i(X) = Π_j (δ_(j,i_j)·X + a_(j,i_j))  for the entries
/// of a table of n; the last entry has the sum of its own and all padded ones. The sum over all indices is
/// X^m, so that is minus the sum of those before it. Constant time in δ and a.
template <Group G>
std::vector<typename G::SecretScalar> digit_polynomials(std::span<const typename G::SecretScalar> delta,
                                                        std::span<const typename G::SecretScalar> a,
                                                        std::size_t n, std::size_t m) {
  using Secret = typename G::SecretScalar;
  // From the most significant digit on: `products` holds, for each prefix that occurs, its polynomial, which
  // has m − j + 1 coefficients after digit j.
  std::vector<Secret> products;
  products.push_back(Secret::of(G::Scalar::from_u64(1)));
  std::size_t step = 1;
  for (std::size_t j = 1; j < m; ++j) step *= kDigitBase;
  for (std::size_t j = m, length = 1; j-- > 0; ++length, step /= kDigitBase) {
    const std::size_t prefixes = (n + step - 1) / step;
    std::vector<Secret> next(prefixes * (length + 1));
    for (std::size_t i = 0; i < prefixes; ++i) {
      const std::size_t digit = kDigitBase * j + i % kDigitBase;
      const Secret* shorter = &products[i / kDigitBase * length];
      Secret* longer = &next[i * (length + 1)];
      for (std::size_t k = 0; k < length; ++k) {
        longer[k] = longer[k] + shorter[k] * a[digit];
        longer[k + 1] = shorter[k] * delta[digit];
      }
    }
    products = std::move(next);
  }
  std::vector<Secret> out(n * m);
  for (std::size_t i = 0; i + 1 < n; ++i)
    for (std::size_t k = 0; k < m; ++k) {
      Secret& last = out[(n - 1) * m + k];
      out[i * m + k] = std::move(products[i * (m + 1) + k]);
      last = last - out[i * m + k];
    }
  return out;
}

/// All f_(j,i), those for i = 0 included:  f_(j,0) = c − f_(j,1) − f_(j,2) − f_(j,3).
template <Group G>
std::vector<typename G::Scalar> all_digits(std::span<const typename G::Scalar> f,
                                           const typename G::Scalar& c) {
  std::vector<typename G::Scalar> out;
  out.reserve(f.size() / 3 * kDigitBase);
  for (std::size_t j = 0; j < f.size(); j += kDigitBase - 1) {
    out.push_back(c - f[j] - f[j + 1] - f[j + 2]);
    out.insert(out.end(), &f[j], &f[j] + 3);
  }
  return out;
}

/// w·p_i(c) for the entries of a table of n, the last with all padded ones, from the f_(j,i) at 4j + i.
template <Group G>
std::vector<typename G::Scalar> digit_products(std::span<const typename G::Scalar> f,
                                               const typename G::Scalar& w, const typename G::Scalar& c,
                                               std::size_t n) {
  using Scalar = typename G::Scalar;
  const std::size_t m = f.size() / kDigitBase;
  std::vector<Scalar> products{w};
  Scalar last = w;
  std::size_t step = 1;
  for (std::size_t j = 1; j < m; ++j) step *= kDigitBase;
  for (std::size_t j = m; j-- > 0; step /= kDigitBase) {
    std::vector<Scalar> next((n + step - 1) / step);
    for (std::size_t i = 0; i < next.size(); ++i)
      next[i] = products[i / kDigitBase] * f[kDigitBase * j + i % kDigitBase];
    products = std::move(next);
    last = last * c;
  }
  for (std::size_t i = 0; i + 1 < n; ++i) last = last - products[i];
  products[n - 1] = last;
  return products;
}

/// 1, c, … c^m.
template <Group G>
std::vector<typename G::Scalar> powers(const typename G::Scalar& c, std::size_t m) {
  std::vector<typename G::Scalar> out{G::Scalar::from_u64(1)};
  for (std::size_t k = 0; k < m; ++k) out.push_back(out.back() * c);
  return out;
}

template <Group G, class T>
void append_commitments(T& transcript, const OneOfManyProof<G>& p) {
  transcript.append_value("A", p.A);
  transcript.append_value("B", p.B);
  transcript.append_value("C", p.C);
  transcript.append_value("D", p.D);
  transcript.append_points("E", std::span<const Ciphertext<G>>(p.E));
}

/// What the weights of a batch bind besides: so they depend on every byte of the proof.
template <Group G, class T>
void append_responses(T& transcript, const OneOfManyProof<G>& p) {
  transcript.append_points("f", std::span<const typename G::Scalar>(p.f));
  transcript.append_value("z_A", p.z_A);
  transcript.append_value("z_C", p.z_C);
  transcript.append_value("z", p.z);
}

/// What is refused before any computation.
template <Group G>
std::optional<OneOfManyRejection> refuse_early(const OneOfManyStatement<G>& st, const OneOfManyProof<G>& p) {
  const std::size_t m = st.T.digits();
  if (p.E.size() != m || p.f.size() != (kDigitBase - 1) * m) return OneOfManyRejection{Fault::kProofEncoding};
  if (st.Y.is_identity() || st.alpha.is_identity()) return OneOfManyRejection{Fault::kPointIdentity};
  return std::nullopt;
}

}  // namespace one_of_many_detail

/// What a challenge binds besides the caller's context and the commitments: prover and verifier both begin
/// with it. T is Transcript, except in tests of what happens when it errs.
template <Group G, class T>
void append_statement(T& transcript, const OneOfManyStatement<G>& st, const DigitGenerators<G>& generators) {
  transcript.append_u64("choices", st.T.size());
  transcript.append("table", st.T.hash());
  transcript.append("generators", bytes_of(generators.tag()));
  transcript.append_value("Y", st.Y);
  transcript.append_value("alpha", st.alpha);
  transcript.append_value("beta", st.beta);
}

/// The proof with given nonces; for prove_one_of_many, and for tests that try all nonces: used twice they
/// reveal l and r. @pre as prove_one_of_many. `transcript` already holds the statement (append_statement).
template <Group G, class T>
OneOfManyProof<G> prove_one_of_many_with_nonces(const OneOfManyStatement<G>& st, std::size_t l,
                                                const typename G::SecretScalar& r,
                                                const OneOfManyNonces<G>& nonces, T& transcript,
                                                const DigitGenerators<G>& generators) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  using Secret = typename G::SecretScalar;
  const std::size_t m = st.T.digits();
  const std::vector<Secret> delta = one_of_many_detail::digit_vectors<G>(l, m);
  std::vector<Secret> a(kDigitBase * m);
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t i = 1; i < kDigitBase; ++i) {
      a[kDigitBase * j + i] = nonces.a[3 * j + i - 1].clone();
      a[kDigitBase * j] = a[kDigitBase * j] - a[kDigitBase * j + i];  // so that each digit's sum is zero
    }

  // A, B, C, D share their bases: a row of four scalars for H and for each H_(j,i).
  std::vector<Secret> rows;
  rows.reserve(4 * (1 + kDigitBase * m));
  for (const Secret* x : {&nonces.r_A, &nonces.r_B, &nonces.r_C, &nonces.r_D}) rows.push_back(x->clone());
  for (std::size_t i = 0; i < kDigitBase * m; ++i) {
    const Secret product = a[i] * delta[i];
    rows.push_back(a[i].clone());
    rows.push_back(delta[i].clone());
    rows.push_back(a[i] - product - product);
    rows.push_back(Secret() - a[i] * a[i]);
  }
  std::vector<Point> bases{generators.H()};
  bases.insert(bases.end(), generators.digits(m).begin(), generators.digits(m).end());
  // Commitments are published: each hides what it commits to under a uniform nonce used only here.
  const std::vector<Point> ABCD = published(one_of_many_detail::secret_sums<G>(rows, bases, 4));

  OneOfManyProof<G> p{ABCD[0], ABCD[1], ABCD[2], ABCD[3], {}, {}, {}, {}, {}};
  const std::vector<Secret> coefficients = one_of_many_detail::digit_polynomials<G>(delta, a, st.T.size(), m);
  const std::vector<Point> sums = one_of_many_detail::secret_sums<G>(coefficients, st.T.points(), m);
  const std::vector<Point> rho_G = G::mul_batch(nonces.rho, Point::generator());
  const std::vector<Point> rho_Y = G::mul_batch(nonces.rho, st.Y);
  for (std::size_t k = 0; k < m; ++k) p.E.push_back(published(Ciphertext<G>{rho_G[k], rho_Y[k] - sums[k]}));

  one_of_many_detail::append_commitments(transcript, p);
  const Scalar c = transcript.template challenge_scalar<G>("c");
  const std::vector<Scalar> c_to = one_of_many_detail::powers<G>(c, m);

  // Responses are published: each holds its value under a uniform nonce used only here.
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t i = 1; i < kDigitBase; ++i)
      p.f.push_back(declassify(delta[kDigitBase * j + i] * c + a[kDigitBase * j + i]));
  p.z_A = declassify(nonces.r_B * c + nonces.r_A);
  p.z_C = declassify(nonces.r_C * c + nonces.r_D);
  Secret z = r * c_to[m];
  for (std::size_t k = 0; k < m; ++k) z = z - nonces.rho[k] * c_to[k];
  p.z = declassify(z);
  return p;
}

/// Proves `st` (SPEC §6.1). `transcript` was made for label kOneOfManyLabel and holds the caller's context.
/// @pre l < st.T.size(), alpha = r·G and beta = T_l + r·Y; otherwise the proof does not verify.
/// Constant time in l and r: reads every entry, the same work for each. The nonces are hedged (A18).
/// Cost: 1 + 4m + n decodes; m terms of constant-time sums for each T_i, 4 for each of 1 + 4m generators; m
/// multiplications of G and m of Y.
template <Group G, class T>
[[nodiscard]] OneOfManyProof<G> prove_one_of_many(const OneOfManyStatement<G>& st, std::size_t l,
                                                  const typename G::SecretScalar& r, T& transcript,
                                                  const DigitGenerators<G>& generators, Rng& rng) {
  append_statement(transcript, st, generators);
  const SecretBytes<64> seed = transcript.hedged_seed("one of many", r.seal_bytes().expose(), rng);
  return prove_one_of_many_with_nonces(st, l, r, OneOfManyNonces<G>::expand(seed, st.T.digits()), transcript,
                                       generators);
}

/// The equations (6.1.4) in the spec's order, for a challenge c. Algebra only: whoever wants a verdict calls
/// verify_one_of_many_vartime. @pre the proof has the statement's shape. @return the first that fails, or
/// kNone. Variable time.
template <Group G>
OneOfManyEquation first_failing_equation_vartime(const OneOfManyStatement<G>& st, const OneOfManyProof<G>& p,
                                                 const typename G::Scalar& c,
                                                 const DigitGenerators<G>& generators) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  const std::size_t m = st.T.digits();
  const std::vector<Scalar> f = one_of_many_detail::all_digits<G>(p.f, c);
  const std::span<const Point> H = generators.digits(m);

  // c·B + A = z_A·H + Σ f_(j,i)·H_(j,i)
  const auto commitment_holds = [&](const Point& one, const Point& other, const Scalar& z,
                                    std::span<const Scalar> values) {
    return G::mul_vartime(c, one) + other == G::mul_vartime(z, generators.H()) + G::msm_vartime(values, H);
  };
  if (!commitment_holds(p.B, p.A, p.z_A, f)) return OneOfManyEquation::kDigits;
  // c·C + D = z_C·H + Σ f_(j,i)·(c − f_(j,i))·H_(j,i)
  std::vector<Scalar> products;
  for (const Scalar& x : f) products.push_back(x * (c - x));
  if (!commitment_holds(p.C, p.D, p.z_C, products)) return OneOfManyEquation::kBits;

  // c^m·alpha − Σ c^k·E_k.alpha = z·G
  const std::vector<Scalar> c_to = one_of_many_detail::powers<G>(c, m);
  const std::span<const Scalar> below(c_to.data(), m);
  std::vector<Point> E_alpha, E_beta;
  for (const Ciphertext<G>& e : p.E) {
    E_alpha.push_back(e.alpha);
    E_beta.push_back(e.beta);
  }
  if (G::mul_vartime(c_to[m], st.alpha) - G::msm_vartime(below, E_alpha) != G::mul_base_vartime(p.z))
    return OneOfManyEquation::kAlpha;
  // c^m·beta − Σ p_i(c)·T_i − Σ c^k·E_k.beta = z·Y
  const std::vector<Scalar> p_i =
      one_of_many_detail::digit_products<G>(f, G::Scalar::from_u64(1), c, st.T.size());
  if (G::mul_vartime(c_to[m], st.beta) - G::msm_vartime(p_i, st.T.points()) - G::msm_vartime(below, E_beta) !=
      G::mul_vartime(p.z, st.Y))
    return OneOfManyEquation::kBeta;
  return OneOfManyEquation::kNone;
}

/// True statement: somebody who knows l and r made `p` for exactly this statement in this context.
/// `transcript` as for prove_one_of_many.
/// @return in this order: kProofEncoding where the proof has another shape; kPointIdentity for Y or alpha;
/// kOneOfManyInvalid with the first equation that fails; nothing else.
/// Variable time: all inputs are public. Cost: n + 11m + 8 multiplications.
template <Group G, class T>
[[nodiscard]] Result<void, OneOfManyRejection> verify_one_of_many_vartime(
    const OneOfManyStatement<G>& st, const OneOfManyProof<G>& p, T& transcript,
    const DigitGenerators<G>& generators) {
  if (const auto early = one_of_many_detail::refuse_early(st, p)) return std::unexpected(*early);
  append_statement(transcript, st, generators);
  one_of_many_detail::append_commitments(transcript, p);
  const auto c = transcript.template challenge_scalar<G>("c");
  const OneOfManyEquation failing = first_failing_equation_vartime(st, p, c, generators);
  if (failing != OneOfManyEquation::kNone)
    return std::unexpected(OneOfManyRejection{Fault::kOneOfManyInvalid, failing});
  return {};
}

/// One of the proofs of a batch: statement, proof, and the transcript with the caller's context.
template <Group G>
struct OneOfManyClaim {
  OneOfManyStatement<G> statement;
  OneOfManyProof<G> proof;
  Transcript transcript;
};

namespace one_of_many_detail {

/// The folded check over a batch. Weights are fixed before any sum is made, so that a part of the batch is
/// checked with the same ones.
template <Group G>
class Batch {
 public:
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;

  Batch(std::span<const OneOfManyClaim<G>> claims, Transcript& transcript,
        const DigitGenerators<G>& generators)
      : claims_(claims), generators_(generators), outcomes_(claims.size()), c_(claims.size()) {
    std::vector<Digest512> whole(claims.size());
    parallel_for(claims.size(), kPiece, [&](std::size_t i) {
      const OneOfManyClaim<G>& claim = claims[i];
      Transcript own = claim.transcript;
      outcomes_[i] = refuse_early(claim.statement, claim.proof);
      if (outcomes_[i]) return;
      append_statement(own, claim.statement, generators);
      append_commitments(own, claim.proof);
      c_[i] = own.challenge_scalar<G>("c");
      append_responses(own, claim.proof);
      whole[i] = own.challenge_bytes("whole");
    });
    for (std::size_t i = 0; i < claims.size(); ++i) {
      transcript.append("whole", whole[i]);
      if (!outcomes_[i]) live_.push_back(i);
    }
    weights_ = transcript.challenge_vector<G>("weights", 4 * claims.size());
    for (const std::size_t i : live_)
      invariant(claims[i].statement.Y == claims[live_[0]].statement.Y, "one key a batch");
  }

  std::vector<std::optional<OneOfManyRejection>> outcomes() && {
    if (!live_.empty()) judge(0, live_.size(), sum_vartime(0, live_.size()));
    return std::move(outcomes_);
  }

 private:
  static constexpr std::size_t kPiece = 32;

  /// The live claims begin … end − 1, whose terms add up to `sum`: they hold, or are split until it is known
  /// which do not. A half's sum is the whole's less the other half's.
  void judge(std::size_t begin, std::size_t end, const Point& sum) {
    if (sum.is_identity()) return;
    if (end - begin == 1) {
      const std::size_t i = live_[begin];
      const OneOfManyEquation equation =
          first_failing_equation_vartime(claims_[i].statement, claims_[i].proof, c_[i], generators_);
      invariant(equation != OneOfManyEquation::kNone, "a sum of true equations is true");
      outcomes_[i] = OneOfManyRejection{Fault::kOneOfManyInvalid, equation};
      return;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    const Point first = sum_vartime(begin, middle);
    judge(begin, middle, first);
    judge(middle, end, sum - first);
  }

  /// Σ over claims and equations of  weight · (left side − right side).
  Point sum_vartime(std::size_t begin, std::size_t end) const {
    // First what all claims share: G, Y, H and the H_(j,i), then every table that occurs; then the points of
    // each claim.
    std::unordered_map<const ChoiceTable<G>*, std::size_t> place;
    std::size_t digits = 0;
    for (std::size_t k = begin; k < end; ++k) digits = std::max(digits, statement(k).T.digits());
    std::vector<Point> points{Point::generator(), statement(begin).Y, generators_.H()};
    const auto H = generators_.digits(digits);
    points.insert(points.end(), H.begin(), H.end());
    for (std::size_t k = begin; k < end; ++k) {
      const ChoiceTable<G>& T = statement(k).T;
      if (place.emplace(&T, points.size()).second)
        points.insert(points.end(), T.points().begin(), T.points().end());
    }
    const std::size_t shared = points.size();
    std::vector<std::size_t> own;
    std::size_t total = shared;
    for (std::size_t k = begin; k < end; ++k) {
      own.push_back(total);
      total += 6 + 2 * statement(k).T.digits();
    }
    points.resize(total);
    std::vector<Scalar> scalars(total);
    const std::size_t pieces = (end - begin + kPiece - 1) / kPiece;
    std::vector<std::vector<Scalar>> sums(pieces, std::vector<Scalar>(shared));
    parallel_for(pieces, 1, [&](std::size_t piece) {
      for (std::size_t k = begin + piece * kPiece; k < std::min(end, begin + (piece + 1) * kPiece); ++k)
        add_terms(live_[k], place.at(&statement(k).T), sums[piece], &scalars[own[k - begin]],
                  &points[own[k - begin]]);
    });
    for (const auto& sum : sums)
      for (std::size_t i = 0; i < shared; ++i) scalars[i] = scalars[i] + sum[i];
    return G::msm_vartime(scalars, points);
  }

  /// Adds the terms of claim i: those of shared points to `sum`, those of its own to scalars and points.
  void add_terms(std::size_t i, std::size_t table, std::vector<Scalar>& sum, Scalar* scalar,
                 Point* point) const {
    const OneOfManyStatement<G>& st = claims_[i].statement;
    const OneOfManyProof<G>& p = claims_[i].proof;
    const Scalar& c = c_[i];
    const Scalar* t = &weights_[4 * i];
    const std::size_t m = st.T.digits();
    const auto add = [&](std::size_t at, const Scalar& x) { sum[at] = sum[at] + x; };
    const auto subtract = [&](std::size_t at, const Scalar& x) { sum[at] = sum[at] - x; };
    const auto put = [&](const Scalar& x, const Point& P) {
      *scalar++ = x;
      *point++ = P;
    };
    // digits, bits
    put(t[0], p.A);
    put(t[0] * c, p.B);
    put(t[1] * c, p.C);
    put(t[1], p.D);
    subtract(2, t[0] * p.z_A + t[1] * p.z_C);
    const std::vector<Scalar> f = all_digits<G>(p.f, c);
    for (std::size_t k = 0; k < f.size(); ++k) subtract(3 + k, f[k] * (t[0] + t[1] * (c - f[k])));
    // alpha, beta
    const std::vector<Scalar> c_to = powers<G>(c, m);
    put(t[2] * c_to[m], st.alpha);
    put(t[3] * c_to[m], st.beta);
    for (std::size_t k = 0; k < m; ++k) {
      put(-(t[2] * c_to[k]), p.E[k].alpha);
      put(-(t[3] * c_to[k]), p.E[k].beta);
    }
    subtract(0, t[2] * p.z);
    subtract(1, t[3] * p.z);
    const std::vector<Scalar> p_i = digit_products<G>(f, -t[3], c, st.T.size());
    for (std::size_t k = 0; k < p_i.size(); ++k) add(table + k, p_i[k]);
  }

  const OneOfManyStatement<G>& statement(std::size_t k) const { return claims_[live_[k]].statement; }

  std::span<const OneOfManyClaim<G>> claims_;
  const DigitGenerators<G>& generators_;
  std::vector<std::optional<OneOfManyRejection>> outcomes_;
  std::vector<std::size_t> live_;  ///< claims that were not refused early
  std::vector<Scalar> c_;          ///< challenge of each
  std::vector<Scalar> weights_;    ///< four of each, in the order of (6.1.4)
};

}  // namespace one_of_many_detail

/// Verifies many proofs, under one key and over few tables, as one multi-scalar multiplication (SPEC §6.1,
/// Batch): for each claim the answer of verify_one_of_many_vartime, nullopt where that accepts, except with
/// probability below 2N/2^128 over the weights, for N claims. `transcript` is the batch's own, with the
/// caller's context.
/// @pre every claim has the same Y; equal tables are best one object.
/// Variable time, on all cores. Cost: a claim 2m + 6 multiplications, four of them by 128 bits, and 4n/3
/// products of scalars; one multiplication for each point of the tables and the generators. A claim that
/// fails adds about as much as the batch; many cost at most log2 of their number times as much.
template <Group G>
[[nodiscard]] std::vector<std::optional<OneOfManyRejection>> verify_one_of_many_batch_vartime(
    std::span<const OneOfManyClaim<G>> claims, Transcript& transcript, const DigitGenerators<G>& generators) {
  return one_of_many_detail::Batch<G>(claims, transcript, generators).outcomes();
}

}  // namespace psephos
