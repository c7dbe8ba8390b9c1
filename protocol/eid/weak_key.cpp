#include "protocol/eid/weak_key.h"

#include <openssl/bn.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "crypto/invariant.h"
#include "protocol/eid/openssl_pointers.h"

namespace psephos {
namespace {

using openssl::Number;
using openssl::NumberContext;

constexpr int kFermatSteps = 100;
constexpr std::uint32_t kSmallPrimes = 1U << 16U;
constexpr std::uint32_t kRocaPrimes = 701;
constexpr std::uint64_t kRocaGenerator = 65537;

/// The odd primes up to `last`, in order: the sieve of Eratosthenes.
std::vector<std::uint32_t> odd_primes(std::uint32_t last) {
  std::vector<bool> composite(last + 1);
  std::vector<std::uint32_t> primes;
  for (std::uint32_t p = 3; p <= last; p += 2) {
    if (composite[p]) continue;
    primes.push_back(p);
    for (std::uint64_t multiple = std::uint64_t{p} * p; multiple <= last; multiple += 2 * p)
      composite[multiple] = true;
  }
  return primes;
}

/// Several primes, as many as a word holds, and their product's inverse modulo 2^64.
struct Batch {
  std::uint64_t product = 1;
  std::uint64_t inverse = 1;
  std::vector<std::uint32_t> primes;
};
std::vector<Batch> batches() {
  std::vector<Batch> out(1);
  for (const std::uint32_t p : odd_primes(kSmallPrimes)) {
    if (out.back().product > UINT64_MAX / p) out.emplace_back();
    out.back().product *= p;
    out.back().primes.push_back(p);
  }
  for (Batch& batch : out) {
    batch.inverse =
        batch.product;  // an odd number is its own inverse modulo 8; Newton doubles the three bits
    for (int bits = 3; bits < 64; bits *= 2) batch.inverse *= 2 - batch.product * batch.inverse;
  }
  return out;
}

/// True if one of the batch's primes divides the number. Its words, the lowest first, are reduced as in
/// Montgomery's method (Math. Comp. 44, 1985), which leaves a multiple by a power of 2^64: zero modulo the
/// same primes.
bool has_factor(const std::vector<std::uint64_t>& words, const Batch& batch) {
  std::uint64_t carry = 0;
  for (const std::uint64_t word : words) {
    const std::uint64_t low = word - carry;
    const std::uint64_t borrow = word < carry ? 1 : 0;
    const std::uint64_t quotient = low * batch.inverse;
    __extension__ using Wide = unsigned __int128;
    carry = static_cast<std::uint64_t>(static_cast<Wide>(quotient) * batch.product >> 64U) + borrow;
  }
  return std::ranges::any_of(batch.primes, [&](std::uint32_t p) { return carry % p == 0; });
}

bool has_small_factor(ByteView modulus) {
  static const std::vector<Batch> kBatches = batches();
  std::vector<std::uint64_t> words((modulus.size() + 7) / 8);
  for (std::size_t i = 0; i < modulus.size(); ++i)
    words[i / 8] |= std::uint64_t{modulus[modulus.size() - 1 - i]} << 8 * (i % 8);
  return std::ranges::any_of(kBatches, [&](const Batch& batch) { return has_factor(words, batch); });
}

/// False for most numbers that are no squares: their remainders are none.
bool may_be_square(const BIGNUM* number) {
  constexpr BN_ULONG kModuli = 64 * 63 * 65 * 11;
  const BN_ULONG remainder = BN_mod_word(number, kModuli);
  for (const BN_ULONG m : {64U, 63U, 65U, 11U}) {
    bool square = false;
    for (BN_ULONG x = 0; x <= m / 2; ++x) square = square || x * x % m == remainder % m;
    if (!square) return false;
  }
  return true;
}

/// ⌊√n⌋ by Newton's method from above.
Number square_root(const BIGNUM* n, BN_CTX* context) {
  Number root(BN_new());
  Number next(BN_new());
  invariant(root && next && BN_set_bit(next.get(), (BN_num_bits(n) + 1) / 2) == 1, "memory for numbers");
  do {
    std::swap(root, next);
    invariant(BN_div(next.get(), nullptr, n, root.get(), context) == 1 &&
                  BN_add(next.get(), next.get(), root.get()) == 1 && BN_rshift1(next.get(), next.get()) == 1,
              "numbers divide");
  } while (BN_cmp(next.get(), root.get()) < 0);
  return root;
}

bool is_square(const BIGNUM* n, BN_CTX* context) {
  if (BN_is_zero(n)) return true;
  if (!may_be_square(n)) return false;
  Number root = square_root(n, context);
  invariant(BN_sqr(root.get(), root.get(), context) == 1, "numbers multiply");
  return BN_cmp(root.get(), n) == 0;
}

/// Fermat: n = a² − b² = (a + b)·(a − b), for a from ⌈√n⌉ on.
bool has_close_factors(const BIGNUM* n, BN_CTX* context) {
  const Number a = square_root(n, context);
  const Number difference(BN_new());  // a² − n
  invariant(difference && BN_sqr(difference.get(), a.get(), context) == 1 &&
                BN_sub(difference.get(), difference.get(), n) == 1,
            "numbers multiply");
  if (BN_is_zero(difference.get())) return true;
  for (int step = 0; step < kFermatSteps; ++step) {  // (a + 1)² = a² + 2a + 1
    invariant(BN_add(difference.get(), difference.get(), a.get()) == 1 &&
                  BN_add(difference.get(), difference.get(), a.get()) == 1 &&
                  BN_add_word(difference.get(), 1) == 1 && BN_add_word(a.get(), 1) == 1,
              "numbers add");
    if (is_square(difference.get(), context)) return true;
  }
  return false;
}

/// The powers of 65537 modulo a prime.
struct Subgroup {
  std::uint32_t prime;
  std::vector<bool> members;
};
std::vector<Subgroup> roca_subgroups() {
  std::vector<Subgroup> out;
  for (const std::uint32_t p : odd_primes(kRocaPrimes)) {
    Subgroup group{p, std::vector<bool>(p)};
    for (std::uint64_t power = 1; !group.members[power]; power = power * kRocaGenerator % p)
      group.members[power] = true;
    out.push_back(std::move(group));
  }
  return out;
}

bool has_roca_fingerprint(const BIGNUM* n) {
  static const std::vector<Subgroup> kSubgroups = roca_subgroups();
  return std::ranges::all_of(kSubgroups, [&](const Subgroup& group) {
    return group.members[static_cast<std::size_t>(BN_mod_word(n, group.prime))];
  });
}

}  // namespace

std::optional<RsaWeakness> rsa_weakness(ByteView modulus, ByteView exponent) {
  std::uint64_t e = 0;
  for (const std::uint8_t octet : exponent) e = e << 8 | octet;
  if (exponent.size() > 8 || e % 2 == 0 || e < 65537) return RsaWeakness::kExponent;
  if (modulus.size() < 3 || modulus.back() % 2 == 0 || has_small_factor(modulus))
    return RsaWeakness::kSmallFactor;
  const Number n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const NumberContext context(BN_CTX_new());
  invariant(n && context, "memory for numbers");
  if (has_close_factors(n.get(), context.get())) return RsaWeakness::kCloseFactors;
  if (has_roca_fingerprint(n.get())) return RsaWeakness::kRoca;
  return std::nullopt;
}

}  // namespace psephos
