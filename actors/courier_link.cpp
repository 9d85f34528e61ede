#include "actors/courier_link.hpp"

#include "messages/caf_errors.hpp"
#include "messages/overloaded.hpp"
#include "messages/transfer/payload_codec.hpp"

#include <string>
#include <utility>

namespace posse {

courier_link::courier_link(const link_options& opts,
                           std::function<void(link_frame)> emit)
    : shared_memory_{opts.shared_memory}, limits_{opts.limits},
      emit_{std::move(emit)}, out_{opts.limits}, in_{opts.limits} {}

void courier_link::send(scattered_payload payload,
                        std::function<void(transfer_id)> announce,
                        on_failure failed) {
  waiting_.push_back(
      {std::move(payload), std::move(announce), std::move(failed)});
  advance();
}

void courier_link::expect(transfer_id transfer,
                          std::function<void(value_list)> arrived,
                          on_failure failed) {
  if (in_.is_closed())
    return failed({errc::cancelled, "the link to the peer is closed"});
  expected_[transfer] = {std::move(arrived), std::move(failed)};
}

expected<void> courier_link::take(const chunk_frame& x) {
  return push(x.header, x.bytes.span());
}

expected<void> courier_link::take(const placed_chunk_frame& x) {
  if (!in_window_)
    return fail(errc::malformed, "peer: expected chunks with their bytes, got "
                                 "one in a window that cannot be read");
  auto bytes = in_window_->slot(x.slot, x.header.size);
  if (!bytes)
    return fail(std::move(bytes));
  return push(x.header, *bytes);
}

/// The peer has made a window for what it sends.
expected<void> courier_link::take(const window_frame& x) {
  if (std::exchange(peer_has_offered_, true))
    return fail(errc::malformed, "peer: expected one window, got another");
  if (shared_memory_)
    if (auto window = window_reader::open(x.place, limits_))
      in_window_ = std::move(*window);
  emit_(window_answer_frame{in_window_.has_value()});
  return {};
}

expected<void> courier_link::take(const window_answer_frame& x) {
  if (window_ != window_state::offered)
    return fail(errc::malformed,
                "peer: got an answer about a window that was not offered");
  window_ = window_state::answered;
  if (!x.readable)
    out_window_.reset();
  return {};
}

expected<void> courier_link::push(const chunk_header& header,
                                  std::span<const std::byte> bytes) {
  if (auto fits = in_.push(header, bytes); !fits)
    return fits;
  return take_receiver_events();
}

expected<void> courier_link::take(const credit_frame& x) {
  if (auto fits = out_.credit({x.transfer, x.index}); !fits)
    return fits;
  if (out_window_)
    out_window_->free({x.transfer, x.index});
  advance();
  return {};
}

expected<void> courier_link::take(const cancel_frame& x) {
  if (auto fits = in_.cancelled({x.transfer}); !fits)
    return fits;
  return take_receiver_events();
}

expected<void> courier_link::take(const refusal_frame& x) {
  if (auto fits = out_.refused({x.transfer, {errc_of(x.code), x.message}});
      !fits)
    return fits;
  advance();
  return {};
}

void courier_link::close(const failure& why) {
  out_.peer_gone(why);
  in_.peer_gone(why);
  out_window_.reset();
  in_window_.reset();
  for (const auto& x : std::exchange(waiting_, {}))
    x.failed(why);
  for (const auto& [id, failed] : std::exchange(sent_, {}))
    failed(why);
  for (const auto& [id, x] : std::exchange(expected_, {}))
    x.failed(why);
}

void courier_link::free_unused() {
  if (out_window_)
    out_window_->free_unused();
}

/// Before the first chunk: the peer can look at it while chunks go in frames.
void courier_link::offer_window() {
  if (!shared_memory_ || window_ != window_state::not_offered)
    return;
  window_ = window_state::offered;
  auto window = window_writer::make(limits_);
  if (!window)
    return; // without, then
  emit_(window_frame{window->place()});
  out_window_ = std::move(*window);
}

void courier_link::emit(chunk& x) {
  if (out_window_ && window_ == window_state::answered)
    if (const auto slot = out_window_->put(x))
      return emit_(placed_chunk_frame{x.header, *slot});
  emit_(chunk_frame{x.header, std::move(x.bytes)});
}

/// Sends all that may be sent now. What the functions it calls ask for is done
/// by the call that is under way.
void courier_link::advance() {
  if (std::exchange(advancing_, true))
    return;
  do {
    offer_waiting();
    while (auto frame = out_.next_frame())
      std::visit(overloaded{[this](chunk& x) {
                              offer_window();
                              emit(x);
                            },
                            [this](const transfer_cancel& x) {
                              emit_(cancel_frame{x.transfer});
                            }},
                 *frame);
  } while (take_sender_events());
  advancing_ = false;
}

void courier_link::offer_waiting() {
  while (!waiting_.empty() && !full_) {
    // By reference: it stays first if there is no room.
    auto& next = waiting_.front();
    const auto id = out_.offer(next.payload);
    if (!id && id.error().code == errc::out_of_memory) {
      full_ = true;
      return;
    }
    const auto x = std::move(next);
    waiting_.pop_front();
    if (!id) {
      x.failed(id.error());
      continue;
    }
    sent_[*id] = x.failed;
    x.announce(*id);
  }
}

/// @returns whether there is more to send now.
bool courier_link::take_sender_events() {
  bool more = false;
  for (const auto& event : out_.take_events())
    std::visit(overloaded{[this](const transfer_delivered& x) {
                            sent_.erase(x.transfer);
                          },
                          [&](const transfer_failed& x) {
                            fail_sent(x.transfer, x.why);
                            more = true; // its place is free
                          },
                          [&](const queue_drained&) {
                            full_ = false;
                            more = true;
                          }},
               event);
  return more;
}

expected<void> courier_link::take_receiver_events() {
  // A payload that is consumed at once has its last credit in the next list.
  for (auto events = in_.take_events(); !events.empty();
       events = in_.take_events())
    for (const auto& event : events) {
      auto taken = std::visit(
          overloaded{[this](const chunk_credit& x) -> expected<void> {
                       emit_(credit_frame{x.transfer, x.index});
                       return {};
                     },
                     [this](const transfer_refusal& x) -> expected<void> {
                       emit_(refusal_frame{
                           x.transfer, static_cast<std::uint8_t>(x.why.code),
                           x.why.message});
                       return {};
                     },
                     [this](const transfer_completed& x) { return arrive(x); },
                     [this](const transfer_failed& x) -> expected<void> {
                       fail_expected(x.transfer, x.why);
                       return {};
                     }},
          event);
      if (!taken)
        return taken;
    }
  return {};
}

expected<void> courier_link::arrive(const transfer_completed& x) {
  auto announced = expected_.extract(x.transfer);
  if (!announced)
    return fail(errc::malformed,
                "peer: expected a transfer that a message names, got transfer "
                    + std::to_string(x.transfer));
  auto values = unpack(x.payload);
  auto* list = values ? values->get_if<value_list>() : nullptr;
  if (list == nullptr) {
    announced.mapped().failed(
        values ? failure{errc::malformed, "peer: expected a list of values"}
               : values.error());
    return fail(errc::malformed, "peer: transfer " + std::to_string(x.transfer)
                                     + " holds no list of values");
  }
  // The tensors keep the payload; what it may take is bounded by whoever asked
  // for them, so that no request has to wait for the end of another one.
  in_.consumed(x.transfer);
  announced.mapped().arrived(std::move(*list));
  return {};
}

void courier_link::fail_sent(transfer_id transfer, const failure& why) {
  if (auto x = sent_.extract(transfer))
    x.mapped()(why);
}

void courier_link::fail_expected(transfer_id transfer, const failure& why) {
  if (auto x = expected_.extract(transfer))
    x.mapped().failed(why);
}

} // namespace posse
