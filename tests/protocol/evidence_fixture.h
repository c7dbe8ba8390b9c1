#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "protocol/eid/openssl_eid.h"
#include "tests/adversary/evidence_forger.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos {

/// A voter's certificate, a time-stamping authority and a responder, all on P-256, and who judges them.
class Evidence : public ::testing::Test {
 protected:
  static constexpr std::int64_t kNow = 1'700'000'000;
  static constexpr std::int64_t kStamped = kNow + 1000;
  static constexpr std::int64_t kProduced = kStamped + 2;

  void SetUp() override { verifier_ = make_verifier(); }

  std::unique_ptr<OpensslEidVerifier> make_verifier() const {
    const std::vector<Bytes> anchors = {issuing_.der(), root_.der()};
    const std::vector<Bytes> time_stamp_anchors = {other_anchor_.der(), time_stamp_ca_.der()};
    return std::move(*OpensslEidVerifier::create(trust::test_profile(anchors, time_stamp_anchors)));
  }

  forge::Ca root_ = forge::Ca::root("TEST root", forge::KeyKind::kP256, kNow);
  forge::Ca issuing_ = root_.issuing("TEST issuing", forge::KeyKind::kP256, kNow);
  forge::Ca sibling_ = root_.issuing("TEST sibling", forge::KeyKind::kP256, kNow);
  forge::Ca time_stamp_ca_ = forge::Ca::root("TEST time-stamp root", forge::KeyKind::kP256, kNow);
  forge::Ca other_anchor_ = forge::Ca::root("TEST other anchor", forge::KeyKind::kP256, kNow);
  forge::Service authority_ = time_stamp_ca_.service(forge::KeyKind::kP256, forge::authority_fields, kNow);
  forge::Service responder_ = issuing_.service(forge::KeyKind::kP256, forge::responder_fields, kNow);
  forge::Service card_ = forge::Service::make(forge::KeyKind::kP256);
  const Bytes stamped_ = copy_of(bytes_of("a SignatureValue element"));
  std::unique_ptr<OpensslEidVerifier> verifier_;
};

template <class T>
std::optional<Reason> refusal_of(const Result<T, Reason>& result) {
  if (result) return std::nullopt;
  return result.error();
}
/// For the messages of failed expectations.
inline std::string name_of(const std::optional<Reason>& reason) {
  return reason ? std::string(name_of(*reason)) : "accepted";
}

}  // namespace psephos
