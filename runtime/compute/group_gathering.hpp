#pragma once

#include "runtime/compute/lane_schedule.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace posse {

/// Gathers the operations of a lane's particles, so that they run in groups. A
/// group is a matter of speed alone: the results are the same whoever is in it.
///
/// The particles of a lane are in squads, by the order in which they came to
/// be, so that their rows lie side by side. A squad computes once all of it is
/// there that takes part: at first all do; once the lane has waited in vain,
/// those that are there, and whoever comes later. Where squads are more than
/// one, each computes some times in a row if it comes back at once: its rows
/// and actors are in the core's cache then.
class group_gathering {
public:
  /// Particles of a squad, and so of a group, at most.
  static constexpr std::size_t squad_size = 64;

  /// What the lane is to do.
  enum class action : std::uint8_t {
    run,          ///< a group is here: take() it
    wait,         ///< more is on its way to the lane
    wait_a_while, ///< who is waited for may not come: go_on() if nobody does
  };

  /// An operation has come. @param lane As it is with this one.
  void add(device_job& job, const lane_schedule::lane_queue& lane);
  bool empty() const noexcept { return here_ == 0; }
  /// Grows with each add().
  std::uint64_t arrivals() const noexcept { return arrivals_; }

  action next(const lane_schedule::lane_queue& lane) const;

  /// Takes a group: of its squad those that are furthest behind, so that the
  /// others do not leave them behind; or whoever has been passed over for them
  /// some times.
  /// @pre !empty()
  std::vector<device_job*> take();

  /// Whoever is waited for does not take part. After the second time in vain
  /// the lane does not wait for a while, twice as long each time.
  void go_on();

private:
  struct arrival {
    device_job* job{nullptr};
    int passed_over{0};
  };

  struct squad {
    std::vector<arrival> here; ///< in the order in which they came
    std::bitset<squad_size> taking_part;
    bool all_take_part{true};
    bool ready{false}; ///< in ready_
  };

  /// Times in vain, and for how many groups the lane does not try again.
  struct patience {
    unsigned in_vain{0}; ///< in a row
    std::size_t hurry{0};

    void lose();
    void spend();
  };

  void make_ready(std::size_t which);
  void take_part_if_here(std::size_t which);
  bool may_stay() const;
  bool may_come_back() const;
  std::size_t chosen() const;

  std::vector<squad> squads_;
  std::deque<std::size_t>
      ready_; ///< squads that are complete, first come first
  std::size_t here_{0};
  std::uint64_t arrivals_{0};
  std::optional<std::size_t> current_; ///< whose turn it is
  int rounds_{0};                      ///< groups of this turn
  bool others_were_ready_{false};      ///< when it computed last
  patience for_all_;                   ///< to wait until a squad is complete
  patience for_current_;               ///< to wait until it comes back
};

} // namespace posse
