#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "protocol/eid/ocsp.h"
#include "protocol/eid/time_stamp.h"
#include "protocol/labels.h"
#include "protocol/messages.h"
#include "tests/support/test_election.h"

// What the specification shows is what the code does: the schema, the table of reasons and the worked example
// are made here and compared with the files. PSEPHOS_UPDATE=1 writes them.
namespace psephos::test {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool updating() {
  return std::getenv("PSEPHOS_UPDATE") != nullptr;
}  // NOLINT(concurrency-mt-unsafe): one thread

/// Compares the part of a file between two marker lines with `expected`, or writes it.
void expect_section(const std::string& path, const std::string& begin, const std::string& end,
                    const std::string& expected) {
  std::string text = read_text(path);
  const auto from = text.find(begin);
  ASSERT_NE(from, std::string::npos) << path << " lacks " << begin;
  const auto start = from + begin.size();
  const auto stop = text.find(end, start);
  ASSERT_NE(stop, std::string::npos) << path << " lacks " << end;
  if (updating()) {
    text.replace(start, stop - start, expected);
    std::ofstream(path) << text;
    return;
  }
  EXPECT_EQ(text.substr(start, stop - start), expected) << "PSEPHOS_UPDATE=1 writes it anew";
}

const std::string kSpec = PSEPHOS_SOURCE_DIR "/protocol/SPEC.md";
const std::string kSchema = PSEPHOS_SOURCE_DIR "/protocol/psephos.proto";

// ---- The schema.

/// Writes one message's listing as proto3.
class SchemaPrinter {
 public:
  explicit SchemaPrinter(std::ostream& out) : out_(out) {}
  template <class T>
  void operator()(std::uint32_t number, const char* name, const T& /*value*/, Bound bound = {}) {
    line<T>("", number, name, bound);
  }

 private:
  template <class T>
  void line(const std::string& rule, std::uint32_t number, const char* name, Bound bound) {
    if constexpr (wire::IsOptional<T>::value) {
      line<typename T::value_type>("optional ", number, name, bound);
    } else if constexpr (wire::IsVector<T>::value) {
      line<typename T::value_type>("repeated ", number, name, bound);
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      print(rule, "uint64", number, name, "");
    } else if constexpr (std::is_enum_v<T>) {
      print(rule, "uint32", number, name, "enumeration, SPEC §3.1");
    } else if constexpr (wire::Message<T>) {
      print(rule, std::string(T::kName), number, name, "");
    } else if constexpr (wire::GroupElement<T>) {
      print(rule, "bytes", number, name, "group element, 32 bytes");
    } else if constexpr (wire::IsByteArray<T>::value) {
      print(rule, "bytes", number, name, std::to_string(std::tuple_size_v<T>) + " bytes");
    } else if constexpr (std::is_same_v<T, Id>) {
      print(rule, "string", number, name, "id");
    } else if constexpr (std::is_same_v<T, std::string>) {
      print(rule, "string", number, name,
            rule.empty() ? "at most " + std::to_string(bound.max) + " bytes" : "");
    } else {
      print(rule, "bytes", number, name,
            rule.empty() ? "at most " + std::to_string(bound.max) + " bytes" : "");
    }
  }
  void print(const std::string& rule, const std::string& type, std::uint32_t number, const char* name,
             const std::string& note) {
    out_ << "  " << rule << type << " " << name << " = " << number << ";";
    if (!note.empty()) out_ << "  // " << note;
    out_ << "\n";
  }
  std::ostream& out_;
};

std::string schema() {
  std::ostringstream out;
  out << "// The messages of protocol/*.h as a schema, for readers in other languages. Canonical profile: "
         "SPEC §3.1.\n"
      << "// Written by tests/protocol/spec_test.cpp from the listings, which are the source.\n"
      << "syntax = \"proto3\";\npackage psephos;\n";
  std::apply(
      [&]<class... M>(const M&... /*messages*/) {
        (
            [&] {
              out << "\nmessage " << M::kName << " {\n";
              SchemaPrinter printer(out);
              M message{};
              M::fields(message, printer);
              out << "}\n";
            }(),
            ...);
      },
      AllMessages{});
  return out.str();
}

TEST(Schema, IsWhatTheListingsSay) {
  if (updating()) std::ofstream(kSchema) << schema();
  EXPECT_EQ(read_text(kSchema), schema()) << "PSEPHOS_UPDATE=1 writes it anew";
}

/// libprotobuf with the schema: a reader that shares no code with ours.
class SecondReader {
 public:
  SecondReader() {
    // protoc compiled protocol/psephos.proto to this when the test was built.
    google::protobuf::FileDescriptorSet set;
    if (!set.ParseFromString(read_text(PSEPHOS_SCHEMA_SET)) || set.file_size() != 1)
      throw std::runtime_error("no compiled schema");
    file_ = pool_.BuildFile(set.file(0));
  }
  /// Reads the bytes, finds no field that the schema does not know, and writes the same bytes.
  void expect_same(std::string_view message, ByteView bytes) {
    const auto* descriptor = file_->FindMessageTypeByName(std::string(message));
    ASSERT_NE(descriptor, nullptr) << message;
    const std::unique_ptr<google::protobuf::Message> m(factory_.GetPrototype(descriptor)->New());
    ASSERT_TRUE(m->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) << message;
    std::string out;
    {
      google::protobuf::io::StringOutputStream stream(&out);
      google::protobuf::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      m->SerializeToCodedStream(&coded);
    }
    EXPECT_EQ(to_hex(bytes_of(out)), to_hex(bytes)) << message;
    EXPECT_EQ(m->GetReflection()->GetUnknownFields(*m).field_count(), 0) << message;
  }

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::FileDescriptor* file_ = nullptr;
};

// ---- The table of reasons.

TEST(Spec, ListsEveryReason) {
  std::ostringstream out;
  out << "\n\n| number | name | meaning |\n|---|---|---|\n";
  std::set<int> numbers;
  std::set<std::string> names;
#define PSEPHOS_X(number, enumerator, name, sentence)           \
  EXPECT_TRUE(numbers.insert(number).second) << number;         \
  EXPECT_TRUE(names.insert(name).second) << name;               \
  EXPECT_EQ(reason_from(number), Reason::enumerator) << number; \
  out << "| " << number << " | `" << name << "` | " << sentence << " |\n";
  PSEPHOS_CRYPTO_FAULTS(PSEPHOS_X)
  PSEPHOS_PROTOCOL_REASONS(PSEPHOS_X)
#undef PSEPHOS_X
  out << "\n";
  EXPECT_EQ(reason_from(99), std::nullopt);
  expect_section(kSpec, "<!-- table: made from the two headers by tests/protocol/spec_test.cpp -->",
                 "## 13. Labels", out.str());
}

// ---- The worked example.

constexpr const char* kTimeStampRow = "time-stamp";
constexpr const char* kIssuerRow = "issuing authority's certificate";
constexpr const char* kStatusRow = "certificate status";

/// The bytes of a row of the example; nullopt if there is no such row.
std::optional<Bytes> row_in(const std::string& text, std::string_view name) {
  const std::string head = "\n    " + std::string(name) + "\n";
  std::size_t at = text.find(head);
  if (at == std::string::npos) return std::nullopt;
  std::string hex;
  for (at += head.size(); text.compare(at, 8, "        ") == 0; at = text.find('\n', at) + 1)
    hex += text.substr(at + 8, text.find('\n', at) - at - 8);
  return from_hex(hex);
}
std::optional<Evidence> evidence_in(const std::string& text) {
  auto time_stamp = row_in(text, kTimeStampRow);
  auto issuer = row_in(text, kIssuerRow);
  auto ocsp = row_in(text, kStatusRow);
  if (!time_stamp || !issuer || !ocsp) return std::nullopt;
  return Evidence{std::move(*time_stamp), std::move(*issuer), std::move(*ocsp)};
}

TEST(Spec, WorkedExample) {
  Options options;
  options.seed = "psephos worked example";
  TestElection e(options);
  TestLog log(e);
  log.document(
      EntryType::kRoll,
      e.roll(
          1, std::nullopt,
          {{.kind = RollChangeKind::kAdd, .national_id = e.card(1).person.national_id, .unit = Id{"u1"}}}));
  log.document(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, options.casting_begins_s));
  const std::uint64_t now_s = options.casting_begins_s + 60;
  const CastTicket ticket = e.ticket(log.state, 1, now_s);
  const Bytes ticket_bytes = encode(ticket);
  BallotSeed seed;
  for (std::size_t i = 0; i < BallotSeed::kWidth; ++i)
    seed.expose_mutable()[i] = static_cast<std::uint8_t>(i);
  const std::vector<std::size_t> choices{1, 3};  // Bo; blank
  BallotItem item = e.cast(ticket, 1, choices, now_s * 1000, &seed);
  SignedBallot signed_ballot = opened(item.envelope);
  // Services sign with randomness of their own: what the text shows of them is kept as long as it holds.
  if (const auto kept = evidence_in(read_text(kSpec)); kept && !updating()) signed_ballot.evidence = *kept;
  item.envelope.container = write_container(signed_ballot);
  log.ballot(item);
  const Ballot ballot = decode<Ballot>(signed_ballot.ballot).value();
  const LoggedItem& logged = log.items.back();
  const auto r = derive_randomness(seed, sha256(ticket_bytes), ballot.selections[0].contest, 0);

  // The example holds together: it opens, and its signed parts are read alike by two readers.
  EXPECT_EQ(open_ballot(e.election(), ballot, seed).value(), choices);
  SecondReader second;
  second.expect_same("Ballot", signed_ballot.ballot);
  second.expect_same("CastTicket", ticket_bytes);
  second.expect_same("BallotItem", logged.item);
  second.expect_same("Manifest", encode(e.election().manifest()));
  second.expect_same("SignedDocument", e.election().signed_manifest());
  second.expect_same("RollDocument", decode<SignedDocument>(log.items[0].item)->body);

  std::ostringstream out;
  const auto row = [&](const std::string& what, ByteView bytes) {
    const std::string hex = to_hex(bytes);
    out << "    " << what << "\n";
    for (std::size_t i = 0; i < hex.size(); i += 96) out << "        " << hex.substr(i, 96) << "\n";
  };
  out << "\n\nThe election of tests/support/test_election.h, made from the seed \"" << options.seed
      << "\" (its randomness is SHA-512(seed ‖ u64(0)) ‖ "
      << "SHA-512(seed ‖ u64(1)) ‖ …, so\nanybody can predict it). Voter 1 of unit u1 chooses *Bo* for mayor "
         "and a blank vote for the council. "
      << "The test that writes this checks it and reads the messages with libprotobuf as well.\n\n";
  row("definition hash", e.election().definition_hash());
  row("election fingerprint", e.election().fingerprint());
  row("joint key Y", e.election().Y().encode());
  row("table of mayor/mayor, entry 1 (Bo, id mayor-102)", e.election().tables()[0].points[1].encode());
  out << "    national id\n        " << e.card(1).person.national_id << "\n";
  row("pseudonym", ballot.pseudonym);
  row("CastTicket (body of the ServiceSigned)", ticket_bytes);
  row("ticket hash", sha256(ticket_bytes));
  row("ballot seed", declassify(seed));                       // public: the example's
  row("r of contest mayor, slot 0", declassify(r).encode());  // public: the example's
  row("alpha", ballot.selections[0].alpha.encode());
  row("beta", ballot.selections[0].beta.encode());
  row("proof (A ‖ B ‖ C ‖ D ‖ E ‖ f ‖ z_A ‖ z_C ‖ z)", ballot.selections[0].proof);
  row("Ballot", signed_ballot.ballot);
  row("ballot id", sha256(signed_ballot.ballot));
  out << "    SignedInfo, which the card signs\n        " << text_of(signed_info(signed_ballot)) << "\n";
  row("signature (r ‖ s)", signed_ballot.signature);
  out << "    SignatureValue, which is time-stamped\n        "
      << text_of(signature_value(signed_ballot.signature)) << "\n";
  row("nonce of the time-stamp", time_stamp_nonce(signature_value(signed_ballot.signature)));
  row(kTimeStampRow, signed_ballot.evidence->time_stamp);
  row("nonce of the status", ocsp_nonce(signed_ballot.evidence->time_stamp));
  row(kIssuerRow, signed_ballot.evidence->issuer);
  row(kStatusRow, signed_ballot.evidence->ocsp);
  row("SHA-256 of the container", sha256(item.envelope.container));
  row("SHA-256 of the BallotItem (with container, ticket and time of receipt)", sha256(logged.item));
  row("salt", logged.salt);
  row("entry 2 of the log", log.entries.back());
  row("its leaf hash", leaf_hash(log.entries.back()));
  row("root of the log of 3 entries", log.tree.root());
  out << "\n";
  expect_section(kSpec, "## 14. Worked example", "<!-- end of the worked example -->", out.str());
}

}  // namespace
}  // namespace psephos::test
