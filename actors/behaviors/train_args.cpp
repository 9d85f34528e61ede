#include "actors/behaviors/train_args.hpp"

#include <algorithm>
#include <limits>

namespace posse {

batch_ref train_args::batch(std::int64_t step, particle_id pid) const {
  return {data_part::train,
          static_cast<std::uint32_t>(step / batches_per_epoch),
          static_cast<std::uint32_t>(step % batches_per_epoch),
          bootstrap ? pid.number : batch_ref::shared_order};
}

bool train_args::validates_after(std::int64_t done) const {
  return validate_every > 0 && (done % validate_every == 0 || done == steps);
}

bool train_args::collects_after(std::int64_t done) const {
  const auto in_cycle = cycle > 0 ? (done - 1) % cycle + 1 : done;
  return thinning > 0 && in_cycle > burn_in
         && (in_cycle - burn_in) % thinning == 0;
}

std::int64_t train_args::collections() const {
  const auto within = [this](std::int64_t some) {
    return thinning > 0 && some > burn_in ? (some - burn_in) / thinning : 0;
  };
  if (cycle == 0)
    return within(steps);
  return steps / cycle * within(cycle) + within(steps % cycle);
}

bool train_args::logs_after(std::int64_t done) const {
  // What is logged may cost as much as some steps (SVGD's Stein discrepancy).
  constexpr std::int64_t least_interval = 25;
  constexpr std::int64_t lines = 100;
  const auto interval = std::max((steps + lines - 1) / lines, least_interval);
  return done == steps || done % interval == 0;
}

value_dict to_dict(const train_args& x) {
  return {{"steps", x.steps},
          {"batches_per_epoch", x.batches_per_epoch},
          {"validate_every", x.validate_every},
          {"bootstrap", x.bootstrap},
          {"cycle", x.cycle},
          {"burn_in", x.burn_in},
          {"thinning", x.thinning}};
}

expected<train_args> train_args_from_value(const value& x) {
  train_args out;
  auto count = [&](std::string_view key, std::int64_t least,
                   std::int64_t& target) -> expected<void> {
    auto n =
        least == 0 ? x.at_or<std::int64_t>(key, 0) : x.at<std::int64_t>(key);
    if (!n)
      return fail(std::move(n));
    if (*n < least)
      return fail(errc::invalid_argument,
                  std::string{key} + ": expected at least "
                      + std::to_string(least) + ", got " + std::to_string(*n));
    target = *n;
    return {};
  };
  if (auto r = count("steps", 1, out.steps); !r)
    return fail(std::move(r));
  if (auto r = count("batches_per_epoch", 1, out.batches_per_epoch); !r)
    return fail(std::move(r));
  if (auto r = count("validate_every", 0, out.validate_every); !r)
    return fail(std::move(r));
  if (auto r = count("cycle", 0, out.cycle); !r)
    return fail(std::move(r));
  if (auto r = count("burn_in", 0, out.burn_in); !r)
    return fail(std::move(r));
  if (auto r = count("thinning", 0, out.thinning); !r)
    return fail(std::move(r));
  auto bootstrap = x.at<bool>("bootstrap");
  if (!bootstrap)
    return fail(std::move(bootstrap));
  out.bootstrap = *bootstrap;
  return out;
}

value to_value(const batch_ref& x) {
  return value_dict{{"epoch", std::int64_t{x.epoch}},
                    {"index", std::int64_t{x.index}},
                    {"stream", std::int64_t{x.stream}}};
}

expected<batch_ref> batch_ref_from_value(const value& x) {
  batch_ref out;
  auto read = [&](std::string_view key,
                  std::uint32_t& target) -> expected<void> {
    auto n = x.at<std::int64_t>(key);
    if (!n)
      return fail(std::move(n));
    if (*n < 0 || *n > std::numeric_limits<std::uint32_t>::max())
      return fail(errc::invalid_argument,
                  std::string{key} + ": expected a 32-bit number, got "
                      + std::to_string(*n));
    target = static_cast<std::uint32_t>(*n);
    return {};
  };
  if (auto r = read("epoch", out.epoch); !r)
    return fail(std::move(r));
  if (auto r = read("index", out.index); !r)
    return fail(std::move(r));
  if (auto r = read("stream", out.stream); !r)
    return fail(std::move(r));
  return out;
}

} // namespace posse
