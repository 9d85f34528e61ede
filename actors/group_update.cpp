#include "actors/group_update.hpp"

#include "runtime/compute/particle_work.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/model/tensor_value.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace posse {

namespace {

at::Tensor row_of(const lease& held) {
  return posse::row_of(*held.entry, held.slot_index);
}

expected<void> append_copy(const at::Tensor& row,
                           std::vector<tensor_blob>& target) {
  auto blob = to_blob(row.to(at::kCPU, false, /*copy=*/true));
  if (!blob)
    return fail(std::move(blob));
  target.push_back(std::move(*blob));
  return {};
}

// A copy: the same alignment, and so the same bits, wherever the bytes came
// from; and a rule may write into it.
expected<at::Tensor> own_tensor(const tensor_blob& blob) {
  auto shared = to_tensor(blob);
  if (!shared)
    return fail(std::move(shared));
  return shared->clone();
}

} // namespace

expected<group_update_ack> move_together(const group_rule& rule,
                                         const group_update_msg& req,
                                         held_leases held) {
  return guarded(req.name, [&]() -> expected<group_update_ack> {
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> scores;
    for (auto pid : req.pids) {
      auto own = std::ranges::find(held, pid,
                                   [](const lease& l) { return l.entry->pid; });
      if (own != held.end()) {
        const auto row = row_of(*own);
        parameters.push_back(parameter_row(*own->entry, row));
        scores.push_back(gradient_row(*own->entry, row));
        if (!scores.back().defined())
          return fail(errc::invalid_argument,
                      "particle " + to_string(pid) + " has no gradient row");
        continue;
      }
      auto other = std::ranges::find(req.others, pid);
      if (other == req.others.end())
        return fail(errc::invalid_argument,
                    "particle " + to_string(pid)
                        + " is neither on this device nor among the rows sent");
      const auto i = static_cast<std::size_t>(other - req.others.begin());
      auto theta = own_tensor(req.parameters.at(i));
      auto score = own_tensor(req.gradients.at(i));
      if (!theta || !score)
        return fail(theta ? std::move(score) : std::move(theta));
      parameters.push_back(std::move(*theta));
      scores.push_back(std::move(*score));
    }
    auto diagnostics = rule(parameters, scores, req.args);
    if (!diagnostics)
      return fail(std::move(diagnostics));
    group_update_ack out{value{std::move(*diagnostics)}, {}};
    for (const auto& own : held)
      if (auto moved = ascend(*own.entry, row_of(own)); !moved)
        return fail(std::move(moved));
    for (auto pid : req.others) {
      const auto i = std::ranges::find(req.pids, pid) - req.pids.begin();
      auto blob = to_blob(scores[static_cast<std::size_t>(i)]);
      if (!blob)
        return fail(std::move(blob));
      out.directions.push_back(std::move(*blob));
    }
    return out;
  });
}

expected<gather_rows_ack> gather_particles(held_leases held) {
  return guarded("gather", [&]() -> expected<gather_rows_ack> {
    gather_rows_ack out;
    for (const auto& own : held) {
      const auto row = row_of(own);
      if (auto r = append_copy(parameter_row(*own.entry, row), out.parameters);
          !r)
        return fail(std::move(r));
      if (auto gradient = gradient_row(*own.entry, row); gradient.defined())
        if (auto r = append_copy(gradient, out.gradients); !r)
          return fail(std::move(r));
    }
    return out;
  });
}

expected<ascend_ack>
ascend_particles(const std::vector<tensor_blob>& directions, held_leases held) {
  if (directions.size() != held.size())
    return fail(errc::invalid_argument,
                "expected " + std::to_string(held.size()) + " directions, got "
                    + std::to_string(directions.size()));
  return guarded("ascend", [&]() -> expected<ascend_ack> {
    for (std::size_t i = 0; i < held.size(); ++i) {
      const auto row = row_of(held[i]);
      auto gradient = gradient_row(*held[i].entry, row);
      if (!gradient.defined())
        return fail(errc::invalid_argument, "particle "
                                                + to_string(held[i].entry->pid)
                                                + " has no gradient row");
      auto direction = to_tensor(directions[i]);
      if (!direction)
        return fail(std::move(direction));
      gradient.copy_(*direction);
      if (auto moved = ascend(*held[i].entry, row); !moved)
        return fail(std::move(moved));
    }
    return ascend_ack{};
  });
}

} // namespace posse
