#include "messages/transfer/payload_codec.hpp"
#include "test/messages/samples.hpp"
#include "test/messages/transfer/payload_samples.hpp"
#include "test/support/catch.hpp"

#include <cstring>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

using bytes = std::vector<std::byte>;

scattered_payload packed(const value& x) {
  auto result = pack(x);
  REQUIRE(result);
  return std::move(*result);
}

expected<value> unpacked(const bytes& x, const codec_limits& limits = {}) {
  return unpack(samples::aligned(x), limits);
}

std::string refusal(const bytes& x, const codec_limits& limits = {}) {
  const auto result = unpacked(x, limits);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::malformed);
  return result.error().message;
}

/// One tensor of 10 doubles behind a head that ends at `tensor_at`.
bytes one_tensor() {
  return samples::joined(
      packed(samples::blob(dtype::f64, {10}, samples::hard_doubles())));
}
constexpr std::size_t head_end = 16 + 8 + 32 + 2 * 8, tensor_at = 128;

} // namespace

TEST_CASE("every value survives packing bit for bit", "[messages][transfer]") {
  const auto everything = samples::everything();
  CHECK(unpacked(samples::joined(packed(everything))) == everything);
  for (const auto& [key, entry] : *everything.get_if<value_dict>()) {
    INFO(key);
    const auto whole = samples::joined(packed(entry));
    const auto back = unpacked(whole);
    REQUIRE(back == entry);
    CHECK(samples::joined(packed(*back)) == whole);
  }
}

TEST_CASE("packing copies no tensor", "[messages][transfer]") {
  const auto blob = samples::blob(dtype::f64, {10}, samples::hard_doubles());
  const auto payload = packed(value_list{"text", blob, blob});
  const auto size = blob.size_bytes();
  CHECK(payload.slice(payload.size() - size, size).data.get()
        == blob.bytes().data());
}

TEST_CASE("unpacked tensors share the payload and are aligned",
          "[messages][transfer]") {
  value_list tensors;
  for (std::int64_t size = 1; size < 200; size += 7)
    tensors.emplace_back(samples::blob(
        dtype::u8, {size}, std::vector<std::uint8_t>(size_t(size), 3)));
  const auto payload = samples::aligned(samples::joined(packed(tensors)));
  const auto back = unpack(payload);
  REQUIRE(back == value{tensors});
  for (const auto& element : *back->get_if<value_list>()) {
    const auto* tensor = element.get_if<tensor_blob>();
    REQUIRE(tensor);
    CHECK(reinterpret_cast<std::uintptr_t>(tensor->bytes().data()) % 64 == 0);
    CHECK_FALSE(tensor->owner().owner_before(payload.data));
    CHECK_FALSE(payload.data.owner_before(tensor->owner()));
  }
}

TEST_CASE("the layout of a payload is the documented one",
          "[messages][transfer]") {
  const auto whole = one_tensor();
  CHECK(std::memcmp(whole.data(), "posse-p\x01", 8) == 0);
  CHECK(std::to_integer<int>(whole[8]) == head_end - 16);
  CHECK(decode_tensor(std::span{whole}.subspan(16, head_end - 16))
        == tensor_blob{dtype::f64, {0, 10}, nullptr});
  CHECK(whole.size() == tensor_at + 80);
  const auto doubles = samples::hard_doubles();
  CHECK(std::ranges::equal(std::span{whole}.subspan(tensor_at),
                           std::as_bytes(std::span{doubles})));
}

TEST_CASE("a payload cut at any byte is refused", "[messages][transfer]") {
  const auto whole = samples::joined(packed(samples::everything()));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto result =
        unpacked({whole.begin(), whole.begin() + ptrdiff_t(size)});
    REQUIRE_FALSE(result);
    REQUIRE(result.error().code == errc::malformed);
  }
}

TEST_CASE("a payload with anything but one value is refused",
          "[messages][transfer]") {
  auto whole = one_tensor();
  whole.push_back(std::byte{0});
  CHECK_THAT(refusal(whole), ContainsSubstring("1 bytes too many"));
  whole = one_tensor();
  whole[head_end] = std::byte{1};
  CHECK_THAT(refusal(whole), ContainsSubstring("padding"));
  whole = one_tensor();
  whole[7] = std::byte{2};
  CHECK_THAT(refusal(whole), ContainsSubstring("version 1"));
  whole = one_tensor();
  std::fill_n(whole.begin() + 8, 8, std::byte{0xff});
  CHECK_THAT(refusal(whole), ContainsSubstring("expected a head of"));
  whole = one_tensor();
  whole[8] = std::byte{8};
  CHECK_THAT(refusal(whole), ContainsSubstring("encoded value"));
}

TEST_CASE("a head with tensors that are not cut down is refused",
          "[messages][transfer]") {
  for (const auto& blob :
       {samples::blob(dtype::f32, {2}, std::vector{1.0f, 2.0f}),
        samples::blob(dtype::f32, {}, std::vector{1.0f})}) {
    const auto head = encode(blob);
    REQUIRE(head);
    auto whole = one_tensor();
    whole.resize(16);
    whole[8] = static_cast<std::byte>(head->size());
    whole.insert(whole.end(), head->begin(), head->end());
    CHECK_THAT(refusal(whole), ContainsSubstring("starts with a size of 0"));
  }
}

TEST_CASE("a head that asks for more than the payload is refused",
          "[messages][transfer]") {
  auto whole = one_tensor();
  const std::int64_t extent = std::int64_t{1} << 59;
  std::memcpy(whole.data() + head_end - 8, &extent, sizeof(extent));
  CHECK_THAT(refusal(whole), ContainsSubstring("bytes of a tensor"));
}

TEST_CASE("limits of values hold for payloads", "[messages][transfer]") {
  const value x = value_list{1, 2};
  const auto whole = samples::joined(packed(x));
  const auto too_much = [&](const codec_limits& limits) {
    refusal(whole, limits);
    const auto result = pack(x, limits);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::invalid_argument);
  };
  too_much({.max_elements = 2});
  too_much({.max_depth = 1});
  too_much({.max_bytes = whole.size() - 1});
  CHECK(pack(x, {.max_bytes = whole.size()}));
  CHECK(unpacked(whole, {.max_bytes = whole.size()}) == x);
}

TEST_CASE("a slice is shared inside a part and copied across parts",
          "[messages][transfer]") {
  const auto a = samples::shared(samples::noise(10, 1));
  const auto b = samples::shared(samples::noise(1, 2));
  const auto c = samples::shared(samples::noise(20, 3));
  scattered_payload x;
  bytes all;
  for (const auto& part : {a, shared_bytes{}, b, c}) {
    x.append(part);
    all.insert(all.end(), part.span().begin(), part.span().end());
  }
  REQUIRE(x.size() == 31);
  CHECK(x.slice(0, 10).data.get() == a.data.get());
  CHECK(x.slice(10, 1).data.get() == b.data.get());
  CHECK(x.slice(12, 19).data.get() == c.data.get() + 1);
  for (std::size_t from = 0; from < all.size(); ++from)
    for (std::size_t size = 1; size <= all.size() - from; ++size) {
      const auto slice = x.slice(from, size);
      REQUIRE(
          std::ranges::equal(slice.span(), std::span{all}.subspan(from, size)));
    }
}
