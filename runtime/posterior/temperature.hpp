#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_predictive.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Temperatures that fit_temperature() gives: where all rows are predicted
/// right (or worse than by chance), the best one is 0 (or infinite).
inline constexpr double lowest_temperature = 0.05;
inline constexpr double highest_temperature = 20;

/// The temperature T of an ensemble's predictive: of softmax(log p / T), p the
/// average of the members' probabilities, the one of least mean negative log
/// likelihood (Guo et al., ICML 2017, section 4.2). Not of every member's
/// logits before they are averaged: members of calibrated confidence make an
/// underconfident average (Rahaman and Thiery, NeurIPS 2021, "pool then
/// calibrate"), and in 1/T the likelihood of the average is concave, so that
/// there is one optimum.
///
/// @param predictive Of B points that no member has trained on.
/// @param labels [B] int64, each in [0, C).
/// @returns T in [lowest_temperature, highest_temperature], to 1e-10 of 1/T; 1
///   where every temperature is as good. errc::invalid_argument for labels that
///   do not fit.
expected<double> fit_temperature(const classification_predictive& predictive,
                                 const at::Tensor& labels);

/// softmax(log p / T) as the prediction of one network: the same classes, and
/// no mutual information.
/// @param temperature > 0.
/// @returns errc::invalid_argument for another.
expected<classification_predictive>
at_temperature(const classification_predictive& predictive, double temperature);

} // namespace posse
