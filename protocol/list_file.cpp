#include "protocol/list_file.h"

#include <algorithm>
#include <string_view>

namespace psephos {

namespace {

constexpr std::string_view kMagic = "PSEPHOS1";
constexpr std::size_t kElement = 32;
constexpr std::size_t kMaxHeader = 200'000;

bool is_proof(Stage stage) {
  return stage == Stage::kMixProof || stage == Stage::kShareProof;
}

/// Elements that a list of `items` ciphertexts has at that stage; proofs have a length of their own (§6.3,
/// §6.4).
std::optional<std::uint64_t> expected_elements(const ListHeader& header) {
  const std::uint64_t items = header.count * header.width;
  switch (header.stage) {
    case Stage::kInput:
    case Stage::kMixed:
      return items * 2;
    case Stage::kShare:
    case Stage::kPlaintexts:
      return items;
    case Stage::kMixProof:
    case Stage::kShareProof:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Bytes list_head(const ListHeader& header) {
  const Bytes encoded = encode(header);
  Bytes out = copy_of(bytes_of(kMagic));
  append_u32be(out, static_cast<std::uint32_t>(encoded.size()));
  append(out, encoded);
  return out;
}

Result<ListFile, Rejection> parse_list(ByteView file, Stage expected, const std::string& object) {
  const Reason malformed = is_proof(expected) ? reason_of(Fault::kProofParse) : Reason::kWireNoncanonical;
  const std::size_t fixed = kMagic.size() + 4;
  if (file.size() < fixed || text_of(file.first(kMagic.size())) != kMagic)
    return reject(malformed, object + ", magic");
  const std::uint32_t length = read_u32be(file.subspan(kMagic.size(), 4));
  if (length > kMaxHeader || length > file.size() - fixed)
    return reject(malformed, object + ", header length");
  auto header = decode<ListHeader>(file.subspan(fixed, length));
  if (!header)
    return reject(is_proof(expected) ? malformed : header.error().reason,
                  object + ", " + header.error().object);
  if (header->parameters) return reject(Reason::kParamFromProver, object);
  if (header->stage != expected) return reject(Reason::kChainHashMismatch, object + ", stage");
  ListFile out{std::move(*header), file.subspan(fixed + length)};
  if (out.elements.size() % kElement != 0)
    return reject(malformed, object + ", cut in the middle of an element");
  const auto elements = expected_elements(out.header);
  if (elements && *elements != out.elements.size() / kElement)
    return reject(Reason::kCountMismatch, object + ", elements");
  return out;
}

Bytes write_ciphertexts(const ListHeader& header, std::span<const Ciphertext<Ristretto>> items) {
  Bytes out = list_head(header);
  out.reserve(out.size() + items.size() * 2 * kElement);
  for (const auto& c : items) {
    append(out, c.alpha.encode());
    append(out, c.beta.encode());
  }
  return out;
}

Result<CiphertextList<Ristretto>, Rejection> read_ciphertexts(const ListFile& file,
                                                              const std::string& object) {
  auto points = read_points(file, object);
  if (!points) return std::unexpected(points.error());
  CiphertextList<Ristretto> out{.width = file.header.width, .items = {}};
  out.items.resize(points->size() / 2);
  for (std::size_t i = 0; i < out.items.size(); ++i) out.items[i] = {(*points)[2 * i], (*points)[2 * i + 1]};
  return out;
}

Bytes write_points(const ListHeader& header, std::span<const Ristretto::Point> points) {
  return write_elements(header, encode_all(points));
}

Result<std::vector<Ristretto::Point>, Rejection> read_points(const ListFile& file,
                                                             const std::string& object) {
  auto points = Ristretto::decode_batch(file.elements);
  if (!points)
    return reject(points.error().first, object + ", element " + std::to_string(points.error().second));
  if (auto ok = check_no_identity(file, object); !ok) return std::unexpected(ok.error());
  return std::move(*points);
}

CiphertextList<Ristretto> adopt_ciphertexts(const ListFile& file) {
  return adopt_judged_list<Ristretto>(file.elements, file.header.width);
}

Result<void, Rejection> check_no_identity(const ListFile& file, const std::string& object) {
  if (const auto i = find_identity<Ristretto>(file.elements))
    return reject(Fault::kPointIdentity, object + ", element " + std::to_string(*i));
  return {};
}

Bytes write_elements(const ListHeader& header, ByteView elements) {
  Bytes out = list_head(header);
  append(out, elements);
  return out;
}

}  // namespace psephos
