#pragma once

#include "messages/particle_id.hpp"
#include "runtime/compute/loss_average.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace posse {

/// How far one particle is.
struct particle_progress {
  std::uint64_t step{0};
  std::uint64_t steps{0};
  double loss{0};
};

/// What the driver has heard, for a thread that shows it. Thread-safe.
class progress_board {
public:
  void update(particle_id pid, particle_progress progress) {
    const std::lock_guard lock{mutex_};
    by_particle_[pid] = progress;
  }
  std::map<particle_id, particle_progress> snapshot() const {
    const std::lock_guard lock{mutex_};
    return by_particle_;
  }

  /// The next point of a particle's learning curve.
  void add(particle_id pid, const learning_point& point) {
    const std::lock_guard lock{mutex_};
    learning_[pid].push_back(point);
  }
  std::map<particle_id, std::vector<learning_point>> learning() const {
    const std::lock_guard lock{mutex_};
    return learning_;
  }

private:
  mutable std::mutex mutex_;
  std::map<particle_id, particle_progress> by_particle_;
  std::map<particle_id, std::vector<learning_point>> learning_;
};

} // namespace posse
