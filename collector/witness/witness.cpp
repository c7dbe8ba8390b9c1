#include "collector/witness/witness.h"

#include <algorithm>

#include "crypto/invariant.h"
#include "crypto/merkle.h"

namespace psephos {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

WitnessAnswer answer(unsigned status, std::string event, std::string body) {
  return {.status = status,
          .content_type = std::string(kText),
          .body = std::move(body),
          .event = std::move(event)};
}

WitnessAnswer refusal(unsigned status, std::string_view reason) {
  return answer(status, std::string(reason), std::string(reason) + "\n");
}

/// The client should have asked from this size.
WitnessAnswer conflict(std::uint64_t held_size) {
  return {.status = 409,
          .content_type = "text/x.tlog.size",
          .body = std::to_string(held_size) + "\n",
          .event = "OLD_SIZE"};
}

struct Request {
  std::uint64_t old_size;
  std::vector<Digest256> proof;
  SignedNote note;
  Checkpoint checkpoint;
};

std::optional<Request> parse(std::string_view body) {
  constexpr std::string_view kOld = "old ";
  const std::size_t blank = body.find("\n\n");
  if (body.size() > kMaxWitnessBody || !body.starts_with(kOld) || blank == std::string_view::npos)
    return std::nullopt;
  std::string_view head = body.substr(kOld.size(), blank + 1 - kOld.size());
  const auto take_line = [&head] {
    const std::size_t end = head.find('\n');
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 1);
    return line;
  };
  const auto old_size = parse_tree_size(take_line());
  if (!old_size) return std::nullopt;
  std::vector<Digest256> proof;
  while (!head.empty()) {
    const auto hash = parse_base64_digest(take_line());
    if (!hash || proof.size() == kMaxProofHashes) return std::nullopt;
    proof.push_back(*hash);
  }
  auto note = SignedNote::parse(body.substr(blank + 2));
  if (!note) return std::nullopt;
  auto checkpoint = Checkpoint::parse(note->text);
  if (!checkpoint) return std::nullopt;
  return Request{*old_size, std::move(proof), std::move(*note), std::move(*checkpoint)};
}

/// The note with the lines of its log alone, each verified; nullopt if there is none, or one does not verify.
std::optional<SignedNote> signed_by_log(const SignedNote& note, std::span<const NoteKey> keys) {
  SignedNote out{.text = note.text, .signatures = {}};
  for (const NoteSignature& signature : note.signatures) {
    for (const NoteKey& key : keys) {
      if (!signature.is_by(key)) continue;
      if (!verify_log_signature(note.text, signature, key)) return std::nullopt;
      if (std::ranges::find(out.signatures, signature) == out.signatures.end())
        out.signatures.push_back(signature);
    }
  }
  if (out.signatures.empty()) return std::nullopt;
  return out;
}

}  // namespace

Witness::Witness(std::string name, SigningKey key, std::vector<NoteKey> logs, HeadStore& store, Clock clock)
    : name_(std::move(name)),
      key_(std::move(key)),
      public_key_(note_key(name_, NoteKeyType::kCosigner, key_)),
      logs_(std::move(logs)),
      store_(store),
      clock_(std::move(clock)) {
  invariant(std::ranges::all_of(logs_, [](const NoteKey& log) { return log.type == NoteKeyType::kLog; }),
            "the caller configures keys of logs");
}

WitnessAnswer Witness::add_checkpoint(std::string_view body) {
  const auto request = parse(body);
  if (!request) return refusal(400, name_of(Fault::kNoteFormat));
  std::vector<NoteKey> keys;
  std::ranges::copy_if(logs_, std::back_inserter(keys),
                       [&](const NoteKey& log) { return log.name == request->checkpoint.origin; });
  if (keys.empty()) return refusal(404, name_of(Fault::kLogOriginMismatch));
  const auto note = signed_by_log(request->note, keys);
  WitnessAnswer out =
      note ? cosign_if_consistent(*note, request->checkpoint, request->old_size, request->proof)
           : refusal(403, name_of(Fault::kSigInvalid));
  out.origin = request->checkpoint.origin;
  out.size = request->checkpoint.size;
  return out;
}

WitnessAnswer Witness::cosign_if_consistent(const SignedNote& note, const Checkpoint& checkpoint,
                                            std::uint64_t old_size, std::span<const Digest256> proof) {
  if (old_size > checkpoint.size) return refusal(400, name_of(Fault::kLogProofDegenerate));
  const auto held = store_.last(checkpoint.origin);
  if (!held) return refusal(500, "STORE");

  // Signed by the log and of a size it has signed before with another root: both notes together convict it,
  // whatever else is wrong with this request.
  const bool equivocates = *held && (*held)->size == checkpoint.size && (*held)->root != checkpoint.root;
  if (equivocates && !store_.keep({checkpoint.origin, (*held)->note, note.encode()}))
    return refusal(500, "STORE");

  const std::uint64_t held_size = *held ? (*held)->size : 0;
  if (old_size != held_size) return conflict(held_size);
  if (equivocates) return refusal(422, "LOG_EQUIVOCATION");
  if (old_size == 0) {
    // The empty tree is consistent with every tree, so there is nothing to prove.
    if (!proof.empty()) return refusal(422, name_of(Fault::kLogProofDegenerate));
    if (checkpoint.size == 0 && checkpoint.root != empty_root())
      return refusal(422, name_of(Fault::kLogProofInvalid));
  } else if (const auto consistent =
                 verify_consistency(old_size, (*held)->root, checkpoint.size, checkpoint.root, proof);
             !consistent) {
    return refusal(422, name_of(consistent.error()));
  }

  const std::uint64_t now = clock_();
  if (now == 0 || now > kMaxTreeSize) return refusal(500, "CLOCK");
  SignedNote cosigned = note;
  cosigned.signatures.push_back(cosign(note.text, name_, key_, now));
  const auto advanced =
      store_.advance(checkpoint.origin, *held,
                     {.size = checkpoint.size, .root = checkpoint.root, .note = cosigned.encode()});
  if (!advanced) return refusal(500, "STORE");
  if (!*advanced) {  // another process was faster
    const auto newer = store_.last(checkpoint.origin);
    return newer && *newer ? conflict((*newer)->size) : refusal(500, "STORE");
  }
  return answer(200, "cosigned", cosigned.signatures.back().encode());
}

WitnessAnswer Witness::checkpoint(std::string_view origin_hash) const {
  for (const NoteKey& log : logs_) {
    if (to_hex(sha256(bytes_of(log.name))) != origin_hash) continue;
    const auto held = store_.last(log.name);
    if (!held) return refusal(500, "STORE");
    if (*held) return answer(200, "served", (*held)->note);
  }
  return refusal(404, "UNKNOWN");
}

WitnessAnswer Witness::health() const {
  return store_.origins() ? answer(200, "healthy", "ok\n") : refusal(500, "STORE");
}

}  // namespace psephos
