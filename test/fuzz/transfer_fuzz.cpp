// Plays a peer that may send anything to a transfer_receiver. The input is a
// list of records: a word whose first byte says what happens and whose second
// byte names a transfer, and for a chunk 48 bytes of header and the chunk's
// bytes, filled up to whole words.
//
// Memory must follow what has arrived, every transfer must end once, what is
// accepted must be what was sent, and a payload that unpacks must pack to the
// same bytes.

#include "messages/transfer/payload_codec.hpp"
#include "messages/transfer/transfer_receiver.hpp"
#include "test/fuzz/fuzz_support.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>

namespace {

using namespace posse;
using fuzz::require;

using byte_span = std::span<const std::byte>;

constexpr std::size_t heap_payload_bytes = std::size_t{64} << 10;

/// The first `count` bytes of `input`, or fewer if it is shorter; cut off.
byte_span take(byte_span& input, std::size_t count) {
  const auto taken = input.first(std::min(count, input.size()));
  input = input.subspan(taken.size());
  return taken;
}

/// The header's fields as they lie there, right or wrong.
std::optional<chunk_header> read_header(byte_span bytes) {
  const auto decoded = decode_chunk_header(bytes);
  if (decoded)
    require(std::ranges::equal(encode(*decoded), bytes),
            "an accepted header encodes to the same bytes");
  else
    require(decoded.error().code == errc::malformed,
            "a refused header is malformed");
  chunk_header raw;
  if (bytes.size() < sizeof(raw))
    return std::nullopt;
  std::memcpy(&raw, bytes.data() + (bytes.size() - sizeof(raw)), sizeof(raw));
  require(!decoded || *decoded == raw, "a decoded header is what was encoded");
  return raw;
}

void check_payload(const shared_bytes& payload) {
  const auto x = unpack(payload);
  if (!x) {
    require(x.error().code == errc::malformed,
            "a refused payload is malformed");
    return;
  }
  const auto again = pack(*x);
  require(again && again->size() == payload.size
              && std::ranges::equal(again->slice(0, payload.size).span(),
                                    payload.span()),
          "an accepted payload packs to the same bytes");
}

class session {
public:
  void play(byte_span input) {
    while (!input.empty()) {
      const auto word = take(input, 8);
      const auto what = std::to_integer<unsigned>(word.front());
      const auto id =
          std::to_integer<transfer_id>(word[word.size() > 1 ? 1 : 0]);
      switch (what % 6) {
      case 0:
      case 1:
        push(input, what % 6 == 1);
        break;
      case 2:
        (void)receiver_.cancelled({id});
        break;
      case 3:
        receiver_.consumed(id);
        completed_.erase(id);
        break;
      case 4:
        receiver_.refuse(id, {errc::invalid_data, "not wanted"});
        break;
      default:
        receiver_.peer_gone({errc::actor_down, "gone"});
      }
      take_events();
    }
    receiver_.peer_gone({errc::actor_down, "gone"});
    take_events();
    require(begun_.empty(), "every transfer ends");
  }

private:
  void push(byte_span& input, bool with_checksum) {
    auto header = read_header(take(input, sizeof(encoded_chunk_header)));
    if (!header)
      return;
    const auto bytes = take(input, header->size);
    (void)take(input, (8 - bytes.size() % 8) % 8);
    if (with_checksum)
      header->checksum = checksum(*header, bytes);
    const auto was_closed = receiver_.is_closed();
    fuzz::allocated_bytes = 0;
    const auto ok = receiver_.push(*header, bytes);
    require(fuzz::allocated_bytes <= heap_payload_bytes + 4096,
            "one chunk allocates at most 64 KiB from the heap");
    if (!ok) {
      require(receiver_.is_closed(), "a refused chunk closes the receiver");
      require(was_closed || ok.error().code == errc::malformed,
              "a refused chunk is malformed");
      return;
    }
    require(decode_chunk_header(encode(*header)).has_value(),
            "an accepted chunk has an acceptable header");
    require(header->checksum == checksum(*header, bytes),
            "an accepted chunk has the right checksum");
    auto& arrived = header->index == 0 ? (begun_[header->transfer] = {})
                                       : begun_[header->transfer];
    arrived.insert(arrived.end(), bytes.begin(), bytes.end());
  }

  void take_events() {
    for (const auto& event : receiver_.take_events())
      if (const auto* done = std::get_if<transfer_completed>(&event)) {
        const auto sent = begun_.extract(done->transfer);
        require(!sent.empty()
                    && std::ranges::equal(sent.mapped(), done->payload.span()),
                "a payload is what was sent");
        check_payload(done->payload);
        completed_[done->transfer] = done->payload.size;
      } else if (const auto* lost = std::get_if<transfer_failed>(&event)) {
        require(begun_.erase(lost->transfer) == 1, "a transfer fails once");
        dropped_[lost->transfer] = true;
      }
    check_memory();
  }

  void check_memory() {
    // What a refused transfer still sends is dropped.
    std::erase_if(begun_,
                  [&](const auto& entry) { return dropped_[entry.first]; });
    std::uint64_t bound = 0;
    for (const auto& [id, arrived] : begun_)
      bound += 2 * arrived.size() + heap_payload_bytes;
    for (const auto& [id, size] : completed_)
      bound += 2 * size + heap_payload_bytes;
    require(receiver_.committed_bytes() <= bound,
            "memory follows what has arrived");
  }

  // Sizes that nobody could allocate may be announced.
  transfer_receiver receiver_{{.max_transfer_bytes = std::uint64_t{1} << 36,
                               .open_bytes = std::uint64_t{1} << 38}};
  std::map<transfer_id, std::vector<std::byte>> begun_;
  std::map<transfer_id, std::uint64_t> completed_; // not consumed
  std::map<transfer_id, bool> dropped_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  session{}.play(std::as_bytes(std::span{data, size}));
  return 0;
}
