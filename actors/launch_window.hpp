#pragma once

#include "messages/particle_id.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <unordered_map>

namespace posse {

/// Launches of one particle that a driver may have unanswered. More than
/// most_unanswered: a driver launches work for a whole particle, seldom, and
/// its thread has to be woken to go on.
inline constexpr std::size_t most_launched = 256;

/// Makes a thread wait while a particle owes too many answers.
class launch_window {
public:
  /// Counts a launch of `to`; waits first while there are most_launched.
  void begin(particle_id to) {
    std::unique_lock lock{mutex_};
    answered_.wait(lock, [&] { return unanswered_[to] < most_launched; });
    ++unanswered_[to];
  }
  /// One is answered, or never will be.
  void end(particle_id to) {
    {
      const std::lock_guard lock{mutex_};
      --unanswered_[to];
    }
    answered_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable answered_;
  std::unordered_map<particle_id, std::size_t> unanswered_;
};

} // namespace posse
