#pragma once

#include "runtime/model/network.hpp"
#include "runtime/store/particle_view.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/store/view_hash.hpp"

#include <ATen/ATen.h>

#include <memory>

/// Views of the particles of a box.
namespace posse::test {

inline particle_view view_of(particle_box& box, particle_id pid) {
  auto tensors = box.with(
      pid, [](seated_particle p) { return copy_view(p.entry, p.seat.row()); });
  if (!tensors)
    FAIL(tensors.error().message);
  return {pid, *tensors,
          std::make_shared<const model_spec>(box.recipe().source.model)};
}

inline void step(particle_box& box, particle_id pid, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i)
    REQUIRE(box.with(pid, [&](seated_particle p) {
      const auto [x, y] = small_batch(i);
      return train_step(p, x, y);
    }));
}

inline std::shared_ptr<network> network_of(const particle_view& view) {
  auto net = view.view();
  if (!net)
    FAIL(net.error().message);
  return *net;
}

/// Whether the network's first parameter is the view's own memory.
inline bool shares_memory(const network& net, const particle_view& view) {
  return net.parameters().front().const_data_ptr()
         == view.parameters().front().bytes().data();
}

inline at::Tensor outputs_of(network& net, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  return net.forward(x);
}

inline at::Tensor outputs_of(particle_box& box, particle_id pid,
                             const at::Tensor& x) {
  auto out = box.with(pid, [&](seated_particle p) { return predict(p, x); });
  REQUIRE(out);
  return *out;
}

} // namespace posse::test
