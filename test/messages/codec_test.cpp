#include "messages/codec.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <random>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

using bytes = std::vector<std::byte>;

bytes encoded(const value& x) {
  auto result = encode(x);
  REQUIRE(result);
  return *result;
}

std::string refusal(const bytes& input, const codec_limits& limits = {}) {
  const auto result = decode_value(input, limits);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::malformed);
  return result.error().message;
}

value nested_lists(std::size_t depth) {
  value x = value_list{};
  for (std::size_t i = 1; i < depth; ++i)
    x = value_list{x};
  return x;
}

// Offsets of the first cell's fields.
constexpr std::size_t kind_at = 8, type_at = 9, rank_at = 12, content_at = 16,
                      reserved_at = 24, first_cell_end = 40;

} // namespace

TEST_CASE("every value survives the codec bit for bit", "[messages][codec]") {
  const auto everything = samples::everything();
  CHECK(decode_value(encoded(everything)) == everything);
  for (const auto& [key, entry] : *everything.get_if<value_dict>()) {
    INFO(key);
    CHECK(decode_value(encoded(entry)) == entry);
  }
}

TEST_CASE("doubles keep their very bits", "[messages][codec]") {
  for (const auto x : samples::hard_doubles()) {
    const auto y = decode_value(encoded(x));
    REQUIRE(y);
    REQUIRE(y->get_if<double>());
    CHECK(std::bit_cast<std::uint64_t>(*y->get_if<double>())
          == std::bit_cast<std::uint64_t>(x));
  }
}

TEST_CASE("the encoding is the documented one", "[messages][codec]") {
  const auto got = encoded(value_dict{{"k", -2}});
  std::string expected_bytes{"posse-v\x01"};
  const auto cell = [&](char kind, char content, char sign = 0) {
    expected_bytes += kind;
    expected_bytes += std::string(7, '\0');
    expected_bytes += content;
    expected_bytes += std::string(7, sign);
    expected_bytes += std::string(16, '\0');
  };
  cell(7, 1);
  cell(8, 1);
  expected_bytes += std::string("k\0\0\0\0\0\0\0", 8);
  cell(2, '\xfe', '\xff');
  CHECK(std::string(reinterpret_cast<const char*>(got.data()), got.size())
        == expected_bytes);
  CHECK(encoded_size(value_dict{{"k", -2}}) == got.size());
}

TEST_CASE("encoding in parts copies no tensor", "[messages][codec]") {
  const auto blob =
      samples::blob(dtype::f32, {2}, std::vector<float>{1.0f, 2.0f});
  bool saw_tensor = false;
  bytes joined;
  REQUIRE(encode_to(blob, [&](std::span<const std::byte> part) {
    saw_tensor |= part.data() == blob.bytes().data();
    joined.insert(joined.end(), part.begin(), part.end());
  }));
  CHECK(saw_tensor);
  CHECK(joined == encoded(blob));
}

TEST_CASE("decoded tensors share one aligned buffer", "[messages][codec]") {
  const value x = value_list{
      samples::blob(dtype::u8, {3}, std::vector<std::uint8_t>{1, 2, 3}),
      samples::blob(dtype::f64, {10}, samples::hard_doubles()),
      samples::blob(dtype::f64, {10}, samples::hard_doubles()),
  };
  const auto y = decode_value(encoded(x));
  REQUIRE(y);
  const auto& tensors = *y->get_if<value_list>();
  const auto* first = tensors[0].get_if<tensor_blob>();
  for (const auto& element : tensors) {
    const auto* tensor = element.get_if<tensor_blob>();
    REQUIRE(tensor);
    const auto address =
        reinterpret_cast<std::uintptr_t>(tensor->bytes().data());
    CHECK(address % (tensor->size_bytes() < 64 ? 16 : 64) == 0);
    CHECK_FALSE(tensor->owner().owner_before(first->owner()));
    CHECK_FALSE(first->owner().owner_before(tensor->owner()));
  }
}

TEST_CASE("a tensor is decoded as such and nothing else is",
          "[messages][codec]") {
  const auto blob = samples::blob(dtype::f32, {6}, samples::hard_floats());
  CHECK(decode_tensor(encoded(blob)) == blob);
  const auto wrong = decode_tensor(encoded("text"));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == errc::malformed);
  CHECK_THAT(wrong.error().message, ContainsSubstring("got a string"));
}

TEST_CASE("input cut at any byte is refused", "[messages][codec]") {
  const auto whole = encoded(samples::everything());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    const auto result = decode_value(std::span{whole}.first(size));
    REQUIRE_FALSE(result);
    REQUIRE(result.error().code == errc::malformed);
  }
}

TEST_CASE("bytes after the value are refused", "[messages][codec]") {
  auto input = encoded(1);
  input.resize(input.size() + 8);
  CHECK_THAT(refusal(input), ContainsSubstring("8 bytes too many"));
}

TEST_CASE("another format or version is refused", "[messages][codec]") {
  auto input = encoded(1);
  input[7] = std::byte{2};
  CHECK_THAT(refusal(input),
             ContainsSubstring("expected format version 1, got 2"));
  input[0] = std::byte{'P'};
  CHECK_THAT(refusal(input), ContainsSubstring("no encoded value"));
}

TEST_CASE("bytes that another encoding would leave unused are refused",
          "[messages][codec]") {
  for (const auto offset :
       {type_at, type_at + 1, rank_at, reserved_at, first_cell_end - 1}) {
    auto input = encoded(true);
    input[offset] = std::byte{1};
    CHECK_THAT(refusal(input), ContainsSubstring("not zero"));
  }
  auto input = encoded(value{});
  input[content_at] = std::byte{1};
  CHECK_THAT(refusal(input), ContainsSubstring("not zero"));
  input = encoded("abc");
  input.back() = std::byte{1};
  CHECK_THAT(refusal(input), ContainsSubstring("padding"));
  input = encoded(true);
  input[content_at] = std::byte{2};
  CHECK_THAT(refusal(input), ContainsSubstring("a bool"));
}

TEST_CASE("unknown types are refused", "[messages][codec]") {
  auto input = encoded(1);
  for (const int kind : {8, 9, 255}) {
    input[kind_at] = static_cast<std::byte>(kind);
    CHECK_THAT(refusal(input), ContainsSubstring("type"));
  }
  input = encoded(tensor_blob{});
  for (const int type : {0, 11, 255}) {
    input[type_at] = static_cast<std::byte>(type);
    CHECK_THAT(refusal(input), ContainsSubstring("dtype"));
  }
}

TEST_CASE("a length beyond the input is refused", "[messages][codec]") {
  const auto blob = samples::blob(dtype::f32, {6}, samples::hard_floats());
  const value samples_of_each[] = {"text", value_list{1}, value_dict{{"k", 1}}};
  for (const auto& x : samples_of_each)
    for (const int content : {0x01, 0x7f, 0xff}) {
      auto input = encoded(x);
      std::fill_n(input.begin() + content_at, 8,
                  static_cast<std::byte>(content));
      CHECK_THAT(refusal(input), ContainsSubstring("bytes are left"));
    }
  auto input = encoded(blob);
  std::fill_n(input.begin() + rank_at, 4, std::byte{0xff});
  CHECK_THAT(refusal(input), ContainsSubstring("sizes"));
}

TEST_CASE("a tensor with sizes that overflow or are negative is refused",
          "[messages][codec]") {
  auto input =
      encoded(samples::blob(dtype::f64, {1, 1, 1}, std::vector<double>{1}));
  const auto set_size = [&](std::size_t i, std::int64_t size) {
    std::memcpy(input.data() + first_cell_end + 8 * i, &size, sizeof(size));
  };
  set_size(0, -1);
  CHECK_THAT(refusal(input), ContainsSubstring("impossible size of -1"));
  set_size(0, std::int64_t{1} << 31);
  set_size(1, std::int64_t{1} << 31);
  CHECK_THAT(refusal(input), ContainsSubstring("impossible size"));
  set_size(2, 0); // no elements, but strides that overflow all the same
  CHECK_THAT(refusal(input), ContainsSubstring("impossible size"));
}

TEST_CASE("dict keys out of order or twice are refused", "[messages][codec]") {
  auto input = encoded(value_dict{{"a", 1}, {"b", 2}});
  const auto first_key = first_cell_end + 32;
  REQUIRE(input[first_key] == std::byte{'a'});
  for (const char key : {'b', 'c'}) {
    input[first_key] = static_cast<std::byte>(key);
    CHECK_THAT(refusal(input), ContainsSubstring("ascending"));
  }
}

TEST_CASE("limits hold for both directions", "[messages][codec]") {
  const auto too_much = [](const value& x, const codec_limits& limits) {
    refusal(encoded(x), limits);
    const auto result = encode(x, limits);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::invalid_argument);
  };
  CHECK(decode_value(encoded(nested_lists(32))) == nested_lists(32));
  CHECK_FALSE(encode(nested_lists(33)));
  too_much(nested_lists(4), {.max_depth = 3});
  CHECK(encode(nested_lists(3), {.max_depth = 3}));

  const value three = value_list{1, 2};
  too_much(three, {.max_elements = 2});
  CHECK(decode_value(encoded(three), {.max_elements = 3}) == three);

  const auto size = encoded(three).size();
  too_much(three, {.max_bytes = size - 1});
  CHECK(decode_value(encoded(three), {.max_bytes = size}) == three);
}
