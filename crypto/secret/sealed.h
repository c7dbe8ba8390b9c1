#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/secret_buffer.h"
#include "crypto/secret/secret_bytes.h"

/// Secrets at rest under a passphrase (SPEC §3.9): Argon2id, then XChaCha20-Poly1305 over the secret, the
/// whole header authenticated. Functions throw std::bad_alloc if the memory that Argon2id asks for is not
/// there.
namespace psephos {

/// What one guess at the passphrase costs. Stored in the header, bounded when it is read.
struct SealCost {
  std::uint64_t passes;
  std::uint64_t memory_bytes;
};
/// libsodium's "moderate": 3 passes over 256 MiB.
inline constexpr SealCost kModerateSealCost{.passes = 3, .memory_bytes = std::uint64_t{256} << 20};
inline constexpr SealCost kMinSealCost{.passes = 1, .memory_bytes = 8192};
inline constexpr SealCost kMaxSealCost{.passes = 16, .memory_bytes = std::uint64_t{1} << 30};
inline constexpr std::size_t kMaxSealedBytes = std::size_t{1} << 24;

/// `purpose` says what the secret is and whose, readable without the passphrase; a secret opens only for the
/// purpose it was sealed for. @pre purpose has 1 to 255 bytes; cost lies within the bounds above.
Bytes seal(ByteView passphrase, std::string_view purpose, std::span<const std::uint8_t> secret, Rng& rng,
           const SealCost& cost = kModerateSealCost);

/// The purpose that a sealed secret claims, not yet authenticated: `unseal` does that.
/// @return kSecretUnreadable if this is no sealed secret.
Result<std::string, Fault> purpose_of(ByteView sealed);

/// What a guess at it costs; for sealing anew what was unsealed before, as dearly.
/// @return kSecretUnreadable if this is no sealed secret.
Result<SealCost, Fault> seal_cost_of(ByteView sealed);

/// @return kSecretUnreadable for a wrong passphrase, another purpose, any changed byte, a cost out of bounds
/// or another format: one reason for all.
Result<SecretBuffer, Fault> unseal(ByteView passphrase, std::string_view purpose, ByteView sealed);

/// The same for a secret of N bytes; another length is kSecretUnreadable too.
template <std::size_t N>
Result<SecretBytes<N>, Fault> unseal_bytes(ByteView passphrase, std::string_view purpose, ByteView sealed) {
  const auto secret = unseal(passphrase, purpose, sealed);
  if (!secret) return std::unexpected(secret.error());
  if (secret->size() != N) return std::unexpected(Fault::kSecretUnreadable);
  return SecretBytes<N>::copy_from(secret->expose().template first<N>());
}

}  // namespace psephos
