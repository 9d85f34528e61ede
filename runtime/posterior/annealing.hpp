#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <string_view>

namespace posse {

/// How the weight gamma of the scores in SVGD's direction grows over a run:
/// repulsion comes first, so that particles spread over modes before they climb
/// one (D'Angelo & Fortuin, "Annealed Stein Variational Gradient Descent", AABI
/// 2021). With t = 1, 2, ... the step of T in all,
/// - none: gamma = 1;
/// - linear: t / T;
/// - hyperbolic: tanh((1.3 t / T)^p), with p = 5: small in the first half,
///   half at 0.68 T, and 0.999 at T;
/// - cyclical: ((t mod T/C) / (T/C))^p, with C = 5 cycles and p = 1, where a
///   cycle's last step has 1 instead of the next one's 0.
/// The paper leaves C and p to its user; these are ours.
///
/// So that particles settle on the posterior itself, T is four fifths of the
/// run, and gamma = 1 in the last fifth.
enum class annealing : std::uint8_t { none, linear, hyperbolic, cyclical };

/// Reads an annealing by its name.
/// @returns errc::invalid_argument for anything else.
expected<annealing> parse_annealing(std::string_view name);

/// The weight of the scores in one step; follows from its arguments alone.
///
/// @param step In [0, steps): steps done before. @param steps Of the run, > 0.
/// @returns gamma in (0, 1].
double annealing_weight(annealing how, std::int64_t step, std::int64_t steps);

} // namespace posse
