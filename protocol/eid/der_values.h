#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "crypto/bytes.h"
#include "protocol/eid/der.h"

/// Values that certificates, time-stamps and certificate statuses are made of, each in its one DER form.
/// A reader that returns nullopt may have taken something from what it read.
namespace psephos::der {

/// An element of this tag. @pre its content has fewer than 65,536 bytes.
Bytes element(std::uint8_t tag, std::initializer_list<ByteView> content);
/// INTEGER of a big-endian magnitude.
Bytes unsigned_integer(ByteView magnitude);

/// X.690 §8.19: base 128, no leading 0x80 in a component, the last octet of it below 0x80.
bool is_oid(ByteView content);
/// Content of an OBJECT IDENTIFIER.
std::optional<ByteView> next_oid(Reader& reader);

/// X.690 §8.3.2: the shortest two's complement form.
bool is_integer(ByteView content);
/// Content of an INTEGER that is not negative.
std::optional<ByteView> next_unsigned(Reader& reader);
/// True if it was the INTEGER of this one octet below 0x80.
bool next_is_number(Reader& reader, std::uint8_t number);

/// The octets of a BIT STRING that is a whole number of them.
std::optional<ByteView> octets_of(const std::optional<Element>& bit_string);

/// DEFAULT FALSE (X.690 §11.5): absent, or TRUE; nullopt for another element in its place.
std::optional<bool> next_default_false(Reader& reader);

/// Unix seconds of fourteen digits YYYYMMDDhhmmss; nullopt for another text or no such time. No leap seconds.
std::optional<std::int64_t> unix_seconds(ByteView digits);
enum class Fraction : std::uint8_t { kForbidden, kCut };
/// GeneralizedTime with seconds and Z; if kCut, a fraction of 1 to 9 digits without trailing zero may stand
/// between (X.690 §11.7), and is cut off.
std::optional<std::int64_t> next_generalized_time(Reader& reader, Fraction fraction);

struct Extension {
  ByteView oid;
  bool critical = false;
  ByteView value;  ///< content of the OCTET STRING
};
/// Extensions (RFC 5280 §4.2) that are the content of their SEQUENCE: at least one, none twice.
std::optional<std::vector<Extension>> read_extensions(ByteView content);

/// Elements of a SET OF, in DER's order (X.690 §11.6) and none twice.
std::optional<std::vector<Element>> read_set(ByteView content);

/// True if this can be the content of an AlgorithmIdentifier: an identifier, and one element at most.
bool is_algorithm(ByteView content);

}  // namespace psephos::der
