#include "messages/transfer/transfer_sender.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace posse {

transfer_sender::transfer_sender(const transfer_limits& limits)
    : limits_{limits} {
  assert(check(limits));
}

expected<transfer_id> transfer_sender::offer(scattered_payload payload) {
  if (closed_)
    return fail(closed_->code, closed_->message);
  const auto total = payload.size();
  if (total == 0 || total > limits_.max_transfer_bytes)
    return fail(errc::invalid_argument,
                "transfer: expected a payload of 1 to "
                    + std::to_string(limits_.max_transfer_bytes)
                    + " bytes, got " + std::to_string(total));
  if (!has_room(total)) {
    if (!awaited_)
      awaited_ = total;
    return fail(errc::out_of_memory,
                "transfer: " + std::to_string(total)
                    + " bytes do not fit beside " + std::to_string(held_bytes_)
                    + " bytes in " + std::to_string(held_transfers_)
                    + " transfers that the peer has not consumed");
  }
  const auto id = next_id_++;
  entries_.emplace(id, outgoing{.payload = std::move(payload), .total = total});
  queue_.push_back(id);
  ++held_transfers_;
  held_bytes_ += total;
  return id;
}

/// The oldest transfer is not counted, or large ones could never be sent.
bool transfer_sender::has_room(std::uint64_t bytes) const {
  const auto oldest = std::ranges::find_if(entries_, [](const auto& entry) {
    return entry.second.at != stage::ended;
  });
  if (oldest == entries_.end())
    return true;
  const auto queued = held_bytes_ - oldest->second.total;
  return held_transfers_ < limits_.queued_transfers
         && queued <= limits_.queued_bytes
         && bytes <= limits_.queued_bytes - queued;
}

std::optional<sender_frame> transfer_sender::next_frame() {
  if (!cancels_.empty()) {
    const auto frame = cancels_.front();
    cancels_.pop_front();
    return frame;
  }
  open_queued();
  if (turns_.empty() || in_flight_ >= limits_.window)
    return std::nullopt;
  return next_chunk();
}

/// Strictly in the order of offers: first chunks then have ascending ids, by
/// which the receiver knows a new transfer from a finished one.
void transfer_sender::open_queued() {
  while (!queue_.empty() && open_transfers_ < limits_.open_transfers) {
    auto& x = entries_.at(queue_.front());
    if (x.total > limits_.open_bytes - open_bytes_)
      return;
    x.at = stage::open;
    x.occupies_peer = true;
    ++open_transfers_;
    open_bytes_ += x.total;
    turns_.push_back(queue_.front());
    queue_.pop_front();
  }
}

chunk transfer_sender::next_chunk() {
  const auto id = turns_.front();
  auto& x = entries_.at(id);
  const auto size = static_cast<std::size_t>(
      std::min<std::uint64_t>(limits_.chunk_bytes, x.total - x.sent_bytes));
  chunk next{.header = {.transfer = id,
                        .total = x.total,
                        .offset = x.sent_bytes,
                        .index = x.sent_chunks,
                        .size = static_cast<std::uint32_t>(size)},
             .bytes = x.payload.slice(x.sent_bytes, size)};
  next.header.checksum = checksum(next.header, next.bytes.span());
  x.sent_bytes += size;
  ++x.sent_chunks;
  ++in_flight_;
  turns_.pop_front();
  if (!x.is_sent())
    turns_.push_back(id);
  return next;
}

expected<void> transfer_sender::credit(const chunk_credit& c) {
  if (closed_)
    return fail(closed_->code, closed_->message);
  const auto entry = entries_.find(c.transfer);
  if (entry == entries_.end() || entry->second.has_all_credit())
    return violation("expected credit for a chunk that was sent, got it for "
                     "chunk "
                     + std::to_string(c.index) + " of transfer "
                     + std::to_string(c.transfer));
  auto& x = entry->second;
  if (c.index != x.credited_chunks)
    return violation("transfer " + std::to_string(c.transfer)
                     + ": expected credit for chunk "
                     + std::to_string(x.credited_chunks) + ", got it for chunk "
                     + std::to_string(c.index));
  ++x.credited_chunks;
  --in_flight_;
  if (!x.has_all_credit())
    return {};
  if (x.at == stage::ended) {
    leave_peer(x);
    entries_.erase(entry);
  } else if (x.is_sent()) {
    end(entry, transfer_delivered{c.transfer});
  }
  return {};
}

expected<void> transfer_sender::refused(const transfer_refusal& r) {
  if (closed_)
    return fail(closed_->code, closed_->message);
  if (r.transfer == 0 || r.transfer >= next_id_)
    return violation("expected a refusal of a transfer up to "
                     + std::to_string(next_id_ - 1) + ", got one of "
                     + std::to_string(r.transfer));
  if (const auto entry = entries_.find(r.transfer); entry != entries_.end())
    end(entry, transfer_failed{r.transfer, r.why});
  return {};
}

void transfer_sender::cancel(transfer_id transfer) {
  if (const auto entry = entries_.find(transfer); entry != entries_.end())
    end(entry,
        transfer_failed{
            transfer, {errc::cancelled, "transfer: cancelled by its sender"}});
}

/// Tells how a transfer ended and forgets it, at once or with its last credit.
void transfer_sender::end(entries::iterator entry, sender_event event) {
  auto& [id, x] = *entry;
  if (x.at == stage::ended)
    return;
  if (!x.is_sent()) {
    std::erase(queue_, id);
    std::erase(turns_, id);
    // The peer drops what it has on reading this, before any later chunk.
    if (x.sent_chunks > 0)
      cancels_.push_back({id});
    leave_peer(x);
  }
  x.at = stage::ended;
  x.payload = {};
  --held_transfers_;
  held_bytes_ -= x.total;
  events_.push_back(std::move(event));
  if (x.has_all_credit()) {
    leave_peer(x);
    entries_.erase(entry);
  }
  report_if_drained();
}

void transfer_sender::leave_peer(outgoing& x) {
  if (!std::exchange(x.occupies_peer, false))
    return;
  --open_transfers_;
  open_bytes_ -= x.total;
}

void transfer_sender::report_if_drained() {
  if (awaited_ && has_room(*awaited_)) {
    awaited_.reset();
    events_.emplace_back(queue_drained{});
  }
}

tl::unexpected<failure> transfer_sender::violation(std::string why) {
  failure broken{errc::malformed, "peer: " + std::move(why)};
  peer_gone(broken);
  return tl::unexpected{std::move(broken)};
}

void transfer_sender::peer_gone(const failure& why) {
  if (closed_)
    return;
  closed_ = why;
  awaited_.reset();
  for (const auto& [id, x] : entries_)
    if (x.at != stage::ended)
      events_.emplace_back(transfer_failed{id, why});
  entries_.clear();
  queue_.clear();
  turns_.clear();
  cancels_.clear();
  in_flight_ = held_transfers_ = open_transfers_ = 0;
  held_bytes_ = open_bytes_ = 0;
}

std::vector<sender_event> transfer_sender::take_events() {
  return std::exchange(events_, {});
}

} // namespace posse
