// Containers that the system makes are verified by software that is not ours, each with everything it looks
// at; and whatever byte of a container is changed, it is refused.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "crypto/parallel.h"
#include "protocol/archive.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/time_stamp.h"
#include "protocol/files/files.h"
#include "tests/support/run_program.h"
#include "tests/support/test_election.h"
#include "tests/trust-services/services/service_key.h"
#include "tests/trust-services/test_ca/rsa_key.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;

enum class CardKey { kP384, kP256, kRsa2048 };

/// Where the program lies; empty if it is not installed.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): one thread
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
    const fs::path program = fs::path(directory) / name;
    if (std::error_code error; fs::is_regular_file(program, error)) return program.string();
  }
  return {};
}

class EvidenceTools : public ::testing::TestWithParam<std::pair<CardKey, trust::ServiceKey>> {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "psephos-evidence-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    now_ =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    Options options;  // the other programs know no time but the present
    options.casting_begins_s = static_cast<std::uint64_t>(now_) - 100;
    options.casting_ends_s = options.casting_begins_s + 86'400;
    options.grace_ends_s = options.casting_ends_s;
    e_ = std::make_unique<TestElection>(options);
    const auto [card, service] = GetParam();
    signed_ = make(card, service);
    container_ = write_container(signed_);
    for (const auto& [file, der] : {std::pair{"root.pem", e_->trust().ca.root_der()},
                                    {"issuing.pem", e_->trust().ca.issuing_der()},
                                    {"tsa-root.pem", e_->trust().time_stamp_ca.root_der()},
                                    {"tsa-issuing.pem", e_->trust().time_stamp_ca.issuing_der()},
                                    {"card.pem", signed_.certificate}})
      put(file, bytes_of(trust::pem_of_certificate(der)));
    put("root.der", e_->trust().ca.root_der());
    put("issuing.der", e_->trust().ca.issuing_der());
    put("tsa-root.der", e_->trust().time_stamp_ca.root_der());
    put("tsa-issuing.der", e_->trust().time_stamp_ca.issuing_der());
  }
  void TearDown() override { fs::remove_all(directory_); }

  SignedBallot make(CardKey kind, trust::ServiceKey service) {
    const Person person = e_->card(1).person;
    const auto valid_from = now_ - 3600;
    SignedBallot out{
        .ballot = Bytes(700, 5),
        .certificate = {},
        .scheme = kind == CardKey::kP384   ? SignatureScheme::kEcdsaSha384
                  : kind == CardKey::kP256 ? SignatureScheme::kEcdsaSha256
                                           : SignatureScheme::kRsaSha256,
        .signing_time_s = static_cast<std::uint64_t>(now_),
        .signature = {},
        .evidence = Evidence{.time_stamp = {}, .issuer = e_->trust().ca.issuing_der(), .ocsp = {}}};
    if (kind == CardKey::kRsa2048) {
      const auto key = trust::generate_rsa(2048);
      auto fields = trust::card_fields(person, KeyUse::kSigning, e_->card(1).signing.point, valid_from);
      fields.public_key_info = trust::rsa_public_key_info(key.modulus, key.exponent);
      out.certificate = e_->ca().issue(fields, e_->rng());
      out.signature = trust::sign(key, signed_info(out));
    } else {
      const auto key =
          trust::generate_key(kind == CardKey::kP384 ? EcCurve::kP384 : EcCurve::kP256, e_->rng());
      out.certificate =
          e_->ca().issue(trust::card_fields(person, KeyUse::kSigning, key.point, valid_from), e_->rng());
      out.signature = sign_r_s(key, signed_info(out), e_->rng());
    }
    trust::TimeStampAuthority tsa(e_->trust().time_stamp_ca, e_->rng(), now_, {service});
    trust::OcspResponder ocsp(e_->trust().ca, e_->rng(), now_, {.key = service});
    out.evidence->time_stamp =
        time_stamp_token_of(tsa.answer(time_stamp_request(signature_value(out.signature)), now_)).value();
    out.evidence->ocsp = ocsp.answer(ocsp_request(parse_certificate(out.certificate).value(),
                                                  parse_certificate(e_->trust().ca.issuing_der()).value(),
                                                  ocsp_nonce(out.evidence->time_stamp)),
                                     now_);
    return out;
  }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  void put(const std::string& name, ByteView bytes) const {
    ASSERT_TRUE(write_file(directory_ / name, bytes));
  }
  Ended tool(const std::string& name, const std::vector<std::string>& words) const {
    const std::string program = find_program(name);
    if (program.empty()) {
      ADD_FAILURE() << name << " is not installed; ./psephos setup installs it";
      return {.status = -1, .out = {}, .err = {}};
    }
    return run_program(program.c_str(), words, directory_);
  }

  // ---- what each verifier says of a container whose archive can be read at all ----

  /// Both references, the signature, and the chain of KeyInfo's certificate to the root.
  bool xmlsec_accepts(ByteView container) const {
    const auto files = read_archive(container, 16);
    if (!files || files->size() != 4) return false;
    put("ballot.bin", (*files)[2].content);
    put("signatures0.xml", (*files)[3].content);
    const Ended ended = tool(
        "xmlsec1", {"--verify", "--trusted-pem", path("root.pem"), "--untrusted-pem", path("issuing.pem"),
                    "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
                    "--url-map:ballot.bin", path("ballot.bin"), path("signatures0.xml")});
    return ended.status == 0 && (ended.out + ended.err).find("(ok/all): 2/2") != std::string::npos;
  }
  /// The token: signature, chain to the time-stamp root, imprint of ds:SignatureValue.
  bool openssl_ts_accepts(const SignedBallot& s) const {
    put("token", s.evidence->time_stamp);
    put("stamped", signature_value(s.signature));
    return tool("openssl", {"ts", "-verify", "-token_in", "-in", path("token"), "-data", path("stamped"),
                            "-CAfile", path("tsa-root.pem"), "-untrusted", path("tsa-issuing.pem")})
               .status == 0;
  }
  /// The status: signature, appointment by the issuing authority, good for this certificate.
  bool openssl_ocsp_accepts(const SignedBallot& s) const {
    put("status", s.evidence->ocsp);
    put("card.pem", bytes_of(trust::pem_of_certificate(s.certificate)));
    put("chain.pem", bytes_of(trust::pem_of_certificate(e_->trust().ca.root_der()) +
                              trust::pem_of_certificate(e_->trust().ca.issuing_der())));
    const Ended ended =
        tool("openssl", {"ocsp", "-respin", path("status"), "-sha256", "-issuer", path("issuing.pem"),
                         "-cert", path("card.pem"), "-CAfile", path("chain.pem"), "-no_nonce"});
    return ended.status == 0 && ended.err.find("Response verify OK") != std::string::npos &&
           ended.out.find(": good") != std::string::npos;
  }
  /// Everything.
  bool node_accepts(ByteView container, std::string* says = nullptr) const {
    put("ballot.asice", container);
    const Ended ended = tool(
        "node", {PSEPHOS_SOURCE_DIR "/tests/evidence/verify_container.mjs", path("ballot.asice"), "--anchor",
                 path("root.der"), "--anchor", path("issuing.der"), "--tsa-anchor", path("tsa-root.der"),
                 "--tsa-anchor", path("tsa-issuing.der"), "--ballot-id", to_hex(sha256(signed_.ballot))});
    if (says != nullptr) *says = ended.out + ended.err;
    return ended.status == 0;
  }
  /// Our own.
  bool accepts(ByteView container) const {
    const auto read = read_container(container);
    if (!read) return false;
    return check_signer(e_->eid(), *read, now_) && check_evidence(e_->eid(), *read);
  }

  fs::path directory_;
  std::int64_t now_ = 0;
  std::unique_ptr<TestElection> e_;
  SignedBallot signed_;
  Bytes container_;
};

TEST_P(EvidenceTools, AcceptedByAll) {
  EXPECT_TRUE(accepts(container_));
  EXPECT_TRUE(xmlsec_accepts(container_));
  EXPECT_TRUE(openssl_ts_accepts(signed_));
  EXPECT_TRUE(openssl_ocsp_accepts(signed_));
  std::string says;
  EXPECT_TRUE(node_accepts(container_, &says)) << says;
  // The archive and its documents, by Python's readers.
  put("ballot.asice", container_);
  const Ended python = tool("python3", {"-c",
                                        "import sys, zipfile, xml.etree.ElementTree as xml\n"
                                        "z = zipfile.ZipFile(sys.argv[1])\n"
                                        "assert z.testzip() is None and len(z.namelist()) == 4\n"
                                        "assert z.infolist()[0].filename == 'mimetype'\n"
                                        "for name in z.namelist():\n"
                                        "    if name.endswith('.xml'): xml.fromstring(z.read(name))\n",
                                        path("ballot.asice")});
  EXPECT_EQ(python.status, 0) << python.err;
}

// As it lies on a disk: nearly always a checksum of the archive that is wrong.
TEST_P(EvidenceTools, EveryChangedByteIsRefused) {
  std::vector<std::uint8_t> refused(container_.size());
  parallel_for(container_.size(), 16, [&](std::size_t i) {
    Bytes changed = container_;
    changed[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    refused[i] = accepts(changed) ? 0 : 1;
  });
  for (std::size_t i = 0; i < refused.size(); ++i) EXPECT_EQ(refused[i], 1) << "byte " << i;
}

// As somebody changes it who puts the checksums right: every byte of every file in it.
TEST_P(EvidenceTools, EveryChangedByteOfAFileIsRefused) {
  const auto honest = read_archive(container_, 16).value();
  for (std::size_t f = 0; f < honest.size(); ++f) {
    std::vector<std::uint8_t> refused(honest[f].content.size());
    parallel_for(refused.size(), 16, [&](std::size_t i) {
      Bytes content = copy_of(honest[f].content);
      content[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      auto files = honest;
      files[f].content = content;
      refused[i] = accepts(write_archive(files)) ? 0 : 1;
    });
    for (std::size_t i = 0; i < refused.size(); ++i)
      EXPECT_EQ(refused[i], 1) << honest[f].name << ", byte " << i;
  }
}

// And behind base64: every byte of the values, written anew with the digests that belong to them.
TEST_P(EvidenceTools, EveryChangedByteOfAValueIsRefused) {
  const auto refuses = [&](const char* name, const auto& part) {
    std::vector<std::uint8_t> refused(part(signed_).size());
    parallel_for(refused.size(), 16, [&](std::size_t i) {
      SignedBallot changed = signed_;
      part(changed)[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      refused[i] = accepts(write_container(changed)) ? 0 : 1;
    });
    for (std::size_t i = 0; i < refused.size(); ++i) EXPECT_EQ(refused[i], 1) << name << ", byte " << i;
  };
  refuses("ballot", [](SignedBallot& s) -> Bytes& { return s.ballot; });
  refuses("signature", [](SignedBallot& s) -> Bytes& { return s.signature; });
  refuses("certificate", [](SignedBallot& s) -> Bytes& { return s.certificate; });
  refuses("time-stamp", [](SignedBallot& s) -> Bytes& { return s.evidence->time_stamp; });
  refuses("issuer", [](SignedBallot& s) -> Bytes& { return s.evidence->issuer; });
  refuses("status", [](SignedBallot& s) -> Bytes& { return s.evidence->ocsp; });
}

// The second implementation, too: bytes as they lie there, and those of files with checksums put right.
class SecondImplementation : public EvidenceTools {};
TEST_P(SecondImplementation, RefusesEveryChangedByte) {
  put("ballot.asice", container_);
  const Ended ended = tool("node", {PSEPHOS_SOURCE_DIR "/tests/evidence/change_every_byte.mjs",
                                    path("ballot.asice"), "--anchor", path("root.pem"), path("issuing.pem"),
                                    "--tsa-anchor", path("tsa-root.pem"), path("tsa-issuing.pem")});
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_NE(ended.out.find(" 0 wrong verdicts"), std::string::npos) << ended.out;
}

// A status that is right in everything but the time-stamp that it was asked after: only who knows the nonce
// (SPEC §9.9) sees it.
TEST_P(EvidenceTools, AStatusOfAnotherTimeStampIsSeenByItsNonceAlone) {
  SignedBallot s = signed_;
  trust::OcspResponder ocsp(e_->trust().ca, e_->rng(), now_, {.key = GetParam().second});
  const auto ask = [&](ByteView time_stamp) {
    s.evidence->ocsp = ocsp.answer(
        ocsp_request(parse_certificate(s.certificate).value(),
                     parse_certificate(e_->trust().ca.issuing_der()).value(), ocsp_nonce(time_stamp)),
        now_);
  };
  ask(s.evidence->time_stamp);
  EXPECT_TRUE(accepts(write_container(s)));
  EXPECT_TRUE(node_accepts(write_container(s)));
  ask(bytes_of("another time-stamp"));
  EXPECT_FALSE(accepts(write_container(s)));
  EXPECT_FALSE(node_accepts(write_container(s)));
  EXPECT_TRUE(openssl_ocsp_accepts(s));
  EXPECT_TRUE(openssl_ts_accepts(s));
  EXPECT_TRUE(xmlsec_accepts(write_container(s)));
}

// Changed in one place of each region, packed again so that the archive is sound: who sees it. A region that
// a program does not look at is none of its claims, and listed so.
TEST_P(EvidenceTools, OthersRefuseWhatTheyLookAt) {
  const auto flip = [](Bytes bytes, std::size_t at) {
    bytes[at] ^= 1;
    return bytes;
  };
  const auto changed = [&](const auto& change) {
    SignedBallot s = signed_;
    change(s);
    return s;
  };
  const SignedBallot ballot = changed([&](SignedBallot& s) { s.ballot = flip(s.ballot, 100); });
  const SignedBallot signature =
      changed([&](SignedBallot& s) { s.signature = flip(s.signature, s.signature.size() / 2); });
  const SignedBallot time = changed([](SignedBallot& s) { ++s.signing_time_s; });
  const SignedBallot certificate =
      changed([&](SignedBallot& s) { s.certificate = flip(s.certificate, s.certificate.size() - 10); });
  for (const SignedBallot* s : {&ballot, &signature, &time, &certificate}) {
    const Bytes container = write_container(*s);
    EXPECT_FALSE(accepts(container));
    EXPECT_FALSE(xmlsec_accepts(container));
    EXPECT_FALSE(node_accepts(container));
  }
  EXPECT_FALSE(openssl_ts_accepts(signature));  // the imprint; it sees nothing else of these
  EXPECT_FALSE(openssl_ocsp_accepts(changed([&](SignedBallot& s) {  // another serial number
    s.certificate = e_->card(2).signing_certificate;
  })));
  // The evidence, of which xmlsec1 sees nothing.
  for (const std::size_t part : {5U, 8U, 10U}) {
    const SignedBallot token = changed([&](SignedBallot& s) {
      s.evidence->time_stamp = flip(s.evidence->time_stamp, s.evidence->time_stamp.size() * part / 11);
    });
    EXPECT_FALSE(accepts(write_container(token))) << part;
    EXPECT_FALSE(node_accepts(write_container(token))) << part;
    EXPECT_TRUE(xmlsec_accepts(write_container(token))) << part;
    const SignedBallot status = changed([&](SignedBallot& s) {
      s.evidence->ocsp = flip(s.evidence->ocsp, s.evidence->ocsp.size() * part / 11);
    });
    EXPECT_FALSE(accepts(write_container(status))) << part;
    EXPECT_FALSE(node_accepts(write_container(status))) << part;
  }
  const auto& evidence = *signed_.evidence;
  EXPECT_FALSE(openssl_ts_accepts(changed([&](SignedBallot& s) {
    s.evidence->time_stamp = flip(s.evidence->time_stamp, evidence.time_stamp.size() - 5);  // its signature
  })));
  const SignedBallot other = make(GetParam().first, GetParam().second);
  EXPECT_FALSE(openssl_ts_accepts(changed([&](SignedBallot& s) { s.evidence = other.evidence; })));
  const SignedBallot mixed = changed([&](SignedBallot& s) { s.evidence = other.evidence; });
  EXPECT_FALSE(node_accepts(write_container(mixed)));
  // The digest of a reference, in the document itself.
  std::vector<ArchivedFile> files = read_archive(container_, 16).value();
  std::string document(text_of(files[3].content));
  const std::size_t digest = document.find("<ds:DigestValue>") + 20;
  document[digest] = document[digest] == 'A' ? 'B' : 'A';
  files[3].content = bytes_of(document);
  const Bytes container = write_archive(files);
  EXPECT_FALSE(accepts(container));
  EXPECT_FALSE(xmlsec_accepts(container));
  EXPECT_FALSE(node_accepts(container));
}

using Kinds = std::pair<CardKey, trust::ServiceKey>;
constexpr Kinds kKinds[] = {{CardKey::kP384, trust::ServiceKey::kP256},
                            {CardKey::kP256, trust::ServiceKey::kP384},
                            {CardKey::kRsa2048, trust::ServiceKey::kRsa2048}};
INSTANTIATE_TEST_SUITE_P(Keys, EvidenceTools, ::testing::ValuesIn(kKinds));
// Slow, so of one kind; evidence_everywhere_test has the others.
INSTANTIATE_TEST_SUITE_P(Keys, SecondImplementation,
                         ::testing::ValuesIn(kKinds, std::getenv("PSEPHOS_EVERY_BYTE") == nullptr
                                                         ? kKinds + 1
                                                         : std::end(kKinds)));

}  // namespace
}  // namespace psephos::test
