#pragma once
#include <p11-kit/pkcs11.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "voter-client/signer.h"

namespace psephos::pkcs11 {

/// The name of what a module returned; success has none.
SignerError error_of(CK_RV status);

/// A text field of fixed width without its padding.
template <std::size_t N>
std::string trimmed(const unsigned char (&field)[N]) {
  std::string text(reinterpret_cast<const char*>(field), N);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// A loaded and initialised PKCS#11 module (v2.40). One per file and process, shared by its users; stays in
/// memory, since modules do not unload well, but is finalised when its last user goes. Thread-safe.
class Module {
 public:
  /// @return kModuleMissing if the file cannot be loaded or is no PKCS#11 module; kDeviceError if it fails to
  /// start.
  static Result<std::shared_ptr<Module>, SignerError> load(const std::string& path);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  CK_FUNCTION_LIST* operator->() const { return functions_; }
  /// Slots with a token in them.
  Result<std::vector<CK_SLOT_ID>, SignerError> slots() const;
  Result<CK_TOKEN_INFO, SignerError> token_info(CK_SLOT_ID slot) const;
  /// The driver's name of the reader that the slot belongs to; empty if it tells none.
  std::string reader(CK_SLOT_ID slot) const;

 private:
  explicit Module(CK_FUNCTION_LIST* functions) : functions_(functions) {}
  CK_FUNCTION_LIST* functions_;
  bool initialised_ = false;
};

/// An attribute that points at `value`, which outlives its use.
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_ULONG& value);
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_BBOOL& value);
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, ByteView value);

/// An open session with a token; closing it logs out.
class Session {
 public:
  static Result<Session, SignerError> open(std::shared_ptr<Module> module, CK_SLOT_ID slot,
                                           CK_FLAGS flags = 0);
  Session(Session&& other) noexcept;
  Session& operator=(Session&&) = delete;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  CK_SESSION_HANDLE handle() const { return handle_; }
  /// A null pin stands for the reader's own key pad.
  Result<void, SignerError> log_in(CK_USER_TYPE user, const Pin* pin);
  Result<std::vector<CK_OBJECT_HANDLE>, SignerError> find(std::initializer_list<CK_ATTRIBUTE> wanted) const;
  /// The attribute's value, at most 16 KiB; kDeviceError if the object has none, or what the module says.
  Result<Bytes, SignerError> read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

 private:
  Session(std::shared_ptr<Module> module, CK_SESSION_HANDLE handle)
      : module_(std::move(module)), handle_(handle) {}
  std::shared_ptr<Module> module_;
  CK_SESSION_HANDLE handle_;
  bool logged_in_ = false;
};

}  // namespace psephos::pkcs11
