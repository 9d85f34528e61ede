#include "messages/transfer/transfer_sender.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

using namespace posse;
using samples::credit_for;
using samples::next_chunk;
using samples::offered;
using samples::only;
using samples::refusal;
using samples::small_limits;

namespace {

/// Sends all there is and gives credit for it at once.
void deliver_all(transfer_sender& sender) {
  while (auto frame = sender.next_frame())
    if (const auto* next = std::get_if<chunk>(&*frame))
      REQUIRE(sender.credit(credit_for(*next)));
}

} // namespace

TEST_CASE("no more transfers are open than the peer allows",
          "[messages][transfer]") {
  const auto turns = [](const transfer_limits& limits) {
    transfer_sender sender{limits};
    for (int i = 0; i < 3; ++i)
      offered(sender, 16);
    std::vector<transfer_id> order;
    while (auto frame = sender.next_frame())
      order.push_back(std::get<chunk>(*frame).header.transfer);
    return order;
  };
  auto limits = small_limits();
  limits.window = 9;
  CHECK(turns(limits) == std::vector<transfer_id>{1, 2, 3, 1, 2, 3});
  limits.open_transfers = 1;
  CHECK(turns(limits) == std::vector<transfer_id>{1, 1});
  limits.open_transfers = 9;
  limits.max_transfer_bytes = 16;
  limits.open_bytes = 47;
  CHECK(turns(limits) == std::vector<transfer_id>{1, 2, 1, 2});
}

TEST_CASE("the queue is bounded, whatever the size of the oldest payload",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 100);
  offered(sender, 30);
  offered(sender, 20);
  CHECK(refusal(sender, 1) == errc::out_of_memory);
  CHECK(sender.held_bytes() == 150);
  deliver_all(sender);
  const auto events = sender.take_events();
  CHECK(std::ranges::count(events, sender_event{queue_drained{}}) == 1);
  offered(sender, 1);
}

TEST_CASE("many small payloads are bounded too", "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  for (int i = 0; i < 4; ++i)
    offered(sender, 1);
  CHECK(refusal(sender, 1) == errc::out_of_memory);
  sender.cancel(3);
  const auto events = sender.take_events();
  REQUIRE(events.size() == 2);
  CHECK(events[1] == sender_event{queue_drained{}});
  offered(sender, 1);
}

TEST_CASE("the queue is drained once what was refused fits",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 8);
  offered(sender, 8);
  offered(sender, 40);
  CHECK(refusal(sender, 45) == errc::out_of_memory);
  CHECK(refusal(sender, 50) == errc::out_of_memory);
  const auto first = next_chunk(sender);
  const auto second = next_chunk(sender);
  REQUIRE(sender.credit(credit_for(first)));
  CHECK(only<transfer_delivered>(sender.take_events()).transfer == 1);
  REQUIRE(sender.credit(credit_for(second)));
  const auto events = sender.take_events();
  REQUIRE(events.size() == 2);
  CHECK(events[1] == sender_event{queue_drained{}});
  offered(sender, 45);
}

TEST_CASE("payloads that no transfer may carry are refused",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  CHECK(refusal(sender, 0) == errc::invalid_argument);
  CHECK(refusal(sender, 101) == errc::invalid_argument);
}

TEST_CASE("a cancelled transfer frees its payload and tells the peer",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  const auto whole = samples::shared(samples::noise(100));
  scattered_payload payload;
  payload.append(whole);
  const auto id = sender.offer(std::move(payload));
  REQUIRE(id);
  auto sent = next_chunk(sender);
  sender.cancel(1);
  sender.cancel(1);
  const auto failed = only<transfer_failed>(sender.take_events());
  CHECK(failed.transfer == 1);
  CHECK(failed.why.code == errc::cancelled);
  CHECK(sender.held_bytes() == 0);
  sent.bytes = {};
  CHECK(whole.data.use_count() == 1);

  const auto frame = sender.next_frame();
  REQUIRE(frame);
  REQUIRE(std::holds_alternative<transfer_cancel>(*frame));
  CHECK(std::get<transfer_cancel>(*frame).transfer == 1);
  CHECK(sender.in_flight() == 1); // its credit is still to come
  REQUIRE(sender.credit(credit_for(sent)));
  CHECK(sender.in_flight() == 0);
  CHECK_FALSE(sender.next_frame());
  CHECK(sender.take_events().empty());
}

TEST_CASE("the peer hears nothing of a transfer cancelled before it began",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 8);
  offered(sender, 8);
  sender.cancel(1);
  CHECK(next_chunk(sender).header.transfer == 2);
  CHECK_FALSE(sender.next_frame());
}

TEST_CASE("a cancelled transfer whose chunks are all sent needs no frame",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 8);
  const auto sent = next_chunk(sender);
  sender.cancel(1);
  CHECK(only<transfer_failed>(sender.take_events()).transfer == 1);
  CHECK_FALSE(sender.next_frame());
  REQUIRE(sender.credit(credit_for(sent)));
  CHECK(sender.take_events().empty());
}
