#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/signature.h"

/// Signed notes, checkpoints, cosignatures and log proofs as texts (SPEC §8.4 to §8.7; C2SP signed-note,
/// tlog-checkpoint, tlog-cosignature, tlog-proof). One encoding per value: what parses re-encodes to itself.
/// Everything here is public. Making signatures: crypto/secret/note_signer.h.
namespace psephos {

/// More than any log here needs, so that a hostile note costs little.
inline constexpr std::size_t kMaxNoteBytes = 65536;
inline constexpr std::size_t kMaxNoteSignatures = 64;
inline constexpr std::size_t kMaxKeyNameBytes = 255;
inline constexpr std::size_t kMaxProofHashes = 63;
inline constexpr std::uint64_t kMaxTreeSize = (std::uint64_t{1} << 63) - 1;

/// The two C2SP signature types in use. The number enters the key id, so that one key cannot serve as both.
enum class NoteKeyType : std::uint8_t {
  kLog = 0x01,       ///< Ed25519 over the note text: the log itself
  kCosigner = 0x04,  ///< Ed25519 over "cosignature/v1", a time and the note text: a witness
};

/// Who signs notes: name, kind and key, configured and never learnt from a note.
struct NoteKey {
  std::string name;
  NoteKeyType type;
  VerifyKey key;
  /// The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key). An identifier only: collisions are cheap.
  std::uint32_t id() const;
  /// name+hex(id)+base64(type ‖ key): C2SP's vkey.
  std::string encode() const;
  /// @return kNoteFormat for anything encode() does not give, another type included; kPointInvalid for a bad
  /// key.
  static Result<NoteKey, Fault> decode(std::string_view vkey);
  friend bool operator==(const NoteKey&, const NoteKey&) = default;
};
/// Not empty, at most kMaxKeyNameBytes, UTF-8 without control characters, Unicode spaces or '+'.
bool is_key_name(std::string_view name);

/// One line of a note: — name base64(id ‖ bytes). Says nothing until verified.
struct NoteSignature {
  std::string name;
  std::uint32_t key_id;
  Bytes bytes;
  /// With its newline.
  std::string encode() const;
  bool is_by(const NoteKey& key) const { return key_id == key.id() && name == key.name; }
  friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};
/// Signature lines as they stand in a note, or as a witness answers them: one or more, each with its newline.
/// @return kNoteFormat.
Result<std::vector<NoteSignature>, Fault> parse_signatures(std::string_view lines);

/// A text and who claims to have signed it.
struct SignedNote {
  std::string text;  ///< ends in a newline
  std::vector<NoteSignature> signatures;
  std::string encode() const;
  /// @return kNoteFormat: too large, no UTF-8, a control character, no blank line, a malformed signature
  /// line.
  static Result<SignedNote, Fault> parse(std::string_view note);
};

/// A tree head: what a log signs, under its name. Three lines, no extension lines (nobody could audit them).
struct Checkpoint {
  std::string origin;
  std::uint64_t size;
  Digest256 root;
  /// @pre origin is a key name, size <= kMaxTreeSize.
  std::string encode() const;
  /// @return kNoteFormat.
  static Result<Checkpoint, Fault> parse(std::string_view text);
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// What a witness signs: "cosignature/v1" LF "time " timestamp LF text.
Bytes cosigned_message(std::uint64_t timestamp, std::string_view text);

/// The log `key` signed this text. @pre key is of type kLog. @return kSigInvalid, nothing else.
[[nodiscard]] Result<void, Fault> verify_log_signature(std::string_view text, const NoteSignature& signature,
                                                       const NoteKey& key);
/// The witness `key` cosigned this text at the time returned (POSIX seconds). @pre key is of type kCosigner.
/// @return kSigInvalid, also for time zero or beyond 2^63 − 1; nothing else.
Result<std::uint64_t, Fault> verify_cosignature(std::string_view text, const NoteSignature& signature,
                                                const NoteKey& key);

/// A cosigner of a verified checkpoint.
struct Cosigner {
  std::size_t index;        ///< in the roster
  std::uint64_t timestamp;  ///< POSIX seconds, as the witness claims
};
struct VerifiedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosigner> cosigners;  ///< distinct, in roster order
};

/// The log signed this checkpoint under its own origin, and so did at least `quorum` distinct cosigners of
/// the roster. Lines of unknown keys are ignored; two roster entries with one public key count once.
/// @pre log is of type kLog, the roster's keys of type kCosigner.
/// @return kNoteFormat; kLogOriginMismatch if it names another log; kSigInvalid if the log's signature is
/// missing, or a line that names a known key does not verify; kHeadUnwitnessed below quorum. In this order.
Result<VerifiedCheckpoint, Fault> verify_checkpoint(std::string_view note, const NoteKey& log,
                                                    std::span<const NoteKey> roster, std::size_t quorum);

/// Adds to the note the first valid line of each roster key it does not yet bear, out of a witness's answer;
/// ignores other lines. @return how many were added; kNoteFormat if `lines` are not signature lines.
Result<std::size_t, Fault> add_cosignatures(SignedNote& note, std::string_view lines,
                                            std::span<const NoteKey> roster);

/// An entry's place in a log as a text anyone can check offline (C2SP tlog-proof).
struct LogProof {
  Bytes extra;  ///< not authenticated; empty means no such line
  std::uint64_t index;
  std::vector<Digest256> path;
  std::string checkpoint;  ///< a signed note, verbatim
  std::string encode() const;
  /// Shape only; verify_log_proof says what it is worth. @return kNoteFormat.
  static Result<LogProof, Fault> parse(std::string_view text);
};

/// The leaf is in the log at proof.index, under a checkpoint as verify_checkpoint demands.
/// @return as verify_checkpoint, then as verify_inclusion.
Result<VerifiedCheckpoint, Fault> verify_log_proof(const Digest256& leaf_hash, const LogProof& proof,
                                                   const NoteKey& log, std::span<const NoteKey> roster,
                                                   std::size_t quorum);

/// A non-negative decimal of at most kMaxTreeSize without leading zeros; nullopt otherwise.
std::optional<std::uint64_t> parse_tree_size(std::string_view text);
/// Canonical base64 of 32 bytes; nullopt otherwise.
std::optional<Digest256> parse_base64_digest(std::string_view text);

}  // namespace psephos
