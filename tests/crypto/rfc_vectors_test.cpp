// Vectors of RFC 9380 (expand_message_xmd) and RFC 9497 (batched proofs), read from where others keep them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "crypto/proof/dleq.h"
#include "tests/vectors.h"

namespace psephos {
namespace {

namespace json = boost::json;
using R = Ristretto;

std::string text(const json::value& object, const char* key) {
  return std::string(object.at(key).as_string());
}
Bytes hex(std::string_view digits) {
  return from_hex(digits).value();
}
Bytes hex(const json::value& object, const char* key) {
  return hex(text(object, key));
}
R::Scalar scalar(const json::value& object, const char* key) {
  return R::Scalar::decode(hex(object, key)).value();
}
/// Points of a batch, separated by commas.
std::vector<R::Point> points(const json::value& object, const char* key) {
  std::vector<R::Point> out;
  const std::string all = text(object, key);
  for (std::size_t begin = 0; begin < all.size(); begin += 65) {
    out.push_back(R::Point::decode(hex(std::string_view(all).substr(begin, 64))).value());
  }
  return out;
}

TEST(Rfc9380, ExpandMessageXmdSha512) {
  const auto file = vectors::read_json("hash-to-group/expand_message_xmd_SHA512.json");
  if (!file) GTEST_SKIP() << "no vectors in " << vectors::folder();
  const std::string dst = text(*file, "DST");
  std::size_t count = 0;
  for (const json::value& vector : file->at("tests").as_array()) {
    const auto length = std::stoul(text(vector, "len_in_bytes"), nullptr, 16);
    EXPECT_EQ(to_hex(expand_message_xmd_sha512(bytes_of(text(vector, "msg")), bytes_of(dst), length)),
              text(vector, "uniform_bytes"));
    ++count;
  }
  EXPECT_EQ(count, 10U);
}

/// The hashing of RFC 9497 section 2.2, over the algebra of crypto/proof/dleq.h.
class Rfc9497Hash {
 public:
  explicit Rfc9497Hash(std::uint8_t mode) {
    append(context_, bytes_of("OPRFV1-"));
    context_.push_back(mode);
    append(context_, bytes_of("-ristretto255-SHA512"));
  }
  R::Scalar hash_to_scalar(ByteView message) const {
    return R::Scalar::from_wide(expand_message_xmd_sha512(message, prefixed("HashToScalar-"), 64));
  }
  std::vector<R::Scalar> weights(const BatchedDleqStatement<R>& statement) const {
    Bytes seed_input;
    append_framed(seed_input, statement.A.encode());
    append_framed(seed_input, prefixed("Seed-"));
    const Digest512 seed = sha512(seed_input);
    std::vector<R::Scalar> out;
    for (std::size_t i = 0; i < statement.inputs.size(); ++i) {
      Bytes message;
      append_framed(message, seed);
      append_u16(message, i);
      append_framed(message, statement.inputs[i].encode());
      append_framed(message, statement.outputs[i].encode());
      append(message, bytes_of("Composite"));
      out.push_back(hash_to_scalar(message));
    }
    return out;
  }
  R::Scalar challenge(const DleqStatement<R>& composite, const DleqCommitment<R>& commitment) const {
    Bytes message;
    for (const R::Point& point : {composite.A, composite.H, composite.B, commitment.U, commitment.V})
      append_framed(message, point.encode());
    append(message, bytes_of("Challenge"));
    return hash_to_scalar(message);
  }

 private:
  static void append_u16(Bytes& out, std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
  }
  static void append_framed(Bytes& out, ByteView data) {
    append_u16(out, data.size());
    append(out, data);
  }
  Bytes prefixed(std::string_view prefix) const {
    Bytes out = copy_of(bytes_of(prefix));
    append(out, context_);
    return out;
  }
  Bytes context_;
};

TEST(Rfc9497, BatchedProofsOfRistretto255) {
  const auto file = vectors::read_json("voprf/rfc9497.json");
  if (!file) GTEST_SKIP() << "no vectors in " << vectors::folder();
  std::size_t proofs = 0;
  std::size_t longest = 0;
  for (const json::value& suite : file->as_array()) {
    const auto mode = static_cast<std::uint8_t>(suite.at("mode").as_int64());
    if (text(suite, "identifier") != "ristretto255-SHA512" || mode == 0) continue;
    const Rfc9497Hash hash(mode);
    for (const json::value& vector : suite.at("vectors").as_array()) {
      const auto blinded = points(vector, "BlindedElement");
      const auto evaluated = points(vector, "EvaluationElement");
      R::Scalar x = scalar(suite, "skSm");
      BatchedDleqStatement<R> statement{R::Point::decode(hex(suite, "pkSm")).value(), blinded, evaluated};
      if (mode == 2) {  // POPRF: the key is tweaked by public information, and evaluation divides by it
        const Bytes info = hex(vector, "Info");
        Bytes framed = copy_of(bytes_of("Info"));
        framed.push_back(static_cast<std::uint8_t>(info.size() >> 8));
        framed.push_back(static_cast<std::uint8_t>(info.size()));
        append(framed, info);
        const R::Scalar tweak = hash.hash_to_scalar(framed);
        x = x + tweak;
        statement = {statement.A + R::mul_base_vartime(tweak), evaluated, blinded};
      }
      ASSERT_EQ(statement.A, R::mul_base_vartime(x));

      const auto d = hash.weights(statement);
      const DleqStatement<R> composite = composite_vartime(statement, std::span(d));
      EXPECT_EQ(R::mul_vartime(x, composite.H), composite.B);
      const R::Scalar nonce = scalar(vector.at("Proof"), "r");
      const auto commitment = dleq_commitment<R>(composite.H, R::SecretScalar::of(nonce));
      const R::Scalar c = hash.challenge(composite, commitment);
      const DleqProof<R> proof{c, respond<R>(R::SecretScalar::of(nonce), c, R::SecretScalar::of(x))};
      EXPECT_EQ(to_hex(proof.encode()), text(vector.at("Proof"), "proof"));

      const auto decoded = DleqProof<R>::decode(hex(vector.at("Proof"), "proof"));
      ASSERT_TRUE(decoded.has_value());
      const auto recomputed = recompute_commitment_vartime(composite, *decoded);
      EXPECT_EQ(recomputed, commitment);
      EXPECT_EQ(hash.challenge(composite, recomputed), decoded->c);
      const DleqStatement<R> other{composite.A, composite.H, composite.B + R::Point::generator()};
      EXPECT_NE(hash.challenge(other, recompute_commitment_vartime(other, *decoded)), decoded->c);
      ++proofs;
      longest = std::max(longest, blinded.size());
    }
  }
  EXPECT_EQ(proofs, 6U);
  EXPECT_EQ(longest, 2U);
}

}  // namespace
}  // namespace psephos
