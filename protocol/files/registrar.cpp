#include "protocol/files/registrar.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <optional>

#include "crypto/hash.h"
#include "crypto/note.h"
#include "protocol/eid/openssl_pointers.h"
#include "protocol/labels.h"

namespace psephos {

namespace {

using Input = std::unique_ptr<BIO, openssl::Free<BIO_free>>;

/// Null if the text is not exactly one public key.
openssl::Key read_pem(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----\n";
  constexpr std::string_view kEnd = "-----END PUBLIC KEY-----\n";
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) ||
      text.find("-----BEGIN", kBegin.size()) != std::string_view::npos)
    return nullptr;
  const Input input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  openssl::Key key(PEM_read_bio_PUBKEY(input.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

std::string curve_of(EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(), &size) != 1)
    return {};
  return {name.data(), size};
}

Digest256 hash_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  const Digest256 out = size > 0 ? sha256(ByteView(der, static_cast<std::size_t>(size))) : Digest256{};
  OPENSSL_free(der);
  return out;
}

}  // namespace

struct RegistrarKey::Key {
  openssl::Key pem;              // of one of the two
  const char* digest = nullptr;  // none: Ed25519
  std::optional<NoteKey> note;
  std::string description;
};

RegistrarKey::RegistrarKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
RegistrarKey::RegistrarKey(RegistrarKey&&) noexcept = default;
RegistrarKey& RegistrarKey::operator=(RegistrarKey&&) noexcept = default;
RegistrarKey::~RegistrarKey() = default;

const std::string& RegistrarKey::description() const {
  return key_->description;
}

Result<RegistrarKey, Rejection> RegistrarKey::parse(ByteView file) {
  constexpr std::size_t kMostBytes = 4096;
  const std::string_view text = text_of(file.first(std::min(file.size(), kMostBytes + 1)));
  auto key = std::make_unique<Key>();
  const auto none = [] {
    return reject(Reason::kFileUnreadable, "no public key: a PEM file, or a verifier key of signed notes");
  };
  if (text.size() > kMostBytes) return none();
  if (text.starts_with("-----BEGIN")) {
    key->pem = read_pem(text);
    if (!key->pem) return none();
    const std::string curve = curve_of(key->pem.get());
    std::string kind;
    if (EVP_PKEY_is_a(key->pem.get(), "ED25519") == 1) {
      kind = "Ed25519";
    } else if (EVP_PKEY_is_a(key->pem.get(), "EC") == 1 && curve == "prime256v1") {
      kind = "ECDSA P-256";
      key->digest = "SHA256";
    } else if (EVP_PKEY_is_a(key->pem.get(), "EC") == 1 && curve == "secp384r1") {
      kind = "ECDSA P-384";
      key->digest = "SHA384";
    } else {
      return reject(Reason::kSigAlgForbidden, "a registrar's key is P-256, P-384 or Ed25519");
    }
    key->description = fmt::format("{}, key {}", kind, to_hex(hash_of(key->pem.get())));
    return RegistrarKey(std::move(key));
  }
  std::string_view line = text;
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto note = NoteKey::decode(line);
  if (!note) return none();
  if (note->type != NoteKeyType::kLog)
    return reject(Reason::kSigAlgForbidden, "a cosigner's key signs no notes of its own");
  key->note = std::move(*note);
  key->description = "note key " + key->note->encode();
  return RegistrarKey(std::move(key));
}

Result<void, Rejection> RegistrarKey::check(ByteView file, ByteView signature,
                                            const std::string& object) const {
  if (key_->note) {
    const auto note = SignedNote::parse(text_of(signature));
    if (!note || note->text != fmt::format("{}\n{}\n", labels::kRegistrarNote, to_hex(sha256(file))))
      return reject(Reason::kSigInvalid, object);
    for (const NoteSignature& one : note->signatures)
      if (one.is_by(*key_->note) && verify_log_signature(note->text, one, *key_->note)) return {};
    return reject(Reason::kSigInvalid, object);
  }
  const openssl::DigestContext context(EVP_MD_CTX_new());
  const bool good =
      context &&
      EVP_DigestVerifyInit_ex(context.get(), nullptr, key_->digest, nullptr, nullptr, key_->pem.get(),
                              nullptr) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), file.data(), file.size()) == 1;
  ERR_clear_error();
  if (!good) return reject(Reason::kSigInvalid, object);
  return {};
}

}  // namespace psephos
