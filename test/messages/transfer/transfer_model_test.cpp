// Random interleavings of everything that can happen on a link, against what
// has to hold whatever the order.

#include "messages/transfer/transfer_receiver.hpp"
#include "messages/transfer/transfer_sender.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

#include <deque>
#include <map>
#include <set>

using namespace posse;

namespace {

/// A sender and a receiver with a link between them that keeps the order in
/// each direction, and everybody who uses them.
class world {
public:
  explicit world(std::uint64_t seed)
      : random_{seed}, limits_{random_limits()}, sender_{limits_},
        receiver_{limits_} {}

  void step() {
    switch (below(16)) {
    case 0:
    case 1:
      return offer();
    case 2:
      return cancel();
    case 3:
      return refuse();
    case 4:
    case 5:
      return consume();
    case 6:
    case 7:
    case 8:
      return arrive_at_sender();
    case 9:
    case 10:
    case 11:
      return arrive_at_receiver();
    default:
      return send();
    }
  }

  /// Lets all that is under way come to its end.
  void settle() {
    for (bool moved = true; moved;) {
      moved = !forward_.empty() || !backward_.empty() || !completed_.empty();
      arrive_at_receiver();
      arrive_at_sender();
      consume();
      const auto waiting = forward_.size();
      send();
      moved |= forward_.size() > waiting;
    }
    REQUIRE(sender_.held_bytes() == 0);
    REQUIRE(sender_.in_flight() == 0);
    REQUIRE(receiver_.open_bytes() == 0);
    REQUIRE(sent_.empty());
    REQUIRE(begun_.empty());
    REQUIRE_FALSE(refused_offer_);
  }

  /// Cuts the link: what is on it is lost.
  void drop() {
    sender_.peer_gone({errc::actor_down, "gone"});
    receiver_.peer_gone({errc::actor_down, "gone"});
    take_sender_events();
    take_receiver_events();
    REQUIRE(sent_.empty());
    REQUIRE(begun_.empty());
    REQUIRE(sender_.held_bytes() == 0);
    REQUIRE(receiver_.committed_bytes() == 0);
  }

  std::size_t completed_in_all() const { return completed_in_all_; }
  std::size_t delivered_in_all() const { return delivered_.size(); }

private:
  transfer_limits random_limits() {
    // Now and then payloads that do not come from the heap.
    const std::size_t scale = below(20) == 0 ? 1000 : 1;
    transfer_limits x{.chunk_bytes = scale * (1 + below(40)),
                      .window = 1 + below(4),
                      .max_transfer_bytes = scale * (1 + below(200)),
                      .open_transfers = 1 + below(4),
                      .queued_transfers = 1 + below(8)};
    x.open_bytes = x.max_transfer_bytes + below(scale * 200);
    x.queued_bytes = below(scale * 400);
    return x;
  }

  void offer() {
    scattered_payload payload;
    const auto size = 1 + below(limits_.max_transfer_bytes);
    while (payload.size() < size)
      payload.append(samples::shared(
          samples::noise(1 + below(size - payload.size()), random_())));
    const auto id = sender_.offer(payload);
    const auto held = total_of(sent_);
    if (!id) {
      REQUIRE(id.error().code == errc::out_of_memory);
      REQUIRE_FALSE(sent_.empty());
      refused_offer_ = true;
      return;
    }
    const auto oldest = sent_.empty() ? 0 : sent_.begin()->second.size();
    REQUIRE((sent_.empty() || held - oldest + size <= limits_.queued_bytes));
    REQUIRE(sent_.size() < limits_.queued_transfers);
    sent_[*id] = samples::joined(payload);
    contents_[*id] = sent_[*id];
  }

  void cancel() {
    if (const auto* id = any_of(sent_)) {
      sender_.cancel(*id);
      take_sender_events();
    }
  }

  void refuse() {
    if (const auto* id = any_of(begun_)) {
      receiver_.refuse(*id, {errc::invalid_data, "not wanted"});
      take_receiver_events();
    }
  }

  void consume() {
    if (const auto* id = any_of(completed_)) {
      const auto consumed = *id;
      completed_.erase(consumed);
      receiver_.consumed(consumed);
      take_receiver_events();
    }
  }

  void send() {
    if (auto frame = sender_.next_frame())
      forward_.push_back(std::move(*frame));
    REQUIRE(sender_.in_flight() <= limits_.window);
  }

  void arrive_at_receiver() {
    if (forward_.empty())
      return;
    const auto frame = std::move(forward_.front());
    forward_.pop_front();
    if (const auto* x = std::get_if<chunk>(&frame)) {
      if (x->header.index == 0)
        begun_[x->header.transfer] = 0;
      if (const auto begun = begun_.find(x->header.transfer);
          begun != begun_.end())
        begun->second += x->header.size;
      REQUIRE(receiver_.push(x->header, x->bytes.span()));
    } else {
      REQUIRE(receiver_.cancelled(std::get<transfer_cancel>(frame)));
    }
    take_receiver_events();
  }

  void arrive_at_sender() {
    if (backward_.empty())
      return;
    const auto event = std::move(backward_.front());
    backward_.pop_front();
    if (const auto* c = std::get_if<chunk_credit>(&event))
      REQUIRE(sender_.credit(*c));
    else
      REQUIRE(sender_.refused(std::get<transfer_refusal>(event)));
    take_sender_events();
  }

  void take_sender_events() {
    for (const auto& event : sender_.take_events()) {
      if (const auto* done = std::get_if<transfer_delivered>(&event)) {
        REQUIRE(ever_completed_.contains(done->transfer));
        REQUIRE(sent_.erase(done->transfer) == 1);
        REQUIRE(delivered_.insert(done->transfer).second);
      } else if (const auto* lost = std::get_if<transfer_failed>(&event)) {
        REQUIRE(sent_.erase(lost->transfer) == 1);
      } else {
        REQUIRE(refused_offer_);
        refused_offer_ = false;
      }
    }
    REQUIRE(sender_.held_bytes() == total_of(sent_));
  }

  void take_receiver_events() {
    for (const auto& event : receiver_.take_events()) {
      if (const auto* done = std::get_if<transfer_completed>(&event)) {
        REQUIRE(begun_.erase(done->transfer) == 1);
        REQUIRE(std::ranges::equal(done->payload.span(),
                                   contents_.at(done->transfer)));
        REQUIRE(ever_completed_.insert(done->transfer).second);
        completed_[done->transfer] = done->payload.size;
        ++completed_in_all_;
      } else if (const auto* lost = std::get_if<transfer_failed>(&event)) {
        REQUIRE(begun_.erase(lost->transfer) == 1);
      } else {
        backward_.push_back(event);
      }
    }
    check_memory();
  }

  void check_memory() const {
    std::uint64_t bound = 0;
    for (const auto& [id, received] : begun_)
      bound += 2 * received + 65536;
    for (const auto& [id, size] : completed_)
      bound += size + 65536;
    REQUIRE(receiver_.committed_bytes() <= bound);
    REQUIRE(receiver_.open_bytes() <= limits_.open_bytes);
    REQUIRE(begun_.size() + completed_.size() <= limits_.open_transfers);
  }

  static std::uint64_t
  total_of(const std::map<transfer_id, std::vector<std::byte>>& payloads) {
    std::uint64_t sum = 0;
    for (const auto& [id, bytes] : payloads)
      sum += bytes.size();
    return sum;
  }

  template <class T>
  const transfer_id* any_of(const std::map<transfer_id, T>& transfers) {
    if (transfers.empty())
      return nullptr;
    return &std::next(transfers.begin(),
                      static_cast<std::ptrdiff_t>(below(transfers.size())))
                ->first;
  }

  std::size_t below(std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(random_() % bound);
  }

  std::mt19937_64 random_;
  transfer_limits limits_;
  transfer_sender sender_;
  transfer_receiver receiver_;
  std::deque<sender_frame> forward_;
  std::deque<receiver_event> backward_;
  std::map<transfer_id, std::vector<std::byte>> contents_; // of all ever sent
  std::map<transfer_id, std::vector<std::byte>>
      sent_;                                       // not ended at the sender
  std::map<transfer_id, std::uint64_t> begun_;     // bytes received, not ended
  std::map<transfer_id, std::uint64_t> completed_; // not consumed
  std::set<transfer_id> ever_completed_;
  std::set<transfer_id> delivered_;
  std::size_t completed_in_all_{0};
  bool refused_offer_{false};
};

} // namespace

TEST_CASE("whatever happens on a link, payloads arrive whole or fail once",
          "[messages][transfer]") {
  std::size_t completed = 0, delivered = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    world x{seed};
    for (std::uint64_t steps = 50 + seed % 200; steps > 0; --steps)
      x.step();
    if (seed % 4 == 0)
      x.drop();
    else
      x.settle();
    completed += x.completed_in_all();
    delivered += x.delivered_in_all();
  }
  CHECK(completed > 10000); // or this has tested little
  CHECK(delivered > 9000);
}
