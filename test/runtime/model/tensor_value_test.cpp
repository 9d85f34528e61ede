#include "runtime/core/random.hpp"
#include "runtime/model/tensor_value.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("a tensor of each dtype comes back from its blob",
          "[runtime][tensor_value]") {
  for (auto type :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
        at::kShort, at::kChar, at::kByte, at::kBool}) {
    INFO(type);
    auto x = at::randint(0, 100, {2, 3}, make_generator(1)).to(type);
    auto back = to_tensor(to_blob(x).value()).value();
    CHECK(back.scalar_type() == type);
    CHECK(at::equal(back, x));
  }
}

TEST_CASE("a contiguous CPU tensor is shared both ways",
          "[runtime][tensor_value]") {
  auto x = at::ones({4}).requires_grad_();
  auto blob = *to_blob(x);
  CHECK(static_cast<const void*>(blob.bytes().data()) == x.const_data_ptr());
  auto back = *to_tensor(blob);
  CHECK(back.const_data_ptr() == x.const_data_ptr());
  CHECK_FALSE(back.requires_grad());
}

TEST_CASE("a blob and its tensors keep the memory alive",
          "[runtime][tensor_value]") {
  auto x = at::arange(1000);
  std::weak_ptr<const std::byte> watched;
  at::Tensor back;
  {
    auto blob = *to_blob(x);
    watched = blob.owner();
    x = at::Tensor{};
    back = *to_tensor(blob);
  }
  CHECK_FALSE(watched.expired());
  CHECK(at::equal(back, at::arange(1000)));
  back = at::Tensor{};
  CHECK(watched.expired());
}

TEST_CASE("a strided tensor travels in row-major order",
          "[runtime][tensor_value]") {
  auto x = at::arange(6).view({2, 3}).t();
  auto blob = *to_blob(x);
  CHECK(blob.shape() == std::vector<std::int64_t>{3, 2});
  CHECK(at::equal(*to_tensor(blob), x));
}

TEST_CASE("scalars and empty tensors travel", "[runtime][tensor_value]") {
  auto scalar = *to_tensor(*to_blob(torch::tensor(2.5)));
  CHECK(scalar.dim() == 0);
  CHECK(scalar.item<float>() == 2.5f);
  CHECK(to_tensor(*to_blob(at::empty({0, 3})))->sizes()
        == at::IntArrayRef{0, 3});
  CHECK(to_tensor(tensor_blob{})->sizes() == at::IntArrayRef{0});
}

TEST_CASE("misaligned bytes are copied", "[runtime][tensor_value]") {
  auto x = at::arange(4);
  auto buffer = std::make_shared<std::array<std::byte, 40>>();
  auto* start = buffer->data() + 1;
  std::memcpy(start, x.const_data_ptr(), 32);
  tensor_blob blob{dtype::i64, {4}, tensor_blob::bytes_ptr{buffer, start}};
  CHECK(at::equal(*to_tensor(blob), x));
}

TEST_CASE("what cannot travel is refused", "[runtime][tensor_value]") {
  CHECK(to_blob(at::Tensor{}).error().code == errc::invalid_argument);
  CHECK(to_blob(at::zeros({2}, at::kComplexFloat)).error().code
        == errc::invalid_argument);
  CHECK(to_blob(at::eye(3).to_sparse()).error().code == errc::invalid_argument);
}
