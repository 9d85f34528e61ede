#include "runtime/compute/particle_work.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/tensor_value.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <map>

namespace posse {

namespace {

constexpr std::string_view generator_name = "posse.generator";

// Doubles travel by their bits: infinity is a legal best score.
value bits_of(double x) {
  return std::bit_cast<std::int64_t>(x);
}

/// The numbers of the sampler's adaptation, by their keys.
template <class Entry>
auto adaptation_of(Entry& entry) {
  auto& x = entry.adaptation;
  using pointer = decltype(&x.log_step);
  return std::array<std::pair<const char*, pointer>, 4>{
      {{"target_log_step_bits", &x.target_log_step},
       {"log_step_bits", &x.log_step},
       {"log_average_bits", &x.log_average},
       {"adaptation_error_bits", &x.error}}};
}

bool in_snapshot(section_role role) {
  return role != section_role::gradient;
}

expected<std::vector<state_tensor>> tensors_of(const row_section& section,
                                               const at::Tensor& row) {
  std::vector<state_tensor> out;
  out.reserve(section.tensors.size());
  for (const auto& place : section.tensors) {
    auto blob = to_blob(tensor_view(row, section, place)
                            .detach()
                            .to(at::kCPU, false, /*copy=*/true));
    if (!blob)
      return fail(std::move(blob));
    out.push_back({section.prefix + place.name, std::move(*blob)});
  }
  return out;
}

// The generator's state as a tensor of bytes, so that it lies among the others.
tensor_blob blob_of(std::vector<std::byte> bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  auto kept = std::make_shared<std::vector<std::byte>>(std::move(bytes));
  return {dtype::u8, {size}, {kept, kept->data()}};
}

} // namespace

expected<std::vector<state_tensor>> parameters(const particle_entry& entry,
                                               const at::Tensor& row) {
  return guarded("parameters", [&] {
    return tensors_of(entry.family->recipe->layout.sections().front(), row);
  });
}

expected<particle_snapshot> snapshot(const particle_entry& entry,
                                     const at::Tensor& row) {
  return guarded("snapshot", [&]() -> expected<particle_snapshot> {
    particle_snapshot out{entry.pid, {}, {}, {}};
    for (const auto& section : entry.family->recipe->layout.sections()) {
      if (!in_snapshot(section.role))
        continue;
      auto tensors = tensors_of(section, row);
      if (!tensors)
        return fail(std::move(tensors));
      auto& list = section.role == section_role::parameters ? out.parameters
                                                            : out.others;
      std::ranges::move(*tensors, std::back_inserter(list));
    }
    out.others.push_back({std::string{generator_name},
                          blob_of(generator_state(entry.generator))});
    auto& cursor = out.cursor;
    cursor["steps"] = entry.steps;
    cursor["schedule_steps"] = entry.schedule_steps;
    cursor["version"] = static_cast<std::int64_t>(entry.version);
    cursor["best_score_bits"] = bits_of(entry.best_score);
    cursor["best_step"] = entry.best_step;
    cursor["collected"] = entry.collected;
    for (const auto& [key, number] : adaptation_of(entry))
      cursor[key] = bits_of(*number);
    cursor["adapted"] = entry.adaptation.count;
    cursor["finished"] = entry.finished;
    cursor["diverged"] = entry.diverged;
    return out;
  });
}

value to_value(const particle_snapshot& x) {
  auto list_of = [](const std::vector<state_tensor>& tensors) {
    value_list out;
    out.reserve(tensors.size());
    for (const auto& t : tensors) {
      value_dict each;
      each["name"] = t.name;
      each["tensor"] = t.blob;
      out.emplace_back(std::move(each));
    }
    return out;
  };
  value_dict out;
  out["pid"] = std::int64_t{x.pid.number};
  out["parameters"] = list_of(x.parameters);
  out["others"] = list_of(x.others);
  out["cursor"] = x.cursor;
  return out;
}

expected<particle_snapshot> snapshot_from_value(const value& x) {
  particle_snapshot out;
  auto pid = x.at<std::int64_t>("pid");
  auto cursor = x.at<value_dict>("cursor");
  if (!pid || !cursor)
    return fail(errc::malformed,
                "state: "
                    + (pid ? cursor.error().message : pid.error().message));
  out.pid = {static_cast<std::uint32_t>(*pid)};
  out.cursor = std::move(*cursor);
  auto read = [&x](std::string_view key,
                   std::vector<state_tensor>& target) -> expected<void> {
    auto list = x.at<value_list>(key);
    if (!list)
      return fail(errc::malformed, "state: " + list.error().message);
    for (const auto& each : *list) {
      auto name = each.at<std::string>("name");
      auto blob = each.at<tensor_blob>("tensor");
      if (!name || !blob)
        return fail(errc::malformed,
                    "state: "
                        + (name ? blob.error().message : name.error().message));
      target.push_back({std::move(*name), std::move(*blob)});
    }
    return {};
  };
  if (auto r = read("parameters", out.parameters); !r)
    return fail(std::move(r));
  if (auto r = read("others", out.others); !r)
    return fail(std::move(r));
  return out;
}

expected<void> restore(particle_entry& entry, const at::Tensor& row,
                       const particle_snapshot& from) {
  std::map<std::string_view, const tensor_blob*> by_name;
  for (const auto* list : {&from.parameters, &from.others})
    for (const auto& t : *list)
      by_name.emplace(t.name, &t.blob);
  auto find = [&](const std::string& name) -> expected<const tensor_blob*> {
    auto i = by_name.find(name);
    if (i == by_name.end())
      return fail(errc::corrupt_checkpoint, "particle " + to_string(entry.pid)
                                                + ": tensor \"" + name
                                                + "\" is missing");
    return i->second;
  };
  note_change(entry, false); // the version is the snapshot's
  return guarded("restore", [&]() -> expected<void> {
    const at::NoGradGuard no_grad;
    for (const auto& section : entry.family->recipe->layout.sections()) {
      if (!in_snapshot(section.role))
        continue;
      for (const auto& place : section.tensors) {
        const auto name = section.prefix + place.name;
        auto blob = find(name);
        if (!blob)
          return fail(std::move(blob));
        auto target = tensor_view(row, section, place);
        auto shared = to_tensor(**blob);
        if (!shared)
          return fail(std::move(shared));
        const auto& source = *shared;
        if (source.sizes() != target.sizes()
            || source.scalar_type() != target.scalar_type())
          return fail(
              errc::corrupt_checkpoint,
              "particle " + to_string(entry.pid) + ": tensor \"" + name
                  + "\": expected "
                  + c10::str(target.sizes(), " ", target.scalar_type())
                  + ", got "
                  + c10::str(source.sizes(), " ", source.scalar_type()));
        target.copy_(source);
      }
    }
    auto numbers = find(std::string{generator_name});
    if (!numbers)
      return fail(std::move(numbers));
    if (auto set = set_generator_state(entry.generator, (*numbers)->bytes());
        !set)
      return fail(errc::corrupt_checkpoint, set.error().message);

    const value cursor{from.cursor};
    std::map<std::string_view, std::int64_t> counts;
    for (auto key : {"steps", "schedule_steps", "version", "best_score_bits",
                     "best_step", "collected", "adapted"}) {
      auto x = cursor.at<std::int64_t>(key);
      if (!x)
        return fail(errc::corrupt_checkpoint, x.error().message);
      counts[key] = *x;
    }
    auto finished = cursor.at<bool>("finished");
    if (!finished)
      return fail(errc::corrupt_checkpoint, finished.error().message);
    entry.steps = counts["steps"];
    entry.schedule_steps = counts["schedule_steps"];
    entry.version = static_cast<std::uint64_t>(counts["version"]);
    entry.best_score = std::bit_cast<double>(counts["best_score_bits"]);
    entry.best_step = counts["best_step"];
    entry.collected = counts["collected"];
    for (const auto& [key, number] : adaptation_of(entry)) {
      auto bits = cursor.at<std::int64_t>(key);
      if (!bits)
        return fail(errc::corrupt_checkpoint, bits.error().message);
      *number = std::bit_cast<double>(*bits);
    }
    entry.adaptation.count = counts["adapted"];
    auto diverged = cursor.at<bool>("diverged");
    if (!diverged)
      return fail(errc::corrupt_checkpoint, diverged.error().message);
    entry.finished = *finished;
    entry.diverged = *diverged;
    return {};
  });
}

} // namespace posse
