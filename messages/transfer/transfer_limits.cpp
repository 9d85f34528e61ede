#include "messages/transfer/transfer_limits.hpp"

#include <string>

namespace posse {

namespace {

expected<void> check_range(const char* name, std::uint64_t value,
                           std::uint64_t least, std::uint64_t most = -1) {
  if (value >= least && value <= most)
    return {};
  return fail(errc::invalid_argument,
              std::string{"transfer limits: "} + name
                  + ": expected a number in [" + std::to_string(least) + ", "
                  + std::to_string(most) + "], got " + std::to_string(value));
}

} // namespace

expected<void> check(const transfer_limits& x) {
  return check_range("chunk_bytes", x.chunk_bytes, 1, max_chunk_bytes)
      .and_then([&] { return check_range("window", x.window, 1); })
      .and_then([&] {
        return check_range("max_transfer_bytes", x.max_transfer_bytes, 1);
      })
      .and_then(
          [&] { return check_range("open_transfers", x.open_transfers, 1); })
      .and_then([&] {
        return check_range("open_bytes", x.open_bytes, x.max_transfer_bytes);
      })
      .and_then([&] {
        return check_range("queued_transfers", x.queued_transfers, 1);
      });
}

} // namespace posse
