#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/step_cursor.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/helping_threads.hpp"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <vector>

namespace posse {

namespace {

using row_particles = std::span<const row_particle>;

/// What one thread takes at a time: small networks are then moved many at once,
/// by one call of each operator.
constexpr std::size_t bytes_at_a_time = std::size_t{1} << 20;

/// Some of a device's particles are in slots, others in host memory.
bool alike(const row_particle& a, const row_particle& b) {
  return a.row.device() == b.row.device() && go_together(a.entry, b.entry);
}

/// Cuts them into runs of particles that one call of the optimizer can move.
std::vector<row_particles> runs_of(row_particles ps) {
  std::vector<row_particles> out;
  while (!ps.empty()) {
    const auto bytes = parameter_row(ps.front().entry, ps.front().row).nbytes();
    const auto most =
        std::min(ps.size(), std::max<std::size_t>(bytes_at_a_time / bytes, 1));
    std::size_t count = 1;
    while (count < most && alike(ps[count], ps.front()))
      ++count;
    out.push_back(ps.first(count));
    ps = ps.subspan(count);
  }
  return out;
}

void ascend_together(row_particles ps) {
  // Rows have no graph. Each thread has a guard of its own.
  const at::AutoDispatchBelowADInplaceOrView no_graph;
  const auto& recipe = *ps.front().entry.family->recipe;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<std::vector<at::Tensor>> moments(
      recipe.optimizer->moments().size());
  for (const auto& [entry, row] : ps) {
    parameters.push_back(parameter_row(entry, row));
    gradients.push_back(gradient_row(entry, row).neg_());
    auto moment = moments.begin();
    for (const auto& section : recipe.layout.sections())
      if (section.role == section_role::moment)
        (moment++)->push_back(section_view(row, section));
  }
  const auto& first = ps.front().entry;
  recipe.optimizer->step(parameters, gradients, moments,
                         {first.steps + 1, learning_rate(first)});
  for (const auto& p : ps)
    count_step(p.entry);
}

} // namespace

expected<void> ascend(std::span<const row_particle> ps) {
  return guarded("ascend", [&] {
    for (const auto& p : ps)
      note_change(p.entry, false);
    const auto runs = runs_of(ps);
    const auto work = [&](std::size_t k) { ascend_together(runs[k]); };
    // An accelerator's operations go to the stream of the thread that calls.
    const bool on_host = std::ranges::all_of(
        ps, [](const row_particle& p) { return p.row.device().is_cpu(); });
    if (on_host) {
      share_work(runs.size(), work);
      return;
    }
    for (std::size_t k = 0; k < runs.size(); ++k)
      work(k);
  });
}

} // namespace posse
