#pragma once
#include <p11-kit/pkcs11.h>

namespace psephos::test {

/// What the faulty module does that SoftHSM2 does not, and what was asked of it.
struct CardFaults {
  CK_RV login = CKR_OK;       ///< else every login gives this, and no card hears of it
  CK_RV sign = CKR_OK;        ///< else every signature fails like this
  CK_RV token_info = CKR_OK;  ///< else no token says anything of itself
  CK_FLAGS flags = 0;         ///< every token says these of itself
  CK_FLAGS flags_after_wrong_pin = 0;
  const char* key_pad_pin = nullptr;  ///< the reader has keys, and this is entered on them
  const char* reader = nullptr;       ///< the name of the only reader
  int logins = 0;
  int signatures = 0;
};

}  // namespace psephos::test

/// The module's own; a test finds it with dlsym.
extern "C" psephos::test::CardFaults* psephos_card_faults();
