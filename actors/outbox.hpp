#pragma once

#include "actors/send_window.hpp"
#include "messages/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace posse {

/// Requests of one particle to one receiver that may be unanswered. A receiver
/// that answers a message in 1 us is busy with them for longer than it takes to
/// wake a thread, and of a flood no more lie in its mailbox.
inline constexpr std::size_t most_unanswered = 64;

/// A particle's windows, one a receiver, and whose requests were dropped while
/// they were held back. Windows keep their addresses while they count anything.
class outbox {
public:
  outbox();
  outbox(const outbox&) = delete;

  send_window& to(particle_id pid) {
    return last_ != nullptr && last_pid_ == pid ? *last_ : find(pid);
  }
  /// What the particle asks of its own device.
  send_window& to_device() noexcept { return device_; }
  /// Rounds of group operations, one request a device: never full.
  send_window& to_group() noexcept { return group_; }

  /// The next handler's number, from 1.
  std::uint64_t next_handler() noexcept { return ++handlers_; }
  std::uint64_t running_handler() const noexcept { return running_; }

  /// A request to `window`'s receiver was never sent.
  void note_dropped(const send_window& window, const std::string& name);
  /// What the handler that ends now has dropped: errc::overloaded.
  std::optional<failure> take_dropped() {
    return dropped_.empty() ? std::nullopt : take_noted();
  }

private:
  friend class handler_scope;

  struct note {
    std::uint64_t handler;
    std::string text; ///< of the first
    std::size_t more{0};
  };

  send_window& find(particle_id pid);
  void forget_idle();
  std::optional<failure> take_noted();

  send_window device_;
  send_window group_;
  std::unordered_map<particle_id, send_window> windows_;
  std::size_t forget_at_;
  particle_id last_pid_; ///< most handlers go on with whom they have asked
  send_window* last_{nullptr};
  std::uint64_t handlers_{0};
  std::uint64_t running_{0}; ///< 0: none that is known
  std::vector<note> dropped_;
};

/// The handler `number` of `of`'s particle runs as long as this lives.
class handler_scope {
public:
  /// @param of May be null: nobody counts.
  handler_scope(outbox* of, std::uint64_t number) noexcept : of_{of} {
    if (of_ != nullptr)
      before_ = std::exchange(of_->running_, number);
  }
  handler_scope(const handler_scope&) = delete;
  ~handler_scope() {
    if (of_ != nullptr)
      of_->running_ = before_;
  }

private:
  outbox* of_;
  std::uint64_t before_{0};
};

} // namespace posse
