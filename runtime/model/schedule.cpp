#include "runtime/model/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace posse {

namespace {

double share(std::int64_t step, std::int64_t total) {
  return static_cast<double>(step) / static_cast<double>(total);
}

double constant(std::int64_t, std::int64_t) {
  return 1;
}

double cosine(std::int64_t step, std::int64_t total) {
  return (1 + std::cos(std::numbers::pi * share(step, total))) / 2;
}

double linear(std::int64_t step, std::int64_t total) {
  return 1 - share(step, total);
}

double swa(std::int64_t step, std::int64_t total) {
  // Their program's, with iterates from 3/4 on: it reaches the last rate after
  // nine tenths of that.
  constexpr double last = 0.1;
  const double t = share(step, total) / 0.75;
  return std::clamp(1 - (1 - last) * (t - 0.5) / 0.4, last, 1.0);
}

registry<schedule_fn>& mutable_schedules() {
  static registry<schedule_fn> all{"schedule",
                                   {{"constant", constant},
                                    {"cosine", cosine},
                                    {"cyclical", cosine},
                                    {"linear", linear},
                                    {"swa", swa}}};
  return all;
}

} // namespace

const registry<schedule_fn>& schedules() {
  return mutable_schedules();
}

expected<void> add_schedule(std::string name, schedule_fn function) {
  return mutable_schedules().add(std::move(name), function);
}

expected<double> schedule_factor(std::string_view kind, std::int64_t step,
                                 std::int64_t total) {
  auto function = schedules().find(kind);
  if (!function)
    return fail(std::move(function));
  if (total < 1 || step < 0 || step > total)
    return fail(errc::invalid_argument,
                "schedule: expected a step in [0, total], got step "
                    + std::to_string(step) + " of " + std::to_string(total));
  return (**function)(step, total);
}

double linear_lr_factor(double start, double end, std::int64_t iterations,
                        std::int64_t step) noexcept {
  auto done = static_cast<double>(std::min(step, iterations));
  return start + (end - start) * done / static_cast<double>(iterations);
}

} // namespace posse
