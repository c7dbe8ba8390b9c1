#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/result.h"

/// C2SP cocktail-dkg v0.2.1, suite COCKTAIL(Ristretto255, SHA-512), byte for byte: nothing here knows of
/// elections. The ceremony around it is crypto/threshold/dkg.h. Names and letters are that document's, except
/// that its threshold t is called the quorum. SPEC §7.2.
namespace psephos {

inline constexpr std::string_view kCocktailSuite = "COCKTAIL(Ristretto255, SHA-512)";

/// What all participants agree on before round 1. Participants are numbered 1 … n.
struct CocktailSession {
  std::uint32_t quorum = 0;                   ///< t: coefficients of each polynomial
  std::vector<Ristretto::Point> static_keys;  ///< P_1 … P_n, distinct, none the identity
  Digest512 context{};                        ///< cocktail_context of a session id never used before
  std::size_t payload_size = 0;               ///< bytes that travel beside each share; none in an election
  std::uint32_t size() const { return static_cast<std::uint32_t>(static_keys.size()); }
};

/// The recommended context: SHA-512("COCKTAIL-DKG-CONTEXT" ‖ u64(|id|) ‖ id ‖ u64(|suite|) ‖ suite ‖ u32le(n)
/// ‖ P_1 ‖ … ‖ P_n). Binds session, suite and the ordered participants.
Digest512 cocktail_context(ByteView session_id, std::span<const Ristretto::Point> static_keys);

/// Schnorr signature R ‖ z with R = k·G, z = k + c·x, c = H7(R ‖ x·G ‖ m). The nonce k = H(x ‖ m) depends on
/// nothing but key and message, so a generator that repeats itself cannot repeat k for two messages (A18).
/// Constant time in x.
ByteArray<64> cocktail_sign(const Ristretto::SecretScalar& x, ByteView message);
/// z·G = R + c·X. False too if R is no group element or the identity, or z is not reduced.
bool cocktail_verify_vartime(const Ristretto::Point& X, ByteView message, const ByteArray<64>& signature);

/// A dealer's message of round 1:  C ‖ pop ‖ E ‖ (u64(|c_1|) ‖ c_1) ‖ … ‖ (u64(|c_n|) ‖ c_n).
struct CocktailMsg1 {
  std::vector<Ristretto::Point> C;  ///< C_k = a_k·G, exactly `quorum` of them
  ByteArray<64> pop{};              ///< signature under C_0 over context ‖ C ‖ E
  Ristretto::Point E;               ///< E = e·G
  std::vector<Bytes> ciphertexts;   ///< c_j encrypts f(j) ‖ payload to participant j, the dealer included

  Bytes encode() const;
  /// Exactly this session's shape, points canonical and not the identity. The proof of possession is not
  /// checked. @return kDkgDegree if the length is that of another number of coefficients; kWireLength for any
  /// other length or ciphertext length; kPointNoncanonical, kPointInvalid, kPointIdentity.
  static Result<CocktailMsg1, Fault> decode(const CocktailSession& session, ByteView bytes);
};

/// Round 1: draws f and e from `rng` (64 bytes a scalar: a_0 … a_(t−1), e) and forgets them before it
/// returns. @pre static_secret belongs to static_keys[index − 1], payload has session.payload_size bytes.
CocktailMsg1 cocktail_deal(const CocktailSession& session, std::uint32_t index,
                           const Ristretto::SecretScalar& static_secret, ByteView payload, Rng& rng);
/// The dealer knows a_0 for this context, C and E.
bool cocktail_pop_valid(const CocktailSession& session, const CocktailMsg1& msg1);

/// The two Diffie–Hellman points between a dealer and a recipient, S^e = e·P_r = d_r·E and S^d = d_s·P_r =
/// d_r·P_s. Secret until a complaint opens them, therefore wiped.
struct CocktailSharedPoints {
  Ristretto::Point ephemeral;
  Ristretto::Point fixed;
  CocktailSharedPoints(const Ristretto::Point& e, const Ristretto::Point& d) : ephemeral(e), fixed(d) {}
  CocktailSharedPoints(const CocktailSharedPoints&) = delete;
  CocktailSharedPoints& operator=(const CocktailSharedPoints&) = delete;
  ~CocktailSharedPoints();
};

struct CocktailShare {
  Ristretto::SecretScalar share;  ///< s = f(recipient)
  Bytes payload;
};
/// Decrypts what `dealer` sent to `recipient`, and checks s·G = Σ recipient^k · C_k.
/// @return kDkgDecryption if the ciphertext does not authenticate, kDkgShareInvalid if the plaintext is no
/// reduced scalar or not on the polynomial. Constant time in the share, up to the verdict.
Result<CocktailShare, Fault> cocktail_open(const CocktailSession& session, std::uint32_t dealer,
                                           std::uint32_t recipient, const CocktailMsg1& msg1,
                                           const CocktailSharedPoints& shared);

/// Σ index^k · C_k: the commitment polynomial in the exponent at `index`.
Ristretto::Point cocktail_evaluate_vartime(std::span<const Ristretto::Point> C, std::uint32_t index);
/// C_agg,k = Σ_j C_(j,k), whose entry 0 is the joint key. @pre every vector has session.quorum points.
std::vector<Ristretto::Point> cocktail_aggregate(const CocktailSession& session,
                                                 std::span<const CocktailMsg1> all);
/// The canonical transcript T that every participant signs in round 3.
Bytes cocktail_transcript(const CocktailSession& session, std::span<const CocktailMsg1> all,
                          ByteView extension);

}  // namespace psephos
