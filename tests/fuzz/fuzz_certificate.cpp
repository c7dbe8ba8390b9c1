#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "protocol/eid/certificate.h"
#include "protocol/eid/der.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);
  const auto certificate = parse_certificate(input);
  if (!certificate) {
    require(certificate.error() == Reason::kCertParse, "certificate: one reason for what cannot be read");
    return 0;
  }
  const auto person = person_of(*certificate);
  const bool as_voter = check_voter_profile(*certificate, KeyUse::kAuthentication).has_value() ||
                        check_voter_profile(*certificate, KeyUse::kSigning).has_value();
  const bool of_profile = check_issuer_profile(*certificate).has_value() || as_voter;

  // What is accepted is the whole input and nothing more.
  Bytes other = copy_of(input);
  other.push_back(0);
  require(!parse_certificate(other), "certificate: nothing follows");
  require(!parse_certificate(input.first(size - 1)), "certificate: nothing is missing");

  // OpenSSL, where it can read the rest as well, reads the same and writes the same bytes.
  const unsigned char* at = data;
  const std::unique_ptr<X509, decltype(&X509_free)> second(d2i_X509(nullptr, &at, static_cast<long>(size)),
                                                           X509_free);
  if (!second) return 0;
  require(at == data + size, "certificate: both read all of it");
  unsigned char* tbs = nullptr;
  const int tbs_size = i2d_re_X509_tbs(second.get(), &tbs);
  // Outside the profile OpenSSL drops parts that it has no field for, such as odd parameters of a key's
  // algorithm.
  require(!of_profile || (tbs_size > 0 && equal({tbs, static_cast<std::size_t>(tbs_size)}, certificate->tbs)),
          "certificate: re-encodes to itself");
  OPENSSL_free(tbs);
  std::tm time{};
  require(ASN1_TIME_to_tm(X509_get0_notBefore(second.get()), &time) == 1 &&
              timegm(&time) == certificate->not_before_unix_s,
          "certificate: the same beginning");
  require(ASN1_TIME_to_tm(X509_get0_notAfter(second.get()), &time) == 1 &&
              timegm(&time) == certificate->not_after_unix_s,
          "certificate: the same end");
  if ((X509_get_extension_flags(second.get()) & EXFLAG_INVALID) == 0 && certificate->key_usage) {
    constexpr std::uint32_t kOfFirstOctet = 0xff;
    std::uint32_t usage = 0;  // OpenSSL keeps the octet, whose first bit is its highest
    for (unsigned i = 0; i < 8; ++i)
      if ((*certificate->key_usage >> i & 1U) != 0) usage |= 0x80U >> i;
    require((X509_get_key_usage(second.get()) & kOfFirstOctet) == usage, "certificate: the same key usage");
  }
  if (!certificate->policies.empty()) {
    const std::unique_ptr<CERTIFICATEPOLICIES, decltype(&CERTIFICATEPOLICIES_free)> policies(
        static_cast<CERTIFICATEPOLICIES*>(
            X509_get_ext_d2i(second.get(), NID_certificate_policies, nullptr, nullptr)),
        CERTIFICATEPOLICIES_free);
    const int count = policies ? sk_POLICYINFO_num(policies.get()) : -1;
    require(!policies || static_cast<std::size_t>(count) == certificate->policies.size(),
            "certificate: as many policies");
    for (int i = 0; i < count; ++i) {
      const ASN1_OBJECT* oid = sk_POLICYINFO_value(policies.get(), i)->policyid;
      require(
          equal({OBJ_get0_data(oid), OBJ_length(oid)}, certificate->policies[static_cast<std::size_t>(i)]),
          "certificate: the same policies");
    }
  }
  static const VoterProfile kProfile = *voter_profile_of({.anchors = {},
                                                          .time_stamp_anchors = {},
                                                          .policies = {"0.4.0.194112.1.2"},
                                                          .identity_types = {"PNOEE", "PNOLV"},
                                                          .keys = {"P-384", "RSA"},
                                                          .rsa_bits_min = 2048,
                                                          .rsa_bits_max = 4096});
  if (person && check_election_profile(*certificate, *person, KeyUse::kSigning, kProfile))
    require(voter_scheme(*certificate).has_value() &&
                (person->national_id.starts_with("PNOEE-") || person->national_id.starts_with("PNOLV-")),
            "certificate: what the election takes has a scheme and a voter");
  if (person) {
    X509_NAME* name = X509_get_subject_name(second.get());
    const int index = X509_NAME_get_index_by_NID(name, NID_serialNumber, -1);
    require(index >= 0, "certificate: both find a serial number");
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
    require(text_of({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))}) ==
                person->national_id,
            "certificate: the same person");
  }
  return 0;
}
