#pragma once

#include "messages/transfer/chunk.hpp"

#include <variant>

namespace posse {

/// At the sender: the peer has consumed all of this transfer.
struct transfer_delivered {
  transfer_id transfer{0};

  friend bool operator==(const transfer_delivered&,
                         const transfer_delivered&) = default;
};

/// At the receiver: all of this transfer is there. Its last credit waits until
/// the payload is consumed.
struct transfer_completed {
  transfer_id transfer{0};
  shared_bytes payload; ///< starts at a multiple of 64 bytes
};

/// At either end: this transfer will not complete.
struct transfer_failed {
  transfer_id transfer{0};
  failure why;

  friend bool operator==(const transfer_failed&,
                         const transfer_failed&) = default;
};

/// At the sender: the first payload that it had no room for fits now.
struct queue_drained {
  friend bool operator==(const queue_drained&, const queue_drained&) = default;
};

using sender_event =
    std::variant<transfer_delivered, transfer_failed, queue_drained>;

/// Credits and refusals are for the peer, in this order.
using receiver_event = std::variant<chunk_credit, transfer_refusal,
                                    transfer_completed, transfer_failed>;

} // namespace posse
