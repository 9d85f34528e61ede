#pragma once

#include "actors/worker_device.hpp"
#include "messages/failure.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/with_room.hpp"
#include "runtime/core/guarded.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace posse {

/// A device_job on its way from whoever leases the particles to the lane that
/// computes. Never leaves the process.
class lane_job_base : public device_job {
public:
  lane_job_base(worker_device& d, pid_list p, const char* w,
                bool grouped = false)
      : device_job{std::move(p), grouped}, device{d}, what{w} {}

  /// Of jobs that run in groups: computes all of `group`, of which it is one.
  /// Then each one's compute() says what became of it.
  virtual void compute_group(std::span<device_job* const> /*group*/) {}

  /// `why`, saying which particle failed at what.
  failure in_context(failure why) const {
    return posse::in_context(std::move(why), device,
                             pids.empty() ? particle_id{} : pids.front(), what);
  }

  /// Notes when the lane begins with the job and when it is done, if the run is
  /// traced: all of it is an event of the lane, less what seat() waited for.
  void note_begin() {
    if (device.trace) [[unlikely]]
      began_ = device.trace->events.now();
  }
  void note_end() {
    if (device.trace) [[unlikely]]
      note_work();
  }

  /// Kept by whoever places the job and by the lane: counting references here,
  /// at every step and in every lane, would slow all of them down.
  worker_device& device;
  const char* const what;

protected:
  /// settle() for the first lease, an event of its own if bytes have to move.
  expected<slot*> seat();

  bool on_accelerator() const { return !device.options.store.device.is_cpu(); }

private:
  void note_work();

  std::int64_t began_{0}; ///< by the trace's clock
};

template <class Ack>
class lane_job : public lane_job_base {
public:
  using ack_type = Ack;
  using lane_job_base::lane_job_base;
  /// On the lane, with the leases held.
  virtual expected<Ack> compute() = 0;
};

/// Whether an operation that found no memory may be tried again: not if it
/// runs a user's code, which may have changed more than the particle.
enum class attempts : std::uint8_t { one, more };

/// Runs `Work`, a function of seated_particle, on a particle in its slot.
template <class Ack, class Work>
class slot_job final : public lane_job<Ack> {
public:
  slot_job(worker_device& device, particle_id pid, const char* what,
           attempts allowed, Work work)
      : lane_job<Ack>{device, {pid}, what}, allowed_{allowed}, work_{std::move(
                                                                   work)} {}

  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.acquire(this->pids.front(), claim);
  }
  expected<Ack> compute() override {
    const auto& held = this->leases.front();
    auto seated = this->seat();
    if (!seated)
      return fail(std::move(seated));
    const seated_particle p{*held.entry, **seated};
    if (!this->on_accelerator() || allowed_ == attempts::one) [[likely]]
      return work_(p);
    return with_room(this->device.schedule, p, this->what, work_);
  }

private:
  attempts allowed_;
  Work work_;
};

/// Runs `Work`, a function of the leases, on particles where they lie.
template <class Ack, class Work>
class rows_job final : public lane_job<Ack> {
public:
  rows_job(worker_device& device, lane_job_base::pid_list pids,
           const char* what, row_use use, Work work)
      : lane_job<Ack>{device, std::move(pids), what}, use_{use},
        work_{std::move(work)} {}

  expected<acquisition> acquire(particle_store& store, slot_claim) override {
    return store.acquire_rows(this->pids);
  }
  expected<Ack> compute() override {
    const held_leases held{this->leases};
    auto there = bring_rows(held, use_);
    auto done = there ? guarded(this->what, [&] { return work_(held); })
                      : fail(std::move(there));
    if (auto kept = return_rows(held, use_); !kept && done)
      return fail(std::move(kept));
    return done;
  }

private:
  row_use use_;
  Work work_;
};

} // namespace posse
