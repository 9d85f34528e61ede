#pragma once

#include "messages/inspection.hpp"
#include "messages/transfer/chunk.hpp"
#include "messages/transfer/shared_window.hpp"

#include <caf/actor_control_block.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What the couriers of two nodes say to each other. Each request of an actor
/// for one of another node travels as one of these; what is large in it goes
/// beside it, in chunks (transfer/).
namespace posse {

/// Where a node's courier is.
struct courier_address {
  std::string node;
  std::string address; ///< host:port, for messages
  caf::strong_actor_ptr courier;
};

template <class Inspector>
auto inspect(Inspector& f, courier_address& x) {
  return f(caf::meta::type_name("courier_address"), x.node, x.address,
           x.courier);
}

/// A request for an actor of the receiving node.
struct carried_request {
  std::uint64_t id{0};      ///< Of the request, unique at its sender.
  caf::strong_actor_ptr to; ///< Who is to answer.
  std::uint16_t kind{0};    ///< CAF's type id of the message.
  std::string body;         ///< The message in CAF's format.
  /// The transfer of its values and tensors, which are then missing from the
  /// body; 0: there is none.
  transfer_id payload{0};
};

template <class Inspector>
auto inspect(Inspector& f, carried_request& x) {
  return f(caf::meta::type_name("carried_request"), x.id, x.to, x.kind, x.body,
           x.payload);
}

/// Its answer.
struct carried_answer {
  std::uint64_t id{0};
  std::uint16_t kind{0};
  std::string body;
  transfer_id payload{0};
};

template <class Inspector>
auto inspect(Inspector& f, carried_answer& x) {
  return f(caf::meta::type_name("carried_answer"), x.id, x.kind, x.body,
           x.payload);
}

/// Why there is none.
struct carried_failure {
  std::uint64_t id{0};
  std::uint8_t code{0}; ///< An errc, perhaps of a newer peer.
  std::string message;
};

template <class Inspector>
auto inspect(Inspector& f, carried_failure& x) {
  return f(caf::meta::type_name("carried_failure"), x.id, x.code, x.message);
}

template <class Inspector>
auto inspect(Inspector& f, chunk_header& x) {
  return f(x.transfer, x.total, x.offset, x.index, x.size, x.checksum);
}

/// A piece of a payload.
struct chunk_frame {
  chunk_header header;
  shared_bytes bytes;
};

template <class Inspector>
auto inspect(Inspector& f, chunk_frame& x) {
  return f(caf::meta::type_name("chunk_frame"), x.header, x.bytes);
}

/// A piece of a payload that lies in the sender's window.
struct placed_chunk_frame {
  chunk_header header;
  std::uint32_t slot{0};
};

template <class Inspector>
auto inspect(Inspector& f, placed_chunk_frame& x) {
  return f(caf::meta::type_name("placed_chunk_frame"), x.header, x.slot);
}

template <class Inspector>
auto inspect(Inspector& f, window_place& x) {
  return f(x.process, x.file, x.token);
}

/// Where the sender's window is, for a peer on the same machine. To be
/// answered.
struct window_frame {
  window_place place;
};

template <class Inspector>
auto inspect(Inspector& f, window_frame& x) {
  return f(caf::meta::type_name("window_frame"), x.place);
}

/// Whether the peer can read there.
struct window_answer_frame {
  bool readable{false};
};

template <class Inspector>
auto inspect(Inspector& f, window_answer_frame& x) {
  return f(caf::meta::type_name("window_answer_frame"), x.readable);
}

/// Its receiver has consumed a chunk.
struct credit_frame {
  transfer_id transfer{0};
  std::uint64_t index{0};
};

template <class Inspector>
auto inspect(Inspector& f, credit_frame& x) {
  return f(caf::meta::type_name("credit_frame"), x.transfer, x.index);
}

/// No more chunks of this transfer will come.
struct cancel_frame {
  transfer_id transfer{0};
};

template <class Inspector>
auto inspect(Inspector& f, cancel_frame& x) {
  return f(caf::meta::type_name("cancel_frame"), x.transfer);
}

/// Its receiver does not take this transfer.
struct refusal_frame {
  transfer_id transfer{0};
  std::uint8_t code{0}; ///< An errc, perhaps of a newer peer.
  std::string message;
};

template <class Inspector>
auto inspect(Inspector& f, refusal_frame& x) {
  return f(caf::meta::type_name("refusal_frame"), x.transfer, x.code,
           x.message);
}

/// Are you still busy with these requests of mine? To be answered within the
/// cluster's patience, however long the requests themselves take.
struct still_open_msg {
  std::vector<std::uint64_t> ids;
};

template <class Inspector>
auto inspect(Inspector& f, still_open_msg& x) {
  return f(caf::meta::type_name("still_open_msg"), x.ids);
}

struct still_open_ack {
  std::vector<std::uint64_t> unknown; ///< Those that it does not know.
};

template <class Inspector>
auto inspect(Inspector& f, still_open_ack& x) {
  return f(caf::meta::type_name("still_open_ack"), x.unknown);
}

} // namespace posse
