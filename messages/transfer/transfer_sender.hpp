#pragma once

#include "messages/transfer/chunk.hpp"
#include "messages/transfer/scattered_payload.hpp"
#include "messages/transfer/transfer_events.hpp"
#include "messages/transfer/transfer_limits.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace posse {

/// What goes to the peer, in this order and on no other path.
using sender_frame = std::variant<chunk, transfer_cancel>;

/// Sends payloads to one peer, in chunks and no faster than the peer gives
/// credit. Transfers take turns, chunk by chunk; a transfer's chunks go in
/// order. A pure state machine: whoever owns it moves its frames to the peer,
/// over a link that keeps their order, and brings back the peer's answers.
///
/// Every accepted payload ends in one transfer_delivered or transfer_failed.
/// Not thread-safe.
class transfer_sender {
public:
  /// @param limits Pass check(), and are those of the peer's receiver.
  explicit transfer_sender(const transfer_limits& limits = {});

  /// Queues `payload` by reference.
  /// @returns the id of its transfer; or errc::invalid_argument if it is empty
  ///   or larger than any transfer may be; or errc::out_of_memory if it does
  ///   not fit beside what is held already: wait for queue_drained; or what
  ///   closed the sender.
  [[nodiscard]] expected<transfer_id> offer(scattered_payload payload);

  /// The next frame to send now, if there is one.
  [[nodiscard]] std::optional<sender_frame> next_frame();

  /// The peer has consumed a chunk.
  /// @returns errc::malformed if that chunk was not the next of its transfer to
  ///   be consumed, which closes the sender; or what closed it earlier.
  [[nodiscard]] expected<void> credit(const chunk_credit& x);

  /// The peer does not take a transfer. One that has ended is left alone.
  /// @returns errc::malformed if there never was such a transfer, which closes
  ///   the sender; or what closed it earlier.
  [[nodiscard]] expected<void> refused(const transfer_refusal& x);

  /// Gives a transfer up and frees its payload; it fails with errc::cancelled.
  /// One that has ended is left alone. If all its chunks are on their way, the
  /// peer gets it all the same.
  void cancel(transfer_id transfer);

  /// Fails all transfers with `why`, and whatever is offered later.
  void peer_gone(const failure& why);

  /// What has happened since the last call, in order.
  [[nodiscard]] std::vector<sender_event> take_events();

  /// Bytes of the payloads held.
  std::uint64_t held_bytes() const noexcept { return held_bytes_; }
  /// Chunks sent that have no credit yet.
  std::size_t in_flight() const noexcept { return in_flight_; }
  bool is_closed() const noexcept { return closed_.has_value(); }

private:
  enum class stage {
    queued, // no chunk may be sent yet
    open,   // takes turns, or waits for its last credits
    ended,  // its event is out; kept only for the credits that are to come
  };

  struct outgoing {
    scattered_payload payload;
    std::uint64_t total{0};
    std::uint64_t sent_bytes{0};
    std::uint64_t sent_chunks{0};
    std::uint64_t credited_chunks{0};
    stage at{stage::queued};
    bool occupies_peer{false}; // counts against the limits of open transfers

    bool is_sent() const noexcept { return sent_bytes == total; }
    bool has_all_credit() const noexcept {
      return credited_chunks == sent_chunks;
    }
  };
  using entries = std::map<transfer_id, outgoing>;

  bool has_room(std::uint64_t bytes) const;
  void open_queued();
  chunk next_chunk();
  void end(entries::iterator entry, sender_event event);
  void leave_peer(outgoing& x);
  void report_if_drained();
  tl::unexpected<failure> violation(std::string why);

  transfer_limits limits_;
  entries entries_;
  std::deque<transfer_id> queue_;        // stage queued, oldest first
  std::deque<transfer_id> turns_;        // stage open with chunks to send
  std::deque<transfer_cancel> cancels_;  // to send
  std::vector<sender_event> events_;     // not taken yet
  std::optional<std::uint64_t> awaited_; // size of the first offer refused
  std::optional<failure> closed_;
  transfer_id next_id_{1};
  std::size_t in_flight_{0};
  std::size_t held_transfers_{0}; // not ended
  std::uint64_t held_bytes_{0};   // of them
  std::size_t open_transfers_{0}; // that occupy the peer
  std::uint64_t open_bytes_{0};   // of them
};

} // namespace posse
