#pragma once
#include <cstdint>
#include <string>
#include <variant>

#include "protocol/phone.h"
#include "tests/trust-services/test_ca/ca.h"

namespace psephos::trust {

enum class PhoneKey : std::uint8_t { kP256, kP384, kRsa2048 };

/// A key behind a phone, and its certificate.
struct PhoneSigner {
  std::variant<EcKey, RsaKey> key;
  Bytes certificate;
  bool is_rsa() const { return std::holds_alternative<RsaKey>(key); }
  /// Over a hash that was made elsewhere: r‖s, each as wide as the field (IEEE P1363), or RSASSA-PKCS1-v1_5.
  Bytes sign(const HashToSign& hash, Rng& rng) const;
};

/// Somebody's contract for signing with a phone.
struct PhoneAccount {
  Person person;
  std::string phone_number;  ///< "+37200000766"; empty where the service needs none
  PhoneSigner authentication, signing;
};

/// New keys, certified by `ca` after the voters' profile. The signing key is of the kind given; the
/// authentication key is on P-256 if that is P-384, since clients authenticate before they know it
/// (SPEC §9.10).
PhoneAccount make_phone_account(const TestCa& ca, const Person& person, std::string phone_number,
                                PhoneKey kind, std::int64_t now_unix_s, Rng& rng);

}  // namespace psephos::trust
