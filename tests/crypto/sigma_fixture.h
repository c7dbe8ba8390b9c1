#pragma once
#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/transcript.h"

/// What the tests of the Sigma proofs share.
namespace psephos::sigma_test {

inline constexpr std::string_view kSuite = "psephos-1";

inline Digest256 fingerprint(std::string_view election) {
  return sha256(bytes_of(election));
}

/// A transcript without context of use, for tests that do not speak of it.
inline Transcript transcript_for(std::string_view label, std::string_view election = "election A",
                                 std::string_view role = "voter", std::uint64_t index = 0) {
  return Transcript({kSuite, fingerprint(election), label, role, index});
}

/// Repeats itself from its seed.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::string_view seed) : seed_(sha256(bytes_of(seed))) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); i += 64) {
      const Digest512 block = Sha512().update(seed_).update(u64be(counter_++)).finish();
      std::copy_n(block.begin(), std::min<std::size_t>(64, out.size() - i),
                  out.begin() + static_cast<long>(i));
    }
  }

 private:
  Digest256 seed_;
  std::uint64_t counter_ = 0;
};

template <Group G>
typename G::Scalar scalar(std::uint64_t value) {
  return G::Scalar::from_u64(value);
}
template <Group G>
typename G::SecretScalar secret(std::uint64_t value) {
  return G::SecretScalar::of(scalar<G>(value));
}
template <Group G>
typename G::Point multiple(std::uint64_t value) {
  return G::mul_base_vartime(scalar<G>(value));
}

/// SPEC §5.1 and §5.2 written down a second time, over plain bytes, with one difference: frames under the
/// `omitted` labels are left out of the hash. A verifier that uses it is the weak one that forgeries are
/// made for; with nothing omitted it agrees with Transcript.
class OmittingTranscript {
 public:
  OmittingTranscript(const ProofContext& context, std::vector<std::string_view> omitted)
      : omitted_(std::move(omitted)) {
    append("suite", bytes_of(context.suite));
    append("fingerprint", context.fingerprint);
    append("proof", bytes_of(context.label));
    append("role", bytes_of(context.role));
    append_u64("index", context.index);
  }
  void append(std::string_view label, ByteView data) {
    if (std::ranges::find(omitted_, label) != omitted_.end()) return;
    append_u32be(bytes_, static_cast<std::uint32_t>(label.size()));
    psephos::append(bytes_, bytes_of(label));
    append_u64be(bytes_, data.size());
    psephos::append(bytes_, data);
  }
  void append_u64(std::string_view label, std::uint64_t value) { append(label, u64be(value)); }
  template <class Encodable>
  void append_value(std::string_view label, const Encodable& value) {
    append(label, value.encode());
  }
  template <class Encodable>
  void append_points(std::string_view label, std::span<const Encodable> points) {
    Bytes all;
    for (const Encodable& point : points) psephos::append(all, point.encode());
    append(label, all);
  }
  Digest512 challenge_bytes(std::string_view label) {
    append(label, {});
    const Digest512 challenge = sha512(bytes_);
    append(label, challenge);
    return challenge;
  }
  template <Group G>
  typename G::Scalar challenge_scalar(std::string_view label) {
    return G::Scalar::from_wide(challenge_bytes(label));
  }
  template <Group G>
  std::vector<typename G::Scalar> challenge_vector(std::string_view label, std::size_t n) {
    Bytes stream;
    Bytes block = copy_of(challenge_bytes(label));
    const std::size_t prefix = block.size();
    for (std::uint64_t i = 0; stream.size() < 16 * n; ++i) {
      block.resize(prefix);
      append_u64be(block, i);
      psephos::append(stream, sha512(block));
    }
    std::vector<typename G::Scalar> out;
    for (std::size_t i = 0; i < n; ++i)
      out.push_back(G::Scalar::from_wide(ByteView(stream).subspan(16 * i, 16)));
    return out;
  }

 private:
  std::vector<std::string_view> omitted_;
  Bytes bytes_;
};

/// Everything around a statement that a proof must be bound to, as a ballot's proof is.
struct BoundContext {
  std::string suite = std::string(kSuite);
  std::string election = "election A";
  std::string proof;
  std::string role = "voter";
  std::uint64_t index = 0;
  std::string unit = "unit 1";
  std::string contest = "contest 1";
  std::uint64_t slot = 0;
  std::string pseudonym = "pseudonym";
  std::uint64_t counter = 1;
  friend bool operator==(const BoundContext&, const BoundContext&) = default;

  template <class T, class... Extra>
  T begin(Extra&&... extra) const {
    T transcript(ProofContext{suite, fingerprint(election), proof, role, index},
                 std::forward<Extra>(extra)...);
    transcript.append("unit", bytes_of(unit));
    transcript.append("contest", bytes_of(contest));
    transcript.append_u64("slot", slot);
    transcript.append("pseudonym", bytes_of(pseudonym));
    transcript.append_u64("counter", counter);
    return transcript;
  }
};

/// One field of the context, by its frame's label, and the context with that field changed.
struct ContextField {
  std::string_view label;
  BoundContext changed;
};
inline std::vector<ContextField> context_fields(const BoundContext& context) {
  std::vector<ContextField> out;
  const auto set = [&](std::string_view label, auto change) {
    out.push_back({label, context});
    change(out.back().changed);
  };
  set("suite", [](BoundContext& c) { c.suite += "x"; });
  set("fingerprint", [](BoundContext& c) { c.election = "election B"; });
  set("proof", [](BoundContext& c) { c.proof += "x"; });
  set("role", [](BoundContext& c) { c.role = "mixer"; });
  set("index", [](BoundContext& c) { c.index += 1; });
  set("unit", [](BoundContext& c) { c.unit = "unit 2"; });
  set("contest", [](BoundContext& c) { c.contest = "contest 2"; });
  set("slot", [](BoundContext& c) { c.slot += 1; });
  set("pseudonym", [](BoundContext& c) { c.pseudonym = "another"; });
  set("counter", [](BoundContext& c) { c.counter += 1; });
  return out;
}

/// A point whose logarithm nobody knows.
template <Group G>
typename G::Point unknown_point(std::string_view name) {
  return G::Point::from_uniform(sha512(bytes_of(name)));
}

}  // namespace psephos::sigma_test
