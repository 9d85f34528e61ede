#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <memory>

namespace posse::bench {

/// Two event-based actors of plain CAF, one of which asks the other for echoes,
/// on as many threads as posse has: what a message between particles is
/// measured against.
class caf_pair {
public:
  /// Both in this process. @param threads Of the scheduler; > 0.
  static expected<std::shared_ptr<caf_pair>> here(std::int64_t threads);
  /// The one that answers in another process, over loopback.
  static expected<std::shared_ptr<caf_pair>> apart(std::int64_t threads);

  virtual ~caf_pair() = default;

  /// Asks for so many echoes, one after the other.
  /// @returns the microseconds of one.
  virtual expected<double> rounds(std::int64_t echoes) = 0;
};

/// What `posse bench echo` does: prints the port where it echoes, and ends on
/// SIGTERM. @returns what the process exits with.
int run_caf_echo();

} // namespace posse::bench
