#pragma once

#include "messages/transfer/chunk.hpp"
#include "messages/transfer/growing_buffer.hpp"
#include "messages/transfer/transfer_events.hpp"
#include "messages/transfer/transfer_limits.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace posse {

/// Puts the payloads together that one peer sends, and believes nothing that it
/// says: a chunk that does not fit what came before closes the receiver for
/// good. A pure state machine, the counterpart of transfer_sender.
///
/// A chunk gets its credit when its bytes are copied into the payload, the last
/// one of a transfer when the payload is consumed: who does not consume stops
/// the peer after a window of payloads. Every transfer that has begun ends in
/// one transfer_completed or transfer_failed. Not thread-safe.
class transfer_receiver {
public:
  /// @param limits Pass check(), and are those of the peer's sender.
  explicit transfer_receiver(const transfer_limits& limits = {});

  /// Takes a chunk as it arrived. A first chunk whose total is over a limit, or
  /// for which there is no memory, is no violation: its transfer is refused.
  /// @returns errc::malformed, saying what was expected and what came, if the
  ///   chunk does not fit, which closes the receiver; or what closed it
  ///   earlier.
  [[nodiscard]] expected<void> push(const chunk_header& header,
                                    std::span<const std::byte> bytes);

  /// The peer has cancelled a transfer: it fails with errc::cancelled.
  /// @returns errc::malformed if no such transfer is being received, which
  ///   closes the receiver; or what closed it earlier.
  [[nodiscard]] expected<void> cancelled(const transfer_cancel& x);

  /// The payload of a completed transfer has been dealt with. Its memory is no
  /// longer counted here. Any other transfer is left alone.
  void consumed(transfer_id transfer);

  /// Stops receiving a transfer that has begun and is not complete, and frees
  /// its memory; any other is left alone.
  void refuse(transfer_id transfer, const failure& why);

  /// Fails all transfers that are not complete with `why`, and whatever comes
  /// later.
  void peer_gone(const failure& why);

  /// What has happened since the last call, in order.
  [[nodiscard]] std::vector<receiver_event> take_events();

  /// Announced bytes of the transfers that take memory here.
  std::uint64_t open_bytes() const noexcept { return open_bytes_; }
  /// Memory that their payloads take so far.
  std::uint64_t committed_bytes() const noexcept;
  bool is_closed() const noexcept { return closed_.has_value(); }

private:
  struct incoming {
    std::uint64_t total{0};
    std::uint64_t received_bytes{0};
    std::uint64_t received_chunks{0};
    /// None once refused: what is on its way is dropped.
    std::optional<growing_buffer> payload;

    bool is_received() const noexcept { return received_bytes == total; }
  };
  using entries = std::map<transfer_id, incoming>;

  expected<void> check_chunk(const chunk_header& header,
                             std::span<const std::byte> bytes) const;
  expected<void> check_place(const chunk_header& header) const;
  incoming& open(const chunk_header& header);
  void append(transfer_id id, incoming& x, std::span<const std::byte> bytes);
  void refuse(transfer_id id, incoming& x, const failure& why);
  void free_payload(incoming& x);
  tl::unexpected<failure> violation(failure why);

  transfer_limits limits_;
  entries entries_; // begun; complete ones until they are consumed
  std::vector<receiver_event> events_; // not taken yet
  std::optional<failure> closed_;
  transfer_id last_id_{0};
  std::size_t unconsumed_{0}; // complete ones
  std::uint64_t open_bytes_{0};
};

} // namespace posse
