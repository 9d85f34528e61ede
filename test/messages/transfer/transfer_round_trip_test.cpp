#include "messages/transfer/payload_codec.hpp"
#include "test/messages/samples.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

using namespace posse;

namespace {

/// What arrives of `x` at the other end of a link with these limits; each
/// credit is given at once.
expected<value> carried(const value& x, const transfer_limits& limits) {
  transfer_sender sender{limits};
  transfer_receiver receiver{limits};
  const auto payload = pack(x);
  REQUIRE(payload);
  const auto total = payload->size();
  REQUIRE(sender.offer(*payload));
  for (;;) {
    REQUIRE(samples::push(receiver, samples::next_chunk(sender)));
    CHECK(receiver.committed_bytes() < total + 65536);
    const auto events = receiver.take_events();
    REQUIRE(events.size() == 1);
    if (const auto* done = std::get_if<transfer_completed>(&events.front()))
      return unpack(done->payload);
    REQUIRE(sender.credit(std::get<chunk_credit>(events.front())));
  }
}

} // namespace

TEST_CASE("every value arrives bit for bit, however it is cut",
          "[messages][transfer]") {
  const auto x = samples::everything();
  for (const std::size_t chunk_bytes : {1, 7, 64, 1000, 1 << 20}) {
    INFO(chunk_bytes << " bytes a chunk");
    CHECK(carried(x, {.chunk_bytes = chunk_bytes}) == x);
  }
}

TEST_CASE("a large tensor takes no more than itself", "[messages][transfer]") {
  constexpr std::int64_t size = (std::int64_t{16} << 20) + 1;
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(i * i >> 7);
  const value x = samples::blob(dtype::u8, {size}, bytes);
  CHECK(carried(x, {}) == x);
}
