#include "runtime/store/view_cache.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

#include <memory>

using namespace posse;

namespace {

/// A view of `floats` parameters and no gradients.
view_ptr view(std::uint64_t version, std::size_t floats) {
  auto out = std::make_shared<view_tensors>();
  out->version = version;
  out->parameters = {samples::blob(dtype::f32,
                                   {static_cast<std::int64_t>(floats)},
                                   std::vector<float>(floats))};
  return out;
}

} // namespace

TEST_CASE("a view cache keeps the latest view of a particle",
          "[runtime][view_cache]") {
  view_cache views{{.bytes = 100}};
  CHECK(views.find({1}) == nullptr);
  views.put({1}, view(3, 5));
  views.put({1}, view(4, 10));
  REQUIRE(views.find({1}) != nullptr);
  CHECK(views.find({1})->version == 4);
  CHECK(views.size() == 1);
  CHECK(views.size_bytes() == 40);
  views.forget({1});
  CHECK(views.find({1}) == nullptr);
  CHECK(views.size_bytes() == 0);
}

TEST_CASE("a view cache has no view of another version",
          "[runtime][view_cache]") {
  view_cache views{{}};
  const auto kept = view(4, 10);
  views.put({1}, kept);
  CHECK(views.find({1}, 3) == nullptr);
  CHECK(views.find({1}, 5) == nullptr);
  CHECK(views.find({2}, 4) == nullptr);
  CHECK(views.find({1}, 4) == kept); // itself, not a copy
  const auto counted = views.counters();
  CHECK(counted.hits == 1);
  CHECK(counted.copies == 1);
  CHECK(counted.bytes == 40);
}

TEST_CASE("the view that was not used for longest leaves first",
          "[runtime][view_cache]") {
  view_cache views{{.bytes = 100}};
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
  view_cache views{{.bytes = 100}};
  views.put({1}, view(1, 10));
  views.put({2}, view(1, 10));
  views.put({1}, view(2, 26));
  CHECK(views.find({1}) == nullptr);
  CHECK(views.find({2}) != nullptr);
  CHECK(views.size_bytes() == 40);
}

TEST_CASE("a view cache that is told how many keeps so many, however large",
          "[runtime][view_cache]") {
  view_cache views{{.views = 2, .bytes = 100}};
  for (std::uint32_t i = 1; i <= 3; ++i)
    views.put({i}, view(1, 1000));
  CHECK(views.size() == 2);
  CHECK(views.find({1}) == nullptr);
  views.put({3}, view(2, 1000)); // in place of its older one
  CHECK(views.size() == 2);
  CHECK(views.find({2}) != nullptr);
}

TEST_CASE("a view that left the cache stays with who holds it",
          "[runtime][view_cache]") {
  view_cache views{{.views = 1}};
  views.put({1}, view(1, 10));
  const auto held = views.find({1});
  const std::weak_ptr<const view_tensors> newer = [&] {
    views.put({1}, view(2, 10));
    return views.find({1});
  }();
  views.put({2}, view(1, 10));
  CHECK(newer.expired()); // nobody held that one
  CHECK(held->version == 1);
  CHECK(held->parameters.front().size_bytes() == 40);
}
