#include "voter-client/pkcs11_module.h"

#include <dlfcn.h>

#include <map>
#include <mutex>
#include <utility>

namespace psephos::pkcs11 {
namespace {

constexpr CK_ULONG kMaxSlots = 1024;
constexpr CK_ULONG kMaxObjects = 256;
constexpr CK_ULONG kMaxAttributeBytes = 16'384;

// Loading and finalising a module exclude one another.
std::mutex& registry_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::map<CK_FUNCTION_LIST*, std::weak_ptr<Module>>& registry() {
  static std::map<CK_FUNCTION_LIST*, std::weak_ptr<Module>> modules;
  return modules;
}

}  // namespace

SignerError error_of(CK_RV status) {
  switch (status) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      return SignerError::kPinWrong;
    case CKR_PIN_LOCKED:
    case CKR_PIN_EXPIRED:
      return SignerError::kPinLocked;
    case CKR_FUNCTION_CANCELED:
    case CKR_FUNCTION_REJECTED:
      return SignerError::kPinCancelled;
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_DEVICE_REMOVED:
    case CKR_SLOT_ID_INVALID:
    case CKR_SESSION_CLOSED:  // a card that is taken out ends its sessions
    case CKR_SESSION_HANDLE_INVALID:
      return SignerError::kTokenNotPresent;
    default:
      return SignerError::kDeviceError;
  }
}

Result<std::shared_ptr<Module>, SignerError> Module::load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::unexpected(SignerError::kModuleMissing);
  const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr || get(&functions) != CKR_OK || functions == nullptr)
    return std::unexpected(SignerError::kModuleMissing);
  const std::scoped_lock lock(registry_mutex());
  std::weak_ptr<Module>& known = registry()[functions];
  if (auto module = known.lock()) return module;
  std::shared_ptr<Module> module(new Module(functions));
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV status = functions->C_Initialize(&arguments);
  if (status != CKR_OK && status != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return std::unexpected(SignerError::kDeviceError);
  module->initialised_ = status == CKR_OK;
  known = module;
  return module;
}

Module::~Module() {
  if (initialised_) functions_->C_Finalize(nullptr);
}

Result<std::vector<CK_SLOT_ID>, SignerError> Module::slots() const {
  CK_ULONG count = 0;
  CK_RV status = functions_->C_GetSlotList(CK_TRUE, nullptr, &count);
  if (status != CKR_OK || count > kMaxSlots) return std::unexpected(error_of(status));
  std::vector<CK_SLOT_ID> slots(count);
  if (count > 0) status = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (status != CKR_OK) return std::unexpected(error_of(status));
  slots.resize(count);
  return slots;
}

Result<CK_TOKEN_INFO, SignerError> Module::token_info(CK_SLOT_ID slot) const {
  CK_TOKEN_INFO info{};
  if (const CK_RV status = functions_->C_GetTokenInfo(slot, &info); status != CKR_OK)
    return std::unexpected(error_of(status));
  return info;
}

std::string Module::reader(CK_SLOT_ID slot) const {
  CK_SLOT_INFO info{};
  if (functions_->C_GetSlotInfo(slot, &info) != CKR_OK) return {};
  return trimmed(info.slotDescription);
}

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_ULONG& value) {
  return {type, const_cast<CK_ULONG*>(&value), sizeof value};
}
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_BBOOL& value) {
  return {type, const_cast<CK_BBOOL*>(&value), sizeof value};
}
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, ByteView value) {
  return {type, const_cast<std::uint8_t*>(value.data()), value.size()};
}

Result<Session, SignerError> Session::open(std::shared_ptr<Module> module, CK_SLOT_ID slot, CK_FLAGS flags) {
  CK_SESSION_HANDLE handle = 0;
  const CK_RV status = (*module)->C_OpenSession(slot, flags | CKF_SERIAL_SESSION, nullptr, nullptr, &handle);
  if (status != CKR_OK) return std::unexpected(error_of(status));
  return Session(std::move(module), handle);
}

Session::Session(Session&& other) noexcept
    : module_(std::move(other.module_)),
      handle_(other.handle_),
      logged_in_(std::exchange(other.logged_in_, false)) {}

Session::~Session() {
  if (!module_) return;
  if (logged_in_) (*module_)->C_Logout(handle_);
  (*module_)->C_CloseSession(handle_);
}

Result<void, SignerError> Session::log_in(CK_USER_TYPE user, const Pin* pin) {
  CK_RV status = CKR_OK;
  if (pin == nullptr) {
    status = (*module_)->C_Login(handle_, user, nullptr, 0);
  } else {
    const ByteView digits = pin->expose();
    status = (*module_)->C_Login(handle_, user, const_cast<std::uint8_t*>(digits.data()), digits.size());
  }
  if (status != CKR_OK) return std::unexpected(error_of(status));
  logged_in_ = true;
  return {};
}

Result<std::vector<CK_OBJECT_HANDLE>, SignerError> Session::find(
    std::initializer_list<CK_ATTRIBUTE> wanted) const {
  std::vector<CK_ATTRIBUTE> attributes(wanted);
  CK_RV status = (*module_)->C_FindObjectsInit(handle_, attributes.data(), attributes.size());
  if (status != CKR_OK) return std::unexpected(error_of(status));
  std::vector<CK_OBJECT_HANDLE> objects(kMaxObjects);
  CK_ULONG count = 0;
  status = (*module_)->C_FindObjects(handle_, objects.data(), kMaxObjects, &count);
  (*module_)->C_FindObjectsFinal(handle_);
  if (status != CKR_OK) return std::unexpected(error_of(status));
  objects.resize(count);
  return objects;
}

Result<Bytes, SignerError> Session::read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  CK_RV status = (*module_)->C_GetAttributeValue(handle_, object, &wanted, 1);
  if (status != CKR_OK) return std::unexpected(error_of(status));
  if (wanted.ulValueLen > kMaxAttributeBytes)  // also when it is "unavailable", -1
    return std::unexpected(SignerError::kDeviceError);
  Bytes value(wanted.ulValueLen);
  wanted.pValue = value.data();
  status = (*module_)->C_GetAttributeValue(handle_, object, &wanted, 1);
  if (status != CKR_OK) return std::unexpected(error_of(status));
  if (wanted.ulValueLen > value.size()) return std::unexpected(SignerError::kDeviceError);
  value.resize(wanted.ulValueLen);
  return value;
}

}  // namespace psephos::pkcs11
