// A PKCS#11 module that is SoftHSM2 but for the faults of a card or reader that a test asks for.
#include "tests/voter-client/faulty_module.h"

#include <dlfcn.h>

#include <cstring>

namespace {

psephos::test::CardFaults faults;
CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST functions;

CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size) {
  ++faults.logins;
  if (faults.login != CKR_OK) return faults.login;
  if (pin == nullptr) {
    if (faults.key_pad_pin == nullptr) return CKR_ARGUMENTS_BAD;
    pin = reinterpret_cast<CK_UTF8CHAR*>(const_cast<char*>(faults.key_pad_pin));
    size = std::strlen(faults.key_pad_pin);
  } else if (faults.key_pad_pin != nullptr) {
    return CKR_ARGUMENTS_BAD;  // such a reader takes no PIN from the computer
  }
  const CK_RV status = real->C_Login(session, user, pin, size);
  if (status == CKR_PIN_INCORRECT) faults.flags |= faults.flags_after_wrong_pin;
  return status;
}

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG size, CK_BYTE* out, CK_ULONG* out_size) {
  ++faults.signatures;
  return faults.sign != CKR_OK ? faults.sign : real->C_Sign(session, data, size, out, out_size);
}

CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  if (faults.token_info != CKR_OK) return faults.token_info;
  const CK_RV status = real->C_GetTokenInfo(slot, info);
  if (status != CKR_OK) return status;
  info->flags |= faults.flags;
  if (faults.key_pad_pin != nullptr) info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
  return CKR_OK;
}

CK_RV slot_info(CK_SLOT_ID slot, CK_SLOT_INFO* info) {
  const CK_RV status = real->C_GetSlotInfo(slot, info);
  if (status != CKR_OK || faults.reader == nullptr) return status;
  std::memset(info->slotDescription, ' ', sizeof info->slotDescription);
  std::memcpy(info->slotDescription, faults.reader, std::strlen(faults.reader));
  return CKR_OK;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) psephos::test::CardFaults* psephos_card_faults() {
  return &faults;
}

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* library = ::dlopen(PSEPHOS_SOFTHSM, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
  if (get == nullptr || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
  functions = *real;
  functions.C_Login = log_in;
  functions.C_Sign = sign;
  functions.C_GetTokenInfo = token_info;
  functions.C_GetSlotInfo = slot_info;
  *list = &functions;
  return CKR_OK;
}
