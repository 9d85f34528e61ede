#include "runtime/checkpoint/safetensors.hpp"
#include "runtime/core/sha256.hpp"
#include "test/runtime/checkpoint/blobs.hpp"
#include "test/support/catch.hpp"
#include "test/support/child_process.hpp"
#include "test/support/temporary_directory.hpp"

#include <bit>
#include <limits>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

/// A file as any writer may make it: length, header, `data_bytes` of zeros.
std::string file_with(const std::string& header, std::size_t data_bytes) {
  std::string text(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    text[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return text + header + std::string(data_bytes, '\0');
}

file_bytes bytes_of(const std::string& text) {
  auto copy = std::make_shared<std::string>(text);
  return {{copy, reinterpret_cast<const std::byte*>(copy->data())},
          copy->size()};
}

/// The failure of reading such a file; empty if it is read.
std::string refusal(const std::string& text) {
  auto result = parse_safetensors(bytes_of(text), "x.safetensors");
  if (result)
    return {};
  CHECK(result.error().code == errc::corrupt_checkpoint);
  CHECK_THAT(result.error().message, StartsWith("x.safetensors: "));
  return result.error().message;
}

safetensors every_dtype() {
  std::mt19937 random{7};
  safetensors contents;
  contents.metadata = {{"rng", "17"}, {"smiley", "\xF0\x9F\x98\x80 \" \\ \n"}};
  for (auto type : test::all_dtypes) {
    std::string name{to_string(type)};
    contents.tensors.emplace_back(name + ".matrix",
                                  test::random_blob(type, {3, 5}, random));
    contents.tensors.emplace_back(name + ".scalar",
                                  test::random_blob(type, {}, random));
    contents.tensors.emplace_back(name + ".empty",
                                  test::random_blob(type, {2, 0, 4}, random));
  }
  return contents;
}

} // namespace

TEST_CASE("every dtype, empty tensors and scalars come back in order",
          "[runtime][safetensors]") {
  test::temporary_directory folder;
  auto path = folder / "x.safetensors";
  auto contents = every_dtype();
  auto digest = write_safetensors(path, contents);
  REQUIRE(digest);
  CHECK(digest->bytes == std::filesystem::file_size(path));
  CHECK(digest->sha256 == sha256_of_file(path));
  CHECK(read_safetensors(path) == contents);
}

TEST_CASE("a file of nothing comes back", "[runtime][safetensors]") {
  test::temporary_directory folder;
  REQUIRE(write_safetensors(folder / "x", {}));
  CHECK(read_safetensors(folder / "x") == safetensors{});
}

TEST_CASE("NaN payloads, infinities and negative zero keep their bits",
          "[runtime][safetensors]") {
  test::temporary_directory folder;
  std::vector<std::uint64_t> bits{
      0x7ff8000000000001,
      0xfff800000000beef, // quiet NaNs with payloads
      0x7ff0000000000001, // a signaling NaN
      std::bit_cast<std::uint64_t>(-std::numeric_limits<double>::infinity()),
      std::bit_cast<std::uint64_t>(-0.0),
      1}; // 1: the smallest denormal
  safetensors contents{{}, {{"x", test::blob_of(dtype::f64, {6}, bits)}}};
  REQUIRE(write_safetensors(folder / "x", contents));
  CHECK(read_safetensors(folder / "x") == contents);
}

TEST_CASE("tensors start at multiples of their element size",
          "[runtime][safetensors]") {
  test::temporary_directory folder;
  std::mt19937 random{3};
  safetensors contents;
  contents.tensors.emplace_back("odd",
                                test::random_blob(dtype::u8, {3}, random));
  contents.tensors.emplace_back("wide",
                                test::random_blob(dtype::f64, {2}, random));
  contents.tensors.emplace_back("half",
                                test::random_blob(dtype::bf16, {1}, random));
  contents.tensors.emplace_back("single",
                                test::random_blob(dtype::f32, {1}, random));
  REQUIRE(write_safetensors(folder / "x", contents));
  auto file = read_file(folder / "x");
  REQUIRE(file);
  auto back = parse_safetensors(*file, "x");
  REQUIRE(back);
  for (const auto& [name, blob] : back->tensors) {
    INFO(name);
    auto offset = blob.bytes().data() - file->data.get();
    CHECK(offset % static_cast<std::ptrdiff_t>(element_size(blob.type())) == 0);
    CHECK(offset < static_cast<std::ptrdiff_t>(file->size)); // not copied
  }
}

TEST_CASE("a blob keeps its file's bytes alive", "[runtime][safetensors]") {
  test::temporary_directory folder;
  auto contents = every_dtype();
  REQUIRE(write_safetensors(folder / "x", contents));
  tensor_blob last;
  {
    auto back = read_safetensors(folder / "x");
    REQUIRE(back);
    last = back->tensors[0].second;
  }
  std::filesystem::remove(folder / "x");
  CHECK(last == contents.tensors[0].second);
}

TEST_CASE("tensors that another writer did not align are read aligned",
          "[runtime][safetensors]") {
  auto text =
      file_with(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                R"("b":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}})",
                9);
  text[text.size() - 1] = '\x40'; // 2.0
  auto back = parse_safetensors(bytes_of(text), "x");
  REQUIRE(back);
  const auto& b = back->tensors[1].second;
  CHECK(reinterpret_cast<std::uintptr_t>(b.bytes().data()) % 8 == 0);
  CHECK(b == test::blob_of(dtype::f64, {1}, std::vector{2.0}));
}

TEST_CASE("the reader says what is wrong with a header",
          "[runtime][safetensors]") {
  auto one = [](const std::string& entry, std::size_t data_bytes = 4) {
    return refusal(file_with("{\"w\":" + entry + "}", data_bytes));
  };
  REQUIRE(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})").empty());

  CHECK_THAT(refusal(""), EndsWith("expected at least 8 bytes, got 0"));
  CHECK_THAT(refusal(std::string(8, '\xff')),
             ContainsSubstring("expected a header of at most"));
  CHECK_THAT(refusal(file_with("{}", 0).substr(0, 9)),
             EndsWith("expected a header of 2 bytes, got 1"));
  CHECK_THAT(refusal(file_with(" {}", 0)), EndsWith("does not start with {"));
  CHECK_THAT(refusal(file_with("{", 0)), ContainsSubstring("no JSON"));
  CHECK_THAT(refusal(file_with("{}{}", 0)), ContainsSubstring("no JSON"));
  CHECK_THAT(refusal(file_with("{\"\xff\":1}", 0)),
             ContainsSubstring("no JSON"));
  CHECK_THAT(refusal(file_with("{}", 1)),
             EndsWith("the tensors end at byte 0 of 1 bytes of data"));
  CHECK_THAT(refusal(file_with(R"({"__metadata__":{"a":1}})", 0)),
             EndsWith("\"a\" holds a number"));
  CHECK_THAT(refusal(file_with(R"({"__metadata__":{"a":{}}})", 0)),
             EndsWith("\"a\" holds an object"));
  CHECK_THAT(refusal(file_with(R"({"__metadata__":{"a":"","a":""}})", 0)),
             ContainsSubstring("\"a\" comes twice"));
  CHECK_THAT(refusal(file_with(R"({"__metadata__":{},"__metadata__":{}})", 0)),
             ContainsSubstring("comes twice"));
  CHECK_THAT(refusal(file_with(
                 R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                 R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                 0)),
             EndsWith("\"w\" comes twice"));
  CHECK_THAT(one("[]"), EndsWith("\"w\" holds an array"));
  CHECK_THAT(one("{}"), ContainsSubstring("\"w\" lacks dtype"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[1]})"),
             ContainsSubstring("\"w\" lacks"));
  CHECK_THAT(one(R"({"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]})"),
             ContainsSubstring("unknown dtype F8_E4M3"));
  CHECK_THAT(
      one(R"({"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]})"),
      ContainsSubstring("\"dtype\" comes twice"));
  CHECK_THAT(
      one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1})"),
      ContainsSubstring("\"more\" is not known"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"),
             EndsWith("its shape holds -1"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"),
             EndsWith("its shape holds 1.0"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})"),
             EndsWith("its shape holds an array"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[null],"data_offsets":[0,4]})"),
             EndsWith("its shape holds null"));
  CHECK_THAT(
      one(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]})"),
      EndsWith("its shape holds 18446744073709551615"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"),
             ContainsSubstring("another length than 2"));
  CHECK_THAT(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})"),
             ContainsSubstring("its data_offsets holds a number"));
}

TEST_CASE("the reader refuses extents that do not fit shape and file",
          "[runtime][safetensors]") {
  auto f32 = [](const std::string& shape, const std::string& offsets) {
    return R"({"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)"
           + offsets + "]}";
  };
  auto one = [&](const std::string& shape, const std::string& offsets) {
    return refusal(file_with("{\"w\":" + f32(shape, offsets) + "}", 8));
  };
  auto two = [&](const std::string& a, const std::string& b) {
    return refusal(
        file_with("{\"a\":" + f32("1", a) + ",\"b\":" + f32("1", b) + "}", 8));
  };
  REQUIRE(one("2", "0,8").empty());
  REQUIRE(two("4,8", "0,4").empty()); // the header's order is free

  CHECK_THAT(one("1", "0,8"), EndsWith("need 4 bytes, its offsets hold 8"));
  CHECK_THAT(one("3", "0,12"), ContainsSubstring("are not in the file's 8"));
  CHECK_THAT(one("1", "8,4"), ContainsSubstring("bytes 8 to 4 are not"));
  CHECK_THAT(one("1", "4,8"), ContainsSubstring("starts at byte 4"));
  CHECK_THAT(one("1", "0,4"), ContainsSubstring("end at byte 4 of 8"));
  CHECK_THAT(two("0,4", "0,4"), ContainsSubstring("starts at byte 0"));
  CHECK_THAT(one("18446744073709551615", "0,8"), ContainsSubstring("holds"));
  // Products that wrap around to 8 bytes, to 0, and past a 0.
  CHECK_THAT(one("9223372036854775807,2,2", "0,8"),
             EndsWith("its shape is too large"));
  CHECK_THAT(one("4611686018427387904,4", "0,0"),
             EndsWith("its shape is too large"));
  CHECK_THAT(one("0,4611686018427387904,4", "0,0"),
             EndsWith("its shape is too large"));
}

TEST_CASE("a header of a million brackets is refused, not followed",
          "[runtime][safetensors]") {
  CHECK_THAT(refusal(file_with("{\"w\":" + std::string(1'000'000, '['), 0)),
             EndsWith("\"w\" holds an array"));
}

TEST_CASE("a header with random bytes in it is read or refused, in bounds",
          "[runtime][safetensors]") {
  test::temporary_directory folder;
  REQUIRE(write_safetensors(folder / "x", every_dtype()));
  auto whole = test::read_text(folder / "x");
  auto header_bytes = whole.rfind('}') + 1;
  std::mt19937 random{11};
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    auto text = whole;
    for (auto n = random() % 3 + 1; n > 0; --n)
      text[random() % header_bytes] =
          "0123456789{}[],:\"\\ \xff"[random() % 21];
    auto file = bytes_of(text);
    auto result = parse_safetensors(file, "x");
    refused += !result;
    if (!result)
      continue;
    std::size_t bytes = 0;
    for (const auto& [name, blob] : result->tensors)
      bytes += blob.size_bytes();
    REQUIRE(bytes < file.size);
  }
  CHECK(refused > 1000); // the rest hit names, metadata or spaces
}

TEST_CASE("the writer refuses what no reader could tell apart",
          "[runtime][safetensors]") {
  test::temporary_directory folder;
  auto refused = [&](const safetensors& contents) {
    auto result = write_safetensors(folder / "x", contents);
    REQUIRE_FALSE(result);
    CHECK_FALSE(std::filesystem::exists(folder / "x"));
    return result.error().code;
  };
  CHECK(refused({{}, {{"w", {}}, {"w", {}}}}) == errc::invalid_argument);
  CHECK(refused({{}, {{"__metadata__", {}}}}) == errc::invalid_argument);
  CHECK(refused({{}, {{"\xff", {}}}}) == errc::invalid_argument);
  CHECK(refused({{{"key", "\xff"}}, {}}) == errc::invalid_argument);
  CHECK(refused({{{"key", std::string(17 << 20, 'x')}}, {}})
        == errc::invalid_argument);
}

TEST_CASE("a full disk is an io_error that names file and reason",
          "[runtime][safetensors]") {
  test::temporary_directory folder;
  std::mt19937 random{1};
  safetensors contents{
      {}, {{"w", test::random_blob(dtype::f32, {50'000}, random)}}};
  auto message = test::message_on_full_disk(100'000, [&]() -> expected<void> {
    auto written = write_safetensors(folder / "x", contents);
    if (!written)
      return fail(std::move(written));
    return {};
  });
  CHECK(message == (folder / "x").string() + ": cannot write: File too large");
}
