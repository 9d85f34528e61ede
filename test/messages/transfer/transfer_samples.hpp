#pragma once

#include "messages/transfer/transfer_events.hpp"
#include "messages/transfer/transfer_limits.hpp"
#include "messages/transfer/transfer_receiver.hpp"
#include "messages/transfer/transfer_sender.hpp"
#include "test/messages/transfer/payload_samples.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace posse::samples {

/// Chunks of 8 bytes, and little room for anything.
inline transfer_limits small_limits() {
  return {.chunk_bytes = 8,
          .window = 2,
          .max_transfer_bytes = 100,
          .open_transfers = 3,
          .open_bytes = 200,
          .queued_bytes = 50,
          .queued_transfers = 4};
}

/// The id of a payload of `size` bytes that `sender` has room for.
inline transfer_id offered(transfer_sender& sender, std::size_t size) {
  const auto id = sender.offer(payload(noise(size)));
  REQUIRE(id);
  return *id;
}

/// Why `sender` takes no payload of `size` bytes.
inline errc refusal(transfer_sender& sender, std::size_t size) {
  const auto id = sender.offer(payload(noise(size)));
  REQUIRE_FALSE(id);
  return id.error().code;
}

inline chunk_credit credit_for(const chunk& x) {
  return {x.header.transfer, x.header.index};
}

/// The chunk that `sender` sends next.
inline chunk next_chunk(transfer_sender& sender) {
  auto frame = sender.next_frame();
  REQUIRE(frame);
  auto* next = std::get_if<chunk>(&*frame);
  REQUIRE(next);
  return std::move(*next);
}

/// Chunk `index` of a transfer cut into chunks of 8 bytes with the right
/// checksum.
inline chunk made(transfer_id id, std::uint64_t index,
                  std::uint64_t total = 20) {
  static const auto bytes = noise(20);
  const auto offset = 8 * index;
  const auto size = std::min<std::uint64_t>(8, total - offset);
  chunk x{.header = {.transfer = id,
                     .total = total,
                     .offset = offset,
                     .index = index,
                     .size = static_cast<std::uint32_t>(size)},
          .bytes = shared(std::span{bytes}.subspan(offset % 16, size))};
  x.header.checksum = checksum(x.header, x.bytes.span());
  return x;
}

inline expected<void> push(transfer_receiver& receiver, const chunk& x) {
  return receiver.push(x.header, x.bytes.span());
}

/// Pushes all of `x` and drops the events.
inline void receive(transfer_receiver& receiver,
                    const std::vector<chunk>& chunks) {
  for (const auto& x : chunks)
    REQUIRE(push(receiver, x));
  (void)receiver.take_events();
}

/// The only event in `events`, which is a `T`.
template <class T, class Event>
T only(std::vector<Event> events) {
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<T>(events.front()));
  return std::get<T>(std::move(events.front()));
}

} // namespace posse::samples
