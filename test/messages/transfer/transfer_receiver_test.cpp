#include "messages/transfer/transfer_receiver.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using samples::made;
using samples::only;
using samples::push;
using samples::receive;
using samples::small_limits;

TEST_CASE("a payload comes together and is credited chunk by chunk",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  for (std::uint64_t i = 0; i < 2; ++i) {
    REQUIRE(push(receiver, made(1, i)));
    CHECK(only<chunk_credit>(receiver.take_events()) == chunk_credit{1, i});
  }
  CHECK(receiver.open_bytes() == 20);
  REQUIRE(push(receiver, made(1, 2)));
  const auto done = only<transfer_completed>(receiver.take_events());
  CHECK(done.transfer == 1);
  std::vector<std::byte> wanted;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto x = made(1, i);
    wanted.insert(wanted.end(), x.bytes.span().begin(), x.bytes.span().end());
  }
  CHECK(reinterpret_cast<std::uintptr_t>(done.payload.data.get()) % 64 == 0);

  receiver.consumed(1);
  CHECK(only<chunk_credit>(receiver.take_events()) == chunk_credit{1, 2});
  receiver.consumed(1);
  CHECK(receiver.take_events().empty());
  CHECK(receiver.open_bytes() == 0);
  CHECK(done.payload.data.use_count() == 1);
}

TEST_CASE("chunks of several transfers may alternate", "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0), made(4, 0), made(1, 1), made(4, 1)});
  REQUIRE(push(receiver, made(4, 2)));
  CHECK(only<transfer_completed>(receiver.take_events()).transfer == 4);
  REQUIRE(push(receiver, made(1, 2)));
  CHECK(only<transfer_completed>(receiver.take_events()).transfer == 1);
}

TEST_CASE("an announced size over the limits is refused, and its rest dropped",
          "[messages][transfer]") {
  auto limits = small_limits();
  limits.open_bytes = 100;
  transfer_receiver receiver{limits};
  receive(receiver, {made(1, 0)});
  const auto refused = [&](transfer_id id, std::uint64_t total, errc code,
                           const char* text) {
    REQUIRE(push(receiver, made(id, 0, total)));
    const auto events = receiver.take_events();
    REQUIRE(events.size() == 3);
    const auto why = std::get<transfer_refusal>(events[0]).why;
    CHECK(why.code == code);
    CHECK_THAT(why.message, ContainsSubstring(text));
    CHECK(std::get<transfer_failed>(events[1]) == transfer_failed{id, why});
    CHECK(std::get<chunk_credit>(events[2]) == chunk_credit{id, 0});
  };
  refused(2, 101, errc::malformed, "at most 100 bytes in all, got 101");
  refused(3, 81, errc::out_of_memory, "at most 80 bytes more, got 81");
  CHECK(receiver.open_bytes() == 20);
  // What is on its way is dropped and credited, until the peer has read it.
  REQUIRE(push(receiver, made(2, 1, 101)));
  CHECK(only<chunk_credit>(receiver.take_events()) == chunk_credit{2, 1});
  REQUIRE(receiver.cancelled({2}));
  REQUIRE(receiver.cancelled({3}));
  CHECK(receiver.take_events().empty());
  refused(4, 81, errc::out_of_memory, "at most 80 bytes more, got 81");
}

TEST_CASE("a refused transfer that comes to its end is forgotten",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0), made(1, 1)});
  const failure why{errc::invalid_data, "not wanted"};
  receiver.refuse(1, why);
  receiver.refuse(1, why);
  const auto events = receiver.take_events();
  REQUIRE(events.size() == 2);
  CHECK(std::get<transfer_refusal>(events[0]) == transfer_refusal{1, why});
  CHECK(std::get<transfer_failed>(events[1]) == transfer_failed{1, why});
  CHECK(receiver.open_bytes() == 0);
  REQUIRE(push(receiver, made(1, 2)));
  CHECK(only<chunk_credit>(receiver.take_events()) == chunk_credit{1, 2});
  CHECK_FALSE(receiver.cancelled({1}));
}

TEST_CASE("a cancelled transfer frees its memory and fails",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0), made(1, 1)});
  REQUIRE(receiver.cancelled({1}));
  const auto failed = only<transfer_failed>(receiver.take_events());
  CHECK(failed.transfer == 1);
  CHECK(failed.why.code == errc::cancelled);
  CHECK(receiver.open_bytes() == 0);
  CHECK_FALSE(push(receiver, made(1, 2)));
}

TEST_CASE("only complete transfers can be consumed and only others refused",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0), made(2, 0, 8)});
  receiver.consumed(1);
  receiver.consumed(7);
  receiver.refuse(2, {});
  receiver.refuse(7, {});
  CHECK(receiver.take_events().empty());
  CHECK(receiver.open_bytes() == 28);
}

TEST_CASE("a lost peer fails what is not complete, once",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0), made(2, 0, 8), made(3, 0)});
  receiver.refuse(3, {});
  (void)receiver.take_events();
  const failure why{errc::actor_down, "peer: gone"};
  receiver.peer_gone(why);
  receiver.peer_gone({errc::timed_out, "again"});
  CHECK(only<transfer_failed>(receiver.take_events())
        == transfer_failed{1, why});
  CHECK(push(receiver, made(4, 0)).error() == why);
}

TEST_CASE("memory follows what has arrived, not what is announced",
          "[messages][transfer]") {
  constexpr auto total = std::uint64_t{4} << 30;
  transfer_receiver receiver{
      {.max_transfer_bytes = total, .open_bytes = total}};
  std::uint64_t received = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto bytes = samples::noise(100000, i);
    chunk_header header{.transfer = 1,
                        .total = total,
                        .offset = received,
                        .index = i,
                        .size = 100000};
    header.checksum = checksum(header, bytes);
    REQUIRE(receiver.push(header, bytes));
    received += bytes.size();
    CHECK(receiver.committed_bytes() <= 2 * received + 65536);
  }
}
