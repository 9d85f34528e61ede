#include "messages/transfer/transfer_receiver.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

#include <array>
#include <cstring>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using samples::made;
using samples::only;
using samples::push;
using samples::receive;
using samples::small_limits;

namespace {

/// Pushes a chunk that has to close `receiver`, which has transfer 1 under way
/// if `pending`.
std::string violation(transfer_receiver& receiver, const chunk& x,
                      bool pending) {
  const auto result = push(receiver, x);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::malformed);
  if (pending)
    CHECK(only<transfer_failed>(receiver.take_events())
          == transfer_failed{1, result.error()});
  CHECK(receiver.take_events().empty());
  CHECK(receiver.is_closed());
  CHECK(receiver.committed_bytes() == 0);
  CHECK(receiver.open_bytes() == 0);
  // Closed it stays, for the same reason.
  CHECK(push(receiver, made(9, 0)).error() == result.error());
  CHECK(receiver.cancelled({1}).error() == result.error());
  receiver.consumed(1);
  receiver.refuse(1, {});
  receiver.peer_gone({});
  CHECK(receiver.take_events().empty());
  return result.error().message;
}

/// As above, after the first chunk of transfer 1.
std::string violation(const chunk& x) {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0)});
  return violation(receiver, x, true);
}

chunk with_checksum(chunk x) {
  x.header.checksum = checksum(x.header, x.bytes.span());
  return x;
}

} // namespace

TEST_CASE("a chunk out of its place closes the receiver",
          "[messages][transfer]") {
  CHECK_THAT(
      violation(made(1, 0)),
      ContainsSubstring("chunk 0 of transfer 1: expected chunk 1, got 0"));
  CHECK_THAT(violation(made(1, 2)),
             ContainsSubstring("expected chunk 1, got 2"));
  CHECK_THAT(violation(made(2, 1)),
             ContainsSubstring("start with chunk 0, got 1"));
  CHECK_THAT(violation(made(1, 1, 21)),
             ContainsSubstring("expected bytes in all 20, got 21"));
  auto x = made(1, 1);
  ++x.header.offset;
  CHECK_THAT(violation(with_checksum(x)),
             ContainsSubstring("expected offset 8, got 9"));
}

TEST_CASE("a chunk whose bytes do not fit its header closes the receiver",
          "[messages][transfer]") {
  auto x = made(1, 1);
  x.bytes.size = 7;
  CHECK_THAT(violation(x), ContainsSubstring("expected bytes 8, got 7"));
  x = made(1, 1);
  x.header.size = 0;
  x.bytes.size = 0;
  CHECK_THAT(violation(with_checksum(x)), ContainsSubstring("size in [1"));
  x = made(1, 1, 100);
  x.bytes = samples::shared(samples::noise(9));
  x.header.size = 9;
  CHECK_THAT(violation(with_checksum(x)),
             ContainsSubstring("size of at most 8, got 9"));
  x = made(1, 1);
  ++x.header.checksum;
  CHECK_THAT(violation(x), ContainsSubstring("expected checksum"));
}

TEST_CASE("any flipped bit closes the receiver", "[messages][transfer]") {
  const auto x = made(1, 1);
  for (std::size_t bit = 0; bit < 8 * sizeof(chunk_header); ++bit) {
    std::array<std::byte, sizeof(chunk_header)> raw;
    std::memcpy(raw.data(), &x.header, sizeof(raw));
    raw[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    auto flipped = x;
    std::memcpy(&flipped.header, raw.data(), sizeof(raw));
    transfer_receiver receiver{small_limits()};
    // Transfers that the flipped one could be taken for.
    receive(receiver, {made(1, 0), made(3, 0), made(9, 0)});
    REQUIRE_FALSE(push(receiver, flipped));
    REQUIRE(receiver.is_closed());
  }
}

TEST_CASE("a finished transfer may not go on or come again",
          "[messages][transfer]") {
  for (const bool consume : {true, false}) {
    transfer_receiver receiver{small_limits()};
    receive(receiver, {made(1, 0), made(1, 1), made(1, 2)});
    if (consume)
      receiver.consumed(1);
    (void)receiver.take_events();
    CHECK_THAT(violation(receiver, made(1, 0), false),
               ContainsSubstring(consume ? "one that has ended"
                                         : "expected chunk 3, got 0"));
  }
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(5, 0, 8)});
  CHECK_THAT(violation(receiver, made(4, 0), false),
             ContainsSubstring("new transfer after 5"));
}

TEST_CASE("too many open transfers close the receiver",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0), made(2, 0), made(3, 0)});
  const auto result = push(receiver, made(4, 0));
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message,
             ContainsSubstring("open transfers at most 3, got 4"));
  CHECK(receiver.take_events().size() == 3);
}

TEST_CASE("more chunks in flight than the window close the receiver",
          "[messages][transfer]") {
  transfer_receiver receiver{small_limits()};
  receive(receiver, {made(1, 0, 8), made(2, 0, 8)}); // complete, not consumed
  CHECK_THAT(violation(receiver, made(3, 0), false),
             ContainsSubstring("in flight at most 2, got 3"));
}

TEST_CASE("a cancel of what is not under way closes the receiver",
          "[messages][transfer]") {
  for (const transfer_id id : {0, 1, 3}) { // never, complete, not begun
    transfer_receiver receiver{small_limits()};
    receive(receiver, {made(1, 0, 8), made(2, 0)});
    const auto result = receiver.cancelled({id});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::malformed);
    CHECK(only<transfer_failed>(receiver.take_events()).transfer == 2);
    CHECK(receiver.is_closed());
  }
}
