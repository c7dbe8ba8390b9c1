#pragma once
#include <openssl/ts.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "tests/trust-services/services/fault.h"
#include "tests/trust-services/services/http.h"
#include "tests/trust-services/services/service_key.h"

namespace psephos::trust {

/// What is wrong with a time-stamp; each token differs from the honest one in this alone.
enum class TsaFault : std::uint8_t {
  kNone,
  kOtherImprint,  ///< one bit of the imprint differs
  kSha1Imprint,   ///< the imprint's algorithm is SHA-1, its value the first 20 bytes of that asked for
  kNoNonce,
  kWrongNonce,             ///< the nonce is one more than that of the request
  kSignerIsCa,             ///< the certificate, of the same key and issuer, is that of a CA
  kSignerWithoutUsage,     ///< … has no extendedKeyUsage
  kSignerExtraUsage,       ///< … has clientAuth beside timeStamping
  kSignerUsageUncritical,  ///< … its extendedKeyUsage is not critical
  kSignerExpired,          ///< … expired half an hour before the authority was made
  kSignerOfAnotherCa,      ///< … is issued by an authority of the same name with another key
  kNoCertificate,          ///< the token holds no certificate
  kClockSkew,              ///< genTime is so many seconds off
  kRejection,              ///< status rejection, timeNotAvailable
  kBadSignature,           ///< one bit of the signature differs
  kGarbage,                ///< bytes that are no answer
  kSlow,                   ///< handle() only: the answer takes so many ms
  kDown,                   ///< handle() only: the connection is closed without an answer
  kHttp500,                ///< handle() only
};
inline constexpr FaultName<TsaFault> kTsaFaults[] = {
    {TsaFault::kNone, "none"},
    {TsaFault::kOtherImprint, "other-imprint"},
    {TsaFault::kSha1Imprint, "sha1-imprint"},
    {TsaFault::kNoNonce, "no-nonce"},
    {TsaFault::kWrongNonce, "wrong-nonce"},
    {TsaFault::kSignerIsCa, "signer-is-ca"},
    {TsaFault::kSignerWithoutUsage, "signer-without-usage"},
    {TsaFault::kSignerExtraUsage, "signer-extra-usage"},
    {TsaFault::kSignerUsageUncritical, "signer-usage-uncritical"},
    {TsaFault::kSignerExpired, "signer-expired"},
    {TsaFault::kSignerOfAnotherCa, "signer-of-another-ca"},
    {TsaFault::kNoCertificate, "no-certificate"},
    {TsaFault::kClockSkew, "clock-skew", -86400, "s"},
    {TsaFault::kRejection, "rejection"},
    {TsaFault::kBadSignature, "bad-signature"},
    {TsaFault::kGarbage, "garbage"},
    {TsaFault::kSlow, "slow", 1000, "ms"},
    {TsaFault::kDown, "down"},
    {TsaFault::kHttp500, "http-500"},
};

/// Certificate of a time-stamping authority as it should be: critical extendedKeyUsage timeStamping alone.
CertificateFields tsa_fields(EVP_PKEY* key, std::int64_t now_unix_s);

struct TsaOptions {
  ServiceKey key = ServiceKey::kP256;
};

/// A time-stamping authority (RFC 3161), written with OpenSSL's encoder. Stamps SHA-2 imprints under the
/// policy best-practices-ts-policy (ETSI EN 319 421); genTime is `now` in whole seconds, accuracy 1 s,
/// ordering false; the certificate is embedded if certReq; the signer is named by an ESSCertIDv2 with SHA-256
/// (RFC 5816). The attribute signingTime, which RFC 3161 does not know and OpenSSL writes, is the machine's
/// clock. Thread-safe.
class TimeStampAuthority {
 public:
  /// `ca`, of purpose kTimeStamps, certifies the authority's key at `now_unix_s`; it is not needed
  /// afterwards.
  TimeStampAuthority(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, TsaOptions options = {});
  TimeStampAuthority(const TimeStampAuthority&) = delete;
  TimeStampAuthority& operator=(const TimeStampAuthority&) = delete;

  /// The TimeStampResp to a TimeStampReq, both in DER; status rejection for what is no request, for another
  /// policy and for imprints not of SHA-2.
  Bytes answer(ByteView request_der, std::int64_t now_unix_s);
  /// The same over HTTP (RFC 3161 §3.4): POST of application/timestamp-query; 405 or 415 for other requests.
  HttpReply handle(const HttpRequest& request, std::int64_t now_unix_s);

  void set_fault(Fault<TsaFault> fault, std::optional<std::uint64_t> requests = {}) {
    faults_.set(fault, requests);
  }
  /// As at the beginning: no fault, an empty journal. Serial numbers go on.
  void reset();
  /// Every token given out, a line each: genTime (Unix seconds) TAB serial number (hex) TAB imprint (hex).
  std::string journal() const;
  std::uint64_t tokens() const { return tokens_; }

  const Bytes& certificate_der() const { return certificate_der_; }

 private:
  Bytes answer_with(Fault<TsaFault> fault, ByteView request_der, std::int64_t now_unix_s);

  openssl::Key key_;
  Bytes certificate_der_;
  openssl::X509Certificate certificate_;
  std::map<TsaFault, openssl::X509Certificate> other_certificates_;  // of the same key
  std::atomic<std::uint64_t> next_serial_;
  std::atomic<std::uint64_t> tokens_ = 0;
  FaultSwitch<TsaFault> faults_;
  mutable std::mutex mutex_;
  std::string journal_;  // guarded by mutex_
};

}  // namespace psephos::trust
