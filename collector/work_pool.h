#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace psephos::collector {

/// Threads that work through a queue of bounded length and bounded bytes, in order of arrival.
class WorkPool {
 public:
  using Job = std::move_only_function<void()>;
  WorkPool(std::size_t threads, std::size_t max_jobs, std::size_t max_bytes)
      : max_jobs_(max_jobs), max_bytes_(max_bytes) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~WorkPool() { stop(); }
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// False, and the job is dropped, if the queue is full or the pool is stopping.
  [[nodiscard]] bool post(std::size_t bytes, Job&& job) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= max_jobs_ || bytes_ + bytes > max_bytes_) return false;
    bytes_ += bytes;
    jobs_.push_back({bytes, std::move(job)});
    wake_.notify_one();
    return true;
  }
  /// Finishes what is queued.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  struct Queued {
    std::size_t bytes;
    Job job;
  };
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Queued next = std::move(jobs_.front());
      jobs_.pop_front();
      bytes_ -= next.bytes;
      lock.unlock();
      next.job();
    }
  }
  const std::size_t max_jobs_, max_bytes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> jobs_;
  std::size_t bytes_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace psephos::collector
