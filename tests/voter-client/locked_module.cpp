// A PKCS#11 module that is SoftHSM2 with a locked PIN, which SoftHSM2 itself does not do.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

namespace {

CK_FUNCTION_LIST functions;

CK_RV locked(CK_SESSION_HANDLE /*session*/, CK_USER_TYPE /*user*/, CK_UTF8CHAR* /*pin*/, CK_ULONG /*size*/) {
  return CKR_PIN_LOCKED;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* library = ::dlopen(PSEPHOS_SOFTHSM, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* real = nullptr;
  if (get == nullptr || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
  functions = *real;
  functions.C_Login = locked;
  *list = &functions;
  return CKR_OK;
}
