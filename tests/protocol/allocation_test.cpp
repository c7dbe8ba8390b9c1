#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "crypto/merkle.h"
#include "crypto/note.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/cocktail.h"
#include "crypto/threshold/decryption.h"
#include "protocol/eid/certificate.h"
#include "protocol/files/definition_json.h"
#include "protocol/list_file.h"
#include "tests/protocol/message_bytes.h"

// A86: bytes that promise more than they hold, or that nest without end. Every reader refuses them by name,
// and never holds more memory than a small multiple of what it was given: this program counts what it
// allocates.

namespace {

std::atomic<std::size_t> held{0}, peak{0};

// The size stands in front of each block.
constexpr std::size_t kFront = 64;

void* counted_alloc(std::size_t size, std::size_t align) {
  const std::size_t front = std::max(kFront, align);
  void* const block = std::aligned_alloc(front, (front + size + front - 1) / front * front);
  if (block == nullptr) throw std::bad_alloc();
  auto* const out = static_cast<unsigned char*>(block) + front;
  *reinterpret_cast<std::size_t*>(out - 16) = size;
  *reinterpret_cast<std::size_t*>(out - 8) = front;
  const std::size_t now = held.fetch_add(size) + size;
  std::size_t highest = peak.load();
  while (now > highest && !peak.compare_exchange_weak(highest, now)) {
  }
  return out;
}
void counted_free(void* p) {
  if (p == nullptr) return;
  auto* const out = static_cast<unsigned char*>(p);
  held.fetch_sub(*reinterpret_cast<std::size_t*>(out - 16));
  std::free(out - *reinterpret_cast<std::size_t*>(out - 8));
}

/// The most bytes that were held at once above what was held before.
template <class Work>
std::size_t most_held(Work&& work) {
  const std::size_t before = held.load();
  peak.store(before);
  std::forward<Work>(work)();
  return peak.load() - before;
}

}  // namespace

void* operator new(std::size_t size) {
  return counted_alloc(size, kFront);
}
void* operator new(std::size_t size, std::align_val_t align) {
  return counted_alloc(size, static_cast<std::size_t>(align));
}
void operator delete(void* p) noexcept {
  counted_free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  counted_free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  counted_free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  counted_free(p);
}

namespace psephos {
namespace {

using namespace wire_test;
using G = Ristretto;

/// Room for a refusal with its path, for a table that is made once, for small vectors.
constexpr std::size_t kSlack = 4096;
/// A value in memory is larger than on the wire: a vector of texts of one byte is the worst there is, and a
/// vector that grows holds its old elements too.
constexpr std::size_t kTimes = 48;

TEST(Allocation, CountsWhatIsHeld) {
  EXPECT_GE(most_held([] { const Bytes twenty(std::size_t{20} << 20U); }), std::size_t{20} << 20U);
  EXPECT_LT(most_held([] { const Bytes few(20); }), kSlack);
}

/// A field with a length that the input does not hold, in the place of `field` and nothing behind it.
Bytes cut_at(ByteView message, const Field& field, std::uint64_t promised) {
  Bytes out = copy_of(message.first(field.begin));
  wire::write_tag(out, field.number, 2);
  wire::write_varint(out, promised);
  return out;
}

TEST(Allocation, A86_LengthsBeyondTheInput) {
  std::size_t tried = 0, most = 0;
  for_all_messages([&]<class M>(const M&) {
    const Bytes good = encode(Filler::made<M>());
    EXPECT_TRUE(decode<M>(good).has_value()) << M::kName;
    for (const Field& field : fields_of(good)) {
      if (!field.is_bytes) continue;
      for (const std::uint64_t promised :
           {std::uint64_t{1}, std::uint64_t{1} << 20U, std::uint64_t{1} << 31U, std::uint64_t{1} << 32U,
            ~std::uint64_t{0} >> 1U, ~std::uint64_t{0}}) {
        const Bytes bytes = cut_at(good, field, promised);
        std::optional<Rejection> refused;
        const std::size_t memory = most_held([&] {
          const auto decoded = decode<M>(bytes);
          if (!decoded) refused = decoded.error();
        });
        ASSERT_TRUE(refused.has_value()) << M::kName;
        EXPECT_EQ(refused->reason, Reason::kWireLimit) << M::kName << ' ' << field.number;
        EXPECT_LE(memory, kTimes * bytes.size() + kSlack) << M::kName << ' ' << field.number;
        most = std::max(most, memory);
        ++tried;
      }
    }
  });
  EXPECT_GT(tried, 600U);
  EXPECT_LT(most, std::size_t{1} << 16U);
}

// Varints: eleven bytes, ten with too much in the last ("negative" numbers of other profiles), none at all.
TEST(Allocation, A86_NumbersWithoutEnd) {
  for (const std::string_view hex :
       {"ffffffffffffffffffff01", "ffffffffffffffffff7f", "ffffffffffffffffffff", "80"}) {
    Bytes bytes = from_hex("0a0161").value();  // ChoiceCount: an id, then the number
    wire::write_tag(bytes, 2, 0);
    append(bytes, from_hex(hex).value());
    const auto memory = most_held(
        [&] { EXPECT_EQ(decode<ChoiceCount>(bytes).error().reason, Reason::kWireNoncanonical) << hex; });
    EXPECT_LT(memory, kSlack);
  }
  EXPECT_TRUE(decode<ChoiceCount>(from_hex("0a01611001").value()).has_value());
}

// The deepest message has the depth that the schema gives it: what nests deeper meets a field that is none.
TEST(Allocation, A86_NestingWithoutEnd) {
  for (const std::size_t depth : {10U, 1000U, 100'000U}) {
    for (const std::uint32_t number : {1U, 2U, 6U}) {
      Bytes nested = from_hex("0a00").value();
      // From the inside out, each level in front of the one before; lengths grow with it.
      std::vector<Bytes> heads;
      std::size_t size = nested.size();
      for (std::size_t level = 0; level < depth; ++level) {
        Bytes head;
        wire::write_tag(head, number, 2);
        wire::write_varint(head, size);
        size += head.size();
        heads.push_back(std::move(head));
      }
      Bytes bytes;
      for (std::size_t level = depth; level-- > 0;) append(bytes, heads[level]);
      append(bytes, nested);
      for_all_messages([&]<class M>(const M&) {
        bool accepted = false;
        const auto memory = most_held([&] { accepted = decode<M>(bytes).has_value(); });
        // Some message holds bytes of any kind, which it does not look into.
        EXPECT_LE(memory, 3 * bytes.size() + kSlack) << M::kName << ' ' << number;
        EXPECT_TRUE(!accepted || encode(*decode<M>(bytes)) == bytes);
      });
    }
  }
  for (const std::size_t depth : {100U, 100'000U}) {
    for (const std::string_view open : {"[", "{\"a\":", "{\"contests\":["}) {
      std::string json;
      for (std::size_t i = 0; i < depth; ++i) json += open;
      const auto memory = most_held([&] {
        const auto parsed = parse_definition(json, ".");
        ASSERT_FALSE(parsed.has_value());
        EXPECT_EQ(parsed.error().reason, Reason::kDefinitionParse);
      });
      EXPECT_LE(memory, 3 * json.size() + (std::size_t{1} << 16U)) << open;
    }
  }
}

// As many of the smallest elements as there is room for: memory is a multiple of the input, however long that
// is.
TEST(Allocation, A86_ManySmallElements) {
  double worst = 0;
  for_all_messages([&]<class M>(const M&) {
    const Bytes good = encode(Filler::made<M>());
    for (const Field& field : fields_of(good)) {
      if (!field.is_bytes) continue;
      const ByteView one = ByteView(good).subspan(field.begin, field.end - field.begin);
      Bytes bytes = copy_of(ByteView(good).first(field.begin));
      while (bytes.size() < 200'000) append(bytes, one);
      append(bytes, ByteView(good).subspan(field.end));
      const auto memory = most_held([&] { (void)decode<M>(bytes); });
      worst = std::max(worst, static_cast<double>(memory) / static_cast<double>(bytes.size()));
      EXPECT_LE(memory, kTimes * bytes.size() + kSlack) << M::kName << ' ' << field.number;
    }
  });
  std::printf("worst: %.1f times the input\n", worst);
  EXPECT_GT(worst, 1);  // some are accepted, or refused only after many elements
}

// Counts and widths in the header of a list, far beyond the elements that follow.
TEST(Allocation, A86_ListsThatPromiseMore) {
  const auto head = [](Stage stage, std::uint64_t count, std::uint64_t width) {
    ListHeader header = Filler::made<ListHeader>();
    header.stage = stage;
    header.count = count;
    header.width = width;
    header.parameters = std::nullopt;
    return list_head(header);
  };
  for (const Stage stage : {Stage::kInput, Stage::kMixed, Stage::kShare, Stage::kPlaintexts}) {
    const std::size_t elements = stage == Stage::kInput || stage == Stage::kMixed ? 2 : 1;
    Bytes honest = head(stage, 1, 1);
    honest.resize(honest.size() + 32 * elements);
    EXPECT_TRUE(parse_list(honest, stage, "list").has_value());
    for (const std::uint64_t count : {std::uint64_t{2}, std::uint64_t{1} << 31U, std::uint64_t{1} << 32U})
      for (const std::uint64_t width : {std::uint64_t{1}, limits::kWidth}) {
        Bytes bytes = head(stage, count, width);
        bytes.resize(bytes.size() + 32 * elements);
        const auto memory = most_held(
            [&] { EXPECT_EQ(parse_list(bytes, stage, "list").error().reason, Reason::kCountMismatch); });
        EXPECT_LT(memory, kSlack);
      }
  }
  // A count or a width that no list has, and a header that is longer than its file.
  for (const auto& [count, width] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{(std::uint64_t{1} << 32U) + 1, 1},
                                                            {~std::uint64_t{0}, 1},
                                                            {1, limits::kWidth + 1},
                                                            {1, ~std::uint64_t{0}}}) {
    const Bytes bytes = head(Stage::kMixed, count, width);
    EXPECT_EQ(parse_list(bytes, Stage::kMixed, "list").error().reason, Reason::kWireLimit);
  }
  for (const std::uint32_t length : {std::uint32_t{1} << 31U, ~std::uint32_t{0}}) {
    Bytes bytes = copy_of(bytes_of("PSEPHOS1"));
    append_u32be(bytes, length);
    bytes.resize(100);
    const auto memory = most_held([&] {
      EXPECT_EQ(parse_list(bytes, Stage::kMixed, "list").error().reason, Reason::kWireNoncanonical);
      EXPECT_EQ(parse_list(bytes, Stage::kMixProof, "list").error().reason, reason_of(Fault::kProofParse));
    });
    EXPECT_LT(memory, kSlack);
  }
}

// Proofs have the length that their statement asks for: any other is refused before an element is read.
TEST(Allocation, A86_ProofsOfOtherLengths) {
  const Bytes large(std::size_t{1} << 20U);
  const auto cheaply = [&](auto&& work) { EXPECT_LT(most_held(work), kSlack); };
  for (const std::uint64_t N :
       {std::uint64_t{1}, std::uint64_t{1} << 31U, std::uint64_t{1} << 59U, ~std::uint64_t{0}})
    for (const std::uint64_t W : {std::uint64_t{1}, std::uint64_t{1} << 31U, ~std::uint64_t{0}})
      cheaply([&] { EXPECT_EQ(decode_proof<G>(large, N, W).error().fault, Fault::kProofParse); });
  for (const std::size_t n : {1U, 2U, 138U, 5000U})
    cheaply([&] { EXPECT_EQ(OneOfManyProof<G>::decode(large, n).error(), Fault::kProofEncoding); });
  cheaply([&] { EXPECT_EQ(decode_decryption_proof<G>(large).error(), Fault::kProofEncoding); });
  // A whole statement: lists of a million bytes, and a proof that is not theirs.
  const auto generators = ShuffleGenerators<G>::chosen("tag", {});
  const G::Point Y = G::Point::generator();
  const Transcript transcript({"psephos-1", Digest256{}, kShuffleLabel, "mixer", 1});
  for (const std::size_t size : {std::size_t{0}, std::size_t{32}, large.size()})
    cheaply([&] {
      Transcript t = transcript;
      const EncodedShuffle<G> x{Y, 1, large, large, ByteView(large).first(size)};
      EXPECT_EQ(verify_shuffle_vartime(x, t, generators).error().fault, Fault::kProofParse);
    });
  // A dealer's message of a million bytes, in a ceremony of three.
  CocktailSession session{2, {Y, Y + Y, Y + Y + Y}, {}, 0};
  cheaply([&] { EXPECT_FALSE(CocktailMsg1::decode(session, large).has_value()); });
  // Paths of other lengths than their tree has.
  const std::vector<Digest256> path(1000);
  cheaply([&] {
    EXPECT_EQ(verify_inclusion(Digest256{1}, 5, 9, path, {}).error(), Fault::kLogProofDegenerate);
    EXPECT_EQ(verify_inclusion(Digest256{1}, 5, ~std::uint64_t{0}, path, {}).error(),
              Fault::kLogProofDegenerate);
    EXPECT_EQ(verify_consistency(5, {}, 9, {}, path).error(), Fault::kLogProofDegenerate);
  });
}

TEST(Allocation, A86_TextsAndCertificates) {
  const std::string endless(std::size_t{8} << 20U, 'a'), lines(std::size_t{8} << 20U, '\n');
  for (const std::string* text : {&endless, &lines}) {
    EXPECT_LT(most_held([&] { EXPECT_EQ(SignedNote::parse(*text).error(), Fault::kNoteFormat); }), kSlack);
    EXPECT_LT(most_held([&] { EXPECT_EQ(Checkpoint::parse(*text).error(), Fault::kNoteFormat); }), kSlack);
    EXPECT_LT(most_held([&] { EXPECT_EQ(LogProof::parse(*text).error(), Fault::kNoteFormat); }), kSlack);
  }
  // DER: sequences in sequences, and lengths of four and of 127 octets.
  Bytes nested;
  for (int i = 0; i < 2000; ++i) append(nested, from_hex("3082ffff").value());
  for (const Bytes& der :
       {nested, from_hex("3084ffffffff").value(), from_hex("30ff").value(), Bytes(8193, 0x30)})
    EXPECT_LT(most_held([&] { EXPECT_EQ(parse_certificate(der).error(), Reason::kCertParse); }), kSlack);
}

}  // namespace
}  // namespace psephos
