#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/witness/head_store.h"
#include "crypto/secret/note_signer.h"

namespace psephos {

/// A body longer than this is not read (SPEC §8.6).
inline constexpr std::size_t kMaxWitnessBody = 131'072;

/// An answer as HTTP carries it, and what became of the request, for the witness's own log.
struct WitnessAnswer {
  unsigned status;
  std::string content_type;
  std::string body;
  std::string event;       ///< one word
  std::string origin{};    ///< of a configured log, else empty
  std::uint64_t size = 0;  ///< of the checkpoint, if one was read
};

/// Cosigns the checkpoints of configured logs, each extending the last (SPEC §8.6; C2SP tlog-witness). Knows
/// no sockets: bytes in, an answer out. No two heads that cannot both be true get its cosignature, since a
/// head is durable before its cosignature exists outside. Not thread-safe; several processes over one store
/// are safe.
class Witness {
 public:
  /// POSIX seconds.
  using Clock = std::function<std::uint64_t()>;
  /// @pre name is a key name; logs are of type kLog; `store` outlives the witness.
  Witness(std::string name, SigningKey key, std::vector<NoteKey> logs, HeadStore& store, Clock clock);

  /// POST /add-checkpoint, checks in the order of SPEC §8.6. 500 if the store fails, and then no cosignature.
  WitnessAnswer add_checkpoint(std::string_view body);
  /// GET /<origin hash>/checkpoint: the last note it cosigned for the log whose origin has this SHA-256.
  WitnessAnswer checkpoint(std::string_view origin_hash) const;
  /// GET /health: 200 if the store can be read.
  WitnessAnswer health() const;

  const NoteKey& key() const { return public_key_; }

 private:
  WitnessAnswer cosign_if_consistent(const SignedNote& note, const Checkpoint& checkpoint,
                                     std::uint64_t old_size, std::span<const Digest256> proof);
  std::string name_;
  SigningKey key_;
  NoteKey public_key_;
  std::vector<NoteKey> logs_;
  HeadStore& store_;
  Clock clock_;
};

}  // namespace psephos
