#include "actors/group_work.hpp"

#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/compute/reduce_rows.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/model/tensor_value.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <string>
#include <utility>

namespace posse {

namespace {

std::size_t place_of(particle_id pid, const std::vector<particle_id>& pids) {
  return static_cast<std::size_t>(std::ranges::find(pids, pid) - pids.begin());
}

// Rules work on the host. From a CPU's rows they take and leave what they need
// in place; an accelerator's are copied, and what is new is put back.
void put_back(const at::Tensor& target, const at::Tensor& x) {
  if (target.device() != x.device())
    target.copy_(x);
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

expected<std::vector<at::Tensor>>
tensors_of(const std::vector<tensor_blob>& blobs) {
  std::vector<at::Tensor> out;
  for (const auto& blob : blobs) {
    auto tensor = to_tensor(blob);
    if (!tensor)
      return fail(std::move(tensor));
    out.push_back(std::move(*tensor));
  }
  return out;
}

/// A view of some columns of a row [P].
expected<at::Tensor> columns_of(const at::Tensor& row,
                                const row_columns& columns) {
  const auto length = static_cast<std::uint64_t>(row.numel());
  if (columns.first > length || columns.width > length - columns.first)
    return fail(errc::invalid_argument,
                "expected columns of a row of " + std::to_string(length)
                    + ", got " + std::to_string(columns.width) + " from "
                    + std::to_string(columns.first) + " on");
  const auto width = columns.width > 0 ? columns.width : length - columns.first;
  return row.narrow(0, static_cast<std::int64_t>(columns.first),
                    static_cast<std::int64_t>(width));
}

/// Likewise, of a leased particle's gradient row.
expected<at::Tensor> gradient_columns(const lease& held,
                                      const row_columns& columns) {
  const auto row = gradient_row(*held.entry, row_of(held));
  if (!row.defined())
    return fail(errc::invalid_argument, "particle " + to_string(held.entry->pid)
                                            + " has no gradient row");
  return columns_of(row, columns);
}

/// The columns of all rows of a group, in its order, wherever they came from.
struct slice_rows {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> scores;
  /// Where directions go: over the scores of the leased particles, beside those
  /// of the others.
  std::vector<at::Tensor> directions;
};

expected<slice_rows> rows_of(const group_slice& slice, held_leases held) {
  slice_rows out;
  for (auto pid : slice.pids) {
    const auto own = std::ranges::find(
        held, pid, [](const lease& l) { return l.entry->pid; });
    if (own != held.end()) {
      auto theta =
          columns_of(parameter_row(*own->entry, row_of(*own)), slice.columns);
      auto score = gradient_columns(*own, slice.columns);
      if (!theta || !score)
        return fail(theta ? std::move(score) : std::move(theta));
      out.parameters.push_back(on_host(*theta));
      out.scores.push_back(on_host(*score));
      out.directions.push_back(out.scores.back());
      continue;
    }
    const auto i = static_cast<std::size_t>(std::ranges::find(slice.others, pid)
                                            - slice.others.begin());
    if (i >= slice.parameters.size() || i >= slice.gradients.size())
      return fail(errc::invalid_argument,
                  "particle " + to_string(pid)
                      + " is neither on this device nor among the rows sent");
    auto theta = to_tensor(slice.parameters[i]);
    auto score = to_tensor(slice.gradients[i]);
    if (!theta || !score)
      return fail(theta ? std::move(score) : std::move(theta));
    out.directions.push_back(at::empty_like(*score));
    out.parameters.push_back(std::move(*theta));
    out.scores.push_back(std::move(*score));
  }
  return out;
}

std::vector<row_particle> rows_and_entries(held_leases held) {
  std::vector<row_particle> out;
  for (const auto& own : held)
    out.push_back({*own.entry, row_of(own)});
  return out;
}

expected<const sliced_rule*> sliced(const std::string& name) {
  auto rule = group_rules().find(name);
  if (!rule)
    return fail(std::move(rule));
  if (!(*rule)->sliced)
    return fail(errc::invalid_argument,
                "the rule \"" + name + "\" cannot be shared by devices");
  return &*(*rule)->sliced;
}

} // namespace

expected<group_update_ack> move_together(const whole_rule& rule,
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
        const auto score = gradient_row(*own->entry, row);
        if (!score.defined())
          return fail(errc::invalid_argument,
                      "particle " + to_string(pid) + " has no gradient row");
        parameters.push_back(on_host(parameter_row(*own->entry, row)));
        scores.push_back(on_host(score));
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
    // Directions go over the gradients, all or some.
    for (const auto& own : held)
      note_change(*own.entry, false);
    auto diagnostics = rule(parameters, scores, req.args);
    if (!diagnostics)
      return fail(std::move(diagnostics));
    group_update_ack out{value{std::move(*diagnostics)}, {}};
    for (const auto& own : held)
      put_back(gradient_row(*own.entry, row_of(own)),
               scores.at(place_of(own.entry->pid, req.pids)));
    if (auto moved = ascend(rows_and_entries(held)); !moved)
      return fail(std::move(moved));
    for (auto pid : req.others) {
      auto blob = to_blob(scores.at(place_of(pid, req.pids)));
      if (!blob)
        return fail(std::move(blob));
      out.directions.push_back(std::move(*blob));
    }
    return out;
  });
}

expected<gather_rows_ack> gather_particles(const gather_rows_msg& req,
                                           held_leases held) {
  return guarded("gather", [&]() -> expected<gather_rows_ack> {
    gather_rows_ack out;
    for (const auto& own : held) {
      auto theta =
          columns_of(parameter_row(*own.entry, row_of(own)), req.columns);
      if (!theta)
        return fail(std::move(theta));
      if (auto r = append_copy(*theta, out.parameters); !r)
        return fail(std::move(r));
      if (!req.with_gradients)
        continue;
      auto gradient = gradient_columns(own, req.columns);
      if (!gradient)
        return fail(std::move(gradient));
      if (auto r = append_copy(*gradient, out.gradients); !r)
        return fail(std::move(r));
    }
    return out;
  });
}

expected<write_rows_ack> write_particles(const write_rows_msg& req,
                                         held_leases held) {
  const auto count = req.rows.size();
  if (count != 1 && count != held.size())
    return fail(errc::invalid_argument,
                "expected " + std::to_string(held.size())
                    + " rows, or one, got " + std::to_string(count));
  return guarded("write", [&]() -> expected<write_rows_ack> {
    for (std::size_t i = 0; i < held.size(); ++i) {
      auto target =
          req.gradients
              ? gradient_columns(held[i], req.columns)
              : columns_of(parameter_row(*held[i].entry, row_of(held[i])),
                           req.columns);
      if (!target)
        return fail(std::move(target));
      auto source = to_tensor(req.rows[count == 1 ? 0 : i]);
      if (!source)
        return fail(std::move(source));
      if (source->sizes() != target->sizes()
          || source->scalar_type() != target->scalar_type())
        return fail(errc::invalid_argument,
                    c10::str("write: expected ", target->sizes(), " ",
                             target->scalar_type(), ", got ", source->sizes(),
                             " ", source->scalar_type()));
      note_change(*held[i].entry, !req.gradients);
      target->copy_(*source);
    }
    return write_rows_ack{};
  });
}

expected<reduce_rows_ack> reduce_blobs(const reduce_rows_msg& req) {
  auto rows = tensors_of(req.rows);
  if (!rows)
    return fail(std::move(rows));
  auto row = reduce_rows(*rows, req.mean ? reduction::mean : reduction::sum);
  if (!row)
    return fail(std::move(row));
  auto blob = to_blob(*row);
  if (!blob)
    return fail(std::move(blob));
  return reduce_rows_ack{std::move(*blob)};
}

expected<group_partial_ack> partial_of_slice(const group_partial_msg& req,
                                             held_leases held) {
  return guarded(req.slice.name, [&]() -> expected<group_partial_ack> {
    auto rule = sliced(req.slice.name);
    if (!rule)
      return fail(std::move(rule));
    auto rows = rows_of(req.slice, held);
    if (!rows)
      return fail(std::move(rows));
    const std::vector<std::int64_t> widths(req.widths.begin(),
                                           req.widths.end());
    auto partial = (*rule)->partial(rows->parameters, rows->scores, widths);
    if (!partial)
      return fail(std::move(partial));
    auto blob = to_blob(*partial);
    if (!blob)
      return fail(std::move(blob));
    return group_partial_ack{std::move(*blob)};
  });
}

expected<group_combine_ack> combine_partials(const group_combine_msg& req) {
  return guarded(req.name, [&]() -> expected<group_combine_ack> {
    auto rule = sliced(req.name);
    if (!rule)
      return fail(std::move(rule));
    auto partials = tensors_of(req.partials);
    if (!partials)
      return fail(std::move(partials));
    auto made = (*rule)->combine(at::cat(*partials), req.args);
    if (!made)
      return fail(std::move(made));
    return group_combine_ack{std::move(made->plan),
                             value{std::move(made->diagnostics)},
                             made->needs_whole};
  });
}

expected<group_directions_ack>
directions_of_slice(const group_directions_msg& req, held_leases held) {
  return guarded(req.slice.name, [&]() -> expected<group_directions_ack> {
    auto rule = sliced(req.slice.name);
    if (!rule)
      return fail(std::move(rule));
    auto rows = rows_of(req.slice, held);
    if (!rows)
      return fail(std::move(rows));
    for (const auto& own : held)
      note_change(*own.entry, false);
    auto largest = (*rule)->directions(req.plan, rows->parameters, rows->scores,
                                       rows->directions);
    if (!largest)
      return fail(std::move(largest));
    for (const auto& own : held) {
      auto target = gradient_columns(own, req.slice.columns);
      if (!target)
        return fail(std::move(target));
      put_back(*target,
               rows->directions.at(place_of(own.entry->pid, req.slice.pids)));
    }
    group_directions_ack out{*largest, {}};
    for (auto pid : req.slice.others) {
      auto blob = to_blob(rows->directions.at(place_of(pid, req.slice.pids)));
      if (!blob)
        return fail(std::move(blob));
      out.directions.push_back(std::move(*blob));
    }
    return out;
  });
}

expected<ascend_ack>
ascend_particles(const std::vector<tensor_blob>& directions, held_leases held) {
  if (!directions.empty()) {
    std::vector<particle_id> pids;
    for (const auto& own : held)
      pids.push_back(own.entry->pid);
    if (directions.size() != held.size())
      return fail(errc::invalid_argument,
                  "expected " + std::to_string(held.size())
                      + " directions, got "
                      + std::to_string(directions.size()));
    auto written =
        write_particles({std::move(pids), true, {}, directions}, held);
    if (!written)
      return fail(std::move(written));
  }
  return guarded("ascend", [&]() -> expected<ascend_ack> {
    for (const auto& own : held)
      if (auto row = gradient_columns(own, {}); !row)
        return fail(std::move(row));
    return ascend(rows_and_entries(held)).map([] { return ascend_ack{}; });
  });
}

} // namespace posse
