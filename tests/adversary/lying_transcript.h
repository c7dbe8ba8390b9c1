#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/group/group.h"
#include "crypto/random.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/transcript.h"

namespace psephos::adversary {

/// A transcript that leaves out the frames of one label: what a careless verifier would hash (A01, A116).
class OmittingTranscript {
 public:
  OmittingTranscript(Transcript inner, std::string_view omitted)
      : inner_(std::move(inner)), omitted_(omitted) {}
  void append(std::string_view label, ByteView data) {
    if (label != omitted_) inner_.append(label, data);
  }
  void append_u64(std::string_view label, std::uint64_t value) {
    if (label != omitted_) inner_.append_u64(label, value);
  }
  template <class Encodable>
  void append_value(std::string_view label, const Encodable& value) {
    if (label != omitted_) inner_.append_value(label, value);
  }
  template <class Point>
  void append_points(std::string_view label, std::span<const Point> points) {
    if (label != omitted_) inner_.append_points(label, points);
  }
  void append_every(std::string_view label, ByteView bytes, std::size_t offset, std::size_t width,
                    std::size_t stride) {
    if (label != omitted_) inner_.append_every(label, bytes, offset, width, stride);
  }
  SecretBytes<64> hedged_seed(std::string_view label, ByteView secret, Rng& rng) const {
    return inner_.hedged_seed(label, secret, rng);
  }
  template <Group G>
  typename G::Scalar challenge_scalar(std::string_view label) {
    return inner_.challenge_scalar<G>(label);
  }
  template <Group G>
  std::vector<typename G::Scalar> challenge_vector(std::string_view label, std::size_t n) {
    return inner_.challenge_vector<G>(label, n);
  }

 private:
  Transcript inner_;
  std::string omitted_;
};

/// A transcript whose challenges e, v and weights t somebody has set; those not set come from hashing.
template <Group G>
struct ForcedTranscript {
  Transcript inner;
  std::optional<std::vector<typename G::Scalar>> e, t;
  std::optional<typename G::Scalar> v;

  void append(std::string_view label, ByteView data) { inner.append(label, data); }
  void append_u64(std::string_view label, std::uint64_t value) { inner.append_u64(label, value); }
  template <class Encodable>
  void append_value(std::string_view label, const Encodable& value) {
    inner.append_value(label, value);
  }
  template <class Point>
  void append_points(std::string_view label, std::span<const Point> points) {
    inner.append_points(label, points);
  }
  void append_every(std::string_view label, ByteView bytes, std::size_t offset, std::size_t width,
                    std::size_t stride) {
    inner.append_every(label, bytes, offset, width, stride);
  }
  SecretBytes<64> hedged_seed(std::string_view label, ByteView secret, Rng& rng) const {
    return inner.hedged_seed(label, secret, rng);
  }
  template <Group H>
  typename H::Scalar challenge_scalar(std::string_view label) {
    const auto hashed = inner.template challenge_scalar<H>(label);
    return v.value_or(hashed);
  }
  template <Group H>
  std::vector<typename H::Scalar> challenge_vector(std::string_view label, std::size_t n) {
    const auto hashed = inner.template challenge_vector<H>(label, n);
    return (label == "e" ? e : t).value_or(hashed);
  }
};

}  // namespace psephos::adversary
