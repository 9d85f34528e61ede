#include "runtime/posterior/annealing.hpp"

#include <cmath>
#include <string>

namespace posse {

namespace {

constexpr double annealed_share = 0.8; // of a run
constexpr double hyperbolic_power = 5;
constexpr double cycles = 5;

double cyclical(double t, double total) {
  const auto cycle = total / cycles;
  const auto part = std::fmod(t, cycle) / cycle;
  return part == 0 ? 1 : part;
}

} // namespace

expected<annealing> parse_annealing(std::string_view name) {
  if (name == "none")
    return annealing::none;
  if (name == "linear")
    return annealing::linear;
  if (name == "hyperbolic")
    return annealing::hyperbolic;
  if (name == "cyclical")
    return annealing::cyclical;
  return fail(errc::invalid_argument,
              "annealing: expected none, linear, hyperbolic or cyclical, got \""
                  + std::string{name} + "\"");
}

double annealing_weight(annealing how, std::int64_t step, std::int64_t steps) {
  const auto t = static_cast<double>(step) + 1;
  const auto total = annealed_share * static_cast<double>(steps);
  if (how == annealing::none || t > total)
    return 1;
  switch (how) {
  case annealing::linear:
    return t / total;
  case annealing::hyperbolic:
    return std::tanh(std::pow(1.3 * t / total, hyperbolic_power));
  case annealing::cyclical:
    return cyclical(t, total);
  case annealing::none:
    break;
  }
  return 1;
}

} // namespace posse
