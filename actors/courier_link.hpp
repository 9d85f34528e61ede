#pragma once

#include "messages/courier_messages.hpp"
#include "messages/failure.hpp"
#include "messages/transfer/scattered_payload.hpp"
#include "messages/transfer/shared_window.hpp"
#include "messages/transfer/transfer_receiver.hpp"
#include "messages/transfer/transfer_sender.hpp"
#include "messages/value.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <variant>

namespace posse {

/// What goes from one end of a link to the other, over a path that keeps the
/// order.
using link_frame = std::variant<chunk_frame, placed_chunk_frame, window_frame,
                                window_answer_frame, credit_frame, cancel_frame,
                                refusal_frame>;

struct link_options {
  transfer_limits limits{}; ///< the same at both ends
  /// Whether to offer the peer a window in shared memory, and to accept its.
  bool shared_memory{true};
};

/// One end of the tensor plane between two nodes: payloads out, payloads in.
/// Each belongs to a message that travels by itself and names its transfer; the
/// message goes first, so that nothing arrives that was not announced.
///
/// Chunks go through shared memory if both ends are on one machine, which their
/// first payload finds out, and in frames otherwise.
///
/// Knows no actor: frames leave through a function. Not thread-safe.
class courier_link {
public:
  using on_failure = std::function<void(const failure&)>;

  /// @param emit Takes the next frame for the peer.
  courier_link(const link_options& opts, std::function<void(link_frame)> emit);

  /// Sends `payload` as soon as there is room for it.
  /// @param announce Called once, before the first chunk: sends the message.
  /// @param failed Called if the peer does not get it: instead of `announce`,
  ///   or after it.
  void send(scattered_payload payload,
            std::function<void(transfer_id)> announce, on_failure failed);

  /// A message came whose values follow as a transfer. One of the two functions
  /// is called, once.
  void expect(transfer_id transfer, std::function<void(value_list)> arrived,
              on_failure failed);

  /// Takes what the peer sent.
  /// @returns errc::malformed if no correct peer sends that: close() then.
  [[nodiscard]] expected<void> take(const chunk_frame& x);
  [[nodiscard]] expected<void> take(const placed_chunk_frame& x);
  [[nodiscard]] expected<void> take(const window_frame& x);
  [[nodiscard]] expected<void> take(const window_answer_frame& x);
  [[nodiscard]] expected<void> take(const credit_frame& x);
  [[nodiscard]] expected<void> take(const cancel_frame& x);
  [[nodiscard]] expected<void> take(const refusal_frame& x);

  /// Fails all that is under way, and what is sent or expected later.
  void close(const failure& why);

  /// Gives the system memory that has not been used since the last call.
  void free_unused();

private:
  struct outgoing {
    scattered_payload payload;
    std::function<void(transfer_id)> announce;
    on_failure failed;
  };
  struct incoming {
    std::function<void(value_list)> arrived;
    on_failure failed;
  };

  expected<void> push(const chunk_header& header,
                      std::span<const std::byte> bytes);
  void advance();
  void offer_window();
  void emit(chunk& x);
  void offer_waiting();
  bool take_sender_events();
  expected<void> take_receiver_events();
  expected<void> arrive(const transfer_completed& x);
  void fail_sent(transfer_id transfer, const failure& why);
  void fail_expected(transfer_id transfer, const failure& why);

  bool shared_memory_;
  transfer_limits limits_;
  std::function<void(link_frame)> emit_;
  transfer_sender out_;
  transfer_receiver in_;
  std::optional<window_writer> out_window_;
  std::optional<window_reader> in_window_;
  /// What the peer knows of out_window_, which goes if it cannot read there.
  enum class window_state { not_offered, offered, answered };
  window_state window_{window_state::not_offered};
  bool peer_has_offered_{false};
  std::deque<outgoing> waiting_; ///< for room
  bool full_{false};             ///< the sender has no room for the first one
  bool advancing_{false};
  std::unordered_map<transfer_id, on_failure> sent_;
  std::unordered_map<transfer_id, incoming> expected_;
};

} // namespace posse
