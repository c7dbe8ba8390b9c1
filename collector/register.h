#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collector/ledger.h"
#include "protocol/checks/compact.h"
#include "protocol/files/roll_files.h"

/// What the log says of its voters by name: for polling stations, and for the state's messages to voters
/// (SPEC §10.5). Derived from log and roll each time it is asked for; nothing is kept, nothing is logged.
namespace psephos::collector {

/// A person of the register, as of some entry of the log.
struct RegisteredVoter {
  NationalId id;
  Pseudonym pseudonym{};
  std::optional<std::uint32_t> unit;         ///< by position in the definition; absent: struck off
  std::optional<std::uint32_t> ballot_unit;  ///< for which her last ballot was signed
  std::uint32_t ballots = 0;
  bool revoked = false;
  /// The unit in which her last ballot would be counted, were the log sealed here (SPEC §10.3).
  std::optional<std::uint32_t> counted_in() const {
    return !revoked && unit && unit == ballot_unit ? unit : std::nullopt;
  }
};

/// The voters, as entry after entry of the log makes them. Documents have been checked before: they are in
/// the log. Memory: about 130 bytes a voter.
class VoterRegister {
 public:
  explicit VoterRegister(const Election& election) : election_(election) {}

  /// Called for a voter whom an entry touches, after its effect. `counted_before`: as counted_in().
  using Touched =
      std::function<void(const RegisteredVoter& voter, std::optional<std::uint32_t> counted_before)>;
  void roll(const RollDocument& document, const Touched& touched);
  void revocation(const RevocationList& list, const Touched& touched);
  void ballot(const Pseudonym& voter, std::uint32_t unit, const Touched& touched);

  std::size_t size() const { return voters_.size(); }
  const RegisteredVoter& operator[](std::size_t i) const { return voters_[i]; }

 private:
  RegisteredVoter* find(const Pseudonym& pseudonym);
  const Election& election_;
  compact::Pieces<RegisteredVoter> voters_;
  compact::PositionTable by_pseudonym_;
};

/// Size and root of a log, for lists that are about its first entries.
struct VotedAnswer {
  VotedList list;
  Digest256 root{};  ///< of the first list.next entries
};
struct VotedQuery {
  std::string election;  ///< as the list shall name it
  std::uint64_t from = 0;
  std::optional<std::uint64_t> until;  ///< absent: all entries there are
  std::optional<Id> unit;
};
/// Who has voted, by SPEC §10.5. @return USAGE for a size that the log does not have or an unknown unit; what
/// the store returns. Takes seconds for a million voters, and the ledger's lock for a fraction of one.
Result<VotedAnswer, Rejection> voted_list(const Ledger& ledger, Store& store, const VotedQuery& query);

/// What one voter is to be told by another way than the one she voted by.
enum class NoticeKind : std::uint8_t {
  kVoted,       ///< her first ballot was accepted
  kVotedAgain,  ///< another of her ballots was accepted: it stands in the place of the one before
  kRevoked,     ///< a paper ballot was taken: her ballot does not count any more
  kRestored,    ///< that was taken back
  kMoved,       ///< into another unit: her ballot does not count any more, she can vote again
  kStruckOff,   ///< from the roll
  kReinstated,  ///< a change of the roll made her ballot count again
};
std::string_view name_of(NoticeKind kind);
struct Notice {
  std::uint64_t entry = 0;
  NationalId voter;
  NoticeKind kind{};
  bool counts = false;            ///< whether her last ballot counts, as of this entry
  std::uint64_t received_ms = 0;  ///< of a ballot; else 0
};
struct Notices {
  std::vector<Notice> notices;  ///< in log order
  std::uint64_t next = 0;       ///< entries of the log: where the next question begins
};
/// A notice for each ballot accepted from entry `since` on, and for each voter with a ballot for whom a
/// document changed whether it counts. @return as voted_list.
Result<Notices, Rejection> notices_since(const Ledger& ledger, Store& store, std::uint64_t since);

}  // namespace psephos::collector
