#include "actors/worker_device.hpp"

#include "runtime/compute/train_group.hpp"

namespace posse {

namespace {

std::unique_ptr<device_trace> trace_of(const device_worker_options& opts) {
  if (!opts.trace)
    return nullptr;
  return std::make_unique<device_trace>(*opts.trace, opts.device, opts.lanes,
                                        !opts.store.device.is_cpu());
}

} // namespace

worker_device::worker_device(device_worker_options opts)
    : options{std::move(opts)},
      computes_groups{options.fuse && options.recipe.batch_parts == 1
                      && can_group(options.recipe, options.store.device)},
      trace{trace_of(options)}, schedule{options.store, options.lanes,
                                         trace ? &trace->copies : nullptr} {}

failure in_context(failure why, const worker_device& device, particle_id pid,
                   const char* what) {
  auto who = "particle " + to_string(pid) + " on " + device.options.device
             + " of node " + device.options.node + ": ";
  const auto doing = std::string{what} + ": ";
  if (!why.message.starts_with(doing))
    who += doing;
  why.message = who + why.message;
  return why;
}

} // namespace posse
