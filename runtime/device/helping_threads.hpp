#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace posse {

/// Threads that help another one with work that it shares, while a device's
/// other lanes have nothing to do. They start with the first scope, stay awake
/// while there is one and for a moment after, and sleep otherwise: to be woken
/// takes as long as some work does.
class helping_threads {
public:
  /// @param count How many may help; with 0 everybody works alone.
  explicit helping_threads(std::size_t count) : count_{count} {}
  /// No scope may be left.
  ~helping_threads();
  helping_threads(const helping_threads&) = delete;
  helping_threads& operator=(const helping_threads&) = delete;

  /// Calls work(0), ..., work(parts - 1), each once, on this thread and on
  /// those helpers that are awake; returns when all are done. Who comes while
  /// others are helped works alone.
  ///
  /// @param work May be called by several threads at once, each prepared to
  ///   compute alone (compute_thread.hpp).
  /// @throws what a part threw, one of them if several did; all others are done
  ///   nevertheless.
  void share(std::size_t parts, const std::function<void(std::size_t)>& work);

private:
  friend class help_scope;
  struct shared_work;

  void wake();
  void let_sleep();
  void help();
  /// Takes parts of what is shared, if it is new. @returns whether it was.
  bool take_part(std::uint64_t& seen);
  bool wanted() const noexcept { return scopes_ > 0 || ending_; }

  const std::size_t count_;
  std::mutex mutex_; ///< of current_ and threads_
  std::condition_variable news_;
  shared_work* current_{nullptr};
  std::atomic<std::uint64_t> round_{0}; ///< counts works
  std::atomic<std::size_t> helping_{0}; ///< threads that are inside current_
  std::atomic<std::size_t> scopes_{0};
  std::atomic<bool> ending_{false};
  std::vector<std::thread> threads_;
};

/// While it lives, helpers are awake, and share_work() on this thread finds
/// them.
class help_scope {
public:
  explicit help_scope(helping_threads& help);
  ~help_scope();
  help_scope(const help_scope&) = delete;
  help_scope& operator=(const help_scope&) = delete;

private:
  helping_threads& help_;
  helping_threads* before_;
};

/// helping_threads::share() with the help that this thread has; without any, it
/// calls work(0), ..., work(parts - 1) itself. Results must not depend on who
/// does which part.
void share_work(std::size_t parts,
                const std::function<void(std::size_t)>& work);

} // namespace posse
