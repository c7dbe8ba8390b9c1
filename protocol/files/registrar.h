#pragma once
#include <memory>
#include <string>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

namespace psephos {

/// The key of whoever makes lists of persons (the population register, a polling station), as the operator
/// was given it on another way than the lists. Signatures are detached: over the file's very bytes.
class RegistrarKey {
 public:
  /// A PEM file with one SubjectPublicKeyInfo: ECDSA on P-256 (SHA-256) or P-384 (SHA-384), whose signature
  /// is DER as `openssl dgst -sha256 -sign` makes it; or Ed25519 (RFC 8410), 64 bytes of `openssl pkeyutl
  /// -sign -rawin`. Or a C2SP verifier key (name+id+key), whose signature is a signed note with the text
  /// "psephos-1/registrar" LF hex(SHA-256(file)) LF.
  /// @return SIG_ALG_FORBIDDEN for another kind of key, FILE_UNREADABLE for no key at all.
  static Result<RegistrarKey, Rejection> parse(ByteView file);
  RegistrarKey(RegistrarKey&&) noexcept;
  RegistrarKey& operator=(RegistrarKey&&) noexcept;
  ~RegistrarKey();

  /// The holder of the key signed the file. @return SIG_INVALID (object), nothing else. Variable time.
  Result<void, Rejection> check(ByteView file, ByteView signature, const std::string& object) const;
  /// For minutes: "ECDSA P-256, key 3f2a…" with SHA-256 of the SubjectPublicKeyInfo, or the verifier key.
  const std::string& description() const;

 private:
  struct Key;
  explicit RegistrarKey(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

}  // namespace psephos
