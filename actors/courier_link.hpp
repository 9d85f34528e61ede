#pragma once

#include "messages/courier_messages.hpp"
#include "messages/failure.hpp"
#include "messages/transfer/scattered_payload.hpp"
#include "messages/transfer/transfer_receiver.hpp"
#include "messages/transfer/transfer_sender.hpp"
#include "messages/value.hpp"

#include <deque>
#include <functional>
#include <unordered_map>
#include <variant>

namespace posse {

/// What goes from one end of a link to the other, over a path that keeps the
/// order.
using link_frame =
    std::variant<chunk_frame, credit_frame, cancel_frame, refusal_frame>;

/// One end of the tensor plane between two nodes: payloads out, payloads in.
/// Each belongs to a message that travels by itself and names its transfer; the
/// message goes first, so that nothing arrives that was not announced.
///
/// Knows no actor: frames leave through a function. Not thread-safe.
class courier_link {
public:
  using on_failure = std::function<void(const failure&)>;

  /// @param limits The same at both ends.
  /// @param emit Takes the next frame for the peer.
  courier_link(const transfer_limits& limits,
               std::function<void(link_frame)> emit);

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
  [[nodiscard]] expected<void> take(const credit_frame& x);
  [[nodiscard]] expected<void> take(const cancel_frame& x);
  [[nodiscard]] expected<void> take(const refusal_frame& x);

  /// Fails all that is under way, and what is sent or expected later.
  void close(const failure& why);

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

  void advance();
  void offer_waiting();
  bool take_sender_events();
  expected<void> take_receiver_events();
  expected<void> arrive(const transfer_completed& x);
  void fail_sent(transfer_id transfer, const failure& why);
  void fail_expected(transfer_id transfer, const failure& why);

  std::function<void(link_frame)> emit_;
  transfer_sender out_;
  transfer_receiver in_;
  std::deque<outgoing> waiting_; ///< for room
  bool full_{false};             ///< the sender has no room for the first one
  bool advancing_{false};
  std::unordered_map<transfer_id, on_failure> sent_;
  std::unordered_map<transfer_id, incoming> expected_;
};

} // namespace posse
