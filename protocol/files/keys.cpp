#include "protocol/files/keys.h"

#include "protocol/codec.h"
#include "protocol/files/files.h"

namespace psephos {

namespace {

constexpr std::string_view kPrefix = "psephos-1/key/";
constexpr std::size_t kMaxNameBytes = 100;

std::string purpose_for(std::string_view kind, std::string_view name) {
  return std::string(kPrefix) + std::string(kind) + "/" + std::string(name);
}

Result<Bytes, Rejection> sealed(std::string_view kind, std::string_view name,
                                std::span<const std::uint8_t> secret, const Passphrase& passphrase,
                                const SealCost& cost, Rng& rng) {
  if (name.empty() || name.size() > kMaxNameBytes || !is_clean_utf8(name))
    return reject(Reason::kUsage, "a key's name has 1 to 100 bytes and no control characters");
  return seal(passphrase.expose(), purpose_for(kind, name), secret, rng, cost);
}

/// Kind and name out of a purpose.
Result<std::pair<std::string, std::string>, Rejection> split(const Result<std::string, Fault>& purpose,
                                                             const std::filesystem::path& path) {
  const auto fail = [&] { return reject(Reason::kSecretUnreadable, path.string()); };
  if (!purpose || !purpose->starts_with(kPrefix)) return fail();
  const std::string rest = purpose->substr(kPrefix.size());
  const auto slash = rest.find('/');
  if (slash == rest.npos) return fail();
  return std::pair{rest.substr(0, slash), rest.substr(slash + 1)};
}

}  // namespace

Result<SealCost, Rejection> seal_cost(std::string_view word) {
  if (word == "moderate") return kModerateSealCost;
  if (word == "interactive") return SealCost{.passes = 2, .memory_bytes = std::uint64_t{64} << 20};
  return reject(Reason::kUsage, "cost of sealing is moderate or interactive, not " + std::string(word));
}

Result<void, Rejection> write_new_secret(const std::filesystem::path& path, std::string_view kind,
                                         std::string_view name, std::span<const std::uint8_t> secret,
                                         const Passphrase& passphrase, const SealCost& cost, Rng& rng) {
  const auto bytes = sealed(kind, name, secret, passphrase, cost, rng);
  if (!bytes) return std::unexpected(bytes.error());
  return write_new_secret_file(path, *bytes);
}

Result<void, Rejection> replace_secret(const std::filesystem::path& path, std::string_view kind,
                                       std::string_view name, std::span<const std::uint8_t> secret,
                                       const Passphrase& passphrase, Rng& rng) {
  const auto cost = seal_cost_in(path);
  if (!cost) return std::unexpected(cost.error());
  const auto bytes = sealed(kind, name, secret, passphrase, *cost, rng);
  if (!bytes) return std::unexpected(bytes.error());
  return write_secret_file(path, *bytes);
}

Result<SealCost, Rejection> seal_cost_in(const std::filesystem::path& path) {
  const auto file = read_file(path, kMaxSealedBytes);
  if (!file) return std::unexpected(file.error());
  const auto cost = seal_cost_of(*file);
  if (!cost) return reject(cost.error(), path.string());
  return *cost;
}

Result<NamedSecret, Rejection> read_secret(const std::filesystem::path& path, std::string_view kind,
                                           const Passphrase& passphrase) {
  const auto file = read_file(path, kMaxSealedBytes);
  if (!file) return std::unexpected(file.error());
  auto label = split(purpose_of(*file), path);
  if (!label) return std::unexpected(label.error());
  if (label->first != kind)
    return reject(Reason::kSecretUnreadable, path.string() + " is a " + label->first + " key, needed is a " +
                                                 std::string(kind) + " key");
  auto secret = unseal(passphrase.expose(), purpose_for(kind, label->second), *file);
  if (!secret) return reject(secret.error(), path.string());
  return NamedSecret{std::move(label->second), std::move(*secret)};
}

Result<void, Rejection> write_new_signing_key(const std::filesystem::path& path, std::string_view kind,
                                              std::string_view name, const SigningKey& key,
                                              const Passphrase& passphrase, const SealCost& cost, Rng& rng) {
  return write_new_secret(path, kind, name, key.seed().expose(), passphrase, cost, rng);
}

Result<NamedKey, Rejection> read_signing_key(const std::filesystem::path& path, std::string_view kind,
                                             const Passphrase& passphrase) {
  auto opened = read_secret(path, kind, passphrase);
  if (!opened) return std::unexpected(opened.error());
  if (opened->secret.size() != 32) return reject(Reason::kSecretUnreadable, path.string());
  const auto seed = SecretBytes<32>::copy_from(opened->secret.expose().first<32>());
  return NamedKey{std::move(opened->name), SigningKey::from_seed(seed)};
}

Result<std::pair<std::string, std::string>, Rejection> secret_label(const std::filesystem::path& path) {
  const auto file = read_file(path, kMaxSealedBytes);
  if (!file) return std::unexpected(file.error());
  return split(purpose_of(*file), path);
}

}  // namespace psephos
