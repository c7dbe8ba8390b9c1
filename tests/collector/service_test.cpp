#include <gtest/gtest.h>

#include "tests/collector/collector_fixture.h"

namespace psephos::test {
namespace {

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override { w.start(); }
  void expect_refused(const std::string& target, const Bytes& body, Reason reason, int status) {
    const auto reply = w.post(target, body);
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(w.reason_of_reply(reply, body), reason);
  }
  CollectorWorld w;
};

TEST_F(ServiceTest, A_ballot_is_recorded_with_a_receipt_that_verifies) {
  w.open(3);
  const auto cast = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  EXPECT_EQ(w.running->status().ballots, 1U);
}

}  // namespace
}  // namespace psephos::test
