#include <openssl/ocsp.h>

#include <ctime>
#include <memory>

#include "protocol/eid/ocsp.h"
#include "protocol/eid/openssl_pointers.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

std::int64_t seconds(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  require(ASN1_TIME_to_tm(time, &parts) == 1, "answer: both read its times");
  return timegm(&parts);
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);
  const auto answer = parse_ocsp_response(input);
  if (!answer) {
    require(answer.error() == Reason::kOcspFormat || answer.error() == Reason::kEvidenceUnavailable,
            "answer: two reasons for what is no status");
    return 0;
  }
  require(answer->responder_name.empty() != answer->responder_key_hash.empty(), "answer: one responder");
  // What is accepted is the whole input and nothing more.
  Bytes other = copy_of(input);
  other.push_back(0);
  require(!parse_ocsp_response(other), "answer: nothing follows");
  require(!parse_ocsp_response(input.first(size - 1)), "answer: nothing is missing");

  // OpenSSL, where it can read the rest as well, reads the same.
  const unsigned char* at = data;
  const std::unique_ptr<OCSP_RESPONSE, openssl::Free<OCSP_RESPONSE_free>> second(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(size)));
  if (!second) return 0;
  require(at == data + size, "answer: both read all of it");
  require(OCSP_response_status(second.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL, "answer: successful");
  const std::unique_ptr<OCSP_BASICRESP, openssl::Free<OCSP_BASICRESP_free>> basic(
      OCSP_response_get1_basic(second.get()));
  if (!basic) return 0;
  require(OCSP_resp_count(basic.get()) == 1, "answer: one status");
  require(seconds(OCSP_resp_get0_produced_at(basic.get())) == answer->produced_at_unix_s,
          "answer: the same time");
  int reason = -1;
  ASN1_GENERALIZEDTIME* revoked = nullptr;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  const int status =
      OCSP_single_get0_status(OCSP_resp_get0(basic.get(), 0), &reason, &revoked, &this_update, &next_update);
  const CertificateStatus read = status == V_OCSP_CERTSTATUS_GOOD      ? CertificateStatus::kGood
                                 : status == V_OCSP_CERTSTATUS_UNKNOWN ? CertificateStatus::kUnknown
                                 : reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD
                                     ? CertificateStatus::kSuspended
                                     : CertificateStatus::kRevoked;
  require(read == answer->status, "answer: the same status");
  require(seconds(this_update) == answer->this_update_unix_s, "answer: the same update");
  require((next_update != nullptr) == answer->next_update_unix_s.has_value() &&
              (next_update == nullptr || seconds(next_update) == *answer->next_update_unix_s),
          "answer: the same next update");
  return 0;
}
