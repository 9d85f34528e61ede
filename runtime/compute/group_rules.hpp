#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"
#include "runtime/core/registry.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>

namespace posse {

/// A rule by which particles move together.
///
/// @param parameters One row [P] a particle, in the order of the particle ids,
///   wherever they lie.
/// @param scores Likewise; each is overwritten by the direction in which its
///   particle is to move (an ascent direction of the log posterior).
/// @param args What the algorithm gives the rule.
/// @returns diagnostics; the result depends on the rows' values and order
///   alone, not on where they lie.
using group_rule = std::function<expected<value_dict>(
    std::span<const at::Tensor> parameters, std::span<const at::Tensor> scores,
    const value& args)>;

/// The rules that a behaviour can name: "svgd", and what plugins added.
registry<group_rule>& group_rules();

} // namespace posse
