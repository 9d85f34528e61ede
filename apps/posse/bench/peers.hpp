#pragma once

#include "apps/posse/bench/child_program.hpp"
#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posse::bench {

/// What one number of a row is about.
enum class unit_of_work : std::uint8_t {
  particle_step,
  iteration, ///< of all particles
};

/// Systems in another program that do the same work, as in
/// apps/posse/bench/peers/peers.py, which says what is asked and answered.
class peers : public std::enable_shared_from_this<peers> {
public:
  /// @param command The program and its arguments, apart by spaces.
  /// @returns errc::invalid_argument for an empty command; errc::io_error.
  static expected<std::shared_ptr<peers>> start(std::string_view command);

  /// Opens all of its systems for one model and number of particles, instead of
  /// those of the last call. A repetition is as many steps of all particles as
  /// take about repetition_us.
  /// @param cell Bench, model and particles.
  /// @returns what they say of a `unit`, in microseconds. errc::backend_error:
  ///   what the program answered instead.
  expected<std::vector<contender>> open(const row& cell, unit_of_work unit);

private:
  explicit peers(child_program program) : program_{std::move(program)} {}

  expected<std::string> ask(const std::string& request);
  expected<double> run(const std::string& system, std::int64_t steps);

  child_program program_;
};

/// nullptr if the options name none.
expected<std::shared_ptr<peers>> start_peers(const options& opts);

/// Adds what `others` open to `contenders`; nothing if they are nullptr.
expected<void> join(peers* others, const row& cell, unit_of_work unit,
                    std::vector<contender>& contenders);

} // namespace posse::bench
