#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/rejection.h"

namespace psephos {

/// A file in an archive. Views of the archive's bytes, or of what is to be written.
struct ArchivedFile {
  std::string_view name;
  ByteView content;
};

/// A ZIP archive (APPNOTE.TXT 6.3.3) of these files, in this order, each stored as it is; no dates, no
/// attributes, no comments: the same files give the same bytes. @pre fewer than 65,536 files, 4 GiB in all.
Bytes write_archive(std::span<const ArchivedFile> files);

/// Reads what write_archive writes, and nothing else; nothing is unpacked.
/// @return CONTAINER_AMBIGUOUS if readers could disagree: bytes before, between or behind, headers that
/// contradict each other, names that differ in case alone; CONTAINER_PATH for a name that leads elsewhere;
/// CONTAINER_TOO_LARGE for more than `most_files`, or a file that would be larger unpacked than it is;
/// CONTAINER_TEMPLATE for everything else, such as compression, a date or a wrong checksum.
Result<std::vector<ArchivedFile>, Rejection> read_archive(ByteView bytes, std::size_t most_files);

}  // namespace psephos
