#pragma once
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/eid/time_stamp.h"
#include "tests/trust-services/test_ca/ca.h"
#include "tests/trust-services/test_ca/der_writer.h"

/// Time-stamp tokens and certificate statuses written element by element, so that each of them can be wrong.
namespace psephos::forge {

namespace der = trust::der;

inline Bytes hash(const char* name, ByteView bytes) {
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  invariant(EVP_Q_digest(nullptr, name, nullptr, bytes.data(), bytes.size(), out.data(), &size) == 1,
            "OpenSSL hashes");
  out.resize(size);
  return out;
}

inline Bytes algorithm(std::string_view oid, bool null = false) {
  return der::sequence({der::oid(oid), null ? der::element(0x05, {}) : Bytes{}});
}
inline Bytes sha256_algorithm() {
  return algorithm("2.16.840.1.101.3.4.2.1", true);
}

inline Bytes generalized_time(std::int64_t unix_s, std::string_view fraction = {}) {
  const std::chrono::sys_seconds at{std::chrono::seconds{unix_s}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  char text[32];
  std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return der::element(0x18, bytes_of(std::string(text) + std::string(fraction) + "Z"));
}

/// A SET OF in DER's order.
inline Bytes set_of(std::vector<Bytes> elements, std::uint8_t tag = 0x31) {
  std::sort(elements.begin(), elements.end());
  Bytes content;
  for (const Bytes& each : elements) append(content, each);
  return der::element(tag, content);
}

enum class KeyKind : std::uint8_t { kP256, kP384, kP521, kRsa2048, kRsa1024 };

/// A key of a service and its certificate.
struct Service {
  openssl::Key key;
  bool rsa = false;
  Bytes public_key_info, certificate;

  static Service make(KeyKind kind) {
    Service out;
    out.rsa = kind == KeyKind::kRsa2048 || kind == KeyKind::kRsa1024;
    out.key.reset(kind == KeyKind::kP256      ? EVP_EC_gen("P-256")
                  : kind == KeyKind::kP384    ? EVP_EC_gen("P-384")
                  : kind == KeyKind::kP521    ? EVP_EC_gen("P-521")
                  : kind == KeyKind::kRsa2048 ? EVP_RSA_gen(2048)
                                              : EVP_RSA_gen(1024));
    invariant(out.key != nullptr, "OpenSSL makes keys");
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(out.key.get(), &der);
    out.public_key_info.assign(der, der + size);
    OPENSSL_free(der);
    return out;
  }
  Bytes sign(const char* digest, ByteView message) const {
    const openssl::DigestContext context(EVP_MD_CTX_new());
    std::size_t size = 0;
    invariant(
        EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key.get(), nullptr) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1,
        "OpenSSL signs");
    Bytes out(size);
    invariant(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1,
              "OpenSSL signs");
    out.resize(size);
    return out;
  }
  /// The scheme's identifier with SHA-256, SHA-384 or SHA-512: `digest` is 256, 384 or 512.
  Bytes scheme(int digest) const {
    const int number = digest == 256 ? 1 : digest == 384 ? 2 : 3;
    return rsa ? algorithm("1.2.840.113549.1.1." + std::to_string(10 + number), true)
               : algorithm("1.2.840.10045.4.3." + std::to_string(1 + number));
  }
};
inline const char* digest_name(int digest) {
  return digest == 256 ? "SHA2-256" : digest == 384 ? "SHA2-384" : "SHA2-512";
}

inline Bytes name(std::string_view common_name) {
  return der::sequence({der::set({der::sequence({der::oid("2.5.4.3"), der::utf8(common_name)})})});
}

inline constexpr std::string_view kTimeStamping = "1.3.6.1.5.5.7.3.8", kOcspSigning = "1.3.6.1.5.5.7.3.9";

/// Fields of an honest time-stamping authority's certificate: extensions are purpose and key usage.
inline trust::CertificateFields authority_fields(const Service& service, std::int64_t now_unix_s) {
  trust::CertificateFields fields;
  fields.subject = name("TEST time-stamping unit");
  fields.public_key_info = service.public_key_info;
  fields.not_before_unix_s = now_unix_s - 86400;
  fields.not_after_unix_s = now_unix_s + 86400 * 365;
  fields.extensions = {trust::extended_key_usage({kTimeStamping}, true),
                       trust::key_usage(kUsageDigitalSignature)};
  return fields;
}
/// The same of an OCSP responder, with id-pkix-ocsp-nocheck.
inline trust::CertificateFields responder_fields(const Service& service, std::int64_t now_unix_s) {
  auto fields = authority_fields(service, now_unix_s);
  fields.subject = name("TEST OCSP responder");
  fields.extensions = {trust::extended_key_usage({kOcspSigning}, false),
                       trust::key_usage(kUsageDigitalSignature),
                       trust::extension("1.3.6.1.5.5.7.48.1.5", false, der::element(0x05, {}))};
  return fields;
}

/// An authority with a key of any kind. Certificates are numbered from 1; the key identifiers are SHA-256.
class Ca {
 public:
  static Ca root(std::string_view common_name, KeyKind kind, std::int64_t now_unix_s) {
    Ca ca(kind);
    ca.service_.certificate =
        ca.certify(ca.service_, ca.own_fields(common_name, now_unix_s), name(common_name), {});
    return ca;
  }
  Ca issuing(std::string_view common_name, KeyKind kind, std::int64_t now_unix_s) {
    Ca ca(kind);
    ca.service_.certificate = issue(ca.own_fields(common_name, now_unix_s));
    return ca;
  }
  const Bytes& der() const { return service_.certificate; }
  const Service& service() const { return service_; }
  Service& service() { return service_; }
  /// `serial_number`: content of the INTEGER.
  Bytes issue(const trust::CertificateFields& fields, Bytes serial_number = {}) {
    return certify(service_, fields, copy_of(parse_certificate(der())->subject), std::move(serial_number));
  }
  /// A service with its certificate.
  Service service(KeyKind kind, trust::CertificateFields (*fields)(const Service&, std::int64_t),
                  std::int64_t now_unix_s) {
    Service out = Service::make(kind);
    out.certificate = issue(fields(out, now_unix_s));
    return out;
  }

 private:
  explicit Ca(KeyKind kind) : service_(Service::make(kind)) {}
  trust::CertificateFields own_fields(std::string_view common_name, std::int64_t now_unix_s) const {
    trust::CertificateFields out = authority_fields(service_, now_unix_s);
    out.subject = name(common_name);
    out.extensions = {trust::basic_constraints(true), trust::key_usage(kUsageKeyCertSign | 1 << 6)};
    return out;
  }
  static Bytes key_id(ByteView public_key_info) {
    return copy_of(ByteView(sha256(public_key_info)).first(20));
  }
  Bytes certify(const Service& issuer, const trust::CertificateFields& fields, const Bytes& issuer_name,
                Bytes serial_number) {
    Bytes extensions;
    for (const Bytes& each : fields.extensions) append(extensions, each);
    append(extensions,
           trust::extension("2.5.29.14", false, der::octet_string(key_id(fields.public_key_info))));
    append(extensions, trust::extension("2.5.29.35", false,
                                        der::sequence({der::element(0x80, key_id(issuer.public_key_info))})));
    const bool sha1 = std::string_view(fields.digest) == "SHA1";
    const Bytes scheme = sha1 ? algorithm("1.2.840.10045.4.1") : issuer.scheme(256);
    const Bytes number =
        serial_number.empty() ? der::integer(u64be(++last_)) : der::element(0x02, serial_number);
    const Bytes tbs = der::sequence(
        {der::element(0xa0, der::integer(ByteArray<1>{2})), number, scheme, issuer_name,
         der::sequence({utc_time(fields.not_before_unix_s), utc_time(fields.not_after_unix_s)}),
         fields.subject, fields.public_key_info, der::element(0xa3, der::element(0x30, extensions))});
    return der::sequence({tbs, scheme, der::bit_string(issuer.sign(sha1 ? "SHA1" : "SHA2-256", tbs))});
  }
  static Bytes utc_time(std::int64_t unix_s) {
    const Bytes time = generalized_time(unix_s);
    return der::element(0x17, ByteView(time).subspan(4));
  }

  Service service_;
  std::uint64_t last_ = 0;
};

/// A time-stamp token. Each member is the DER of one element; what is empty is absent or, where the comment
/// says so, computed.
struct Token {
  Token(const Service& by, ByteView stamped, std::int64_t at_unix_s)
      : signer(&by),
        imprint(der::octet_string(sha256(stamped))),
        gen_time(generalized_time(at_unix_s)),
        nonce(der::integer(time_stamp_nonce(stamped))),
        certificates{by.certificate} {}

  const Service* signer;
  int digest = 256;
  // TSTInfo
  Bytes info_version = der::integer(ByteArray<1>{1});
  Bytes policy = der::oid("1.3.6.1.4.1.13762.3");
  Bytes imprint_algorithm = sha256_algorithm();
  Bytes imprint;
  Bytes serial_number = der::integer(ByteArray<3>{0x12, 0x34, 0x56});
  Bytes gen_time, accuracy, ordering, nonce, tsa, info_extensions, info_tail;
  // signed attributes
  Bytes content_type = der::oid("1.2.840.113549.1.9.16.1.4");
  Bytes message_digest;  ///< computed
  Bytes ess_algorithm;
  Bytes ess_hash;  ///< computed
  Bytes ess_issuer_serial;
  Bytes ess_tail;                 ///< behind the list of certificates
  Bytes signing_certificate;      ///< computed: the whole value of signingCertificateV2
  std::vector<Bytes> attributes;  ///< more of them
  bool without_content_type = false, without_message_digest = false, without_signing_certificate = false;
  bool attributes_reversed = false;
  // SignerInfo
  Bytes signer_version = der::integer(ByteArray<1>{1});
  Bytes signer_id;            ///< computed: issuer and serial number
  Bytes digest_algorithm;     ///< computed
  Bytes signature_algorithm;  ///< computed
  Bytes signature;            ///< computed
  Bytes unsigned_attributes, signer_tail;
  // SignedData
  Bytes version = der::integer(ByteArray<1>{3});
  Bytes digest_algorithms;  ///< computed: content of the SET
  Bytes inner_type = der::oid("1.2.840.113549.1.9.16.1.4");
  std::vector<Bytes> certificates;
  bool certificates_reversed = false;
  Bytes revocation_lists;
  Bytes second_signer_info;
  Bytes outer_type = der::oid("1.2.840.113549.1.7.2");

  static Bytes attribute(std::string_view type, Bytes value) {
    return der::sequence({der::oid(type), der::set({std::move(value)})});
  }
  static Bytes issuer_and_serial(ByteView certificate_der) {
    const auto certificate = parse_certificate(certificate_der);
    return der::sequence({copy_of(certificate->issuer), der::element(0x02, certificate->serial_number)});
  }
  /// IssuerSerial as in signingCertificateV2.
  static Bytes issuer_serial(ByteView certificate_der) {
    const auto certificate = parse_certificate(certificate_der);
    return der::sequence({der::sequence({der::element(0xa4, certificate->issuer)}),
                          der::element(0x02, certificate->serial_number)});
  }

  Bytes info() const {
    return der::sequence({info_version, policy, der::sequence({imprint_algorithm, imprint}), serial_number,
                          gen_time, accuracy, ordering, nonce, tsa, info_extensions, info_tail});
  }
  Bytes build() const {
    const Bytes content = info();
    const char* digest_with = digest_name(digest);
    std::vector<Bytes> list = attributes;
    if (!without_content_type) list.push_back(attribute("1.2.840.113549.1.9.3", content_type));
    if (!without_message_digest)
      list.push_back(attribute("1.2.840.113549.1.9.4", message_digest.empty()
                                                           ? der::octet_string(hash(digest_with, content))
                                                           : message_digest));
    if (!without_signing_certificate) {
      const Bytes id = der::sequence(
          {ess_algorithm, ess_hash.empty() ? der::octet_string(sha256(signer->certificate)) : ess_hash,
           ess_issuer_serial});
      list.push_back(attribute("1.2.840.113549.1.9.16.2.47",
                               signing_certificate.empty() ? der::sequence({der::sequence({id}), ess_tail})
                                                           : signing_certificate));
    }
    Bytes signed_attributes = set_of(list);
    if (attributes_reversed) {
      std::sort(list.rbegin(), list.rend());
      Bytes all;
      for (const Bytes& each : list) append(all, each);
      signed_attributes = der::element(0x31, all);
    }
    Bytes tagged = signed_attributes;
    tagged[0] = 0xa0;
    const Bytes with = digest_algorithm.empty()
                           ? algorithm("2.16.840.1.101.3.4.2." + std::to_string(digest / 128 - 1), true)
                           : digest_algorithm;
    const Bytes made =
        signature.empty() ? der::octet_string(signer->sign(digest_with, signed_attributes)) : signature;
    const Bytes signer_info = der::sequence(
        {signer_version, signer_id.empty() ? issuer_and_serial(signer->certificate) : signer_id, with, tagged,
         signature_algorithm.empty() ? signer->scheme(digest) : signature_algorithm, made,
         unsigned_attributes, signer_tail});
    Bytes embedded = certificates.empty() ? Bytes{} : set_of(certificates, 0xa0);
    if (certificates_reversed) {
      std::vector<Bytes> backwards = certificates;
      std::sort(backwards.rbegin(), backwards.rend());
      Bytes all;
      for (const Bytes& each : backwards) append(all, each);
      embedded = der::element(0xa0, all);
    }
    const Bytes signed_data =
        der::sequence({version, der::element(0x31, digest_algorithms.empty() ? with : digest_algorithms),
                       der::sequence({inner_type, der::element(0xa0, der::octet_string(content))}), embedded,
                       revocation_lists, der::set({signer_info, second_signer_info})});
    return der::sequence({outer_type, der::element(0xa0, signed_data)});
  }
};

/// An OCSP response, likewise.
struct Answer {
  /// About `certificate`, by somebody with its certificate, or by the issuer itself without one.
  Answer(const Service& by, ByteView certificate_der, ByteView issuer_der, ByteView token,
         std::int64_t at_unix_s)
      : responder(&by),
        produced_at(generalized_time(at_unix_s)),
        this_update(generalized_time(at_unix_s)),
        nonce(der::octet_string(der::octet_string(ocsp_nonce(token)))) {
    const auto certificate = parse_certificate(certificate_der);
    const auto issuer = parse_certificate(issuer_der);
    const auto own = parse_certificate(by.certificate);
    issuer_name_hash = der::octet_string(sha256(issuer->subject));
    issuer_key_hash = der::octet_string(sha256(issuer->public_key));
    serial_number = der::element(0x02, certificate->serial_number);
    responder_id = der::element(0xa1, own->subject);
    if (!equal(by.certificate, issuer_der)) certificates = {by.certificate};
  }

  const Service* responder;
  int digest = 256;
  // ResponseData
  Bytes version, responder_id, produced_at;
  // SingleResponse
  Bytes cert_id_algorithm = sha256_algorithm();
  Bytes issuer_name_hash, issuer_key_hash, serial_number;
  Bytes status = der::element(0x80, {});
  Bytes this_update, next_update, single_extensions;
  Bytes second_response;
  Bytes nonce;  ///< the extension's OCTET STRING
  std::string_view nonce_oid = "1.3.6.1.5.5.7.48.1.2";
  std::vector<Bytes> extensions;  ///< more of them
  // BasicOCSPResponse
  Bytes signature_algorithm;  ///< computed
  Bytes signature;            ///< computed: content of the BIT STRING behind its first octet
  std::uint8_t unused_bits = 0;
  std::vector<Bytes> certificates;
  bool empty_certificates = false;
  Bytes tail;
  // OCSPResponse
  Bytes response_status = der::element(0x0a, ByteArray<1>{0});
  Bytes response_type = der::oid("1.3.6.1.5.5.7.48.1.1");

  static Bytes key_hash(ByteView certificate_der) {
    return der::element(0xa2,
                        der::octet_string(hash("SHA1", parse_certificate(certificate_der)->public_key)));
  }
  static Bytes revoked(std::int64_t at_unix_s, std::optional<std::uint8_t> reason) {
    const Bytes why = reason ? der::element(0xa0, der::element(0x0a, ByteArray<1>{*reason})) : Bytes{};
    return der::element(0xa1, der::concat({generalized_time(at_unix_s), why}));
  }

  Bytes single_response() const {
    return der::sequence(
        {der::sequence({cert_id_algorithm, issuer_name_hash, issuer_key_hash, serial_number}), status,
         this_update, next_update, single_extensions});
  }
  Bytes data() const {
    std::vector<Bytes> list = extensions;
    if (!nonce.empty()) list.insert(list.begin(), der::sequence({der::oid(nonce_oid), nonce}));
    Bytes all;
    for (const Bytes& each : list) append(all, each);
    return der::sequence({version, responder_id, produced_at,
                          der::sequence({single_response(), second_response}),
                          list.empty() ? Bytes{} : der::element(0xa1, der::element(0x30, all))});
  }
  Bytes basic() const {
    const Bytes signed_data = data();
    Bytes embedded;
    for (const Bytes& each : certificates) append(embedded, each);
    return der::sequence(
        {signed_data, signature_algorithm.empty() ? responder->scheme(digest) : signature_algorithm,
         der::bit_string(signature.empty() ? responder->sign(digest_name(digest), signed_data) : signature,
                         unused_bits),
         embedded.empty() && !empty_certificates ? Bytes{} : der::element(0xa0, der::element(0x30, embedded)),
         tail});
  }
  Bytes build() const {
    return der::sequence(
        {response_status, der::element(0xa0, der::sequence({response_type, der::octet_string(basic())}))});
  }
};

}  // namespace psephos::forge
