#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace posse {

/// What one particle's learning curve says about one stretch of its training.
struct learning_point {
  std::int64_t step{0}; ///< steps done at its end, > 0
  double loss{0};       ///< mean of the batches' losses in that stretch
  /// Validation score at `step`, lower is better; absent: not measured there.
  std::optional<double> validation;

  friend bool operator==(const learning_point&,
                         const learning_point&) = default;
};

/// Stretches that a learning curve has, however long the training.
inline constexpr std::int64_t learning_stretches = 100;

/// Particles that have a learning curve: the first ones, which are as good as
/// any others.
inline constexpr std::uint32_t most_learning_curves = 256;

/// Makes a learning curve of bounded size from the losses of all steps: a point
/// every hundredth of the training, after the last step, and where the
/// validation part was measured, unless that is nearer than half a stretch to
/// the point before; 200 at most.
class loss_average {
public:
  /// @param step Steps done, rising from call to call; > 0.
  /// @param steps Steps there are to do; > 0.
  /// @param loss The batch's mean.
  /// @returns the point that ends here, if one does.
  std::optional<learning_point> add(std::int64_t step, std::int64_t steps,
                                    double loss,
                                    std::optional<double> validation = {}) {
    sum_ += loss;
    ++count_;
    const auto stretch = std::max<std::int64_t>(
        (steps + learning_stretches - 1) / learning_stretches, 1);
    const bool measured = validation && 2 * (step - last_) >= stretch;
    if (!measured && step % stretch != 0 && step != steps)
      return std::nullopt;
    learning_point out{step, sum_ / static_cast<double>(count_), validation};
    *this = {};
    last_ = step;
    return out;
  }

private:
  double sum_{0};
  std::int64_t count_{0};
  std::int64_t last_{0};
};

} // namespace posse
