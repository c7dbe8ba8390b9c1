#include "tally/trustee.h"

#include <algorithm>

#include "crypto/secret/declassify.h"

namespace psephos {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kShare = "share";
constexpr std::string_view kCeremony = "ceremony";
constexpr std::size_t kShareBytes = 96;  // definition hash ‖ x ‖ set, or zeros before there is one

SecretBytes<kShareBytes> encode_share(const TrusteeShare& share) {
  SecretBytes<kShareBytes> out;
  const auto bytes = out.expose_mutable();
  const auto x = share.x.seal_bytes();
  std::ranges::copy(share.definition_hash, bytes.begin());
  std::ranges::copy(x.expose(), bytes.begin() + 32);
  if (share.decrypted) std::ranges::copy(*share.decrypted, bytes.begin() + 64);
  return out;
}

fs::path ceremony_path(const fs::path& key_path) {
  return key_path.string() + ".ceremony";
}

}  // namespace

Result<void, Rejection> write_new_share(const fs::path& path, const std::string& name,
                                        const TrusteeShare& share, const Seal& seal) {
  return write_new_secret(path, kShare, name, encode_share(share).expose(), seal.passphrase, seal.cost,
                          seal.rng);
}

Result<TrusteeShare, Rejection> read_share(const fs::path& path, const Passphrase& passphrase) {
  const auto opened = read_secret(path, kShare, passphrase);
  if (!opened) return std::unexpected(opened.error());
  const auto fail = [&] { return reject(Reason::kSecretUnreadable, path.string()); };
  if (opened->secret.size() != kShareBytes) return fail();
  const auto bytes = opened->secret.expose();
  TrusteeShare share;
  std::ranges::copy(bytes.first<32>(), share.definition_hash.begin());
  auto x = Ristretto::SecretScalar::from_secret_bytes(SecretBytes<32>::copy_from(bytes.subspan<32, 32>()));
  if (!x) return fail();
  share.x = std::move(*x);
  Digest256 set{};
  std::ranges::copy(bytes.subspan<64, 32>(), set.begin());
  if (set != Digest256{}) share.decrypted = set;
  return share;
}

Result<void, Rejection> note_decryption(const fs::path& path, const std::string& name, TrusteeShare& share,
                                        const Digest256& set, const Seal& seal) {
  if (share.decrypted == set) return {};
  if (share.decrypted)
    return reject(Reason::kDecryptionTwice,
                  path.string() + ": decrypted " + to_hex(*share.decrypted) + ", asked for " + to_hex(set));
  share.decrypted = set;
  return replace_secret(path, kShare, name, encode_share(share).expose(), seal.passphrase, seal.rng);
}

Result<TrusteePublicKeys, Rejection> create_trustee(const fs::path& path, const std::string& name,
                                                    const Seal& seal) {
  const SigningKey key = SigningKey::generate(seal.rng);
  const DkgSecret secret = DkgSecret::create(seal.rng);
  if (auto ok = write_new_secret(ceremony_path(path), kCeremony, name, secret.seal_bytes().expose(),
                                 seal.passphrase, seal.cost, seal.rng);
      !ok)
    return std::unexpected(ok.error());
  if (auto ok =
          write_new_signing_key(path, key_kinds::kTrustee, name, key, seal.passphrase, seal.cost, seal.rng);
      !ok)
    return std::unexpected(ok.error());
  return TrusteePublicKeys{key.verify_key(), secret.static_key()};
}

Result<CeremonyDesk, Rejection> CeremonyDesk::open(const FrozenDefinition& frozen, const Board& board,
                                                   const fs::path& key_path, const Seal& seal) {
  auto key = read_signing_key(key_path, key_kinds::kTrustee, seal.passphrase);
  if (!key) return std::unexpected(key.error());
  const auto& trustees = frozen.definition.trustees;
  const auto trustee = std::ranges::find_if(
      trustees, [&](const Trustee& t) { return t.key == key->key.verify_key().encode(); });
  if (trustee == trustees.end())
    return reject(reason_of(Fault::kDkgSetup), key->name + " is no trustee of the definition");
  const auto index = static_cast<std::uint64_t>(trustee - trustees.begin()) + 1;

  const auto sealed = read_secret(ceremony_path(key_path), kCeremony, seal.passphrase);
  if (!sealed) return std::unexpected(sealed.error());
  if (sealed->secret.size() != DkgSecret::kWidth)
    return reject(Reason::kSecretUnreadable, ceremony_path(key_path).string());
  auto secret = DkgSecret::from_secret_bytes(
      SecretBytes<DkgSecret::kWidth>::copy_from(sealed->secret.expose().first<DkgSecret::kWidth>()));
  if (!secret) return reject(Reason::kSecretUnreadable, ceremony_path(key_path).string());
  const auto setup = ceremony_setup(frozen.definition, frozen.hash, board.attempt());
  if (!setup) return std::unexpected(setup.error());
  auto participant = DkgParticipant::create(*setup, static_cast<std::uint32_t>(index), std::move(*secret));
  if (!participant) return std::unexpected(ceremony_rejection(frozen.definition, participant.error()));
  return CeremonyDesk(frozen, board, key_path, index, std::move(key->key), std::move(*participant));
}

Result<void, Rejection> CeremonyDesk::announce() {
  return board_.publish(CeremonyStep::kAnnounce, index_, key_, participant_.announce().encode());
}

Result<void, Rejection> CeremonyDesk::open_message(const Seal& seal) {
  const auto announcements = board_.announcements();
  if (!announcements) return std::unexpected(announcements.error());
  const auto msg1 = participant_.open(*announcements);
  if (!msg1) return std::unexpected(ceremony_rejection(frozen_.definition, msg1.error()));
  const std::string& name = frozen_.definition.trustees[index_ - 1].name;
  if (auto ok = replace_secret(ceremony_path(key_path_), kCeremony, name,
                               participant_.secret().seal_bytes().expose(), seal.passphrase, seal.rng);
      !ok)
    return ok;
  return board_.publish(CeremonyStep::kOpen, index_, key_, *msg1);
}

Result<void, Rejection> CeremonyDesk::certify(const fs::path& share_path, const Seal& seal) {
  const auto announcements = board_.announcements();
  if (!announcements) return std::unexpected(announcements.error());
  const auto openings = board_.payloads(CeremonyStep::kOpen);
  if (!openings) return std::unexpected(openings.error());
  auto outcome = participant_.finish(*announcements, *openings);
  if (!outcome) {
    const Fault fault = outcome.error().fault;
    if (fault == Fault::kDkgDecryption || fault == Fault::kDkgShareInvalid) {
      const auto complaint = participant_.complain(*announcements, *openings, seal.rng);
      if (complaint)
        if (auto ok = board_.publish(CeremonyStep::kComplain, index_, key_, *complaint); !ok) return ok;
    }
    return std::unexpected(ceremony_rejection(frozen_.definition, outcome.error()));
  }
  const auto Y_i = outcome->keys.verification_keys[index_ - 1];
  const TrusteeShare share{frozen_.hash, std::move(outcome->secret_share), std::nullopt};
  const auto written = write_new_share(share_path, frozen_.definition.trustees[index_ - 1].name, share, seal);
  if (!written) {
    if (written.error().reason != Reason::kStoreKeyExists) return written;
    // This step was run before; what it wrote stays, because it may have been used since.
    const auto existing = read_share(share_path, seal.passphrase);
    if (!existing) return std::unexpected(existing.error());
    if (Ristretto::mul_base(existing->x) != Y_i) return written;
  }
  return board_.publish(CeremonyStep::kCertify, index_, key_, outcome->certificate);
}

Result<void, Rejection> CeremonyDesk::finish(const fs::path& share_path, const Seal& seal) {
  const auto ceremony = board_.collect();
  if (!ceremony) return std::unexpected(ceremony.error());
  const auto keys = check_key_ceremony(frozen_.definition, *ceremony);
  if (!keys) return std::unexpected(keys.error());
  const auto share = read_share(share_path, seal.passphrase);
  if (!share) return std::unexpected(share.error());
  if (published(Ristretto::mul_base(share->x)) != keys->verification_keys[index_ - 1])
    return reject(Reason::kJointKeyMismatch, share_path.string());
  std::error_code error;
  if (!fs::remove(ceremony_path(key_path_), error) || error)
    return reject(Reason::kFileUnreadable, ceremony_path(key_path_).string() + ": cannot be erased");
  return {};
}

}  // namespace psephos
