#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "collector/ledger.h"
#include "collector/log.h"
#include "crypto/random.h"

namespace psephos::collector {

/// The one writer of the log: a single thread that orders what passed the checks, repeats those that may have
/// changed, and makes as many entries as are waiting durable in one transaction (group commit). The ledger
/// follows after the commit, so nobody ever sees what could still be lost.
///
/// Two ballots of one voter, or with one alpha, never share a batch: the later one is judged when the earlier
/// is in the ledger, exactly as a replay of the log will judge it.
class Sequencer {
 public:
  using RecordedDone = Log::RecordedDone;
  using RefusedDone = Log::RefusedDone;
  struct Hooks {
    std::function<void(const Head&)> committed;    ///< after every batch, before its `done` calls
    std::function<void(const Rejection&)> broken;  ///< nobody knows what the store holds: stop the process
  };

  Sequencer(Ledger& ledger, Store& store, const EidVerifier& eid, Rng& rng, Hooks hooks);
  ~Sequencer();

  /// As in Log; `done` is called on the sequencer's thread.
  void ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
              RecordedDone done);
  void refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done);
  void document(EntryType type, Bytes item, RecordedDone done);

  /// Refuses new work (kServiceUnavailable), finishes what is queued, and ends the thread.
  void stop();

 private:
  struct BallotWork {
    Bytes item;
    Admission admission;
    Digest256 fetch_secret_hash;
    RecordedDone done;
    bool proved = false;  ///< its proofs verified
  };
  struct RefusalWork {
    BallotItem item;
    Ballot ballot;
    Rejection reason;
    RefusedDone done;
  };
  struct DocumentWork {
    EntryType type;
    Bytes item;
    RecordedDone done;
  };
  using Work = std::variant<BallotWork, RefusalWork, DocumentWork>;
  struct Batch;

  void enqueue(Work work);
  void run();
  void process(std::deque<Work> work);
  void check_proofs(std::deque<Work>& work);
  void judge(BallotWork& work, Batch& batch);
  void judge(RefusalWork& work, Batch& batch);
  void commit(Batch& batch);
  void apply(DocumentWork& work);
  Result<void, Rejection> write(std::span<const NewEntry> entries);
  NewEntry new_entry(EntryType type, Bytes item);

  Ledger& ledger_;
  Store& store_;
  const EidVerifier& eid_;
  Rng& rng_;
  Hooks hooks_;
  CompactRange range_;  // of the committed log
  bool broken_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace psephos::collector
