#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "tests/protocol/message_bytes.h"

// The canonical profile (SPEC §3.1): one encoding a value, and every other one refused by name. The roles of
// group elements are taken from the listings, so that a new field is tested without anybody thinking of it
// (A08, A11, A12, A85, A86).
namespace psephos {
namespace {

using namespace wire_test;

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

template <class M>
std::optional<Rejection> refusal(ByteView bytes) {
  const auto decoded = decode<M>(bytes);
  if (decoded) {
    EXPECT_EQ(to_hex(encode(*decoded)), to_hex(bytes)) << M::kName;
    return std::nullopt;
  }
  return decoded.error();
}

TEST(Codec, EveryMessageRoundTripsAndNothingElseDecodesToIt) {
  std::size_t variants = 0;
  for_all_messages([&]<class M>(const M&) {
    const Bytes good = encode(Filler::made<M>());
    EXPECT_EQ(refusal<M>(good), std::nullopt) << M::kName;
    const std::vector<Field> fields = fields_of(good);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Field& field = fields[i];
      const ByteView whole = ByteView(good).subspan(field.begin, field.end - field.begin);
      // A length that takes a byte more than it needs.
      if (field.is_bytes) {
        const ByteView content = ByteView(good).subspan(field.content, field.end - field.content);
        Bytes longer;
        wire::write_tag(longer, field.number, 2);
        wire::write_varint(longer, content.size());
        longer.back() |= 0x80;
        longer.push_back(0);
        append(longer, content);
        EXPECT_EQ(refusal<M>(with(good, field, longer)).value().reason, Reason::kWireNoncanonical)
            << M::kName << field.number;
        // Empty instead of absent.
        EXPECT_EQ(refusal<M>(with(good, field, length_delimited(field.number, {}))).value().reason,
                  Reason::kWireNoncanonical)
            << M::kName << field.number;
        // More than the input holds: refused without an allocation.
        Bytes beyond;
        wire::write_tag(beyond, field.number, 2);
        wire::write_varint(beyond, 1ULL << 40U);
        Bytes cut = copy_of(ByteView(good).first(field.begin));
        append(cut, beyond);
        EXPECT_EQ(refusal<M>(cut).value().reason, Reason::kWireLimit) << M::kName << field.number;
      }
      // Out of order: the field again at the end, after a later one.
      if (field.number != fields.back().number) {
        Bytes again = good;
        append(again, whole);
        EXPECT_TRUE(refusal<M>(again).has_value()) << M::kName << field.number;
        Bytes moved = with(good, field, {});
        append(moved, whole);
        EXPECT_TRUE(refusal<M>(moved).has_value()) << M::kName << field.number;
      }
      variants += 5;
    }
    // A field nobody knows; half a tag; an old field with another wire type.
    for (const char* tail : {"f83f01", "fa3f0101", "80", "fb3f", "fd3f00000000"}) {
      Bytes more = good;
      append(more, hex(tail));
      EXPECT_EQ(refusal<M>(more).value().reason, Reason::kWireNoncanonical) << M::kName << tail;
    }
    Bytes twice = good;  // a message behind the message
    append(twice, good);
    if (!good.empty()) EXPECT_TRUE(refusal<M>(twice).has_value()) << M::kName;
    for (std::size_t size = 0; size < good.size();
         ++size)  // cut anywhere: if anything decodes, it is something else
      refusal<M>(ByteView(good).first(size));
  });
  EXPECT_GT(variants, 500U);
}

/// Applies `test` to the path of every group element of every message, with a function that encodes the
/// message with other bytes there.
using Replace = std::function<Bytes(ByteView)>;
template <class M>
struct RoleFinder {
  const M& message;
  std::map<std::string, Replace>& roles;
  template <class T>
  void operator()(std::uint32_t number, const char* name, const T& /*value*/, Bound = {}) {
    using Element = std::conditional_t<wire::IsVector<T>::value, T, std::vector<T>>::value_type;
    if constexpr (std::is_same_v<Element, Ristretto::Point>) {
      roles[std::string(M::kName) + "." + name + (wire::IsVector<T>::value ? "[0]" : "")] =
          [m = message, number](ByteView bytes) {
            const Bytes good = encode(m);
            for (const Field& field : fields_of(good))
              if (field.number == number) return with(good, field, length_delimited(number, bytes));
            return Bytes{};
          };
    }
  }
};

TEST(Codec, EveryRoleOfAGroupElementRefusesEveryBadEncoding) {
  // RFC 9496 appendix A.2; the identity; wrong widths.
  const std::vector<std::pair<std::string, Reason>> bad = {
      {"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
       reason_of(Fault::kPointNoncanonical)},
      {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       reason_of(Fault::kPointNoncanonical)},
      {"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       reason_of(Fault::kPointNoncanonical)},
      {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       reason_of(Fault::kPointNoncanonical)},
      {"0100000000000000000000000000000000000000000000000000000000000000",
       reason_of(Fault::kPointNoncanonical)},
      {"ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
       reason_of(Fault::kPointNoncanonical)},
      {"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", reason_of(Fault::kPointInvalid)},
      {"4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f", reason_of(Fault::kPointInvalid)},
      {"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e", reason_of(Fault::kPointInvalid)},
      {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", reason_of(Fault::kPointInvalid)},
      {"0000000000000000000000000000000000000000000000000000000000000000", reason_of(Fault::kPointIdentity)},
      {"e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d", reason_of(Fault::kWireLength)},
      {"e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d7600", reason_of(Fault::kWireLength)}};
  std::set<std::string> tested;
  for_all_messages([&]<class M>(const M&) {
    std::map<std::string, Replace> roles;
    const M message = Filler::made<M>();
    RoleFinder<M> finder{message, roles};
    M::fields(message, finder);
    for (const auto& [role, replace] : roles) {
      EXPECT_EQ(refusal<M>(replace(Ristretto::Point::generator().encode())), std::nullopt) << role;
      for (const auto& [bytes, reason] : bad) {
        const auto rejection = refusal<M>(replace(hex(bytes)));
        ASSERT_TRUE(rejection.has_value()) << role << " accepts " << bytes;
        EXPECT_EQ(rejection->reason, reason) << role << ": " << bytes;
        EXPECT_EQ(rejection->object, role) << bytes;
      }
      tested.insert(role);
    }
  });
  EXPECT_EQ(tested,
            (std::set<std::string>{"Trustee.ceremony_key", "Manifest.joint_key",
                                   "Manifest.verification_keys[0]", "Selection.alpha", "Selection.beta"}))
      << "a role is new or gone: say so here";
}

TEST(Codec, TextsAndIds) {
  const auto text = [](std::string value) {
    return encode(Text{.language = {"en"}, .text = std::move(value)});
  };
  EXPECT_EQ(refusal<Text>(text("ឡេកសាយ Õ")), std::nullopt);
  for (const char* bad :
       {"a\nb", "\x7f", "\xc2\x85", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe1\x80"})
    EXPECT_EQ(refusal<Text>(text(bad)).value().reason, Reason::kFieldCharset) << bad;
  EXPECT_EQ(refusal<Text>(text(std::string(limits::kTextBytes + 1, 'x'))).value().reason, Reason::kWireLimit);
  EXPECT_EQ(refusal<Text>(text("")).value().reason, Reason::kWireMissingField);
  for (const char* bad : {"A", "a b", "ä", "a/b", "a_b", ""}) {
    const auto rejection = refusal<Text>(encode(Text{.language = {bad}, .text = "x"}));
    EXPECT_EQ(rejection.value().reason, *bad == 0 ? Reason::kWireMissingField : Reason::kIdNotAscii) << bad;
  }
}

TEST(Codec, NumbersAndEnumerations) {
  EXPECT_EQ(refusal<ChoiceCount>(hex("0a0161")), std::nullopt);  // zero votes: absent
  EXPECT_EQ(refusal<ChoiceCount>(hex("0a01611000")).value().reason,
            Reason::kWireNoncanonical);  // zero written
  EXPECT_EQ(refusal<ChoiceCount>(hex("0a0161108100")).value().reason, Reason::kWireNoncanonical);
  EXPECT_EQ(refusal<ChoiceCount>(hex("0a016110ffffffffffffffffff01")), std::nullopt);  // 2^64 − 1
  EXPECT_EQ(refusal<ChoiceCount>(hex("0a016110ffffffffffffffffff02")).value().reason,
            Reason::kWireNoncanonical);
  EXPECT_EQ(refusal<ChoiceCount>(hex("0a016110ffffffffffffffffffff01")).value().reason,
            Reason::kWireNoncanonical);
  RollChange change = Filler::made<RollChange>();
  EXPECT_EQ(refusal<RollChange>(encode(change)), std::nullopt);
  change.kind = static_cast<RollChangeKind>(9);
  EXPECT_EQ(refusal<RollChange>(encode(change)).value().reason, Reason::kWireNoncanonical);
}

}  // namespace
}  // namespace psephos
