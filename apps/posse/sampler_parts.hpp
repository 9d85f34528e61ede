#pragma once

#include "messages/particle_id.hpp"
#include "runtime/checkpoint/read_log.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace posse {

/// What chains say of their proposals (see actors/behaviors/hmc.hpp), put
/// together from the parts of a run, which end at its checkpoints.
class sampler_parts {
public:
  /// Takes up the parts that a log tells of, up to where each chain is.
  /// @param steps What each chain's checkpoint has.
  void recall(std::span<const logged_event> log,
              const std::map<particle_id, std::int64_t>& steps);

  /// Adds a part; those of its chain that it repeats, at least in part, count
  /// no longer: a kill had lost them.
  /// @param part {pid, from, to, kept, accepted, step_size, diverged}.
  /// @returns whether it is a part with transitions; if not, it is left out.
  bool add(const nlohmann::ordered_json& part);

  /// Of each chain, by pid, {pid, accepted, step_size, diverged}: the mean over
  /// all transitions that are kept, the latest, the sum. May be empty.
  nlohmann::ordered_json summary() const;

private:
  struct part {
    std::int64_t from{0}; ///< transitions before it
    std::int64_t to{0};
    std::int64_t kept{0}; ///< of them, after the burn-in
    std::int64_t diverged{0};
    double accepted{0}; ///< mean over those kept
    double step_size{0};
  };
  std::map<particle_id, std::vector<part>> by_chain_;
};

} // namespace posse
