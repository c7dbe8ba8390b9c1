#include "collector/keys.h"

#include <algorithm>
#include <chrono>

#include "collector/tls_certificate.h"
#include "crypto/hash.h"
#include "protocol/files/files.h"

namespace psephos::collector {

namespace {

constexpr std::string_view kKind = "collector";

std::filesystem::path sealed_path(const std::filesystem::path& directory) {
  return directory / "keys.sealed";
}
std::filesystem::path certificate_path(const std::filesystem::path& directory) {
  return directory / "certificate.der";
}
bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

}  // namespace

Digest256 CollectorKeys::certificate_sha256() const {
  return sha256(certificate_der);
}

Result<CollectorKeys, Rejection> create_keys(const std::filesystem::path& directory, std::string_view origin,
                                             const Passphrase& passphrase, const SealCost& cost, Rng& rng) {
  if (!is_host_name(origin))
    return reject(Reason::kUsage, "--origin: a host name of a-z, 0-9, dot and dash, at most 100 characters");
  const std::int64_t now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  TlsIdentity identity = make_tls_identity(origin, now_s);
  CollectorKeys keys{SigningKey::generate(rng), SigningKey::generate(rng), std::move(identity.key_der),
                     std::move(identity.certificate_der)};
  const auto log_seed = keys.log_key.seed();
  const auto service_seed = keys.service_key.seed();
  SecretBuffer secret(64 + keys.tls_key_der.size());
  auto out = std::ranges::copy(log_seed.expose(), secret.expose_mutable().begin()).out;
  out = std::ranges::copy(service_seed.expose(), out).out;
  std::ranges::copy(keys.tls_key_der.expose(), out);
  if (auto ok =
          write_new_secret(sealed_path(directory), kKind, origin, secret.expose(), passphrase, cost, rng);
      !ok)
    return std::unexpected(ok.error());
  if (auto ok = write_file(certificate_path(directory), keys.certificate_der); !ok)
    return std::unexpected(ok.error());
  return keys;
}

Result<CollectorKeys, Rejection> load_keys(const std::filesystem::path& directory,
                                           const Passphrase& passphrase) {
  const auto sealed = read_secret(sealed_path(directory), kKind, passphrase);
  if (!sealed) return std::unexpected(sealed.error());
  auto certificate = read_file(certificate_path(directory), 65'536);
  if (!certificate) return std::unexpected(certificate.error());
  const auto bytes = sealed->secret.expose();
  if (bytes.size() <= 64) return reject(Fault::kSecretUnreadable, sealed_path(directory).string());
  SecretBuffer tls_key(bytes.size() - 64);
  std::ranges::copy(bytes.subspan(64), tls_key.expose_mutable().begin());
  return CollectorKeys{SigningKey::from_seed(SecretBytes<32>::copy_from(bytes.first<32>())),
                       SigningKey::from_seed(SecretBytes<32>::copy_from(bytes.subspan<32, 32>())),
                       std::move(tls_key), std::move(*certificate)};
}

}  // namespace psephos::collector
