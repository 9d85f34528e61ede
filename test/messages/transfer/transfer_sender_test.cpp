#include "messages/transfer/transfer_sender.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using samples::credit_for;
using samples::next_chunk;
using samples::offered;
using samples::only;
using samples::refusal;
using samples::small_limits;

TEST_CASE("chunks carry a payload in order, uncopied", "[messages][transfer]") {
  const auto whole = samples::shared(samples::noise(20));
  scattered_payload payload;
  payload.append(whole);
  transfer_sender sender{small_limits()};
  REQUIRE(sender.offer(payload) == 1u);
  const std::size_t sizes[] = {8, 8, 4};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto x = next_chunk(sender);
    CHECK(x.header.transfer == 1);
    CHECK(x.header.index == i);
    CHECK(x.header.offset == 8 * i);
    CHECK(x.header.total == 20);
    CHECK(x.header.size == sizes[i]);
    CHECK(x.bytes.size == sizes[i]);
    CHECK(x.bytes.data.get() == whole.data.get() + 8 * i);
    CHECK(x.header.checksum == checksum(x.header, x.bytes.span()));
    CHECK(sender.take_events().empty());
    REQUIRE(sender.credit(credit_for(x)));
  }
  CHECK_FALSE(sender.next_frame());
  CHECK(only<transfer_delivered>(sender.take_events()).transfer == 1);
  CHECK(sender.held_bytes() == 0);
}

TEST_CASE("no more than a window is in flight", "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 100);
  const auto first = next_chunk(sender);
  next_chunk(sender);
  CHECK(sender.in_flight() == 2);
  CHECK_FALSE(sender.next_frame());
  REQUIRE(sender.credit(credit_for(first)));
  CHECK(next_chunk(sender).header.index == 2);
  CHECK_FALSE(sender.next_frame());
}

TEST_CASE("transfers take turns", "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 24);
  offered(sender, 8);
  offered(sender, 16);
  std::vector<transfer_id> order;
  while (auto frame = sender.next_frame()) {
    const auto& x = std::get<chunk>(*frame);
    order.push_back(x.header.transfer);
    REQUIRE(sender.credit(credit_for(x)));
  }
  CHECK(order == std::vector<transfer_id>{1, 2, 3, 1, 3, 1});
}

TEST_CASE("a refused transfer fails with the peer's reason",
          "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 100);
  const auto sent = next_chunk(sender);
  const failure why{errc::out_of_memory, "no room"};
  REQUIRE(sender.refused({1, why}));
  CHECK(only<transfer_failed>(sender.take_events()) == transfer_failed{1, why});
  REQUIRE(sender.credit(credit_for(sent)));
  REQUIRE(sender.refused({1, why})); // as when both ends give it up at once
  CHECK(sender.take_events().empty());
  CHECK(std::holds_alternative<transfer_cancel>(*sender.next_frame()));
}

TEST_CASE("a refusal of a transfer that never was closes the sender",
          "[messages][transfer]") {
  for (const transfer_id id : {0, 2}) {
    transfer_sender sender{small_limits()};
    offered(sender, 100);
    const auto result = sender.refused({id, {}});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::malformed);
    CHECK(sender.is_closed());
  }
}

TEST_CASE("credit that was not earned closes the sender for good",
          "[messages][transfer]") {
  const chunk_credit wrong[] = {{1, 1}, {1, 7}, {2, 0}, {3, 0}, {0, 0}};
  for (const auto& c : wrong) {
    transfer_sender sender{small_limits()};
    offered(sender, 100);
    const auto sent = next_chunk(sender);
    next_chunk(sender);
    offered(sender, 8); // number 2, not begun
    const auto result = sender.credit(c);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::malformed);
    CHECK_THAT(result.error().message, ContainsSubstring("expected credit"));
    const auto events = sender.take_events();
    REQUIRE(events.size() == 2);
    CHECK(events[0] == sender_event{transfer_failed{1, result.error()}});
    CHECK(events[1] == sender_event{transfer_failed{2, result.error()}});

    CHECK(sender.credit(credit_for(sent)).error() == result.error());
    CHECK(sender.refused({1, {}}).error() == result.error());
    CHECK(refusal(sender, 8) == errc::malformed);
    CHECK_FALSE(sender.next_frame());
    CHECK(sender.take_events().empty());
  }
}

TEST_CASE("credit that comes twice closes the sender", "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 100);
  const auto sent = next_chunk(sender);
  REQUIRE(sender.credit(credit_for(sent)));
  CHECK_FALSE(sender.credit(credit_for(sent)));
  CHECK(sender.is_closed());
}

TEST_CASE("a lost peer fails every transfer once", "[messages][transfer]") {
  transfer_sender sender{small_limits()};
  offered(sender, 100);
  offered(sender, 8);
  offered(sender, 8);
  next_chunk(sender);
  sender.cancel(2);
  CHECK(only<transfer_failed>(sender.take_events()).transfer == 2);
  const failure why{errc::actor_down, "peer: gone"};
  sender.peer_gone(why);
  sender.peer_gone({errc::timed_out, "again"});
  const auto events = sender.take_events();
  REQUIRE(events.size() == 2);
  CHECK(events[0] == sender_event{transfer_failed{1, why}});
  CHECK(events[1] == sender_event{transfer_failed{3, why}});
  CHECK(sender.held_bytes() == 0);
  CHECK_FALSE(sender.next_frame());
  CHECK(refusal(sender, 8) == errc::actor_down);
}
