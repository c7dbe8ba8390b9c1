#include "protocol/files/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace psephos {

namespace {

using namespace std::chrono_literals;
constexpr auto kSilence = 2s;
constexpr auto kTerminalPace = 200ms;
constexpr auto kLinePace = 10s;
constexpr std::size_t kBarWidth = 24;

std::string duration(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  const auto minutes = static_cast<std::uint64_t>(seconds / 60);
  if (minutes < 60) return fmt::format("{} min {:02} s", minutes, static_cast<std::uint64_t>(seconds) % 60);
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

}  // namespace

Progress::Progress(std::string label, std::uint64_t total, std::string unit)
    : label_(std::move(label)),
      total_(total),
      unit_(std::move(unit)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_draw_((start_ + (terminal_ ? Clock::duration(kSilence) : Clock::duration(kLinePace)))
                     .time_since_epoch()
                     .count()) {}

Progress::~Progress() {
  const Clock::time_point now = Clock::now();
  if (now - start_ < kSilence) return;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::uint64_t done = done_.load();
  std::fputs(fmt::format("{}{}: {} {} in {} ({:.0f}/s)\n", drawn_ && terminal_ ? "\r\x1b[K" : "", label_,
                         done, unit_, duration(seconds), static_cast<double>(done) / seconds)
                 .c_str(),
             stderr);
}

void Progress::advance(std::uint64_t n) {
  done_.fetch_add(n, std::memory_order_relaxed);
  draw_if_due();
}

void Progress::at(std::uint64_t done) {
  done_.store(done, std::memory_order_relaxed);
  draw_if_due();
}

void Progress::draw_if_due() {
  const Clock::time_point now = Clock::now();
  if (now.time_since_epoch().count() < next_draw_.load(std::memory_order_relaxed)) return;
  // Whoever comes while another thread draws goes back to work.
  if (const std::unique_lock lock(drawing_, std::try_to_lock); lock) draw(now);
}

void Progress::draw(Clock::time_point now) {
  if (now.time_since_epoch().count() < next_draw_.load()) return;
  const auto pace = terminal_ ? Clock::duration(kTerminalPace) : Clock::duration(kLinePace);
  next_draw_.store((now + pace).time_since_epoch().count());
  const std::string text = line(std::chrono::duration<double>(now - start_).count(), done_.load());
  std::fputs((terminal_ ? "\r\x1b[K" + text : text + "\n").c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

std::string Progress::line(double seconds, std::uint64_t done) const {
  const double rate = static_cast<double>(done) / seconds;
  if (total_ == 0) return fmt::format("{}: {} {}, {:.0f}/s", label_, done, unit_, rate);
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(kBarWidth));
  const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '.');
  const std::string left =
      rate > 0 ? ", " + duration(static_cast<double>(total_ - std::min(done, total_)) / rate) + " left" : "";
  return fmt::format("{} [{}] {:3.0f} %  {} of {} {}, {:.0f}/s{}", label_, bar, 100 * part, done, total_,
                     unit_, rate, left);
}

}  // namespace psephos
