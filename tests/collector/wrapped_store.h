#pragma once
#include "collector/store.h"

namespace psephos::test {

/// A store that passes everything on to another: a test overrides what it watches or breaks.
class WrappedStore : public collector::Store {
 public:
  explicit WrappedStore(Store& inner) : inner_(inner) {}
  using Checkpoint = std::optional<collector::StoredCheckpoint>;
  using Visit = std::function<Result<void, Rejection>(const collector::StoredEntry&)>;

  Result<collector::Lease, Rejection> lease() override { return inner_.lease(); }
  Result<bool, Rejection> take_lease(const std::string& holder, const std::string& address,
                                     std::chrono::milliseconds duration) override {
    return inner_.take_lease(holder, address, duration);
  }
  Result<bool, Rejection> renew_lease(std::chrono::milliseconds duration) override {
    return inner_.renew_lease(duration);
  }
  Result<void, Rejection> release_lease() override { return inner_.release_lease(); }
  Result<collector::Head, Rejection> head() override { return inner_.head(); }
  Result<void, Rejection> append(const collector::Head& before, std::span<const collector::NewEntry> entries,
                                 const collector::Head& after) override {
    return inner_.append(before, entries, after);
  }
  Result<void, Rejection> put_signed_head(const collector::Head& head) override {
    return inner_.put_signed_head(head);
  }
  Result<void, Rejection> put_checkpoint(const collector::StoredCheckpoint& checkpoint) override {
    return inner_.put_checkpoint(checkpoint);
  }
  Result<Checkpoint, Rejection> checkpoint_covering(std::uint64_t index) override {
    return inner_.checkpoint_covering(index);
  }
  Result<Checkpoint, Rejection> latest_checkpoint() override { return inner_.latest_checkpoint(); }
  Result<collector::StoredEntry, Rejection> entry(std::uint64_t index) override {
    return inner_.entry(index);
  }
  Result<Bytes, Rejection> entry_bytes(std::uint64_t from, std::uint64_t count) override {
    return inner_.entry_bytes(from, count);
  }
  Result<void, Rejection> for_each(std::uint64_t from, const Visit& visit) override {
    return inner_.for_each(from, visit);
  }
  Result<std::optional<collector::FetchRecord>, Rejection> fetch_record(const BallotId& id) override {
    return inner_.fetch_record(id);
  }
  Result<bool, Rejection> count_fetch(const BallotId& id, std::uint64_t max) override {
    return inner_.count_fetch(id, max);
  }
  Result<void, Rejection> erase_fetch_secrets() override { return inner_.erase_fetch_secrets(); }

 protected:
  Store& inner_;
};

}  // namespace psephos::test
