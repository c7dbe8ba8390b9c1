#include "crypto/threshold/cocktail.h"

#include <sodium.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "crypto/invariant.h"
#include "crypto/secret/declassify.h"
#include "crypto/secret/secret_buffer.h"
#include "crypto/secret/secret_bytes.h"

namespace psephos {

namespace {

using Point = Ristretto::Point;
using Scalar = Ristretto::Scalar;
using SecretScalar = Ristretto::SecretScalar;

constexpr std::string_view kPrefixH6 = "COCKTAIL-DKG-Ristretto255-SHA512-H6";
constexpr std::string_view kPrefixH7 = "COCKTAIL-DKG-Ristretto255-SHA512-H7";
constexpr std::string_view kPrefixNonce = "COCKTAIL-DKG-Ristretto255-SHA512-NONCE";
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kSharePlusTag = Scalar::kWidth + kTag;
constexpr std::size_t kFrame = 8;

/// SHA-512 of secret parts; neither state nor digest stays behind.
SecretBytes<64> secret_hash(std::initializer_list<ByteView> parts) {
  Sha512 hash;
  for (const ByteView part : parts) hash.update(part);
  Digest512 digest = hash.finish();
  SecretBytes<64> out = SecretBytes<64>::copy_from(digest);
  sodium_memzero(digest.data(), digest.size());
  sodium_memzero(&hash, sizeof hash);
  return out;
}

template <std::size_t N>
void append_little_endian(Bytes& out, std::uint64_t v) {
  for (std::size_t i = 0; i < N; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

Scalar challenge(ByteView R, const Point& X, ByteView message) {
  return Scalar::from_wide(
      Sha512().update(bytes_of(kPrefixH7)).update(R).update(X.encode()).update(message).finish());
}

/// What the proof of possession signs.
Bytes pop_message(const CocktailSession& session, std::span<const Point> C, const Point& E) {
  Bytes message = copy_of(session.context);
  append(message, encode_all(C));
  append(message, E.encode());
  return message;
}

/// H6(S^e ‖ S^d, E, P_s, P_r, context): 32 bytes of key, 24 of nonce, the rest unused.
SecretBytes<64> cipher_key(const CocktailSession& session, std::uint32_t dealer, std::uint32_t recipient,
                           const Point& E, const CocktailSharedPoints& shared) {
  Bytes context_length;
  append_little_endian<8>(context_length, session.context.size());
  return secret_hash({bytes_of(kPrefixH6), shared.ephemeral.encode(), shared.fixed.encode(), E.encode(),
                      session.static_keys[dealer - 1].encode(), session.static_keys[recipient - 1].encode(),
                      context_length, session.context});
}

/// Horner's rule, highest coefficient first.
SecretScalar evaluate(std::span<const SecretScalar> a, std::uint32_t x) {
  const Scalar at = Scalar::from_u64(x);
  SecretScalar sum;
  for (std::size_t k = a.size(); k-- > 0;) sum = sum * at + a[k];
  return sum;
}

/// A secret and its point, which is published and not the identity.
std::pair<SecretScalar, Point> draw_key(Rng& rng) {
  for (;;) {
    SecretScalar x = SecretScalar::random(rng);
    const Point X = published(Ristretto::mul_base(x));
    if (!X.is_identity()) return {std::move(x), X};
  }
}

}  // namespace

CocktailSharedPoints::~CocktailSharedPoints() {
  sodium_memzero(&ephemeral, sizeof ephemeral);
  sodium_memzero(&fixed, sizeof fixed);
}

Digest512 cocktail_context(ByteView session_id, std::span<const Point> static_keys) {
  Bytes preimage = copy_of(bytes_of("COCKTAIL-DKG-CONTEXT"));
  append_u64be(preimage, session_id.size());
  append(preimage, session_id);
  append_u64be(preimage, kCocktailSuite.size());
  append(preimage, bytes_of(kCocktailSuite));
  append_little_endian<4>(preimage, static_keys.size());
  append(preimage, encode_all(static_keys));
  return sha512(preimage);
}

ByteArray<64> cocktail_sign(const SecretScalar& x, ByteView message) {
  const SecretBytes<32> encoded = x.seal_bytes();
  const SecretScalar k =
      SecretScalar::from_wide(secret_hash({bytes_of(kPrefixNonce), encoded.expose(), message}).expose());
  const Point R = published(Ristretto::mul_base(k));  // the commitment of a Schnorr proof
  invariant(!R.is_identity(), "a nonce hashed to zero has probability 2^-252");
  const Scalar c = challenge(R.encode(), published(Ristretto::mul_base(x)), message);
  // Public: the response of a Schnorr proof, blinded by k.
  const Scalar z = declassify(x * c + k);
  ByteArray<64> signature{};
  std::copy(R.encode().begin(), R.encode().end(), signature.begin());
  std::copy(z.encode().begin(), z.encode().end(), signature.begin() + 32);
  return signature;
}

bool cocktail_verify_vartime(const Point& X, ByteView message, const ByteArray<64>& signature) {
  const ByteView bytes(signature);
  const auto R = Point::decode_nonidentity(bytes.first(32));
  const auto z = Scalar::decode(bytes.subspan(32));
  if (!R || !z) return false;
  const Scalar c = challenge(bytes.first(32), X, message);
  return Ristretto::mul_base_vartime(*z) == *R + Ristretto::mul_vartime(c, X);
}

Bytes CocktailMsg1::encode() const {
  Bytes out = encode_all(std::span<const Point>(C));
  append(out, pop);
  append(out, E.encode());
  for (const Bytes& c : ciphertexts) {
    append_u64be(out, c.size());
    append(out, c);
  }
  return out;
}

Result<CocktailMsg1, Fault> CocktailMsg1::decode(const CocktailSession& session, ByteView bytes) {
  constexpr std::size_t kFixed = sizeof(pop) + Point::kWidth;
  const std::size_t cipher_size = kSharePlusTag + session.payload_size;
  const std::size_t tail = kFixed + session.size() * (kFrame + cipher_size);
  if (bytes.size() != session.quorum * Point::kWidth + tail) {
    // The message does not count its coefficients, so only its length can tell how many there are.
    const bool other_degree = bytes.size() >= tail && (bytes.size() - tail) % Point::kWidth == 0;
    return std::unexpected(other_degree ? Fault::kDkgDegree : Fault::kWireLength);
  }
  std::size_t at = 0;
  const auto take = [&](std::size_t count) {
    const ByteView part = bytes.subspan(at, count);
    at += count;
    return part;
  };
  CocktailMsg1 out;
  for (std::uint32_t k = 0; k < session.quorum; ++k) {
    const auto point = Point::decode_nonidentity(take(Point::kWidth));
    if (!point) return std::unexpected(point.error());
    out.C.push_back(*point);
  }
  const ByteView pop_bytes = take(sizeof(pop));
  std::copy(pop_bytes.begin(), pop_bytes.end(), out.pop.begin());
  const auto E = Point::decode_nonidentity(take(Point::kWidth));
  if (!E) return std::unexpected(E.error());
  out.E = *E;
  for (std::uint32_t j = 0; j < session.size(); ++j) {
    if (read_u64be(take(kFrame)) != cipher_size) return std::unexpected(Fault::kWireLength);
    out.ciphertexts.push_back(copy_of(take(cipher_size)));
  }
  return out;
}

CocktailMsg1 cocktail_deal(const CocktailSession& session, std::uint32_t index,
                           const SecretScalar& static_secret, ByteView payload, Rng& rng) {
  invariant(index >= 1 && index <= session.size() && payload.size() == session.payload_size,
            "a dealer belongs to its session");
  CocktailMsg1 out;
  std::vector<SecretScalar> a;
  for (std::uint32_t k = 0; k < session.quorum; ++k) {
    auto [coefficient, commitment] = draw_key(rng);
    a.push_back(std::move(coefficient));
    out.C.push_back(commitment);
  }
  const auto [e, E] = draw_key(rng);
  out.E = E;
  out.pop = cocktail_sign(a[0], pop_message(session, out.C, E));

  for (std::uint32_t j = 1; j <= session.size(); ++j) {
    const Point& P = session.static_keys[j - 1];
    const CocktailSharedPoints shared(e * P, static_secret * P);
    const SecretBytes<64> key = cipher_key(session, index, j, E, shared);
    const SecretBytes<32> share = evaluate(a, j).seal_bytes();
    SecretBuffer plain(Scalar::kWidth + payload.size());
    std::ranges::copy(share.expose(), plain.expose_mutable().begin());
    std::ranges::copy(payload, plain.expose_mutable().begin() + Scalar::kWidth);
    Bytes& c = out.ciphertexts.emplace_back(plain.size() + kTag);
    invariant(crypto_aead_xchacha20poly1305_ietf_encrypt(c.data(), nullptr, plain.expose().data(),
                                                         plain.size(), nullptr, 0, nullptr,
                                                         key.expose().data() + 32, key.expose().data()) == 0,
              "encryption has no failure");
    c = published(std::move(c));
  }
  return out;
}

bool cocktail_pop_valid(const CocktailSession& session, const CocktailMsg1& msg1) {
  return cocktail_verify_vartime(msg1.C[0], pop_message(session, msg1.C, msg1.E), msg1.pop);
}

Result<CocktailShare, Fault> cocktail_open(const CocktailSession& session, std::uint32_t dealer,
                                           std::uint32_t recipient, const CocktailMsg1& msg1,
                                           const CocktailSharedPoints& shared) {
  const SecretBytes<64> key = cipher_key(session, dealer, recipient, msg1.E, shared);
  const Bytes& c = msg1.ciphertexts[recipient - 1];
  SecretBuffer plain(c.size() - kTag);
  // The verdict is public: who gets one that does not decrypt complains.
  const int verdict = crypto_aead_xchacha20poly1305_ietf_decrypt(
      plain.expose_mutable().data(), nullptr, nullptr, c.data(), c.size(), nullptr, 0,
      key.expose().data() + 32, key.expose().data());
  if (published(verdict) != 0) return std::unexpected(Fault::kDkgDecryption);
  auto share = SecretScalar::from_secret_bytes(SecretBytes<32>::copy_from(plain.expose().first<32>()));
  if (!share) return std::unexpected(Fault::kDkgShareInvalid);
  // Where the dealer is honest, a point that anybody computes from its commitments.
  if (published(Ristretto::mul_base(*share)) != cocktail_evaluate_vartime(msg1.C, recipient))
    return std::unexpected(Fault::kDkgShareInvalid);
  return CocktailShare{std::move(*share), copy_of(plain.expose().subspan(32))};
}

Point cocktail_evaluate_vartime(std::span<const Point> C, std::uint32_t index) {
  const Scalar at = Scalar::from_u64(index);
  std::vector<Scalar> powers;
  Scalar power = Scalar::from_u64(1);
  for (std::size_t k = 0; k < C.size(); ++k) {
    powers.push_back(power);
    power = power * at;
  }
  return Ristretto::msm_vartime(powers, C);
}

std::vector<Point> cocktail_aggregate(const CocktailSession& session, std::span<const CocktailMsg1> all) {
  std::vector<Point> sum(session.quorum);
  for (const CocktailMsg1& msg1 : all)
    for (std::uint32_t k = 0; k < session.quorum; ++k) sum[k] = sum[k] + msg1.C[k];
  return sum;
}

Bytes cocktail_transcript(const CocktailSession& session, std::span<const CocktailMsg1> all,
                          ByteView extension) {
  Bytes T;
  append_little_endian<8>(T, kCocktailSuite.size());
  append(T, bytes_of(kCocktailSuite));
  append_little_endian<8>(T, session.context.size());
  append(T, session.context);
  append_little_endian<4>(T, session.size());
  append_little_endian<4>(T, session.quorum);
  append(T, encode_all(std::span<const Point>(session.static_keys)));
  for (const CocktailMsg1& msg1 : all) append(T, encode_all(std::span<const Point>(msg1.C)));
  for (const CocktailMsg1& msg1 : all) append(T, msg1.pop);
  for (const CocktailMsg1& msg1 : all) append(T, msg1.E.encode());
  append_little_endian<8>(T, extension.size());
  append(T, extension);
  return T;
}

}  // namespace psephos
