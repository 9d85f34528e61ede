#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"
#include "runtime/core/registry.hpp"
#include "runtime/posterior/svgd.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace posse {

/// A rule by which particles move together, on one device.
///
/// @param parameters One row [P] a particle, in the order of the particle ids,
///   wherever they lie.
/// @param scores Likewise; each is overwritten by the direction in which its
///   particle is to move (an ascent direction of the log posterior).
/// @param args What the algorithm gives the rule.
/// @returns diagnostics; the result depends on the rows' values and order
///   alone, not on where they lie.
using whole_rule = std::function<expected<value_dict>(
    std::span<const at::Tensor> parameters, std::span<const at::Tensor> scores,
    const value& args)>;

/// The same in stages, so that several devices share it: each takes the same
/// columns of all rows. The bits are those of the whole rule.
struct sliced_rule {
  using rows = std::span<const at::Tensor>;

  /// What all devices have to know before a direction can be computed.
  struct combined {
    value plan;             ///< for directions()
    value_dict diagnostics; ///< as far as they are known
    /// The stages cannot do it this time: use the whole rule.
    bool needs_whole{false};
  };

  /// The columns that belong together, from left to right; a device takes some
  /// neighbouring ones. @param count Particles. @param length P.
  std::function<std::vector<column_range>(std::int64_t count,
                                          std::int64_t length)>
      segments;
  /// What a device adds to the plan: a tensor [its segments, ...] in float64.
  std::function<expected<at::Tensor>(rows parameters, rows scores,
                                     std::span<const std::int64_t> widths)>
      partial;
  /// @param partials Those of all devices, joined in the order of the segments.
  std::function<expected<combined>(const at::Tensor& partials,
                                   const value& args)>
      combine;
  /// Writes the directions' columns to `directions`, which may be rows of
  /// `scores`. @returns the largest magnitude among them.
  std::function<expected<double>(const value& plan, rows parameters,
                                 rows scores, rows directions)>
      directions;
};

struct group_rule {
  whole_rule whole;
  std::optional<sliced_rule> sliced; ///< none: one device does it all
};

/// The rules that a behaviour can name, beside those of plugins: "svgd" and
/// "svgd_linear", by kernel. Their arguments, all with a default: "bandwidth"
/// of the RBF kernel (parse_bandwidth_rule()); "gamma", a double, by which
/// scores are weighed; "discrepancy", a bool: whether "ksd_squared" is wanted
/// too, the squared Stein discrepancy before the step, from one more pass over
/// whole rows. Diagnostics: "bandwidth" of the RBF kernel, "mean_distance",
/// "collapsed" and "max_direction".
registry<group_rule>& group_rules();

} // namespace posse
