#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/checks/upstream.h"
#include "protocol/eid.h"
#include "protocol/election.h"
#include "protocol/files/record_directory.h"

/// Containers of logged ballots as files of their own, for whoever has to judge one with software that is not
/// ours (docs/evidence.md), and our own judgement of such a file.
namespace psephos {

/// A logged ballot's container, as the log's entry commits to it.
struct LoggedContainer {
  std::uint64_t index = 0;  ///< of the entry
  BallotId id{};
  Bytes container;
};

/// "17-0a1b2c3d4e5f6071.asice": index, first 16 digits of the ballot id. SPEC §11.9.
std::string container_name(const LoggedContainer& logged);

/// Which logged ballots: all, that of an entry, that of an id.
struct AllBallots {};
using WantedBallots = std::variant<AllBallots, std::uint64_t, BallotId>;

/// Reads the sworn tier once and hands the containers wanted to `take`, in log order. Each is what its entry
/// commits to; that the entries are those of the witnessed log, `audit verify` says.
/// @return how many; the first refusal of `take`; USAGE if there is no such entry or ballot, or the entry is
/// of something else; EVIDENCE_FILE_MISSING without the sworn tier, FILE_UNREADABLE;
/// LOG_ENTRY_UNKNOWN, BALLOT_LOST, LOG_LEAF_MISMATCH, wire refusals or those of §9.3 for an entry at fault,
/// which is named. With all ballots wanted the sound ones are taken before that is returned, and the object
/// says how many entries are at fault.
Result<std::uint64_t, Rejection> take_containers(
    const RecordReader& record, const WantedBallots& wanted,
    const std::function<Result<void, Rejection>(const LoggedContainer&)>& take,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

/// What lies beside containers: README.txt, which tells how to check one (`example`) with unzip, xmlsec1 and
/// openssl, and before it the election's trust anchors in PEM.
std::vector<NewFile> container_companions(const Election& election, const std::string& example);

/// A check of a container by name. Checks that stand on a failed one are not made.
struct ContainerCheck {
  std::string name;
  std::string says;                ///< if it passed
  std::optional<Rejection> fault;  ///< if not
};
struct ContainerReport {
  std::vector<ContainerCheck> checks;
  std::string
      verdict;  ///< "Given Family PNOEE-… signed ballot … before 2026-03-01T10:00:00Z"; empty: refused
  bool accepted() const { return !verdict.empty(); }
  std::string text() const;
};

/// Every check of a ballot that needs no log: container, ballot, election, time-stamp, certificate status,
/// signature at the time of the stamp, signer, selections with their proofs. SPEC §9.3, §9.4, §9.8, §9.9.
ContainerReport check_container(const Election& election, const EidVerifier& eid, ByteView container);

}  // namespace psephos
