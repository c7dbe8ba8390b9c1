#include "protocol/container.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "protocol/archive.h"
#include "protocol/limits.h"

namespace psephos {
namespace {

constexpr std::string_view kMimetypeName = "mimetype";
constexpr std::string_view kManifestName = "META-INF/manifest.xml";
constexpr std::string_view kBallotName = "ballot.bin";
constexpr std::string_view kSignatureName = "META-INF/signatures0.xml";
constexpr std::size_t kMostFiles = 16;  // more than any container has: these are refused by their names

// EN 319 162-1 §A.1; OpenDocument 1.2 part 3 §3.
constexpr std::string_view kMimetype = "application/vnd.etsi.asic-e+zip";
constexpr std::string_view kManifest =
    R"(<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">)"
    R"(<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.etsi.asic-e+zip"></manifest:file-entry>)"
    R"(<manifest:file-entry manifest:full-path="ballot.bin" manifest:media-type="application/octet-stream"></manifest:file-entry>)"
    R"(</manifest:manifest>)";

struct SchemeUri {
  SignatureScheme scheme;
  std::string_view uri;  // RFC 6931 §2.3.2, §2.3.6
};
constexpr std::array<SchemeUri, 3> kSchemes = {{
    {SignatureScheme::kEcdsaSha256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
    {SignatureScheme::kEcdsaSha384, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"},
    {SignatureScheme::kRsaSha256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
}};
constexpr std::string_view kSha256Uri = "http://www.w3.org/2001/04/xmlenc#sha256";

// ---- values as the document shows them ----

std::string time_text(std::uint64_t unix_s) {
  const std::chrono::sys_seconds at{std::chrono::seconds(unix_s)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  std::string out = "0000-00-00T00:00:00Z";
  const auto put = [&out](std::size_t place, std::size_t width, unsigned value) {
    for (; width > 0; value /= 10) out[place + --width] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, static_cast<unsigned>(clock.hours().count()));
  put(14, 2, static_cast<unsigned>(clock.minutes().count()));
  put(17, 2, static_cast<unsigned>(clock.seconds().count()));
  return out;
}

/// nullopt unless the text is what time_text writes.
std::optional<std::uint64_t> time_of(std::string_view text) {
  if (text.size() != 20) return std::nullopt;
  const auto number = [&text](std::size_t place, std::size_t width) {
    unsigned value = 0;
    for (std::size_t i = place; i < place + width; ++i)
      value = value * 10 + static_cast<unsigned>(text[i] - '0') % 10;
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                         std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  if (!date.ok()) return std::nullopt;
  const auto seconds = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(number(11, 2)) +
                       std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));
  const auto count = std::chrono::duration_cast<std::chrono::seconds>(seconds).count();
  if (count < 0 || time_text(static_cast<std::uint64_t>(count)) != text) return std::nullopt;
  return static_cast<std::uint64_t>(count);
}

/// Writes a document of fixed texts and values between them.
class Writer {
 public:
  void text(std::string_view fixed) { append(out_, bytes_of(fixed)); }
  void time(std::uint64_t unix_s) { text(time_text(unix_s)); }
  void base64(ByteView value, std::size_t /*most_bytes*/) { text(to_base64(value)); }
  void digest(const Digest256& value) { text(to_base64(value)); }
  void digest_method() { text(kSha256Uri); }
  void scheme(SignatureScheme scheme) {
    const auto* const row = std::ranges::find(kSchemes, scheme, &SchemeUri::scheme);
    invariant(row != kSchemes.end(), "containers have three schemes");
    text(row->uri);
  }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

/// Reads the same document: the fixed texts must stand there, and nothing but a value in its one form between
/// them. The first fault stands; after it everything is passed over.
class Reader {
 public:
  explicit Reader(std::string_view document) : rest_(document) {}
  void text(std::string_view fixed) {
    if (fault_) return;
    if (!rest_.starts_with(fixed)) return fail(Reason::kSigTemplate);
    rest_.remove_prefix(fixed.size());
  }
  void time(std::uint64_t& unix_s) {
    const auto value = time_of(until('<'));
    if (!value) return fail(Reason::kSigTemplate);
    unix_s = *value;
  }
  void base64(Bytes& out, std::size_t most_bytes) {
    const std::string_view value = until('<');
    if (value.empty() || value.size() > (most_bytes + 2) / 3 * 4) return fail(Reason::kSigTemplate);
    auto bytes = from_base64(value);
    if (!bytes || bytes->size() > most_bytes) return fail(Reason::kSigTemplate);
    out = std::move(*bytes);
  }
  void digest(Digest256& out) {
    const auto bytes = from_base64(until('<'));
    if (!bytes) return fail(Reason::kSigTemplate);
    if (bytes->size() != out.size()) return fail(Reason::kSigAlgForbidden);
    std::ranges::copy(*bytes, out.begin());
  }
  void digest_method() {
    if (until('"') != kSha256Uri) fail(Reason::kSigAlgForbidden);
  }
  void scheme(SignatureScheme& out) {
    const auto* const row = std::ranges::find(kSchemes, until('"'), &SchemeUri::uri);
    if (row == kSchemes.end()) return fail(Reason::kSigAlgForbidden);
    out = row->scheme;
  }
  bool next_is(std::string_view fixed) const { return rest_.starts_with(fixed); }
  std::optional<Reason> end() const {
    if (fault_) return fault_;
    if (!rest_.empty()) return Reason::kSigTemplate;
    return std::nullopt;
  }

 private:
  void fail(Reason reason) {
    if (!fault_) fault_ = reason;
  }
  std::string_view until(char stop) {
    const std::string_view value = rest_.substr(0, rest_.find(stop));
    rest_.remove_prefix(value.size());
    return value;
  }
  std::string_view rest_;
  std::optional<Reason> fault_;
};

// ---- the template (SPEC §9.3): one listing that both of them follow ----

struct Digests {
  Digest256 ballot{}, properties{}, certificate{};
};

template <class Sink, class Signed, class Hashes>
void put_signed_info(Sink& sink, Signed& s, Hashes& hashes) {
  sink.text(
      R"(<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=")");
  sink.scheme(s.scheme);
  sink.text(R"("></ds:SignatureMethod><ds:Reference Id="r" URI="ballot.bin"><ds:DigestMethod Algorithm=")");
  sink.digest_method();
  sink.text(R"("></ds:DigestMethod><ds:DigestValue>)");
  sink.digest(hashes.ballot);
  sink.text(
      R"(</ds:DigestValue></ds:Reference><ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#p"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=")");
  sink.digest_method();
  sink.text(R"("></ds:DigestMethod><ds:DigestValue>)");
  sink.digest(hashes.properties);
  sink.text(R"(</ds:DigestValue></ds:Reference></ds:SignedInfo>)");
}

template <class Sink, class Value>
void put_signature_value(Sink& sink, Value& signature) {
  sink.text(R"(<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="v">)");
  sink.base64(signature, limits::kSignatureBytes);
  sink.text(R"(</ds:SignatureValue>)");
}

template <class Sink, class Signed, class Hashes>
void put_signed_properties(Sink& sink, Signed& s, Hashes& hashes) {
  sink.text(
      R"(<xades:SignedProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Id="p"><xades:SignedSignatureProperties><xades:SigningTime>)");
  sink.time(s.signing_time_s);
  sink.text(
      R"(</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm=")");
  sink.digest_method();
  sink.text(R"("></ds:DigestMethod><ds:DigestValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">)");
  sink.digest(hashes.certificate);
  sink.text(
      R"(</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties><xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#r"><xades:MimeType>application/octet-stream</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>)");
}

constexpr std::string_view kUnsigned =
    R"(<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp Id="t"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod><xades:EncapsulatedTimeStamp>)";

template <class Sink, class Proofs>
void put_evidence(Sink& sink, Proofs& evidence) {
  sink.text(kUnsigned);
  sink.base64(evidence.time_stamp, limits::kTimeStampBytes);
  sink.text(
      R"(</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp><xades:CertificateValues><xades:EncapsulatedX509Certificate>)");
  sink.base64(evidence.issuer, limits::kCertificateBytes);
  sink.text(
      R"(</xades:EncapsulatedX509Certificate></xades:CertificateValues><xades:RevocationValues><xades:OCSPValues><xades:EncapsulatedOCSPValue>)");
  sink.base64(evidence.ocsp, limits::kOcspBytes);
  sink.text(
      R"(</xades:EncapsulatedOCSPValue></xades:OCSPValues></xades:RevocationValues></xades:UnsignedSignatureProperties></xades:UnsignedProperties>)");
}

/// `s.ballot` is not part of the document. A reader finds out by itself whether there is evidence.
template <class Sink, class Signed, class Hashes, class HasEvidence>
void put_document(Sink& sink, Signed& s, Hashes& hashes, const HasEvidence& has_evidence) {
  sink.text(
      R"(<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="s">)");
  put_signed_info(sink, s, hashes);
  put_signature_value(sink, s.signature);
  sink.text(R"(<ds:KeyInfo><ds:X509Data><ds:X509Certificate>)");
  sink.base64(s.certificate, limits::kCertificateBytes);
  sink.text(
      R"(</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#s">)");
  put_signed_properties(sink, s, hashes);
  if (has_evidence()) put_evidence(sink, *s.evidence);
  sink.text(R"(</xades:QualifyingProperties></ds:Object></ds:Signature></asic:XAdESSignatures>)");
}

Bytes signed_properties(const SignedBallot& s, const Digests& hashes) {
  Writer writer;
  put_signed_properties(writer, s, hashes);
  return writer.take();
}

Digests digests_of(const SignedBallot& s) {
  Digests hashes{.ballot = sha256(s.ballot), .properties = {}, .certificate = sha256(s.certificate)};
  hashes.properties = sha256(signed_properties(s, hashes));
  return hashes;
}

// ---- why a document is not the template's ----

/// Its tags by local name in their order, a closing one with its stroke, and its Ids.
struct Outline {
  std::vector<std::string_view> tags, ids;
};
Outline outline_of(std::string_view document) {
  Outline outline;
  for (std::size_t at = document.find('<'); at != document.npos; at = document.find('<', at + 1)) {
    std::string_view name = document.substr(at + 1, 100);
    name = name.substr(0, name.find_first_of(" \t\r\n>"));
    if (const std::size_t colon = name.find(':'); colon != name.npos) name.remove_prefix(colon + 1);
    outline.tags.push_back(name);
  }
  for (std::size_t at = document.find("Id=\""); at != document.npos; at = document.find("Id=\"", at + 1)) {
    const std::string_view id = document.substr(at + 4, 100);
    outline.ids.push_back(id.substr(0, id.find('"')));
  }
  std::ranges::sort(outline.ids);
  return outline;
}

/// An element of the template more often than there, an Id twice, or the same elements in another order:
/// something was wrapped around what is signed, or put in its place.
bool is_wrapped(std::string_view document) {
  static const std::string kFull = [] {
    Writer writer;
    const SignedBallot s{.ballot = {},
                         .certificate = {},
                         .scheme = SignatureScheme::kEcdsaSha384,
                         .signature = {},
                         .evidence = Evidence()};
    const Digests hashes;
    put_document(writer, s, hashes, [] { return true; });
    return std::string(text_of(writer.take()));
  }();
  static const std::vector<std::string_view> kTags = outline_of(kFull).tags;
  const Outline outline = outline_of(document);
  if (std::ranges::adjacent_find(outline.ids) != outline.ids.end()) return true;
  auto sorted = outline.tags;
  auto once = kTags;
  std::ranges::sort(sorted);
  std::ranges::sort(once);
  if (sorted == once) return outline.tags != kTags;
  for (const std::string_view name : once)
    if (std::ranges::count(sorted, name) > std::ranges::count(once, name)) return true;
  return false;
}

std::optional<Reason> declares_types(ByteView document) {
  for (const std::string_view word : {"<!DOCTYPE", "<!ENTITY", "<!doctype"})
    if (text_of(document).find(word) != std::string_view::npos) return Reason::kXmlDtdForbidden;
  return std::nullopt;
}

const ArchivedFile* find(const std::vector<ArchivedFile>& files, std::string_view name) {
  const auto found = std::ranges::find(files, name, &ArchivedFile::name);
  return found == files.end() ? nullptr : &*found;
}

Bytes write_document(const SignedBallot& s, const Digests& hashes) {
  Writer writer;
  put_document(writer, s, hashes, [&] { return s.evidence.has_value(); });
  return writer.take();
}

Result<SignedBallot, Rejection> read_document(ByteView document, ByteView ballot) {
  if (const auto reason = declares_types(document)) return reject(*reason, "signature");
  SignedBallot out{.ballot = copy_of(ballot), .certificate = {}, .signature = {}, .evidence = std::nullopt};
  Digests stated;
  Reader reader(text_of(document));
  put_document(reader, out, stated, [&] {
    if (reader.next_is(kUnsigned)) out.evidence.emplace();
    return out.evidence.has_value();
  });
  if (const auto fault = reader.end())
    return reject(
        *fault == Reason::kSigTemplate && is_wrapped(text_of(document)) ? Reason::kSigWrapped : *fault,
        "signature");
  const Digests real = digests_of(out);
  if (stated.ballot != real.ballot) return reject(Reason::kSigDigest, "ballot");
  if (stated.certificate != real.certificate) return reject(Reason::kSigDigest, "certificate");
  if (stated.properties != real.properties) return reject(Reason::kSigDigest, "signed properties");
  if (!equal(write_document(out, real), document)) return reject(Reason::kSigTemplate, "signature");
  return out;
}

}  // namespace

Bytes signed_info(const SignedBallot& signed_ballot) {
  const Digests hashes = digests_of(signed_ballot);
  Writer writer;
  put_signed_info(writer, signed_ballot, hashes);
  return writer.take();
}

Bytes signature_value(ByteView signature) {
  Writer writer;
  put_signature_value(writer, signature);
  return writer.take();
}

Bytes write_container(const SignedBallot& signed_ballot) {
  const Bytes document = write_document(signed_ballot, digests_of(signed_ballot));
  return write_archive(std::array<ArchivedFile, 4>{{{kMimetypeName, bytes_of(kMimetype)},
                                                    {kManifestName, bytes_of(kManifest)},
                                                    {kBallotName, signed_ballot.ballot},
                                                    {kSignatureName, document}}});
}

Result<SignedBallot, Rejection> read_container(ByteView bytes) {
  if (bytes.size() > limits::kContainerBytes) return reject(Reason::kContainerTooLarge, "container");
  const auto files = read_archive(bytes, kMostFiles);
  if (!files) return std::unexpected(files.error());
  const ArchivedFile* const mimetype = find(*files, kMimetypeName);
  const ArchivedFile* const manifest = find(*files, kManifestName);
  const ArchivedFile* const ballot = find(*files, kBallotName);
  const ArchivedFile* const signature = find(*files, kSignatureName);
  if (mimetype != &files->front() || !equal(mimetype->content, bytes_of(kMimetype)))
    return reject(Reason::kContainerTemplate, std::string(kMimetypeName));
  if (signature == nullptr) return reject(Reason::kBallotSignatureMissing, "container");
  if (manifest == nullptr || ballot == nullptr || files->size() != 4)
    return reject(Reason::kContainerUnsignedFile, "container");
  if (const auto reason = declares_types(manifest->content))
    return reject(*reason, std::string(kManifestName));
  if (!equal(manifest->content, bytes_of(kManifest)))
    return reject(Reason::kContainerUnsignedFile, std::string(kManifestName));
  if (ballot->content.size() > limits::kBallotBytes)
    return reject(Reason::kContainerTooLarge, std::string(kBallotName));
  if (signature != &files->back() || ballot != &(*files)[2] || manifest != &(*files)[1])
    return reject(Reason::kContainerTemplate, "order of files");
  return read_document(signature->content, ballot->content);
}

}  // namespace psephos
