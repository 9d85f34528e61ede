#pragma once

#include "runtime/compute/lane_schedule.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace posse {

/// Gathers the operations of a lane's particles until those are here that take
/// part, so that they run as one group. A group is a matter of speed alone: the
/// results are the same whoever is in it.
///
/// At first all particles of the lane take part; once the lane has waited in
/// vain, those that are here do, and whoever comes later.
class group_gathering {
public:
  /// What the lane is to do.
  enum class action : std::uint8_t {
    run,          ///< a group is here: take() it
    wait,         ///< more is on its way to the lane
    wait_a_while, ///< nobody is known to be: go_on() if nobody comes
  };

  /// An operation has come.
  void add(device_job& job);
  bool empty() const noexcept { return here_.empty(); }
  /// Grows with each add().
  std::uint64_t arrivals() const noexcept { return arrivals_; }

  action next(const lane_schedule::lane_queue& lane) const;

  /// Takes the group that is furthest behind, so that the others do not leave
  /// it behind; or whoever has been passed over for it some times.
  /// @pre !empty()
  std::vector<device_job*> take();

  /// Whoever is not here does not take part. After the second time in vain the
  /// lane does not wait for a while, twice as long each time.
  void go_on();

private:
  struct arrival {
    device_job* job{nullptr};
    int passed_over{0};
  };

  std::vector<arrival> here_; ///< in the order in which they came
  std::unordered_set<particle_id> taking_part_;
  bool all_take_part_{true};
  std::uint64_t arrivals_{0};
  unsigned waits_in_vain_{0}; ///< in a row
  std::size_t hurry_{0};      ///< groups for which nobody is waited for
};

} // namespace posse
