#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "protocol/eid.h"
#include "tests/trust-services/test_ca/ca.h"
#include "voter-client/pkcs11_module.h"

namespace psephos::trust {

/// Takes care that SoftHSM keeps its tokens apart from the user's own: SOFTHSM2_CONF must be set. If the file
/// it names does not exist, writes one that keeps tokens in the directory "tokens" beside it.
Result<void, std::string> prepare_softhsm();

struct TokenPins {
  std::string pin1, pin2;
};
enum class TokenKeys : std::uint8_t { kP384, kRsa2048 };

/// Makes an eID card of two new tokens, labelled as OpenSC labels Estonian ones: "SURNAME,GIVEN,CODE (PIN1)"
/// for authentication and "… (PIN2)" for signing. Keys are made in the token and never leave it; the signing
/// key demands its PIN for each signature. The certificates are stored beside the keys. Needs a module that
/// offers free slots (SoftHSM2); call prepare_softhsm() before loading it.
Result<void, std::string> issue_token(const std::shared_ptr<pkcs11::Module>& module, const TestCa& ca,
                                      const Person& person, const TokenPins& pins, std::int64_t now_unix_s,
                                      Rng& rng, TokenKeys keys = TokenKeys::kP384);

}  // namespace psephos::trust
