#pragma once
#include <openssl/ocsp.h>

#include <array>
#include <functional>
#include <map>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "tests/trust-services/services/fault.h"
#include "tests/trust-services/services/http.h"
#include "tests/trust-services/services/service_key.h"

namespace psephos::trust {

/// What the responder says of a certificate.
enum class CertificateStatus : std::uint8_t {
  kGood,
  kRevoked,    ///< for good, no reason given
  kSuspended,  ///< revoked with the reason certificateHold; becomes kGood again when revived
  kUnknown,    ///< as if never issued
};

/// What is wrong with an OCSP answer; each answer differs from the honest one in this alone.
enum class OcspFault : std::uint8_t {
  kNone,
  kRevoked,  ///< whatever the certificate's status
  kSuspended,
  kUnknown,
  kStale,      ///< thisUpdate is so many seconds before producedAt
  kOverdue,    ///< nextUpdate is so many seconds before producedAt, thisUpdate one more
  kClockSkew,  ///< all times are so many seconds off; negative: an old answer
  kNoNonce,
  kWrongNonce,              ///< as long as that of the request, one bit differs
  kResponderWithoutUsage,   ///< the certificate, of the same key and issuer, has no extendedKeyUsage
  kResponderExtraUsage,     ///< … has clientAuth beside OCSPSigning
  kResponderExpired,        ///< … expired half an hour before the responder was made
  kResponderOfAnotherCa,    ///< … is issued by an authority of the same name with another key
  kNoResponderCertificate,  ///< the answer holds no certificate
  kNeighbourSerial,         ///< the status is of the next higher serial number
  kOtherIssuer,             ///< … of the same serial number under an issuer with another key
  kTwoStatuses,             ///< beside the status asked for, that of the next serial number
  kBadSignature,            ///< one bit of the signature differs
  kTryLater,                ///< the unsigned answer of this name, RFC 6960 §4.2.1
  kInternalError,
  kUnauthorized,
  kGarbage,  ///< bytes that are no answer
  kSlow,     ///< handle() only: the answer takes so many ms
  kDown,     ///< handle() only: the connection is closed without an answer
  kHttp500,  ///< handle() only
};
inline constexpr FaultName<OcspFault> kOcspFaults[] = {
    {OcspFault::kNone, "none"},
    {OcspFault::kRevoked, "revoked"},
    {OcspFault::kSuspended, "suspended"},
    {OcspFault::kUnknown, "unknown"},
    {OcspFault::kStale, "stale", 86400, "s"},
    {OcspFault::kOverdue, "overdue", 60, "s"},
    {OcspFault::kClockSkew, "clock-skew", -86400, "s"},
    {OcspFault::kNoNonce, "no-nonce"},
    {OcspFault::kWrongNonce, "wrong-nonce"},
    {OcspFault::kResponderWithoutUsage, "responder-without-usage"},
    {OcspFault::kResponderExtraUsage, "responder-extra-usage"},
    {OcspFault::kResponderExpired, "responder-expired"},
    {OcspFault::kResponderOfAnotherCa, "responder-of-another-ca"},
    {OcspFault::kNoResponderCertificate, "no-responder-certificate"},
    {OcspFault::kNeighbourSerial, "neighbour-serial"},
    {OcspFault::kOtherIssuer, "other-issuer"},
    {OcspFault::kTwoStatuses, "two-statuses"},
    {OcspFault::kBadSignature, "bad-signature"},
    {OcspFault::kTryLater, "try-later"},
    {OcspFault::kInternalError, "internal-error"},
    {OcspFault::kUnauthorized, "unauthorized"},
    {OcspFault::kGarbage, "garbage"},
    {OcspFault::kSlow, "slow", 1000, "ms"},
    {OcspFault::kDown, "down"},
    {OcspFault::kHttp500, "http-500"},
};

/// Certificate of a responder as it should be: extendedKeyUsage OCSPSigning alone, and no need to ask for the
/// status of the certificate itself (RFC 6960 §4.2.2.2.1).
CertificateFields ocsp_fields(EVP_PKEY* key, std::int64_t now_unix_s);

/// Who signs the answers.
enum class OcspSigner : std::uint8_t {
  kDelegated,         ///< a certificate with extendedKeyUsage OCSPSigning, embedded in the answer
  kIssuingAuthority,  ///< the issuing authority's own key; the answer holds no certificate
};
/// How the answer names its signer.
enum class ResponderIdForm : std::uint8_t { kByName, kByKey };

struct OcspOptions {
  ServiceKey key = ServiceKey::kP256;
  OcspSigner signer = OcspSigner::kDelegated;
  ResponderIdForm responder_id = ResponderIdForm::kByName;
  /// Whether the authority issued a certificate with this serial number (content of the INTEGER); absent:
  /// every one. Thread-safe.
  std::function<bool(ByteView serial)> issued = {};
};

/// An OCSP responder (RFC 6960) for the certificates of a test CA, written with OpenSSL's encoder, so that it
/// shares no code with what reads its answers. Answers requests with SHA-1 and SHA-2 CertIDs, one status for
/// each CertID; thisUpdate and producedAt are `now`, nextUpdate is absent; the nonce is repeated. Unsigned
/// answers: malformedRequest for what is no request and for a nonce not of 1 … 32 bytes (RFC 8954 §2.1);
/// unauthorized for a certificate of another issuer. Thread-safe.
class OcspResponder {
 public:
  /// The issuing authority certifies the responder's key at `now_unix_s`. `ca` is not needed afterwards.
  OcspResponder(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, OcspOptions options = {});
  OcspResponder(const OcspResponder&) = delete;
  OcspResponder& operator=(const OcspResponder&) = delete;

  /// The answer to a request, both in DER.
  Bytes answer(ByteView request_der, std::int64_t now_unix_s);
  /// The same over HTTP (RFC 6960 appendix A): POST of application/ocsp-request, or GET with the request in
  /// base64 after the target's second slash. 400, 405 or 415 for other requests.
  HttpReply handle(const HttpRequest& request, std::int64_t now_unix_s);

  void set_fault(Fault<OcspFault> fault, std::optional<std::uint64_t> requests = {}) {
    faults_.set(fault, requests);
  }
  /// From now on the certificate with this serial number (content of the INTEGER) has this status;
  /// `since_unix_s` is the revocationTime of the answers.
  void set_status(ByteView serial, CertificateStatus status, std::int64_t since_unix_s);
  /// As at the beginning: no fault, no status set.
  void reset();

  const Bytes& certificate_der() const { return certificate_der_; }

 private:
  struct Status {
    CertificateStatus status;
    std::int64_t since_unix_s;
  };
  using CertId = std::unique_ptr<OCSP_CERTID, openssl::Free<OCSP_CERTID_free>>;

  Bytes answer_with(Fault<OcspFault> fault, ByteView request_der, std::int64_t now_unix_s) const;
  Status status_of(const OCSP_CERTID& id) const;
  bool is_ours(const OCSP_CERTID& id) const;
  void add_status(OCSP_BASICRESP& basic, OCSP_CERTID& id, Fault<OcspFault> fault,
                  std::int64_t now_unix_s) const;

  OcspOptions options_;
  openssl::Key key_;
  Bytes certificate_der_;
  openssl::X509Certificate certificate_;
  std::map<OcspFault, openssl::X509Certificate> other_certificates_;  // of the same key
  openssl::X509Certificate other_issuer_;
  std::vector<CertId> issuer_ids_;  // for each digest, without a serial number
  FaultSwitch<OcspFault> faults_;
  mutable std::shared_mutex mutex_;
  std::map<Bytes, Status> statuses_;  // guarded by mutex_
};

}  // namespace psephos::trust
