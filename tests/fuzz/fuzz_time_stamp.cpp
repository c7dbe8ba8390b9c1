#include <openssl/pkcs7.h>
#include <openssl/ts.h>

#include <ctime>
#include <memory>

#include "protocol/eid/der.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/eid/time_stamp.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto token = time_stamp_token_of(input)) {
    require(der::only(*token, der::kSequence).has_value(), "answer: a token is one element");
  } else {
    require(token.error() == Reason::kTstFormat || token.error() == Reason::kEvidenceUnavailable,
            "answer: two reasons for what gives no token");
  }

  const auto token = parse_time_stamp_token(input);
  if (!token) {
    require(token.error() == Reason::kTstFormat, "token: one reason for what cannot be read");
    return 0;
  }
  require(token->signer < token->certificates.size() && token->certificates.size() <= 8,
          "token: the signer's certificate is there");
  // What is accepted is the whole input and nothing more.
  Bytes other = copy_of(input);
  other.push_back(0);
  require(!parse_time_stamp_token(other), "token: nothing follows");
  require(!parse_time_stamp_token(input.first(size - 1)), "token: nothing is missing");

  // OpenSSL, where it can read the rest as well, reads the same.
  const unsigned char* at = data;
  const std::unique_ptr<PKCS7, openssl::Free<PKCS7_free>> second(
      d2i_PKCS7(nullptr, &at, static_cast<long>(size)));
  if (!second) return 0;
  require(at == data + size, "token: both read all of it");
  const std::unique_ptr<TS_TST_INFO, openssl::Free<TS_TST_INFO_free>> info(
      PKCS7_to_TS_TST_INFO(second.get()));
  if (!info) return 0;
  std::tm time{};
  // Both have whole seconds: OpenSSL skips the fraction.
  if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info.get()), &time) == 1)
    require(timegm(&time) == token->gen_time_unix_s, "token: the same time");
  const ASN1_OCTET_STRING* imprint = TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(info.get()));
  require(equal({ASN1_STRING_get0_data(imprint), static_cast<std::size_t>(ASN1_STRING_length(imprint))},
                token->imprint),
          "token: the same imprint");
  require((TS_TST_INFO_get_nonce(info.get()) == nullptr) == token->nonce.empty(), "token: the same nonce");
  return 0;
}
