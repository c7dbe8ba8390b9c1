#include "tests/bench/core_rows.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "crypto/group/ristretto.h"
#include "tests/bench/audit_workload.h"
#include "tests/bench/workloads.h"
#include "tests/support/counting_group.h"

namespace psephos::bench {

namespace {

using Operations = std::vector<std::pair<std::string, double>>;
using Counting = test::CountingGroup<Ristretto>;

/// What one more item costs: the difference of two lists, so that what is done once for a list is left out.
/// @param counts the operations for a list of n.
Operations operations_an_item(const std::function<test::OperationCounts(std::size_t n)>& counts) {
  constexpr std::size_t kShort = 32, kLong = 64;
  const test::OperationCounts less = counts(kShort), more = counts(kLong);
  Operations out;
  for (std::size_t i = 0; i < test::kOperations; ++i)
    if (more.times[i] != less.times[i])
      out.emplace_back(test::kOperationNames[i],
                       static_cast<double>(more.times[i] - less.times[i]) / (kLong - kShort));
  return out;
}

/// A row of one kernel: `Work<G>(n)` prepares, a call is what is measured.
template <template <Group> class Work>
CoreRow kernel_row(std::string id, std::string name, std::string per, const Goals* goals) {
  return {
      .id = std::move(id),
      .name = std::move(name),
      .per = std::move(per),
      .goals = goals,
      .prepare = [](std::size_t n) { return [work = std::make_shared<Work<Ristretto>>(n)] { (*work)(); }; },
      .operations =
          [] {
            return operations_an_item([](std::size_t n) {
              Work<Counting> work(n);
              return Counting::measure([&] { work(); });
            });
          }};
}

/// The list of the last size asked for, with what has been done to it, which several rows share.
std::shared_ptr<MixedList<Ristretto>> shared_list(std::size_t n) {
  static std::size_t made_for = 0;
  static std::shared_ptr<MixedList<Ristretto>> list;
  if (made_for != n) {
    list.reset();
    list = std::make_shared<MixedList<Ristretto>>(n);
    list->prove();
    list->decode_output();
    list->make_shares();
    made_for = n;
  }
  return list;
}

/// A row of one step of a list's way.
CoreRow list_row(std::string id, std::string name, const Goals* goals, void (MixedList<Ristretto>::*step)(),
                 void (MixedList<Counting>::*counted_step)()) {
  return {.id = std::move(id),
          .name = std::move(name),
          .per = "ciphertext",
          .goals = goals,
          .prepare = [step](std::size_t n) { return [list = shared_list(n), step] { ((*list).*step)(); }; },
          .operations =
              [counted_step] {
                return operations_an_item([&](std::size_t n) {
                  MixedList<Counting> list(n);
                  list.prove();
                  list.decode_output();
                  list.make_shares();
                  return Counting::measure([&] { (list.*counted_step)(); });
                });
              }};
}

std::vector<CoreRow> kernel_rows() {
  return {
      kernel_row<Msm253>("msm-253", "multi-scalar multiplication, 253 bits", "point", &kMsm253),
      kernel_row<Msm128>("msm-128", "multi-scalar multiplication, 128 bits", "point", &kMsm128),
      kernel_row<DecodeBatch>("decode", "batch decode with validity", "point", &kDecode),
      kernel_row<FixedBaseBatch>("fixed-base", "constant-time batch, fixed base", "point", &kFixedBase),
      kernel_row<VariableBaseBatch>("variable-base", "constant-time batch, variable base", "point",
                                    &kVariableBase),
      kernel_row<DeriveGenerators>("generators", "derive generators of the shuffle", "generator", nullptr),
  };
}

std::vector<CoreRow> shuffle_rows() {
  using List = MixedList<Ristretto>;
  using Counted = MixedList<Counting>;
  return {
      list_row("verify-shuffle", "verify one shuffle", &kVerifyShuffle, &List::verify, &Counted::verify),
      list_row("prove-shuffle", "re-encrypt, permute and prove", &kProveShuffle, &List::prove,
               &Counted::prove),
  };
}

std::vector<CoreRow> decryption_rows() {
  using List = MixedList<Ristretto>;
  using Counted = MixedList<Counting>;
  return {
      list_row("make-shares", "decryption shares of one trustee", &kMakeShare, &List::make_shares,
               &Counted::make_shares),
      list_row("verify-shares", "verify the shares of one trustee", &kVerifyShare, &List::verify_shares,
               &Counted::verify_shares),
  };
}

template <void (BallotProofs<Ristretto>::*Step)(), void (BallotProofs<Counting>::*CountedStep)()>
CoreRow ballot_row(std::string id, std::string name, const Goals* goals) {
  return {.id = std::move(id),
          .name = std::move(name),
          .per = "proof",
          .goals = goals,
          .prepare =
              [](std::size_t n) {
                static std::size_t made_for = 0;
                static std::shared_ptr<BallotProofs<Ristretto>> proofs;
                if (made_for != n) proofs = std::make_shared<BallotProofs<Ristretto>>(n);
                made_for = n;
                return [kept = proofs] { ((*kept).*Step)(); };
              },
          .operations =
              [] {
                return operations_an_item([](std::size_t n) {
                  BallotProofs<Counting> proofs(n);
                  return Counting::measure([&] { (proofs.*CountedStep)(); });
                });
              }};
}

std::vector<CoreRow> ballot_rows() {
  using Real = BallotProofs<Ristretto>;
  using Counted = BallotProofs<Counting>;
  return {
      ballot_row<&Real::make, &Counted::make>("make-ballot-proof", "prove one selection among 138",
                                              &kMakeBallotProof),
      ballot_row<&Real::verify_singly, &Counted::verify_singly>(
          "verify-ballot-proof", "verify one such proof, singly", &kVerifyBallotProof),
      ballot_row<&Real::verify_in_batches, &Counted::verify_in_batches>(
          "verify-ballot-proofs", "verify one such proof, in batches of 1,000", &kVerifyBallotProofs),
  };
}

/// The rows of what a verifier does as a whole. Wall time, on two cores as the goal has it.
std::vector<CoreRow> audit_rows() {
  return {{.id = "audit",
           .name = "audit of 3 mixes and 3 trustees' shares",
           .per = "ballot",
           .goals = &kAudit,
           .clock = Clock::kWall,
           .threads = std::min(2U, std::max(1U, std::thread::hardware_concurrency())),
           .prepare =
               [](std::size_t n) { return [group = std::make_shared<AuditedGroup>(n)] { group->verify(); }; },
           .operations = {}}};
}

}  // namespace

std::vector<CoreRow> core_rows() {
  std::vector<CoreRow> all;
  // One function a family of rows; the proofs of another family are one more function in this list.
  for (auto& family : {kernel_rows(), shuffle_rows(), decryption_rows(), ballot_rows(), audit_rows()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

}  // namespace psephos::bench
