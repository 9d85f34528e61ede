#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace posse {

/// The driver's side of an answer that has not come yet (PusH's PFuture). Cheap
/// to copy; all copies share one result, which stays readable. For threads that
/// may block: main(), tests, tools. Inside an actor, co_await instead.
class pfuture {
public:
  using clock = std::chrono::steady_clock;

  /// Who fulfils the future keeps this; only the first result counts.
  class promise {
  public:
    promise() : state_{std::make_shared<state>()} {}
    pfuture future() const { return pfuture{state_}; }
    /// @returns false if there was a result already.
    bool set(expected<value> result) const;

  private:
    friend class pfuture;
    friend expected<std::size_t> wait_any(std::span<const pfuture>,
                                          clock::duration);
    /// Who waits for any of several futures.
    struct observer {
      std::mutex mutex;
      std::condition_variable changed;
      bool told{false};
    };
    struct state {
      std::mutex mutex;
      std::condition_variable changed;
      std::optional<expected<value>> result;
      std::vector<std::weak_ptr<observer>> observers;
    };
    std::shared_ptr<state> state_;
  };

  bool ready() const;
  /// Blocks until there is a result.
  expected<value> wait() const;
  /// Blocks at most `patience`; errc::timed_out if nothing came, and the
  /// future stays usable.
  expected<value> wait_for(clock::duration patience) const;

private:
  friend class promise;
  friend expected<std::size_t> wait_any(std::span<const pfuture>,
                                        clock::duration);
  explicit pfuture(std::shared_ptr<promise::state> state)
      : state_{std::move(state)} {}
  std::shared_ptr<promise::state> state_;
};

/// All results, in the order given; waits for all of them even if one failed.
std::vector<expected<value>> wait_all(std::span<const pfuture> futures);

/// The index of one that is ready, the lowest such, without polling;
/// errc::timed_out if none became ready in time, errc::invalid_argument if
/// `futures` is empty.
expected<std::size_t> wait_any(std::span<const pfuture> futures,
                               pfuture::clock::duration patience);

} // namespace posse
