#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "runtime/core/short_mutex.hpp"
#include "runtime/store/copy_queue.hpp"
#include "runtime/store/particle_store.hpp"

#include <c10/util/SmallVector.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace posse {

/// One operation on particles of a device. Whoever runs it leases the particles
/// first, by lane_schedule.
class device_job {
public:
  using pid_list = c10::SmallVector<particle_id, 1>;

  explicit device_job(pid_list p, bool grouped = false)
      : pids{std::move(p)}, in_groups{grouped} {}
  device_job(const device_job&) = delete;
  device_job& operator=(const device_job&) = delete;
  virtual ~device_job() = default;

  /// Leases what the operation needs, as far as `claim` goes if it needs a
  /// slot, or says why it can never be.
  virtual expected<acquisition> acquire(particle_store& store,
                                        slot_claim claim) = 0;

  /// Whether a lane may run the two as one: see group_gathering.
  virtual bool goes_with(const device_job& /*other*/) const { return false; }
  /// How many may run as one.
  virtual std::size_t largest_group() const { return 1; }

  const pid_list pids;  ///< in the order of the request
  const bool in_groups; ///< it runs with others, on the particle's home lane
  bool put_off{false};  ///< by wait_again(), and not done yet
  lease_list leases;    ///< from when it is placed until it is finished
  std::size_t lane{0};  ///< likewise
};

/// Keeps the particles of one device and decides when an operation on them runs
/// and on which lane. One operation of a particle runs at a time; one that
/// finds its particle busy, or no slot free, waits.
///
/// Where particles outnumber slots, those that wait for a slot get one in the
/// order in which they came, once somebody's turn in it is over (slot_claim) or
/// a lane has nothing to do. No more are let in than lanes will soon take up,
/// so that the others' slots keep what they hold.
///
/// Thread-safe: the device worker keeps the queue, but a particle on the same
/// node may place a job by itself, and a lane gives leases back by itself,
/// which saves a message each. Nothing here waits or computes.
class lane_schedule {
public:
  /// @param lanes > 0.
  /// @param trace Told of copies beside lanes; nullptr: nobody is.
  lane_schedule(particle_store::options store, std::size_t lanes,
                copy_trace* trace = nullptr);

  /// Leases what `job` needs, picks its lane and has what must move first on
  /// its way, where that can be done beside computing.
  /// @returns true if it can run now, false if it has to wait(): then nothing
  ///   has changed.
  expected<bool> place(device_job& job);

  /// Keeps a job until its turn has come. Then start_waiting() calls `start`,
  /// or `refuse` if it can never run.
  void wait(std::shared_ptr<device_job> job, std::function<void()> start,
            std::function<void(failure)> refuse);

  /// Starts the waiting jobs whose turn has come.
  void start_waiting();

  /// Gives the leases of a job back that a lane is done with.
  /// @returns true if somebody waits: have start_waiting() called.
  bool finish(device_job& job);

  /// Gives slots up that nobody uses, so that an operation on an accelerator
  /// finds the memory that it had not. Moves bytes: for lanes alone, beside
  /// the leases that they hold. Nothing is done if somebody else has made room
  /// since rooms_made() was `seen`.
  /// @returns errc::all_slots_pinned if other operations hold all slots: then
  ///   wait_again(); errc::out_of_memory if none can be given up, saying why.
  expected<void> make_room(std::uint64_t seen);
  std::uint64_t rooms_made() const noexcept { return rooms_made_; }

  /// For an operation that found no memory beside others: gives its leases back
  /// and has it wait, as wait() does, before all others. One operation runs at
  /// a time until it is done. To be followed by start_waiting().
  void wait_again(std::shared_ptr<device_job> job, std::function<void()> start,
                  std::function<void(failure)> refuse);

  /// What a lane that gathers a group wants to know.
  struct lane_queue {
    std::size_t particles{0}; ///< whose home it is
    std::size_t jobs{0};      ///< given to it and not done
    bool others_wait{false};  ///< for slots, or for jobs to be done
  };
  lane_queue queue_of(std::size_t lane);

  /// Runs `f(particle_store&)` while nobody else changes it.
  template <class F>
  auto with_store(F f) {
    const std::lock_guard lock{mutex_};
    return f(store_);
  }

  swap_counters& swaps() noexcept { return store_.swaps(); }

private:
  struct waiting_job {
    std::shared_ptr<device_job> job;
    std::function<void()> start;
    std::function<void(failure)> refuse;
  };

  bool is_awaited(const device_job& job) const;
  std::size_t jobs() const;
  void give_back(device_job& job);
  void end_put_off(device_job& job);
  slot_claim claim() const;
  bool may_come_early() const;
  void run(device_job& job, lease_list leases);
  void start_copies(device_job& job) const;
  std::size_t pick_lane(held_leases leases);

  short_mutex mutex_;
  particle_store store_;
  copy_queue copies_;
  std::vector<std::size_t> load_;    ///< jobs given to each lane and not done
  std::vector<std::size_t> at_home_; ///< particles of each lane
  std::size_t created_{0};
  std::list<waiting_job> waiting_;
  std::unordered_map<particle_id, std::size_t> waiting_for_; ///< of waiting_
  bool slot_wanted_{false}; ///< one of waiting_ found none
  bool look_again_{false};  ///< one of waiting_ may run now
  std::size_t put_off_{0};  ///< jobs that have to run alone
  std::atomic<std::uint64_t> rooms_made_{0};
  std::mutex making_room_; ///< held by the lane that does, copies included
};

} // namespace posse
