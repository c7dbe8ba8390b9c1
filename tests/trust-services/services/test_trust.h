#pragma once
#include "tests/trust-services/services/ocsp_responder.h"
#include "tests/trust-services/services/time_stamp_authority.h"
#include "tests/trust-services/test_ca/ca.h"

namespace psephos::trust {

/// Everything that bears witness to a test's signatures, in its own process. Thread-safe.
struct TestTrust {
  /// New authorities on `curve`, and services on P-256, at `now_unix_s`.
  TestTrust(Rng& rng, std::int64_t now_unix_s, EcCurve curve = EcCurve::kP384)
      : TestTrust(TestCa::create(rng, now_unix_s, curve), rng, now_unix_s) {}
  /// For the certificates of an authority that exists.
  TestTrust(TestCa of, Rng& rng, std::int64_t now_unix_s)
      : ca(std::move(of)),
        time_stamp_ca(TestCa::create(rng, now_unix_s, ca.curve(), CaPurpose::kTimeStamps)),
        ocsp(ca, rng, now_unix_s),
        tsa(time_stamp_ca, rng, now_unix_s) {}

  TestCa ca;
  TestCa time_stamp_ca;
  OcspResponder ocsp;
  TimeStampAuthority tsa;
};

}  // namespace psephos::trust
