#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace posse::test {

/// One stream of a simulated device: pieces of work, one after the other in
/// the order in which they were given. What is queued runs on the stream's own
/// thread, which starts with the first such piece. Thread-safe.
class simulated_stream {
public:
  using work = std::function<void()>;

  simulated_stream() = default;
  simulated_stream(const simulated_stream&) = delete;
  simulated_stream& operator=(const simulated_stream&) = delete;
  ~simulated_stream() { stop(); }

  /// Runs `piece` later; it must not throw.
  void enqueue(work piece);
  /// Waits until all given before is done, then runs `piece` in this thread;
  /// its exceptions come through.
  void run(const work& piece);

  /// Whether all that was given is done.
  bool idle() const;
  /// Whether what is given next would start at once.
  bool ready() const;
  /// Waits until all that was given so far is done.
  void synchronize();

  /// Starts nothing more until as many calls of let_go().
  void hold();
  void let_go();

  /// From now on nothing is held, and what is given runs in the thread that
  /// gives it. The last step but one: streams that wait for one another are
  /// all closed before the first is joined.
  void close();
  /// Closes, finishes what is queued and ends the thread.
  void stop();

private:
  struct queued {
    std::uint64_t turn;
    work piece;
  };

  void serve();
  bool may_start(std::uint64_t turn) const {
    return turn == now_ && (holds_ == 0 || closed_);
  }
  void finish_turn();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<queued> queue_;
  std::uint64_t next_{0}; // the turn of what is given next
  std::uint64_t now_{0};  // the turn that runs or may start
  int holds_{0};
  bool closed_{false};
  std::thread thread_;
};

/// A mark in a stream's work that others can wait for. Each record() makes a
/// new version of it. Thread-safe.
class simulated_event : public std::enable_shared_from_this<simulated_event> {
public:
  void record(simulated_stream& stream);
  /// `stream` starts nothing that is given later before the newest version.
  void block(simulated_stream& stream);
  /// Whether the newest version is done.
  bool done() const;
  void synchronize() const;
  /// When the newest version that is done was.
  std::chrono::steady_clock::time_point time() const;

private:
  void mark(std::uint64_t version);
  void wait_for(std::uint64_t version) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::uint64_t recorded_{0};
  std::uint64_t done_{0};
  std::chrono::steady_clock::time_point time_;
};

} // namespace posse::test
