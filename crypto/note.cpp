#include "crypto/note.h"

#include <algorithm>
#include <charconv>

#include "crypto/invariant.h"
#include "crypto/merkle.h"
#include "crypto/utf8.h"

namespace psephos {
namespace {

constexpr std::string_view kSignaturePrefix = "\u2014 ";  // em dash, space
constexpr std::string_view kLogProofHeader = "c2sp.org/tlog-proof@v1";

std::unexpected<Fault> malformed() {
  return std::unexpected(Fault::kNoteFormat);
}

/// The White_Space property of Unicode, controls left out: those are refused everywhere.
bool is_unicode_space(char32_t c) {
  return c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_note_text(std::string_view text) {
  return is_utf8(text) &&
         std::ranges::all_of(text, [](char c) { return c == '\n' || static_cast<unsigned char>(c) >= 0x20; });
}

/// Takes a line off `text`, without its newline; nullopt if there is no newline left.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<NoteSignature, Fault> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) return malformed();
  line.remove_prefix(kSignaturePrefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) return malformed();
  const auto bytes = from_base64(line.substr(space + 1));
  if (!bytes || bytes->size() < 5) return malformed();
  return NoteSignature{.name = std::string(line.substr(0, space)),
                       .key_id = read_u32be(ByteView(*bytes).first(4)),
                       .bytes = copy_of(ByteView(*bytes).subspan(4))};
}

std::string hash_lines(std::span<const Digest256> hashes) {
  std::string out;
  for (const Digest256& hash : hashes) out += to_base64(hash) + "\n";
  return out;
}

}  // namespace

std::optional<std::uint64_t> parse_tree_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxTreeSize ||
      (text.size() > 1 && text[0] == '0'))
    return std::nullopt;
  return value;
}

std::optional<Digest256> parse_base64_digest(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Digest256 out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

bool is_key_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxKeyNameBytes) return false;
  while (!name.empty()) {
    const auto c = take_code_point(name);
    if (!c || *c < 0x20 || *c == U'+' || is_unicode_space(*c)) return false;
  }
  return true;
}

std::uint32_t NoteKey::id() const {
  const std::uint8_t tail[2] = {'\n', static_cast<std::uint8_t>(type)};
  const Digest256 hash = Sha256().update(bytes_of(name)).update(tail).update(key.encode()).finish();
  return read_u32be(ByteView(hash).first(4));
}

std::string NoteKey::encode() const {
  Bytes id_bytes;
  append_u32be(id_bytes, id());
  Bytes material = {static_cast<std::uint8_t>(type)};
  append(material, key.encode());
  return name + "+" + to_hex(id_bytes) + "+" + to_base64(material);
}

Result<NoteKey, Fault> NoteKey::decode(std::string_view vkey) {
  const std::size_t first = vkey.find('+');
  if (first == std::string_view::npos || !is_key_name(vkey.substr(0, first))) return malformed();
  const std::size_t second = vkey.find('+', first + 1);  // later ones belong to the base64
  if (second == std::string_view::npos) return malformed();
  const auto material = from_base64(vkey.substr(second + 1));
  if (!material || material->size() != 33) return malformed();
  const auto type = static_cast<NoteKeyType>(material->front());
  if (type != NoteKeyType::kLog && type != NoteKeyType::kCosigner) return malformed();
  const auto key = VerifyKey::decode(ByteView(*material).subspan(1));
  if (!key) return std::unexpected(key.error());
  NoteKey out{.name = std::string(vkey.substr(0, first)), .type = type, .key = *key};
  if (out.encode() != vkey) return malformed();  // the id, in lower case
  return out;
}

std::string NoteSignature::encode() const {
  Bytes blob;
  append_u32be(blob, key_id);
  append(blob, bytes);
  return std::string(kSignaturePrefix) + name + " " + to_base64(blob) + "\n";
}

Result<std::vector<NoteSignature>, Fault> parse_signatures(std::string_view lines) {
  if (lines.size() > kMaxNoteBytes || !is_note_text(lines)) return malformed();
  std::vector<NoteSignature> out;
  while (!lines.empty()) {
    const auto line = take_line(lines);
    if (!line || out.size() == kMaxNoteSignatures) return malformed();
    auto signature = parse_signature_line(*line);
    if (!signature) return std::unexpected(signature.error());
    out.push_back(std::move(*signature));
  }
  if (out.empty()) return malformed();
  return out;
}

std::string SignedNote::encode() const {
  std::string out = text + "\n";
  for (const NoteSignature& signature : signatures) out += signature.encode();
  return out;
}

Result<SignedNote, Fault> SignedNote::parse(std::string_view note) {
  if (note.size() > kMaxNoteBytes || !is_note_text(note)) return malformed();
  // The last blank line separates; the text keeps its own newline.
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) return malformed();
  auto signatures = parse_signatures(note.substr(blank + 2));
  if (!signatures) return std::unexpected(signatures.error());
  return SignedNote{.text = std::string(note.substr(0, blank + 1)), .signatures = std::move(*signatures)};
}

std::string Checkpoint::encode() const {
  invariant(is_key_name(origin) && size <= kMaxTreeSize, "a log has a well-formed name and a countable size");
  return origin + "\n" + std::to_string(size) + "\n" + to_base64(root) + "\n";
}

Result<Checkpoint, Fault> Checkpoint::parse(std::string_view text) {
  const auto origin = take_line(text);
  const auto size_line = take_line(text);
  const auto root_line = take_line(text);
  if (!origin || !size_line || !root_line || !text.empty() || !is_key_name(*origin)) return malformed();
  const auto size = parse_tree_size(*size_line);
  const auto root = parse_base64_digest(*root_line);
  if (!size || !root) return malformed();
  return Checkpoint{.origin = std::string(*origin), .size = *size, .root = *root};
}

Bytes cosigned_message(std::uint64_t timestamp, std::string_view text) {
  Bytes out = copy_of(bytes_of("cosignature/v1\ntime " + std::to_string(timestamp) + "\n"));
  append(out, bytes_of(text));
  return out;
}

Result<void, Fault> verify_log_signature(std::string_view text, const NoteSignature& signature,
                                         const NoteKey& key) {
  invariant(key.type == NoteKeyType::kLog, "the caller passes a log's key");
  if (!signature.is_by(key)) return std::unexpected(Fault::kSigInvalid);
  return verify_signature(key.key, bytes_of(text), signature.bytes);
}

Result<std::uint64_t, Fault> verify_cosignature(std::string_view text, const NoteSignature& signature,
                                                const NoteKey& key) {
  invariant(key.type == NoteKeyType::kCosigner, "the caller passes a cosigner's key");
  const ByteView bytes = signature.bytes;
  if (!signature.is_by(key) || bytes.size() != 8 + sizeof(Signature))
    return std::unexpected(Fault::kSigInvalid);
  const std::uint64_t timestamp = read_u64be(bytes.first(8));
  if (timestamp == 0 || timestamp > kMaxTreeSize) return std::unexpected(Fault::kSigInvalid);
  const auto valid = verify_signature(key.key, cosigned_message(timestamp, text), bytes.subspan(8));
  if (!valid) return std::unexpected(valid.error());
  return timestamp;
}

Result<VerifiedCheckpoint, Fault> verify_checkpoint(std::string_view note, const NoteKey& log,
                                                    std::span<const NoteKey> roster, std::size_t quorum) {
  const auto signed_note = SignedNote::parse(note);
  if (!signed_note) return std::unexpected(signed_note.error());
  auto checkpoint = Checkpoint::parse(signed_note->text);
  if (!checkpoint) return std::unexpected(checkpoint.error());
  if (checkpoint->origin != log.name) return std::unexpected(Fault::kLogOriginMismatch);

  bool log_signed = false;
  std::vector<std::optional<std::uint64_t>> cosigned(roster.size());
  for (const NoteSignature& signature : signed_note->signatures) {
    if (signature.is_by(log)) {
      if (!verify_log_signature(signed_note->text, signature, log))
        return std::unexpected(Fault::kSigInvalid);
      log_signed = true;
    }
    for (std::size_t i = 0; i < roster.size(); ++i) {
      if (!signature.is_by(roster[i])) continue;
      const auto timestamp = verify_cosignature(signed_note->text, signature, roster[i]);
      if (!timestamp) return std::unexpected(timestamp.error());
      cosigned[i] = std::max(cosigned[i].value_or(0), *timestamp);
    }
  }
  if (!log_signed) return std::unexpected(Fault::kSigInvalid);

  VerifiedCheckpoint out{.checkpoint = std::move(*checkpoint), .cosigners = {}};
  for (std::size_t i = 0; i < roster.size(); ++i) {
    // A cosignature does not cover the cosigner's name: one key under two names is one witness.
    const bool is_new = std::ranges::none_of(
        out.cosigners, [&](const Cosigner& known) { return roster[known.index].key == roster[i].key; });
    if (cosigned[i] && is_new) out.cosigners.push_back({.index = i, .timestamp = *cosigned[i]});
  }
  if (out.cosigners.size() < quorum) return std::unexpected(Fault::kHeadUnwitnessed);
  return out;
}

Result<std::size_t, Fault> add_cosignatures(SignedNote& note, std::string_view lines,
                                            std::span<const NoteKey> roster) {
  auto offered = parse_signatures(lines);
  if (!offered) return std::unexpected(offered.error());
  std::size_t added = 0;
  for (const NoteKey& key : roster) {
    const auto is_by_key = [&](const NoteSignature& signature) { return signature.is_by(key); };
    if (std::ranges::any_of(note.signatures, is_by_key)) continue;
    const auto found = std::ranges::find_if(*offered, [&](const NoteSignature& signature) {
      return is_by_key(signature) && verify_cosignature(note.text, signature, key).has_value();
    });
    if (found == offered->end()) continue;
    note.signatures.push_back(*found);
    ++added;
  }
  return added;
}

std::string LogProof::encode() const {
  std::string out = std::string(kLogProofHeader) + "\n";
  if (!extra.empty()) out += "extra " + to_base64(extra) + "\n";
  return out + "index " + std::to_string(index) + "\n" + hash_lines(path) + "\n" + checkpoint;
}

Result<LogProof, Fault> LogProof::parse(std::string_view text) {
  if (text.size() > 2 * kMaxNoteBytes || take_line(text) != kLogProofHeader) return malformed();
  LogProof out{.extra = {}, .index = 0, .path = {}, .checkpoint = {}};
  auto line = take_line(text);
  if (line && line->starts_with("extra ")) {
    auto extra = from_base64(line->substr(6));
    if (!extra || extra->empty()) return malformed();
    out.extra = std::move(*extra);
    line = take_line(text);
  }
  if (!line || !line->starts_with("index ")) return malformed();
  const auto index = parse_tree_size(line->substr(6));
  if (!index) return malformed();
  out.index = *index;
  for (line = take_line(text); line && !line->empty(); line = take_line(text)) {
    const auto hash = parse_base64_digest(*line);
    if (!hash || out.path.size() == kMaxProofHashes) return malformed();
    out.path.push_back(*hash);
  }
  if (!line) return malformed();
  const auto note = SignedNote::parse(text);
  if (!note || !Checkpoint::parse(note->text)) return malformed();
  out.checkpoint = std::string(text);
  return out;
}

Result<VerifiedCheckpoint, Fault> verify_log_proof(const Digest256& leaf_hash, const LogProof& proof,
                                                   const NoteKey& log, std::span<const NoteKey> roster,
                                                   std::size_t quorum) {
  auto head = verify_checkpoint(proof.checkpoint, log, roster, quorum);
  if (!head) return head;
  const auto included =
      verify_inclusion(leaf_hash, proof.index, head->checkpoint.size, proof.path, head->checkpoint.root);
  if (!included) return std::unexpected(included.error());
  return head;
}

}  // namespace psephos
