#include "apps/posse/saved_particle.hpp"

#include "apps/posse/checkpoint_io.hpp"
#include "runtime/checkpoint/manifest.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/store/particle_store.hpp"

#include <utility>

namespace posse {

expected<std::shared_ptr<const compiled_recipe>>
recipe_to_predict(model_spec model, local_posterior_spec posterior) {
  auto head = parse_head(model.head);
  if (!head)
    return fail(std::move(head));
  particle_recipe out;
  out.loss = *head == head_kind::point         ? "mse"
             : *head == head_kind::categorical ? "cross_entropy"
                                               : "nll";
  out.optimizer.kind = "sgd"; // which keeps no moments
  out.model = std::move(model);
  out.posterior = std::move(posterior);
  return compile(out, 1);
}

expected<at::Tensor>
outputs_of_saved(const std::shared_ptr<const compiled_recipe>& recipe,
                 const particle_record& record, const at::Tensor& inputs) {
  auto state = to_snapshot(record);
  if (!state)
    return fail(std::move(state));
  particle_store store{{.device = c10::Device{c10::kCPU}, .capacity = 1}};
  auto got = store.create(record.pid, recipe);
  if (!got)
    return fail(std::move(got));
  const auto& held = got->leases[0];
  auto seat = settle(held, store.swaps());
  if (!seat)
    return fail(std::move(seat));
  const seated_particle p{*held.entry, **seat};
  if (auto made = initialize(p, 0); !made)
    return fail(std::move(made));
  if (auto done = restore(p.entry, p.seat.row(), *state); !done)
    return fail(errc::corrupt_checkpoint, particle_file_name(record.pid) + ": "
                                              + done.error().message);
  return predict_posterior(p, inputs);
}

} // namespace posse
