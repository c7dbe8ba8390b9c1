#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "crypto/random.h"
#include "crypto/secret/sealed.h"
#include "crypto/secret/signing_key.h"
#include "protocol/files/passphrase.h"

/// Secrets in files, sealed under a passphrase (SPEC §3.9). What a secret is for and whose stands readable in
/// front of it: "psephos-1/key/" ‖ kind ‖ '/' ‖ name; it opens for nothing else.
namespace psephos {

/// Kinds of secrets that programs share. A kind is 1 to 100 characters of a-z, 0-9, dot and dash.
namespace key_kinds {
inline constexpr std::string_view kCommission = "commission";
inline constexpr std::string_view kMixer = "mixer";
inline constexpr std::string_view kTrustee = "trustee";
inline constexpr std::string_view kWitness = "witness";
inline constexpr std::string_view kLog = "log";
inline constexpr std::string_view kService = "service";
}  // namespace key_kinds

/// Cost of sealing a new secret: "moderate", or "interactive" (2 passes over 64 MiB) for demonstrations.
/// @return USAGE for another word.
Result<SealCost, Rejection> seal_cost(std::string_view word);

/// Seals a secret into a new file. @return STORE_KEY_EXISTS, FILE_UNREADABLE, USAGE for a name of more than
/// 100 bytes or with a control character.
Result<void, Rejection> write_new_secret(const std::filesystem::path& path, std::string_view kind,
                                         std::string_view name, std::span<const std::uint8_t> secret,
                                         const Passphrase& passphrase, const SealCost& cost, Rng& rng);
/// The same over what was there, at the same cost. @return SECRET_UNREADABLE if nothing sealed is there.
Result<void, Rejection> replace_secret(const std::filesystem::path& path, std::string_view kind,
                                       std::string_view name, std::span<const std::uint8_t> secret,
                                       const Passphrase& passphrase, Rng& rng);
/// What a sealed file costs to guess at. @return SECRET_UNREADABLE, FILE_UNREADABLE.
Result<SealCost, Rejection> seal_cost_in(const std::filesystem::path& path);

struct NamedSecret {
  std::string name;
  SecretBuffer secret;
};
/// @return SECRET_UNREADABLE naming the file for a wrong passphrase, another kind, a changed byte;
/// FILE_UNREADABLE.
Result<NamedSecret, Rejection> read_secret(const std::filesystem::path& path, std::string_view kind,
                                           const Passphrase& passphrase);

struct NamedKey {
  std::string name;
  SigningKey key;
};
Result<void, Rejection> write_new_signing_key(const std::filesystem::path& path, std::string_view kind,
                                              std::string_view name, const SigningKey& key,
                                              const Passphrase& passphrase, const SealCost& cost, Rng& rng);
/// A signing key of that kind. @return as read_secret.
Result<NamedKey, Rejection> read_signing_key(const std::filesystem::path& path, std::string_view kind,
                                             const Passphrase& passphrase);
/// What a sealed file claims to be, without its passphrase: kind and name. @return SECRET_UNREADABLE,
/// FILE_UNREADABLE.
Result<std::pair<std::string, std::string>, Rejection> secret_label(const std::filesystem::path& path);

}  // namespace psephos
