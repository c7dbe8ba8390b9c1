#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/eid/anchor.h"
#include "protocol/rejection.h"

namespace psephos {

/// Judges time-stamps and certificate statuses (SPEC §9.9), with OpenSSL's signatures. Certificates of
/// services that were found good are kept with their keys, so that evidence costs one signature
/// verification, and no chain, from the second time on. Thread-safe; calls run in parallel.
class EvidenceVerifier {
 public:
  /// Takes the anchors that issue the certificates of time-stamping authorities; with none, every time-stamp
  /// is refused.
  /// @return what Anchor::read refuses.
  static Result<std::unique_ptr<EvidenceVerifier>, Reason> create(std::span<const Bytes> time_stamp_anchors);
  EvidenceVerifier(const EvidenceVerifier&) = delete;
  EvidenceVerifier& operator=(const EvidenceVerifier&) = delete;
  ~EvidenceVerifier();

  /// As EidVerifier::stamped_at.
  Result<std::int64_t, Reason> stamped_at(ByteView token, ByteView stamped) const;
  /// As EidVerifier::good_at, of a certificate that `issuer` issued. One and the same anchor has the same
  /// `issuer_number` in every call, and no other one has it.
  Result<void, Reason> good_at(const Certificate& certificate, const Anchor& issuer,
                               std::size_t issuer_number, ByteView ocsp_response, ByteView token,
                               std::int64_t stamped_unix_s) const;

 private:
  struct State;
  explicit EvidenceVerifier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos
