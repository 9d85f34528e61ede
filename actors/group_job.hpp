#pragma once

#include "actors/lane_job.hpp"
#include "messages/batch_ref.hpp"
#include "runtime/compute/train_group.hpp"

#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace posse {

/// Runs `Work` on particles in their slots, all that a lane has gathered, of
/// this type where `what` is the same text at the same place:
/// `Work` is a function of (seated_particles, their batches) that gives each
/// particle's `expected<Ack>`.
template <class Ack, class Work>
class group_job final : public lane_job<Ack> {
public:
  group_job(worker_device& device, particle_id pid, const char* what,
            const batch_ref& which, Work work)
      : lane_job<Ack>{device, {pid}, what, /*grouped=*/true}, which_{which},
        work_{std::move(work)} {}

  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.acquire(this->pids.front(), claim);
  }

  bool goes_with(const device_job& other) const override {
    if (!other.in_groups
        || static_cast<const lane_job_base&>(other).what != this->what)
      return false;
    const auto& like = static_cast<const group_job&>(other);
    return as_many_rows(which_, like.which_)
           && go_together(entry(), like.entry());
  }

  std::size_t largest_group() const override {
    return posse::largest_group(*entry().family->recipe);
  }

  void compute_group(std::span<device_job* const> group) override {
    std::vector<group_job*> ready;
    std::vector<seated_particle> particles;
    std::vector<batch> batches;
    bool one_for_all = true;
    for (auto* job : group) {
      auto* member = static_cast<group_job*>(job);
      member->note_begin();
      auto seated = member->seat();
      if (!seated) {
        member->done_ = fail(std::move(seated));
        continue;
      }
      const bool as_before =
          !ready.empty() && member->which_ == ready.back()->which_;
      if (as_before) {
        batches.push_back(batches.back());
      } else {
        auto rows = this->device.options.data->at(member->which_);
        if (!rows) {
          member->done_ = fail(std::move(rows));
          continue;
        }
        batches.push_back(std::move(*rows));
      }
      one_for_all = one_for_all && (ready.empty() || as_before);
      ready.push_back(member);
      particles.push_back({*member->leases.front().entry, **seated});
    }
    if (ready.empty())
      return;
    if (one_for_all)
      batches.resize(1);
    this->note_begin(); // its event is the group's; moves had their own
    auto results = work_(particles, batches);
    for (std::size_t i = 0; i < ready.size(); ++i)
      ready[i]->done_ = std::move(results[i]);
  }

  /// What became of it in its group.
  expected<Ack> compute() override {
    if (!done_)
      return fail(errc::backend_error, "its group was not computed");
    return std::move(*done_);
  }

private:
  /// The same batch, or each particle's own draw of it.
  static bool as_many_rows(batch_ref a, const batch_ref& b) {
    if (a.stream < batch_ref::in_order && b.stream < batch_ref::in_order)
      a.stream = b.stream;
    return a == b;
  }

  const particle_entry& entry() const { return *this->leases.front().entry; }

  batch_ref which_;
  Work work_;
  std::optional<expected<Ack>> done_;
};

} // namespace posse
