#include "messages/transfer/transfer_receiver.hpp"

#include <cassert>
#include <utility>

namespace posse {

namespace {

std::string name(const chunk_header& x) {
  return "peer: chunk " + std::to_string(x.index) + " of transfer "
         + std::to_string(x.transfer) + ": ";
}

tl::unexpected<failure> misfit(const chunk_header& x, const char* what,
                               std::uint64_t wanted, std::uint64_t got) {
  return fail(errc::malformed, name(x) + "expected " + what + ' '
                                   + std::to_string(wanted) + ", got "
                                   + std::to_string(got));
}

} // namespace

transfer_receiver::transfer_receiver(const transfer_limits& limits)
    : limits_{limits} {
  assert(check(limits));
}

expected<void> transfer_receiver::push(const chunk_header& header,
                                       std::span<const std::byte> bytes) {
  if (closed_)
    return fail(closed_->code, closed_->message);
  if (auto ok = check_chunk(header, bytes); !ok)
    return violation(std::move(ok.error()));
  const auto id = header.transfer;
  auto& x = header.index == 0 ? open(header) : entries_.at(id);
  if (x.payload)
    append(id, x, bytes);
  x.received_bytes += bytes.size();
  ++x.received_chunks;
  if (x.is_received() && x.payload) {
    ++unconsumed_;
    events_.emplace_back(transfer_completed{id, x.payload->bytes()});
    return {};
  }
  events_.emplace_back(chunk_credit{id, header.index});
  if (x.is_received())
    entries_.erase(id);
  return {};
}

/// All that is known before any memory is spent, the checksum last.
expected<void>
transfer_receiver::check_chunk(const chunk_header& header,
                               std::span<const std::byte> bytes) const {
  if (auto ok = check(header); !ok)
    return ok;
  if (bytes.size() != header.size)
    return misfit(header, "bytes", header.size, bytes.size());
  if (header.size > limits_.chunk_bytes)
    return misfit(header, "a size of at most", limits_.chunk_bytes,
                  header.size);
  if (unconsumed_ >= limits_.window)
    return misfit(header, "chunks in flight at most", limits_.window,
                  unconsumed_ + 1);
  if (auto ok = check_place(header); !ok)
    return ok;
  if (const auto actual = checksum(header, bytes); actual != header.checksum)
    return misfit(header, "checksum", header.checksum, actual);
  return {};
}

/// Whether the chunk is the next one of its transfer.
expected<void>
transfer_receiver::check_place(const chunk_header& header) const {
  const auto entry = entries_.find(header.transfer);
  if (entry == entries_.end()) {
    if (header.transfer <= last_id_)
      return fail(errc::malformed,
                  name(header) + "expected a new transfer after "
                      + std::to_string(last_id_) + ", got one that has ended");
    if (header.index != 0)
      return misfit(header, "a new transfer to start with chunk", 0,
                    header.index);
    if (entries_.size() >= limits_.open_transfers)
      return misfit(header, "open transfers at most", limits_.open_transfers,
                    entries_.size() + 1);
    return {};
  }
  const auto& x = entry->second;
  if (header.index != x.received_chunks)
    return misfit(header, "chunk", x.received_chunks, header.index);
  if (header.offset != x.received_bytes)
    return misfit(header, "offset", x.received_bytes, header.offset);
  if (header.total != x.total)
    return misfit(header, "bytes in all", x.total, header.total);
  return {};
}

transfer_receiver::incoming&
transfer_receiver::open(const chunk_header& header) {
  last_id_ = header.transfer;
  auto& x = entries_[header.transfer];
  x.total = header.total;
  const auto refuse_size = [&](errc code, const char* what,
                               std::uint64_t most) {
    refuse(header.transfer, x,
           {code, "transfer: expected at most " + std::to_string(most)
                      + " bytes " + what + ", got "
                      + std::to_string(header.total)});
  };
  if (header.total > limits_.max_transfer_bytes) {
    refuse_size(errc::malformed, "in all", limits_.max_transfer_bytes);
  } else if (header.total > limits_.open_bytes - open_bytes_) {
    refuse_size(errc::out_of_memory, "more", limits_.open_bytes - open_bytes_);
  } else if (auto payload = growing_buffer::make(header.total); !payload) {
    refuse(header.transfer, x, payload.error());
  } else {
    x.payload = std::move(*payload);
    open_bytes_ += header.total;
  }
  return x;
}

void transfer_receiver::append(transfer_id id, incoming& x,
                               std::span<const std::byte> bytes) {
  if (auto ok = x.payload->append(bytes); !ok)
    refuse(id, x, ok.error());
}

expected<void> transfer_receiver::cancelled(const transfer_cancel& c) {
  if (closed_)
    return fail(closed_->code, closed_->message);
  const auto entry = entries_.find(c.transfer);
  if (entry == entries_.end() || entry->second.is_received())
    return violation({errc::malformed,
                      "peer: expected a transfer under way to be cancelled, "
                      "got transfer "
                          + std::to_string(c.transfer)});
  auto& x = entry->second;
  if (x.payload) {
    free_payload(x);
    events_.emplace_back(transfer_failed{
        c.transfer, {errc::cancelled, "transfer: cancelled by its sender"}});
  }
  entries_.erase(entry);
  return {};
}

void transfer_receiver::consumed(transfer_id transfer) {
  const auto entry = entries_.find(transfer);
  if (entry == entries_.end() || !entry->second.is_received())
    return;
  auto& x = entry->second;
  free_payload(x);
  --unconsumed_;
  events_.emplace_back(chunk_credit{transfer, x.received_chunks - 1});
  entries_.erase(entry);
}

void transfer_receiver::refuse(transfer_id transfer, const failure& why) {
  const auto entry = entries_.find(transfer);
  if (entry != entries_.end() && entry->second.payload
      && !entry->second.is_received())
    refuse(transfer, entry->second, why);
}

/// Its entry stays until the peer has sent or cancelled the rest.
void transfer_receiver::refuse(transfer_id id, incoming& x,
                               const failure& why) {
  free_payload(x);
  events_.emplace_back(transfer_refusal{id, why});
  events_.emplace_back(transfer_failed{id, why});
}

void transfer_receiver::free_payload(incoming& x) {
  if (!x.payload)
    return;
  x.payload.reset();
  open_bytes_ -= x.total;
}

tl::unexpected<failure> transfer_receiver::violation(failure why) {
  peer_gone(why);
  return tl::unexpected{std::move(why)};
}

void transfer_receiver::peer_gone(const failure& why) {
  if (closed_)
    return;
  closed_ = why;
  for (const auto& [id, x] : entries_)
    if (x.payload && !x.is_received())
      events_.emplace_back(transfer_failed{id, why});
  entries_.clear();
  unconsumed_ = 0;
  open_bytes_ = 0;
}

std::vector<receiver_event> transfer_receiver::take_events() {
  return std::exchange(events_, {});
}

std::uint64_t transfer_receiver::committed_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [id, x] : entries_)
    if (x.payload)
      sum += x.payload->committed_bytes();
  return sum;
}

} // namespace posse
