#include "voter-client/file_signer.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "crypto/secret/secret_buffer.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/openssl_pointers.h"

namespace psephos {
namespace {

/// A key as the file has it, and ready to sign once it has.
struct SoftwareKey {
  EcCurve curve{};
  SecretBuffer scalar{0};
  Bytes certificate;
  openssl::Key key;
};

std::size_t scalar_bytes(EcCurve curve) {
  return curve == EcCurve::kP384 ? 48 : 32;
}

/// The curve of a certificate's key; nullopt if it is none of a card's.
std::optional<EcCurve> curve_of(ByteView certificate) {
  const auto parsed = parse_certificate(certificate);
  if (!parsed || (parsed->curve != EcCurve::kP384 && parsed->curve != EcCurve::kP256)) return std::nullopt;
  return parsed->curve;
}

/// The key with that secret scalar; null if it is none. The public point comes from the certificate, since
/// OpenSSL would multiply for it as long as for a signature.
openssl::Key make_key(const SoftwareKey& of) {
  const openssl::Number number(BN_secure_new());
  const auto scalar = of.scalar.expose();
  if (!number || BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), number.get()) == nullptr)
    return {};
  const auto certificate = parse_certificate(of.certificate);
  const openssl::ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || !certificate ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      of.curve == EcCurve::kP384 ? "P-384" : "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                       certificate->public_point.data(),
                                       certificate->public_point.size()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) != 1)
    return {};
  const openssl::Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) != 1)
    return {};
  return openssl::Key(key);
}

class SoftwareCard final : public Signer {
 public:
  explicit SoftwareCard(std::array<SoftwareKey, 2> keys) : keys_(std::move(keys)) {}

  Result<Bytes, Rejection> signing_certificate() override { return of(KeyUse::kSigning).certificate; }

  Result<Signed, Rejection> sign(KeyUse use, ByteView message) override {
    SoftwareKey& key = of(use);
    if (!key.key) key.key = make_key(key);
    const std::size_t half = scalar_bytes(key.curve);
    const openssl::DigestContext context(EVP_MD_CTX_new());
    Bytes der(2 * half + 16);
    std::size_t size = der.size();
    if (!key.key || !context ||
        EVP_DigestSignInit_ex(context.get(), nullptr, key.curve == EcCurve::kP384 ? "SHA2-384" : "SHA2-256",
                              nullptr, nullptr, key.key.get(), nullptr) != 1 ||
        EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) != 1)
      return card_refused(SignerError::kDeviceError, use);
    const unsigned char* at = der.data();
    const openssl::EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
    Bytes raw(2 * half);
    const int width = static_cast<int>(half);
    if (!parsed || BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), raw.data(), width) != width ||
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), raw.data() + half, width) != width)
      return card_refused(SignerError::kDeviceError, use);
    return Signed{key.certificate, std::move(raw)};
  }

 private:
  SoftwareKey& of(KeyUse use) { return keys_[use == KeyUse::kAuthentication ? 0 : 1]; }
  std::array<SoftwareKey, 2> keys_;
};

ByteView blob(sqlite3_stmt* row, int column) {
  return {static_cast<const std::uint8_t*>(sqlite3_column_blob(row, column)),
          static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

using Statement = std::unique_ptr<sqlite3_stmt, openssl::Free<sqlite3_finalize>>;

}  // namespace

Result<std::unique_ptr<CardFile>, SignerError> CardFile::open(const std::string& path, Mode mode) {
  if (mode != Mode::kTest) return std::unexpected(SignerError::kTestModeForbidden);
  sqlite3* database = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
  std::unique_ptr<CardFile> file(new CardFile(database));  // closes what was opened, in part or in full
  sqlite3_stmt* probe = nullptr;
  if (status != SQLITE_OK ||
      sqlite3_prepare_v2(database, "SELECT 1 FROM sqlite_schema WHERE name = 'cards' AND sql = ?1", -1,
                         &probe, nullptr) != SQLITE_OK)
    return std::unexpected(SignerError::kCardFileUnreadable);
  const Statement statement(probe);
  sqlite3_bind_text(probe, 1, kCardFileSchema, -1, SQLITE_STATIC);
  if (sqlite3_step(probe) != SQLITE_ROW) return std::unexpected(SignerError::kCardFileUnreadable);
  return file;
}

CardFile::~CardFile() {
  sqlite3_close_v2(database_);
}

Result<std::unique_ptr<Signer>, SignerError> CardFile::card(std::string_view national_id) {
  const std::scoped_lock lock(mutex_);
  sqlite3_stmt* row = nullptr;
  if (sqlite3_prepare_v2(database_,
                         "SELECT authentication_key, authentication_certificate, signing_key, "
                         "signing_certificate FROM cards WHERE national_id = ?1",
                         -1, &row, nullptr) != SQLITE_OK)
    return std::unexpected(SignerError::kCardFileUnreadable);
  const Statement statement(row);
  sqlite3_bind_text(row, 1, national_id.data(), static_cast<int>(national_id.size()), SQLITE_STATIC);
  const int status = sqlite3_step(row);
  if (status == SQLITE_DONE) return std::unexpected(SignerError::kCardUnknown);
  if (status != SQLITE_ROW) return std::unexpected(SignerError::kCardFileUnreadable);
  std::array<SoftwareKey, 2> keys;
  for (int i = 0; i < 2; ++i) {
    const ByteView scalar = blob(row, 2 * i);
    SoftwareKey& key = keys[static_cast<std::size_t>(i)];
    key.certificate = copy_of(blob(row, 2 * i + 1));
    const auto curve = curve_of(key.certificate);
    if (!curve || scalar.size() != scalar_bytes(*curve))
      return std::unexpected(SignerError::kCardFileUnreadable);
    key.curve = *curve;
    key.scalar = SecretBuffer(scalar.size());
    std::ranges::copy(scalar, key.scalar.expose_mutable().begin());
  }
  return std::make_unique<SoftwareCard>(std::move(keys));
}

}  // namespace psephos
