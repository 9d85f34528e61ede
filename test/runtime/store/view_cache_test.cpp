#include "runtime/store/view_cache.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

using namespace posse;

namespace {

/// A view of `floats` parameters and no gradients.
particle_view view(std::uint64_t version, std::size_t floats) {
  return {version,
          {samples::blob(dtype::f32, {static_cast<std::int64_t>(floats)},
                         std::vector<float>(floats))},
          {}};
}

} // namespace

TEST_CASE("a view cache keeps the latest view of a particle",
          "[runtime][view_cache]") {
  view_cache views{100};
  CHECK(views.find({1}) == nullptr);
  views.put({1}, view(3, 5));
  views.put({1}, view(4, 10));
  REQUIRE(views.find({1}) != nullptr);
  CHECK(views.find({1})->version == 4);
  CHECK(views.size_bytes() == 40);
  views.forget({1});
  CHECK(views.find({1}) == nullptr);
  CHECK(views.size_bytes() == 0);
}

TEST_CASE("the view that was not used for longest leaves first",
          "[runtime][view_cache]") {
  view_cache views{100};
  views.put({1}, view(1, 10));
  views.put({2}, view(1, 10));
  (void)views.find({1});
  views.put({3}, view(1, 15)); // 100 bytes in all with 1
  CHECK(views.find({2}) == nullptr);
  CHECK(views.find({1}) != nullptr);
  CHECK(views.find({3}) != nullptr);
  CHECK(views.size_bytes() == 100);
}

TEST_CASE("a view over the budget is not kept, nor the older one",
          "[runtime][view_cache]") {
  view_cache views{100};
  views.put({1}, view(1, 10));
  views.put({2}, view(1, 10));
  views.put({1}, view(2, 26));
  CHECK(views.find({1}) == nullptr);
  CHECK(views.find({2}) != nullptr);
  CHECK(views.size_bytes() == 40);
}
