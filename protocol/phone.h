#pragma once
#include <optional>
#include <string>

#include "protocol/codec.h"
#include "protocol/definition.h"
#include "protocol/roll.h"
#include "protocol/signed.h"

namespace psephos {

/// SPEC §9.10. Signing with a phone: the collector passes a hash on to the service that the phone hears, and
/// the signature back. It has no other part in it: what is signed, and whether the signature is good, the
/// client knows by itself.

enum class PhoneMethod : std::uint8_t { kMobileId = 1, kSmartId = 2 };
constexpr bool valid(PhoneMethod v) {
  return v == PhoneMethod::kMobileId || v == PhoneMethod::kSmartId;
}
enum class PhoneAction : std::uint8_t {
  kAuthenticate = 1,  ///< PIN1, over a challenge
  kCertificate = 2,   ///< of the signing key; no PIN
  kSign = 3,          ///< PIN2
};
constexpr bool valid(PhoneAction v) {
  return v >= PhoneAction::kAuthenticate && v <= PhoneAction::kSign;
}
enum class PhoneHash : std::uint8_t { kSha256 = 1, kSha384 = 2 };
constexpr bool valid(PhoneHash v) {
  return v == PhoneHash::kSha256 || v == PhoneHash::kSha384;
}

/// What the phone is to sign.
struct HashToSign {
  static constexpr std::string_view kName = "HashToSign";
  PhoneHash kind = PhoneHash::kSha256;
  Bytes value;  ///< 32 or 48 bytes
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "kind", m.kind);
    v(2, "value", m.value, Bound{32, 48});
  }
};

/// Answered with a PhoneSession.
struct PhoneStart {
  static constexpr std::string_view kName = "PhoneStart";
  Digest256 fingerprint{};
  PhoneMethod method = PhoneMethod::kMobileId;
  PhoneAction action = PhoneAction::kAuthenticate;
  NationalId national_id;
  std::string phone_number;                            ///< "+37200000766"; empty but for Mobile-ID
  Id language;                                         ///< of what the phone shows
  std::optional<HashToSign> hash = std::nullopt;       ///< absent for kCertificate
  std::optional<ServiceSigned> ticket = std::nullopt;  ///< absent for kAuthenticate
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "method", m.method);
    v(3, "action", m.action);
    v(4, "national_id", m.national_id, Bound{1, 64});
    v(5, "phone_number", m.phone_number, Bound{0, 20});
    v(6, "language", m.language);
    v(7, "hash", m.hash);
    v(8, "ticket", m.ticket);
  }
};

struct PhoneSession {
  static constexpr std::string_view kName = "PhoneSession";
  ByteArray<32> session{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "session", m.session);
  }
};

/// Answered with a PhoneAnswer, or the reason why there will be none.
struct PhonePoll {
  static constexpr std::string_view kName = "PhonePoll";
  Digest256 fingerprint{};
  ByteArray<32> session{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "fingerprint", m.fingerprint);
    v(2, "session", m.session);
  }
};

enum class PhoneState : std::uint8_t { kRunning = 1, kFinished = 2 };
constexpr bool valid(PhoneState v) {
  return v == PhoneState::kRunning || v == PhoneState::kFinished;
}
struct PhoneAnswer {
  static constexpr std::string_view kName = "PhoneAnswer";
  PhoneState state = PhoneState::kRunning;
  Bytes certificate;  ///< DER; empty while running and for kSign
  Bytes signature;    ///< r‖s or PKCS #1; empty while running and for kCertificate
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "state", m.state);
    v(2, "certificate", m.certificate, Bound{0, limits::kCertificateBytes});
    v(3, "signature", m.signature, Bound{0, limits::kSignatureBytes});
  }
};

}  // namespace psephos
