#include "messages/tensor_blob.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

#include <limits>
#include <set>

using namespace posse;

namespace {

tensor_blob f32_blob(std::vector<std::int64_t> shape,
                     const std::vector<float>& elements) {
  return samples::blob(dtype::f32, std::move(shape), elements);
}

} // namespace

TEST_CASE("every dtype has a size and a name of its own",
          "[messages][tensor_blob]") {
  std::set<std::string_view> names;
  for (int i = 1; i <= static_cast<int>(dtype::boolean); ++i) {
    const auto type = static_cast<dtype>(i);
    CHECK(element_size(type) > 0);
    names.insert(to_string(type));
  }
  CHECK(names.size() == static_cast<std::size_t>(dtype::boolean));
  CHECK(element_size(static_cast<dtype>(0)) == 0);
  CHECK(element_size(static_cast<dtype>(11)) == 0);
  CHECK_FALSE(names.contains(to_string(static_cast<dtype>(11))));
}

TEST_CASE("a default blob is an empty float tensor",
          "[messages][tensor_blob]") {
  const tensor_blob blob;
  CHECK(blob.type() == dtype::f32);
  CHECK(blob.shape() == std::vector<std::int64_t>{0});
  CHECK(blob.numel() == 0);
  CHECK(blob.bytes().empty());
  CHECK(blob == tensor_blob{});
}

TEST_CASE("a blob counts its elements and bytes by its shape",
          "[messages][tensor_blob]") {
  const auto matrix = f32_blob({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(matrix.numel() == 6);
  CHECK(matrix.size_bytes() == 24);
  const auto scalar = f32_blob({}, {1});
  CHECK(scalar.numel() == 1);
  const auto empty = tensor_blob{dtype::f64, {4, 0, 2}, nullptr};
  CHECK(empty.numel() == 0);
}

TEST_CASE("blobs compare by dtype, shape and bits", "[messages][tensor_blob]") {
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(f32_blob({2}, {nan, 1}) == f32_blob({2}, {nan, 1}));
  CHECK(f32_blob({1}, {0.0f}) != f32_blob({1}, {-0.0f}));
  CHECK(f32_blob({2}, {1, 2}) != f32_blob({2, 1}, {1, 2}));
  const auto blob = f32_blob({1}, {1});
  CHECK(blob != tensor_blob{dtype::i32, {1}, blob.owner()});
}

TEST_CASE("a copy of a blob shares its bytes", "[messages][tensor_blob]") {
  const auto blob = f32_blob({1}, {1});
  const auto copy = blob; // NOLINT: the copy is what is tested
  CHECK(copy.bytes().data() == blob.bytes().data());
  CHECK(blob.owner().use_count() == 2);
}

TEST_CASE("a blob prints as its dtype and shape", "[messages][tensor_blob]") {
  CHECK(to_string(tensor_blob{dtype::boolean, {2, 0}, nullptr}) == "bool[2,0]");
  CHECK(to_string(f32_blob({}, {1})) == "f32[]");
}
