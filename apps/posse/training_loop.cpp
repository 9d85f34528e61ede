#include "apps/posse/training_loop.hpp"

#include <chrono>
#include <optional>

namespace posse {

namespace {

using clock = pfuture::clock;
constexpr std::chrono::milliseconds tick{50};

class training_loop {
public:
  training_loop(push_distribution& run,
                const std::map<particle_id, std::int64_t>& steps_before,
                const training_hooks& hooks)
      : run_{run}, steps_before_{steps_before}, hooks_{hooks} {}

  /// Launches, and waits until all handlers have ended: by themselves, because
  /// the user or a failure wants it, or because `deadline` is over.
  expected<std::vector<value>> round(clock::time_point deadline) {
    const auto all = launch();
    auto open = all;
    bool failed = false;
    bool paused = false;
    while (!open.empty()) {
      (void)wait_any(open, tick);
      std::erase_if(open, [&failed](const pfuture& each) {
        if (!each.ready())
          return false;
        failed = failed || !each.wait();
        return true;
      });
      hooks_.show(progress());
      if (!paused
          && (failed || hooks_.interrupted() || clock::now() >= deadline)) {
        run_.pause(true);
        paused = true;
      }
    }
    std::vector<value> results;
    for (const auto& each : all) {
      auto result = each.wait();
      if (!result)
        return fail(std::move(result));
      results.push_back(std::move(*result));
    }
    return results;
  }

private:
  std::vector<pfuture> launch() {
    const auto& plan = run_.plan();
    std::vector<pfuture> out;
    for (auto pid : run_.particle_ids()) {
      out.push_back(run_.p_launch(pid, plan.entry, plan.entry_args));
      if (plan.led)
        break;
    }
    return out;
  }

  run_progress progress() const {
    const auto& plan = run_.plan();
    const auto board = run_.progress();
    run_progress out;
    out.particles = static_cast<std::int64_t>(run_.num_particles());
    out.total = plan.training.steps * out.particles;
    double sum = 0;
    for (const auto& [pid, at] : board) {
      out.done += static_cast<std::int64_t>(at.step);
      sum += at.loss;
    }
    if (!board.empty())
      out.loss = sum / static_cast<double>(board.size());
    // A leader speaks for all; others that are silent are where they were.
    if (plan.led && !board.empty())
      out.done *= out.particles;
    else
      for (const auto& [pid, steps] : steps_before_)
        if (!board.contains(pid))
          out.done += steps;
    return out;
  }

  push_distribution& run_;
  const std::map<particle_id, std::int64_t>& steps_before_;
  const training_hooks& hooks_;
};

bool all_finished(const std::vector<value>& results) {
  for (const auto& each : results)
    if (!each.at_or<bool>("finished", false).value_or(false))
      return false;
  return true;
}

clock::time_point deadline_after(double seconds) {
  // Longer than a year is never: the clock must not overflow.
  constexpr double year = 365.0 * 86400;
  if (seconds <= 0 || seconds > year)
    return clock::time_point::max();
  return clock::now()
         + std::chrono::duration_cast<clock::duration>(
             std::chrono::duration<double>{seconds});
}

} // namespace

expected<training_outcome>
train(push_distribution& run, double checkpoint_every,
      const std::map<particle_id, std::int64_t>& steps_before,
      const training_hooks& hooks) {
  training_loop loop{run, steps_before, hooks};
  for (;;) {
    auto results = loop.round(deadline_after(checkpoint_every));
    if (!results)
      return fail(std::move(results));
    hooks.heard(*results);
    if (all_finished(*results))
      return training_outcome{true, std::move(*results)};
    if (hooks.interrupted())
      return training_outcome{false, std::move(*results)};
    if (auto saved = hooks.checkpoint(); !saved)
      return fail(std::move(saved));
    run.pause(false);
  }
}

} // namespace posse
