#include "protocol/archive.h"

#include <algorithm>
#include <array>
#include <string>

#include "crypto/invariant.h"

namespace psephos {
namespace {

// APPNOTE.TXT 6.3.3, §4.3.7, §4.3.12, §4.3.16: all numbers little-endian.
constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50, kEnd = 0x06054b50;
constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22;
constexpr std::uint16_t kVersion = 10;         // files are only stored
constexpr std::uint16_t kNoDate = 1 << 5 | 1;  // 1 January 1980, the first there is

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
  out.push_back(static_cast<std::uint8_t>(value >> 8));
}
void put32(Bytes& out, std::size_t value) {
  put16(out, value & 0xffff);
  put16(out, value >> 16);
}
std::uint16_t get16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}
std::uint32_t get32(ByteView bytes, std::size_t at) {
  return get16(bytes, at) | static_cast<std::uint32_t>(get16(bytes, at + 2)) << 16;
}

/// CRC-32 of ISO 3309, as ZIP has it (APPNOTE.TXT §4.4.7); row k of the table is for a byte that k others
/// follow, so that eight are taken at once.
std::uint32_t crc32(ByteView bytes) {
  static constexpr auto kTable = [] {
    std::array<std::array<std::uint32_t, 256>, 8> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ c >> 1 : c >> 1;
      table[0][i] = c;
    }
    for (std::size_t row = 1; row < table.size(); ++row)
      for (std::size_t i = 0; i < 256; ++i)
        table[row][i] = table[0][table[row - 1][i] & 0xff] ^ table[row - 1][i] >> 8;
    return table;
  }();
  std::uint32_t c = 0xffffffff;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    c ^= get32(bytes, 0);
    c = kTable[7][c & 0xff] ^ kTable[6][c >> 8 & 0xff] ^ kTable[5][c >> 16 & 0xff] ^ kTable[4][c >> 24] ^
        kTable[3][bytes[4]] ^ kTable[2][bytes[5]] ^ kTable[1][bytes[6]] ^ kTable[0][bytes[7]];
  }
  for (const std::uint8_t byte : bytes) c = kTable[0][(c ^ byte) & 0xff] ^ c >> 8;
  return ~c;
}

/// What local and central header have in common, from version to the length of the extra field.
void put_common(Bytes& out, const ArchivedFile& file, std::uint32_t crc) {
  put16(out, kVersion);
  put16(out, 0);  // flags
  put16(out, 0);  // stored
  put16(out, 0);  // time
  put16(out, kNoDate);
  put32(out, crc);
  put32(out, file.content.size());
  put32(out, file.content.size());
  put16(out, file.name.size());
  put16(out, 0);  // extra field
}

bool leads_elsewhere(std::string_view name) {
  if (name.empty() || name.starts_with('/') || name.find('\\') != name.npos || name.find(':') != name.npos)
    return true;
  for (std::size_t from = 0; from <= name.size();) {
    const std::size_t to = std::min(name.find('/', from), name.size());
    const std::string_view part = name.substr(from, to - from);
    if (part == "." || part == "..") return true;
    from = to + 1;
  }
  return false;
}

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::unexpected<Rejection> ambiguous(std::string_view what) {
  return reject(Reason::kContainerAmbiguous, std::string(what));
}

}  // namespace

Bytes write_archive(std::span<const ArchivedFile> files) {
  Bytes out;
  Bytes central;
  for (const ArchivedFile& file : files) {
    const std::size_t offset = out.size();
    const std::uint32_t crc = crc32(file.content);
    put32(out, kLocalHeader);
    put_common(out, file, crc);
    append(out, bytes_of(file.name));
    append(out, file.content);
    put32(central, kCentralHeader);
    put16(central, kVersion);  // made by
    put_common(central, file, crc);
    put16(central, 0);  // comment
    put16(central, 0);  // disk
    put16(central, 0);  // internal attributes
    put32(central, 0);  // external attributes
    put32(central, offset);
    append(central, bytes_of(file.name));
  }
  const std::size_t begin = out.size();
  invariant(files.size() < 0x10000 && begin + central.size() < 0x100000000, "containers are small");
  append(out, central);
  put32(out, kEnd);
  put16(out, 0);  // this disk
  put16(out, 0);  // disk of the directory
  put16(out, files.size());
  put16(out, files.size());
  put32(out, central.size());
  put32(out, begin);
  put16(out, 0);  // comment
  return out;
}

Result<std::vector<ArchivedFile>, Rejection> read_archive(ByteView bytes, std::size_t most_files) {
  if (bytes.size() < kEndBytes || get32(bytes, 0) != kLocalHeader) {
    // A directory that another reader would find, behind something else.
    const ByteView end = bytes.size() < kEndBytes ? ByteView() : bytes.last(kEndBytes);
    if (!end.empty() && get32(end, 0) == kEnd) return ambiguous("bytes before the first file");
    return reject(Reason::kContainerTemplate, "no archive");
  }
  const std::size_t end = bytes.size() - kEndBytes;
  if (get32(bytes, end) != kEnd || get16(bytes, end + 20) != 0)
    return ambiguous("bytes behind the directory");
  const std::size_t count = get16(bytes, end + 10);
  const std::size_t central_size = get32(bytes, end + 12);
  const std::size_t central_begin = get32(bytes, end + 16);
  if (get16(bytes, end + 8) != count || central_begin > end || end - central_begin != central_size)
    return ambiguous("the directory's place");
  if (count > most_files) return reject(Reason::kContainerTooLarge, "files");

  std::vector<ArchivedFile> files;
  std::vector<std::string> names;
  std::size_t local = 0;
  std::size_t central = central_begin;
  for (std::size_t i = 0; i < count; ++i) {
    if (end - central < kCentralBytes || get32(bytes, central) != kCentralHeader)
      return ambiguous("the directory");
    const std::size_t name_bytes = get16(bytes, central + 28);
    const std::size_t more_bytes = get16(bytes, central + 30) + std::size_t{get16(bytes, central + 32)};
    if (end - central - kCentralBytes < name_bytes + more_bytes) return ambiguous("the directory");
    const std::string_view name = text_of(bytes.subspan(central + kCentralBytes, name_bytes));
    if (leads_elsewhere(name)) return reject(Reason::kContainerPath, "file " + std::to_string(i + 1));
    if (std::ranges::find(names, folded(name)) != names.end()) return ambiguous("a name twice");
    names.push_back(folded(name));
    const std::size_t packed = get32(bytes, central + 20);
    if (get32(bytes, central + 24) > packed)
      return reject(Reason::kContainerTooLarge, "file " + std::to_string(i + 1) + " would expand");
    if (get32(bytes, central + 42) != local || central_begin - local < kLocalBytes ||
        get32(bytes, local) != kLocalHeader)
      return ambiguous("a file's place");
    const std::size_t local_more = get16(bytes, local + 28);
    if (get16(bytes, local + 26) != name_bytes ||
        central_begin - local - kLocalBytes < name_bytes + local_more + packed ||
        !equal(bytes.subspan(local + 4, 24), bytes.subspan(central + 6, 24)) ||
        text_of(bytes.subspan(local + kLocalBytes, name_bytes)) != name)
      return ambiguous("two headers of a file");
    files.push_back({name, bytes.subspan(local + kLocalBytes + name_bytes + local_more, packed)});
    local += kLocalBytes + name_bytes + local_more + packed;
    central += kCentralBytes + name_bytes + more_bytes;
  }
  if (local != central_begin || central != end) return ambiguous("bytes between files");
  // Compression, dates, attributes, comments, checksums: whatever is left over is not how it is written.
  if (!equal(write_archive(files), bytes)) return reject(Reason::kContainerTemplate, "the archive");
  return files;
}

}  // namespace psephos
