#include "apps/posse/answering_members.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <utility>

namespace posse {

namespace {

expected<bool> are_numbers(const at::Tensor& x) {
  return guarded("predictions",
                 [&] { return x.isfinite().all().item<bool>(); });
}

} // namespace

expected<void> answering_members::add(particle_id pid,
                                      expected<at::Tensor> raw) {
  if (raw) {
    auto numbers = are_numbers(*raw);
    if (!numbers)
      return fail(std::move(numbers));
    if (!*numbers)
      raw = fail(errc::non_finite, "its predictions are no numbers");
  }
  if (raw) {
    states.push_back({pid, {}});
    outputs.push_back(std::move(*raw));
    return {};
  }
  if (raw.error().code != errc::non_finite)
    return fail(std::move(raw));
  states.push_back({pid, raw.error().message});
  return {};
}

expected<void> answering_members::check() const {
  if (!outputs.empty() || states.empty())
    return {};
  return fail(errc::non_finite,
              c10::str("all particles have diverged; particle ",
                       to_string(states.front().pid), ": ",
                       *states.front().diverged));
}

std::vector<std::string> answering_members::warnings() const {
  std::vector<std::string> out;
  for (const auto& each : states)
    if (each.diverged)
      out.push_back(
          c10::str("particle ", to_string(each.pid),
                   " has diverged and does not predict: ", *each.diverged));
  return out;
}

} // namespace posse
