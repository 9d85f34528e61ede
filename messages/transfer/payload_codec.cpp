#include "messages/transfer/payload_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace posse {

namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors travel as they lie in memory");

/// How every payload starts.
struct preamble {
  /// Names the format; the last byte is the version.
  std::array<char, 8> magic{'p', 'o', 's', 's', 'e', '-', 'p', 1};
  std::uint64_t head_bytes{0};
};
static_assert(sizeof(preamble) == 16);

constexpr std::size_t padding(std::size_t offset) noexcept {
  return (payload_alignment - offset % payload_alignment) % payload_alignment;
}

shared_bytes zeros(std::size_t count) {
  static constexpr std::array<std::byte, payload_alignment> block{};
  return {{std::shared_ptr<const std::byte>{}, block.data()}, count};
}

/// `x` with every tensor cut down to its sizes; those with bytes are added to
/// `tensors`.
value take_tensors(const value& x, std::vector<tensor_blob>& tensors) {
  if (const auto* blob = x.get_if<tensor_blob>()) {
    if (blob->size_bytes() > 0)
      tensors.push_back(*blob);
    std::vector<std::int64_t> shape{0};
    shape.insert(shape.end(), blob->shape().begin(), blob->shape().end());
    return tensor_blob{blob->type(), std::move(shape), nullptr};
  }
  if (const auto* list = x.get_if<value_list>()) {
    value_list cut;
    cut.reserve(list->size());
    for (const auto& element : *list)
      cut.push_back(take_tensors(element, tensors));
    return cut;
  }
  if (const auto* dict = x.get_if<value_dict>()) {
    value_dict cut;
    for (const auto& [key, entry] : *dict)
      cut.emplace_hint(cut.end(), key, take_tensors(entry, tensors));
    return cut;
  }
  return x;
}

/// Gives the tensors of a head their sizes and bytes back.
class tensor_filler {
public:
  tensor_filler(const shared_bytes& payload, std::size_t head_end)
      : payload_{payload}, at_{head_end} {}

  expected<void> fill(value& x) {
    if (auto* blob = x.get_if<tensor_blob>())
      return fill(*blob);
    if (auto* list = x.get_if<value_list>()) {
      for (auto& element : *list)
        if (auto ok = fill(element); !ok)
          return ok;
    } else if (auto* dict = x.get_if<value_dict>()) {
      for (auto& [key, entry] : *dict)
        if (auto ok = fill(entry); !ok)
          return ok;
    }
    return {};
  }

  /// Whether there is nothing behind the last tensor.
  expected<void> finish() const {
    if (left() > 0)
      return malformed(std::to_string(left()) + " bytes too many");
    return {};
  }

private:
  expected<void> fill(tensor_blob& x) {
    if (x.shape().empty() || x.shape().front() != 0)
      return malformed("expected a tensor that starts with a size of 0, got "
                       + to_string(x));
    std::vector<std::int64_t> shape(x.shape().begin() + 1, x.shape().end());
    // The codec has checked that the sizes' product fits, zeros left out.
    auto size = element_size(x.type());
    for (const auto extent : shape)
      size *= static_cast<std::size_t>(extent);
    if (size == 0) {
      x = {x.type(), std::move(shape), nullptr};
      return {};
    }
    const auto gap = padding(at_);
    if (gap > left() || size > left() - gap)
      return malformed("expected " + std::to_string(size)
                       + " bytes of a tensor, " + std::to_string(left())
                       + " are left");
    const auto between = payload_.span().subspan(at_, gap);
    if (std::ranges::any_of(between, [](auto b) { return b != std::byte{0}; }))
      return malformed("padding that is not zero");
    at_ += gap;
    x = {x.type(), std::move(shape), payload_.part(at_, size).data};
    at_ += size;
    return {};
  }

  std::size_t left() const noexcept { return payload_.size - at_; }

  tl::unexpected<failure> malformed(const std::string& why) const {
    return fail(errc::malformed,
                "payload, before byte " + std::to_string(at_) + ": " + why);
  }

  const shared_bytes& payload_;
  std::size_t at_;
};

/// The bytes of the head, from a payload that may be anything.
expected<std::size_t> read_preamble(std::span<const std::byte> payload,
                                    const codec_limits& limits) {
  const auto malformed = [](const std::string& why) {
    return fail(errc::malformed, "payload: " + why);
  };
  if (payload.size() > limits.max_bytes)
    return malformed("expected at most " + std::to_string(limits.max_bytes)
                     + " bytes, got " + std::to_string(payload.size()));
  const preamble wanted;
  preamble found;
  if (payload.size() < sizeof(found))
    return malformed("expected at least " + std::to_string(sizeof(found))
                     + " bytes, got " + std::to_string(payload.size()));
  std::memcpy(&found, payload.data(), sizeof(found));
  if (found.magic != wanted.magic)
    return malformed("this is no packed value of version "
                     + std::to_string(wanted.magic.back()));
  if (const auto left = payload.size() - sizeof(found); found.head_bytes > left)
    return malformed("expected a head of " + std::to_string(found.head_bytes)
                     + " bytes, " + std::to_string(left) + " are left");
  return static_cast<std::size_t>(found.head_bytes);
}

} // namespace

expected<scattered_payload> pack(const value& x, const codec_limits& limits) {
  // Also bounds how deep take_tensors() goes.
  if (auto size = encoded_size(x, limits); !size)
    return fail(std::move(size));
  std::vector<tensor_blob> tensors;
  auto head = encode(take_tensors(x, tensors), limits);
  if (!head)
    return fail(std::move(head));
  const preamble start{.head_bytes = head->size()};
  const auto front_bytes = sizeof(start) + head->size();
  const auto front = std::make_shared_for_overwrite<std::byte[]>(front_bytes);
  std::memcpy(front.get(), &start, sizeof(start));
  std::memcpy(front.get() + sizeof(start), head->data(), head->size());

  scattered_payload payload;
  payload.append({{front, front.get()}, front_bytes});
  for (const auto& tensor : tensors) {
    payload.append(zeros(padding(payload.size())));
    payload.append({tensor.owner(), tensor.size_bytes()});
  }
  if (payload.size() > limits.max_bytes)
    return fail(errc::invalid_argument, "payload: takes more than "
                                            + std::to_string(limits.max_bytes)
                                            + " bytes");
  return payload;
}

expected<value> unpack(const shared_bytes& payload,
                       const codec_limits& limits) {
  assert(std::bit_cast<std::uintptr_t>(payload.data.get()) % payload_alignment
             == 0
         && "tensors would not be aligned");
  auto head_bytes = read_preamble(payload.span(), limits);
  if (!head_bytes)
    return fail(std::move(head_bytes));
  auto x = decode_value(payload.span().subspan(sizeof(preamble), *head_bytes),
                        limits);
  if (!x)
    return x;
  try {
    tensor_filler tensors{payload, sizeof(preamble) + *head_bytes};
    if (auto ok = tensors.fill(*x).and_then([&] { return tensors.finish(); });
        !ok)
      return fail(std::move(ok));
    return x;
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory, "payload: no memory for its value");
  }
}

} // namespace posse
