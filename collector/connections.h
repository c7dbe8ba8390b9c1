#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "crypto/invariant.h"

namespace psephos::collector {

/// Connections that threads borrow, each for one thread at a time. Thread-safe.
template <class Transport>
class Connections {
 public:
  /// A connection on loan, given back at the end.
  class Loan {
   public:
    explicit Loan(Connections& of) : of_(of) {
      const std::lock_guard lock(of_.mutex_);
      invariant(!of_.idle_.empty(), "as many connections as threads");
      transport_ = std::move(of_.idle_.back());
      of_.idle_.pop_back();
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() {
      const std::lock_guard lock(of_.mutex_);
      of_.idle_.push_back(std::move(transport_));
    }
    Transport& operator*() const { return *transport_; }

   private:
    Connections& of_;
    std::unique_ptr<Transport> transport_;
  };

  /// `connect` is called so many times. @pre no more threads than that borrow.
  Connections(std::size_t count, const std::function<std::unique_ptr<Transport>()>& connect) {
    for (std::size_t i = 0; i < count; ++i) idle_.push_back(connect());
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Transport>> idle_;
};

}  // namespace psephos::collector
