#include "protocol/container.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "protocol/archive.h"
#include "protocol/limits.h"

// SPEC §9.3: the container, byte for byte; every other one is refused by name, and its twin is accepted.
namespace psephos {
namespace {

SignedBallot sample(bool evidence = true) {
  SignedBallot s{.ballot = Bytes(300, 7),
                 .certificate = Bytes(900, 8),
                 .scheme = SignatureScheme::kEcdsaSha384,
                 .signing_time_s = 1'900'000'123,
                 .signature = Bytes(96, 9),
                 .evidence = std::nullopt};
  if (evidence)
    s.evidence = Evidence{.time_stamp = Bytes(1500, 1), .issuer = Bytes(700, 2), .ocsp = Bytes(1000, 3)};
  return s;
}

std::optional<Reason> refusal(ByteView container) {
  const auto read = read_container(container);
  if (read) return std::nullopt;
  return read.error().reason;
}

/// The files of a container, to be changed and packed again.
struct Files {
  std::vector<std::pair<std::string, std::string>> files;
  static Files of(const SignedBallot& s) {
    Files out;
    const Bytes bytes = write_container(s);
    for (const ArchivedFile& file : read_archive(bytes, 16).value())
      out.files.emplace_back(file.name, text_of(file.content));
    return out;
  }
  Bytes pack() const {
    std::vector<ArchivedFile> views;
    for (const auto& [name, content] : files) views.push_back({name, bytes_of(content)});
    return write_archive(views);
  }
  std::string& operator[](std::string_view name) {
    for (auto& [own, content] : files)
      if (own == name) return content;
    throw std::out_of_range("no such file");
  }
};
constexpr std::string_view kSignature = "META-INF/signatures0.xml";

/// Replaces the one occurrence.
void edit(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}
/// A container with one edit of its signature document.
Bytes edited(std::string_view from, std::string_view to, bool evidence = true) {
  Files files = Files::of(sample(evidence));
  edit(files[kSignature], from, to);
  return files.pack();
}

TEST(Container, ReadsBackWhatItHolds) {
  for (const bool evidence : {false, true})
    for (const SignatureScheme scheme :
         {SignatureScheme::kEcdsaSha256, SignatureScheme::kEcdsaSha384, SignatureScheme::kRsaSha256})
      for (const std::uint64_t time : {0ULL, 951'782'399ULL, 1'900'000'123ULL, 253'402'300'799ULL}) {
        SignedBallot s = sample(evidence);
        s.scheme = scheme;
        s.signing_time_s = time;
        const Bytes container = write_container(s);
        const auto read = read_container(container);
        ASSERT_TRUE(read) << to_string(read.error());
        EXPECT_EQ(*read, s);
        EXPECT_EQ(Files::of(s).pack(), container);
      }
}

TEST(Container, WhatIsSignedStandsInTheFile) {
  Files files = Files::of(sample());
  const std::string& document = files[kSignature];
  EXPECT_NE(document.find(text_of(signed_info(sample()))), std::string::npos);
  EXPECT_NE(document.find(text_of(signature_value(sample().signature))), std::string::npos);
}

TEST(Container, LongestFieldsFit) {
  SignedBallot s = sample();
  s.ballot.assign(limits::kBallotBytes, 1);
  s.certificate.assign(limits::kCertificateBytes, 2);
  s.signature.assign(limits::kSignatureBytes, 3);
  s.evidence->time_stamp.assign(limits::kTimeStampBytes, 4);
  s.evidence->issuer.assign(limits::kCertificateBytes, 5);
  s.evidence->ocsp.assign(limits::kOcspBytes, 6);
  const auto read = read_container(write_container(s));
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(*read, s);
  s.evidence->ocsp.push_back(0);
  EXPECT_EQ(refusal(write_container(s)), Reason::kSigTemplate);
}

TEST(Container, EveryFlippedBitIsRefused) {
  for (const bool evidence : {false, true}) {
    const Bytes good = write_container(sample(evidence));
    const auto accepted = read_container(good).value();
    for (std::size_t i = 0; i < good.size(); ++i)
      for (const std::size_t bit : {i % 8, (i * 5 + 3) % 8}) {
        Bytes bad = good;
        bad[i] ^= static_cast<std::uint8_t>(1U << bit);
        const auto read = read_container(bad);
        // Values that no digest in the document covers may read as others, which their own checks refuse.
        if (read) EXPECT_NE(*read, accepted) << i;
        if (read) EXPECT_EQ(write_container(*read), bad) << i;
      }
  }
}

TEST(Container, EveryTruncationIsRefused) {
  const Bytes good = write_container(sample());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_TRUE(refusal(ByteView(good).first(size))) << size;
}

// ---- the archive (A81, A82, A83) ----

TEST(Container, A30_NoSignature) {
  Files files = Files::of(sample());
  files.files.pop_back();
  EXPECT_EQ(refusal(files.pack()), Reason::kBallotSignatureMissing);
}

TEST(Container, A81_FilesThatTheSignatureDoesNotCover) {
  const auto with = [](const auto& change) {
    Files files = Files::of(sample());
    change(files);
    return refusal(files.pack());
  };
  EXPECT_EQ(with([](Files& f) { f.files.emplace_back("ballot2.bin", "more"); }),
            Reason::kContainerUnsignedFile);
  EXPECT_EQ(with([](Files& f) { f.files.emplace_back("META-INF/signatures1.xml", f[kSignature]); }),
            Reason::kContainerUnsignedFile);
  EXPECT_EQ(with([](Files& f) { f.files.erase(f.files.begin() + 2); }), Reason::kContainerUnsignedFile);
  EXPECT_EQ(with([](Files& f) { f.files.erase(f.files.begin() + 1); }), Reason::kContainerUnsignedFile);
  EXPECT_EQ(
      with([](Files& f) { edit(f["META-INF/manifest.xml"], "application/octet-stream", "text/plain"); }),
      Reason::kContainerUnsignedFile);
  EXPECT_EQ(with([](Files& f) { edit(f["META-INF/manifest.xml"], "ballot.bin", "ballot.exe"); }),
            Reason::kContainerUnsignedFile);
  EXPECT_EQ(with([](Files& f) { f["ballot.bin"][0] ^= 1; }), Reason::kSigDigest);
  EXPECT_EQ(with([](Files& f) { f["mimetype"] += "\n"; }), Reason::kContainerTemplate);
  EXPECT_EQ(with([](Files& f) { std::swap(f.files[2], f.files[3]); }), Reason::kContainerTemplate);
  EXPECT_EQ(with([](Files&) {}), std::nullopt);
}

/// Offsets of an archive's parts.
struct Layout {
  std::size_t central, end;
  explicit Layout(ByteView bytes)
      : central(bytes[bytes.size() - 6] | std::size_t{bytes[bytes.size() - 5]} << 8 |
                std::size_t{bytes[bytes.size() - 4]} << 16),
        end(bytes.size() - 22) {}
};

TEST(Container, A82_ArchivesThatReadersDisagreeAbout) {
  const Bytes good = write_container(sample());
  const Layout at(good);
  const auto with = [&](const auto& change) {
    Bytes bytes = good;
    change(bytes);
    return refusal(bytes);
  };
  EXPECT_EQ(with([](Bytes& b) { b.insert(b.begin(), {'M', 'Z'}); }), Reason::kContainerAmbiguous);
  EXPECT_EQ(with([](Bytes& b) { b.push_back(0); }), Reason::kContainerAmbiguous);
  EXPECT_EQ(with([&](Bytes& b) { b.insert(b.begin() + static_cast<std::ptrdiff_t>(at.central), 0); }),
            Reason::kContainerAmbiguous);
  EXPECT_EQ(with([&](Bytes& b) { b[b.size() - 2] = 1, b.push_back('c'); }), Reason::kContainerAmbiguous);
  EXPECT_EQ(with([](Bytes& b) { b[30] = 'M'; }), Reason::kContainerAmbiguous);                // local name
  EXPECT_EQ(with([](Bytes& b) { b[18] ^= 1; }), Reason::kContainerAmbiguous);                 // local size
  EXPECT_EQ(with([&](Bytes& b) { b[at.central + 46] = 'M'; }), Reason::kContainerAmbiguous);  // central name
  EXPECT_EQ(with([&](Bytes& b) { b[at.end + 10] = 3; }), Reason::kContainerAmbiguous);        // count
  EXPECT_EQ(with([&](Bytes& b) { b[at.central + 42] = 1; }), Reason::kContainerAmbiguous);    // offset
  // A name twice, or but for its case.
  for (const char* name : {"ballot.bin", "Ballot.bin", "META-INF/SIGNATURES0.XML"}) {
    Files files = Files::of(sample());
    files.files.emplace_back(name, "other");
    EXPECT_EQ(refusal(files.pack()), Reason::kContainerAmbiguous) << name;
  }
  for (const char* name : {"../ballot.bin", "/ballot.bin", "META-INF/../../x", "C:x", "a\\b", "./x", ""}) {
    Files files = Files::of(sample());
    files.files.emplace_back(name, "other");
    EXPECT_EQ(refusal(files.pack()), Reason::kContainerPath) << name;
  }
}

TEST(Container, A83_Bombs) {
  const Bytes good = write_container(sample());
  const Layout at(good);
  // Says that it would expand, in both headers; the bytes are never looked at.
  Bytes bomb = good;
  bomb[8] = bomb[at.central + 10] = 8;
  bomb[25] = bomb[at.central + 27] = 0x7f;
  EXPECT_EQ(refusal(bomb), Reason::kContainerTooLarge);
  // Compressed, and lies about it.
  Bytes lie = good;
  lie[8] = lie[at.central + 10] = 8;
  EXPECT_EQ(refusal(lie), Reason::kContainerTemplate);
  // Thousands of files.
  Files many = Files::of(sample());
  for (int i = 0; i < 5000; ++i) many.files.emplace_back("f" + std::to_string(i), "");
  EXPECT_EQ(refusal(many.pack()), Reason::kContainerTooLarge);
  // An archive inside.
  Files nested = Files::of(sample());
  nested.files.emplace_back("inner.asice", text_of(good));
  EXPECT_EQ(refusal(nested.pack()), Reason::kContainerUnsignedFile);
  // More bytes than any container has.
  EXPECT_EQ(refusal(Bytes(limits::kContainerBytes + 1, 0)), Reason::kContainerTooLarge);
}

TEST(Container, OtherwiseWrittenArchives) {
  const Bytes good = write_container(sample());
  const Layout at(good);
  const auto with = [&](std::size_t local, std::size_t central, std::uint8_t value) {
    Bytes bytes = good;
    bytes[local] ^= value;
    bytes[at.central + central] ^= value;
    return refusal(bytes);
  };
  EXPECT_EQ(with(4, 6, 20), Reason::kContainerTemplate);   // version
  EXPECT_EQ(with(6, 8, 8), Reason::kContainerTemplate);    // flags: sizes behind the data
  EXPECT_EQ(with(10, 12, 1), Reason::kContainerTemplate);  // time
  EXPECT_EQ(with(14, 16, 1), Reason::kContainerTemplate);  // checksum
  Bytes attributes = good;
  attributes[at.central + 38] = 1;
  EXPECT_EQ(refusal(attributes), Reason::kContainerTemplate);
  EXPECT_EQ(refusal({}), Reason::kContainerTemplate);
  EXPECT_EQ(refusal(Bytes(100, 'x')), Reason::kContainerTemplate);
}

TEST(Container, ChecksumIsThatOfZlib) {
  const Bytes content = write_container(sample());
  const Bytes archive = write_archive(std::vector<ArchivedFile>{{"f", content}});
  std::uint32_t stated = 0;  // little-endian
  for (std::size_t i = 18; i-- > 14;) stated = stated << 8 | archive[i];
  EXPECT_EQ(stated, ::crc32(0, content.data(), static_cast<uInt>(content.size())));
}

// ---- the signature document (A79, A80, A87) ----

TEST(Container, A79_WrappedSignatures) {
  Files files = Files::of(sample());
  const std::string good = files[kSignature];
  const auto slice = [&](std::string_view from, std::string_view to) {
    const std::size_t begin = good.find(from);
    return good.substr(begin, good.find(to, begin) + to.size() - begin);
  };
  const std::string signature = slice("<ds:Signature ", "</ds:Signature>");
  const std::string info = slice("<ds:SignedInfo", "</ds:SignedInfo>");
  const std::string properties = slice("<xades:SignedProperties", "</xades:SignedProperties>");
  const auto with = [&](const std::string& document) {
    Files changed = files;
    changed[kSignature] = document;
    return refusal(changed.pack());
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string document = good;
    document.replace(document.find(from), from.size(), to);
    return with(document);
  };
  EXPECT_EQ(replaced(signature, signature + signature), Reason::kSigWrapped);
  EXPECT_EQ(replaced(info, info + info), Reason::kSigWrapped);
  EXPECT_EQ(replaced(properties, properties + properties), Reason::kSigWrapped);
  // The signed original moved into another object, a forged one in its place.
  EXPECT_EQ(replaced("</ds:Signature>", "<ds:Object>" + properties + "</ds:Object></ds:Signature>"),
            Reason::kSigWrapped);
  EXPECT_EQ(replaced(signature, "<ds:Object>" + signature + "</ds:Object>"), Reason::kSigWrapped);
  std::string moved = good;  // the same elements in another order
  moved.erase(moved.find(info), info.size());
  moved.insert(moved.find("<ds:KeyInfo>"), info);
  EXPECT_EQ(with(moved), Reason::kSigWrapped);
  EXPECT_EQ(replaced("Id=\"t\"", "Id=\"p\""), Reason::kSigWrapped);  // an Id twice
  EXPECT_EQ(replaced("URI=\"#p\"", "URI=\"#q\""), Reason::kSigTemplate);
  EXPECT_EQ(with(good), std::nullopt);
}

TEST(Container, A79_CommentsTransformsAndOtherSpellings) {
  for (const auto& [from, to] : std::initializer_list<std::pair<const char*, const char*>>{
           {"</ds:SignedInfo>", "<!-- c --></ds:SignedInfo>"},
           {"<ds:SignedInfo ", "<?pi x?><ds:SignedInfo "},
           {"<ds:Reference Id", " <ds:Reference Id"},
           {"<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>",
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"></ds:Transform>"},
           {"Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>",
            "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#WithComments\"></ds:CanonicalizationMethod>"},
           {"></ds:DigestMethod>", "/>"},
           {"Id=\"r\" URI=\"ballot.bin\"", "URI=\"ballot.bin\" Id=\"r\""},
           {"URI=\"ballot.bin\"", "URI=\"other.bin\""},
           {"URI=\"ballot.bin\"", "URI=\"\""},
           {"Id=\"v\"", "Id='v'"},
           {"xmlns:ds=", "xmlns:dz="},
           {"<asic:XAdESSignatures", "\xef\xbb\xbf<asic:XAdESSignatures"},
           {"<asic:XAdESSignatures", "<?xml version=\"1.0\"?><asic:XAdESSignatures"},
           {"</asic:XAdESSignatures>", "</asic:XAdESSignatures>\n"},
           {"<xades:SigningTime>2030-", "<xades:SigningTime>02030-"},
           {"2030-03-17T17:48:43Z", "2030-03-17T17:48:43.0Z"},
           {"2030-03-17T17:48:43Z", "2030-02-30T17:48:43Z"},
           {"2030-03-17T17:48:43Z", "2030-03-17T24:00:00Z"},
       })
    EXPECT_EQ(refusal(edited(from, to)), Reason::kSigTemplate) << from << " -> " << to;
}

TEST(Container, OneFormOfBase64) {
  const std::string value = to_base64(sample().signature);
  for (const std::string& other :
       {value.substr(0, 64) + "\n" + value.substr(64), value + "=", std::string(), " " + value,
        value.substr(0, value.size() - 1), value.substr(0, 60) + "&#65;" + value.substr(61)})
    EXPECT_EQ(refusal(edited(value, other)), Reason::kSigTemplate) << other;
  SignedBallot odd = sample();
  odd.signature.push_back(9);  // 97 bytes: two characters of padding, four surplus bits
  Files files = Files::of(odd);
  const std::string padded = to_base64(odd.signature);
  std::string surplus = padded;
  ASSERT_EQ(surplus[surplus.size() - 3], 'Q');
  surplus[surplus.size() - 3] = 'R';
  edit(files[kSignature], padded, surplus);
  EXPECT_EQ(refusal(files.pack()), Reason::kSigTemplate);
}

TEST(Container, A80_DocumentTypesAndEntities) {
  std::string bomb = "<!DOCTYPE l [<!ENTITY a0 \"ha\">";
  for (int i = 1; i < 40; ++i)
    bomb += "<!ENTITY a" + std::to_string(i) + " \"&a" + std::to_string(i - 1) + ";&a" +
            std::to_string(i - 1) + ";\">";
  bomb += "]>";
  for (const std::string& declaration :
       {std::string("<!DOCTYPE asic:XAdESSignatures>"),
        std::string("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"),
        std::string("<!ENTITY e \"x\">"), bomb}) {
    EXPECT_EQ(refusal(edited("<asic:XAdESSignatures", declaration + "<asic:XAdESSignatures")),
              Reason::kXmlDtdForbidden);
    Files files = Files::of(sample());
    files["META-INF/manifest.xml"] = declaration + files["META-INF/manifest.xml"];
    EXPECT_EQ(refusal(files.pack()), Reason::kXmlDtdForbidden);
  }
}

TEST(Container, A87_OtherAlgorithms) {
  constexpr const char* kScheme = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
  for (const char* uri :
       {"http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", "none", ""})
    EXPECT_EQ(refusal(edited(kScheme, uri)), Reason::kSigAlgForbidden) << uri;
  for (const char* place : {"<ds:DigestMethod Algorithm=\"", "#\" Algorithm=\"",
                            "</ds:Transforms><ds:DigestMethod Algorithm=\""}) {
    const std::string from = std::string(place) + "http://www.w3.org/2001/04/xmlenc#sha256";
    for (const char* uri :
         {"http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha512"})
      EXPECT_EQ(refusal(edited(from, std::string(place) + uri)), Reason::kSigAlgForbidden) << place;
  }
  // A digest cut short, or of another thing.
  const std::string digest = to_base64(sha256(sample().ballot));
  EXPECT_EQ(refusal(edited(digest, to_base64(ByteView(sha256(sample().ballot)).first(20)))),
            Reason::kSigAlgForbidden);
  EXPECT_EQ(refusal(edited(digest, to_base64(sha256({})))), Reason::kSigDigest);
  EXPECT_EQ(refusal(edited(to_base64(sha256(sample().certificate)), to_base64(sha256({})))),
            Reason::kSigDigest);
  EXPECT_EQ(refusal(edited("2030-03-17T17:48:43Z", "2030-03-17T17:48:44Z")), Reason::kSigDigest);
}

TEST(Container, EvidenceIsWholeOrAbsent) {
  EXPECT_EQ(refusal(write_container(sample(false))), std::nullopt);
  Files files = Files::of(sample());
  const std::string good = files[kSignature];
  for (const char* part : {"xades:CertificateValues", "xades:RevocationValues", "xades:SignatureTimeStamp"}) {
    const std::size_t begin = good.find(std::string("<") + part);
    const std::string end = std::string("</") + part + ">";
    std::string document = good;
    document.erase(begin, good.find(end) + end.size() - begin);
    files[kSignature] = document;
    EXPECT_EQ(refusal(files.pack()), Reason::kSigTemplate) << part;
  }
}

}  // namespace
}  // namespace psephos
