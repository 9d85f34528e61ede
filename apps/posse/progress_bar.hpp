#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace posse {

/// How far a run is, all particles together.
struct run_progress {
  std::int64_t done{0};       ///< particle-steps, of this run and earlier parts
  std::int64_t total{0};      ///< particle-steps
  std::int64_t particles{1};  ///< > 0
  std::optional<double> loss; ///< mean of the particles' last ones
};

/// "1860 of 3000 steps, 52100 particle-steps/s, 0:03 left, loss 0.123".
/// @param per_second Particle-steps; 0: not known yet.
std::string progress_text(const run_progress& x, double per_second);

/// A bar of `width` characters, of which the share done is filled.
std::string bar_text(const run_progress& x, int width);

/// Shows a run's progress on stderr: a bar that stays in one line on a
/// terminal, a line every few seconds elsewhere.
class progress_bar {
public:
  enum class style : std::uint8_t { none, lines, bar };

  /// `bar` where stderr is a terminal, else `lines`.
  static style style_for_stderr();

  progress_bar(std::string title, style how);
  ~progress_bar() { clear(); }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  /// Shows `x` if it is time to; cheap otherwise.
  void update(const run_progress& x);
  /// Takes the bar away, so that something else can be written.
  void clear();

private:
  using clock = std::chrono::steady_clock;

  std::string title_;
  style style_;
  clock::time_point next_;
  /// Where the speed is measured from.
  std::optional<std::pair<clock::time_point, std::int64_t>> first_;
  bool shown_{false};
};

} // namespace posse
