#pragma once
#include <filesystem>
#include <optional>

#include "protocol/files/keys.h"
#include "tally/ceremony.h"

/// A trustee's secrets in files, and its steps in the key ceremony.
namespace psephos {

/// How a trustee's files are opened, and sealed again.
struct Seal {
  const Passphrase& passphrase;
  SealCost cost;
  Rng& rng;
};

/// What a trustee keeps of the ceremony: x_j, for which definition, and which set of lists it has decrypted,
/// if any. Sealed in one file, so that who has the share has the memory, too.
struct TrusteeShare {
  Digest256 definition_hash{};
  Ristretto::SecretScalar x;
  std::optional<Digest256> decrypted;
};
/// @return STORE_KEY_EXISTS if there is such a file.
Result<void, Rejection> write_new_share(const std::filesystem::path& path, const std::string& name,
                                        const TrusteeShare& share, const Seal& seal);
/// @return SECRET_UNREADABLE, FILE_UNREADABLE.
Result<TrusteeShare, Rejection> read_share(const std::filesystem::path& path, const Passphrase& passphrase);
/// Durably notes the set before any share of it leaves. @return DECRYPTION_TWICE if another one is noted.
Result<void, Rejection> note_decryption(const std::filesystem::path& path, const std::string& name,
                                        TrusteeShare& share, const Digest256& set, const Seal& seal);

/// Makes a trustee's two secrets: the signing key in `path`, and beside it, in path + ".ceremony", what it
/// needs for the ceremony and erases after it.
struct TrusteePublicKeys {
  VerifyKey key;
  Ristretto::Point ceremony_key;
};
Result<TrusteePublicKeys, Rejection> create_trustee(const std::filesystem::path& path,
                                                    const std::string& name, const Seal& seal);

/// A trustee at the ceremony. Every step verifies all it has received; a step run again says the same again.
class CeremonyDesk {
 public:
  /// @return SECRET_UNREADABLE, DKG_SETUP if the definition does not have this trustee with these keys.
  static Result<CeremonyDesk, Rejection> open(const FrozenDefinition& frozen, const Board& board,
                                              const std::filesystem::path& key_path, const Seal& seal);
  std::uint64_t index() const { return index_; }
  /// Step 1. @return as Board::publish.
  Result<void, Rejection> announce();
  /// Step 2, when all have announced. The secret remembers on what it opened before the opening leaves.
  Result<void, Rejection> open_message(const Seal& seal);
  /// Step 3, when all have opened: the sealed share is durable before the certificate leaves. If a share that
  /// was received fails, publishes the complaint instead and refuses with the dealer's name.
  Result<void, Rejection> certify(const std::filesystem::path& share_path, const Seal& seal);
  /// Last: the key stands; what the ceremony needed is erased. @return as check_key_ceremony;
  /// JOINT_KEY_MISMATCH if the share is not this key's.
  Result<void, Rejection> finish(const std::filesystem::path& share_path, const Seal& seal);

 private:
  CeremonyDesk(const FrozenDefinition& frozen, const Board& board, std::filesystem::path key_path,
               std::uint64_t index, SigningKey key, DkgParticipant participant)
      : frozen_(frozen),
        board_(board),
        key_path_(std::move(key_path)),
        index_(index),
        key_(std::move(key)),
        participant_(std::move(participant)) {}
  const FrozenDefinition& frozen_;
  const Board& board_;
  std::filesystem::path key_path_;
  std::uint64_t index_;
  SigningKey key_;
  DkgParticipant participant_;
};

}  // namespace psephos
