#include "voter-client/core/head_memory.h"

#include "protocol/files/files.h"
#include "protocol/limits.h"

namespace psephos {

Result<HeadMemory, Rejection> HeadMemory::in(const std::filesystem::path& directory,
                                             const Election& election) {
  HeadMemory out;
  out.file_ = directory / ("head-" + to_hex(election.fingerprint()));
  std::error_code error;
  if (!std::filesystem::exists(*out.file_, error)) return out;
  const auto note = read_file(*out.file_, limits::kNoteBytes);
  if (!note) return std::unexpected(note.error());
  auto checkpoint = election.check_checkpoint(text_of(*note));
  if (!checkpoint) return reject(checkpoint.error().reason, out.file_->string());
  out.last_ = std::move(*checkpoint);
  return out;
}

Result<void, Rejection> HeadMemory::see(const Election& election, ByteView note) {
  if (note.empty()) {
    if (last_) return reject(Reason::kLogHeadRegression, "no checkpoint");
    return {};
  }
  auto checkpoint = election.check_checkpoint(text_of(note));
  if (!checkpoint) return std::unexpected(checkpoint.error());
  if (last_) {
    const std::string sizes = std::to_string(checkpoint->size) + " after " + std::to_string(last_->size);
    if (checkpoint->size < last_->size) return reject(Reason::kLogHeadRegression, sizes);
    if (checkpoint->size == last_->size && checkpoint->root != last_->root)
      return reject(Reason::kLogEquivocation, sizes);
    if (checkpoint->size == last_->size) return {};
  }
  if (file_)
    if (auto kept = write_file(*file_, note); !kept) return kept;
  last_ = std::move(*checkpoint);
  return {};
}

}  // namespace psephos
