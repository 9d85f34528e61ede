#include "runtime/data/batch_source.hpp"
#include "test/runtime/data/images.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

using namespace posse;

namespace {

/// `rows` training rows whose input and target are their number, and 5
/// validation rows that go on from there.
std::shared_ptr<data_set> numbered(std::int64_t rows) {
  auto data = std::make_shared<data_set>();
  data->encoding.input_shape = {1};
  data->encoding.features = {"a"};
  data->encoding.target = "y";
  data->encoding.inputs = {{}};
  auto fill = [](data_rows& part, std::int64_t first, std::int64_t count) {
    part.inputs = at::arange(first, first + count, at::kFloat).view({-1, 1});
    part.targets = part.inputs.clone();
    part.numbers.resize(static_cast<std::size_t>(count));
    std::iota(part.numbers.begin(), part.numbers.end(),
              static_cast<std::uint32_t>(first));
  };
  fill(data->train, 0, rows);
  fill(data->validation, rows, 5);
  fill(data->test, rows + 5, 0);
  return data;
}

std::shared_ptr<data_set> pictures(std::uint32_t count) {
  temp_folder folder;
  write_images(folder, count, 3);
  data_section section;
  section.kind = "idx";
  section.path = folder.path();
  return std::make_shared<data_set>(load_data_set(section, 0, 1).value());
}

/// The row numbers of one epoch, batch by batch.
std::vector<std::int64_t> epoch_rows(batch_source& source, std::uint32_t epoch,
                                     std::uint32_t stream,
                                     data_part part = data_part::train) {
  std::vector<std::int64_t> rows;
  for (std::uint32_t i = 0; i < source.batches_per_epoch(part); ++i) {
    auto b = source.at({part, epoch, i, stream});
    REQUIRE(b);
    REQUIRE(b->inputs.is_contiguous());
    REQUIRE(at::equal(b->inputs, b->targets));
    for (std::int64_t r = 0; r < b->inputs.size(0); ++r)
      rows.push_back(b->inputs[r][0].item<std::int64_t>());
  }
  return rows;
}

std::vector<std::int64_t> sorted(std::vector<std::int64_t> x) {
  std::sort(x.begin(), x.end());
  return x;
}

std::vector<std::int64_t> counting(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> x(static_cast<std::size_t>(count));
  std::iota(x.begin(), x.end(), first);
  return x;
}

} // namespace

TEST_CASE("an epoch meets every row once and keeps the partial batch",
          "[runtime][data]") {
  batch_source source{numbered(23), 5, 1};
  CHECK(source.batches_per_epoch() == 5);
  CHECK(sorted(epoch_rows(source, 0, batch_ref::shared_order))
        == counting(0, 23));
  CHECK(source.at({data_part::train, 0, 4, batch_ref::shared_order})
            ->inputs.size(0)
        == 3);
  CHECK(epoch_rows(source, 9, batch_ref::in_order) == counting(0, 23));
}

TEST_CASE("a batch larger than the part holds all of it", "[runtime][data]") {
  batch_source source{numbered(23), 1000, 1};
  CHECK(source.batches_per_epoch() == 1);
  CHECK(sorted(epoch_rows(source, 0, batch_ref::shared_order))
        == counting(0, 23));
}

TEST_CASE("orders depend on seed and epoch and nothing else",
          "[runtime][data]") {
  auto data = numbered(100);
  batch_source a{data, 7, 1};
  batch_source b{data, 7, 1};
  batch_source c{data, 7, 2};
  epoch_rows(b, 5, batch_ref::shared_order); // an unlike history
  for (auto stream :
       {batch_ref::shared_order, std::uint32_t{0}, std::uint32_t{12}}) {
    CHECK(epoch_rows(a, 3, stream) == epoch_rows(b, 3, stream));
    CHECK(epoch_rows(a, 3, stream) != epoch_rows(a, 4, stream));
    CHECK(epoch_rows(a, 3, stream) != epoch_rows(c, 3, stream));
  }
  CHECK(epoch_rows(a, 3, 0) != epoch_rows(a, 3, 1));
}

TEST_CASE("the same rows come in the same order on every machine",
          "[runtime][data]") {
  // Pinned: a change here changes every run, and breaks resuming old ones.
  batch_source source{numbered(8), 8, 1};
  // The numbers are those of a Python program written from the definitions.
  CHECK(epoch_rows(source, 0, batch_ref::shared_order)
        == std::vector<std::int64_t>{7, 1, 3, 2, 0, 4, 6, 5});
  CHECK(epoch_rows(source, 0, 0)
        == std::vector<std::int64_t>{3, 6, 7, 4, 2, 3, 3, 5});
}

TEST_CASE("a bootstrapped epoch is a particle's sample", "[runtime][data]") {
  batch_source source{numbered(100), 7, 1};
  auto first = epoch_rows(source, 0, 3);
  CHECK(first.size() == 100);
  CHECK(sorted(first) != counting(0, 100));
  CHECK(sorted(first) == sorted(epoch_rows(source, 1, 3)));
}

TEST_CASE("validation rows come from their own part", "[runtime][data]") {
  batch_source source{numbered(23), 2, 1};
  CHECK(source.batches_per_epoch(data_part::validation) == 3);
  CHECK(source.batches_per_epoch(data_part::test) == 0);
  CHECK(epoch_rows(source, 0, batch_ref::in_order, data_part::validation)
        == counting(23, 5));
}

TEST_CASE("a batch that does not exist is refused", "[runtime][data]") {
  batch_source source{numbered(23), 5, 1};
  auto stream =
      GENERATE(batch_ref::shared_order, batch_ref::in_order, std::uint32_t{0});
  auto result = source.at({data_part::train, 0, 5, stream});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::invalid_argument);
  CHECK(result.error().message
        == "batch of the train rows: expected a number below 5, got 5");
  CHECK_FALSE(source.at({data_part::test, 0, 0, stream}));
}

TEST_CASE("particles that share an order share its tensors",
          "[runtime][data]") {
  batch_source source{numbered(23), 5, 1};
  auto first = source.at({data_part::train, 0, 1, batch_ref::shared_order});
  auto again = source.at({data_part::train, 0, 1, batch_ref::shared_order});
  CHECK(first->inputs.is_same(again->inputs));
}

TEST_CASE("a large part gives the same batches as a small one",
          "[runtime][data]") {
  auto data = pictures(50);
  batch_source whole{data, 8, 1};
  batch_source one_by_one{data, 8, 1, 4096}; // room for a batch or two
  for (auto stream :
       {batch_ref::shared_order, batch_ref::in_order, std::uint32_t{4}})
    for (std::uint32_t i = 0; i < 7; ++i) {
      auto a = whole.at({data_part::train, 2, i, stream});
      auto b = one_by_one.at({data_part::train, 2, i, stream});
      REQUIRE(a);
      REQUIRE(b);
      CHECK(a->inputs.sizes() == at::IntArrayRef{i == 6 ? 2 : 8, 1, 2, 3});
      CHECK(a->inputs.scalar_type() == at::kFloat);
      CHECK(a->targets.scalar_type() == at::kLong);
      CHECK(at::equal(a->inputs, b->inputs));
      CHECK(at::equal(a->targets, b->targets));
    }
}

TEST_CASE("images and labels stay together", "[runtime][data]") {
  auto data = pictures(50);
  batch_source source{data, 8, 1};
  auto b = source.at({data_part::train, 0, 0, batch_ref::shared_order});
  REQUIRE(b);
  const auto& scale = data->encoding.inputs[0];
  for (std::int64_t r = 0; r < 8; ++r) {
    // The first pixel of image k is test_pixel(6 k): unique below 128 images.
    auto pixel =
        std::lround(scale.decode(b->inputs[r][0][0][0].item<double>()));
    std::int64_t k = 0;
    while (test_pixel(static_cast<std::size_t>(6 * k)) != pixel)
      ++k;
    CHECK(b->targets[r].item<std::int64_t>() == k % 3);
  }
}

TEST_CASE("threads get the same batches as one thread", "[runtime][data]") {
  auto data = pictures(60);
  batch_source alone{data, 7, 1};
  // Too small for an epoch, so that batches are evicted all the time.
  batch_source shared{data, 7, 1,
                      GENERATE(std::size_t{4096}, std::size_t{1} << 20)};
  std::vector<batch_ref> refs;
  std::vector<batch> wanted;
  for (std::uint32_t epoch = 0; epoch < 6; ++epoch)
    for (std::uint32_t i = 0; i < alone.batches_per_epoch(); ++i)
      for (auto stream :
           {batch_ref::shared_order, batch_ref::in_order, std::uint32_t{1}}) {
        refs.push_back({data_part::train, epoch, i, stream});
        wanted.push_back(alone.at(refs.back()).value());
      }
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t n = 0; n < 4 * refs.size(); ++n) {
        auto k = (n * (2 * t + 1) + t * 17) % refs.size(); // unlike orders
        auto got = shared.at(refs[k]);
        wrong += !got || !at::equal(got->inputs, wanted[k].inputs)
                 || !at::equal(got->targets, wanted[k].targets);
      }
    });
  threads.clear();
  CHECK(wrong == 0);
}

TEST_CASE("chunks are the rows in their order", "[runtime][data]") {
  auto data = numbered(23);
  chunks rows{*data, data_part::train, 10};
  CHECK(rows.size() == 3);
  CHECK(rows.at(2)->inputs.sizes() == at::IntArrayRef{3, 1});
  CHECK(rows.at(1)->targets[0][0].item<int>() == 10);
  CHECK(rows.at(3).error().code == errc::invalid_argument);
  CHECK(rows.at(-1).error().code == errc::invalid_argument);
  CHECK(chunks{*data, data_part::test, 10}.size() == 0);

  chunks given{at::ones({4, 2}), 3};
  CHECK(given.size() == 2);
  CHECK(given.at(1)->inputs.sizes() == at::IntArrayRef{1, 2});
  CHECK_FALSE(given.at(1)->targets.defined());
}

TEST_CASE("what a batch costs", "[.][benchmark]") {
  auto report = [](const char* what, batch_source& source, std::uint32_t stream,
                   std::uint32_t count) {
    const auto per_epoch =
        static_cast<std::uint32_t>(source.batches_per_epoch());
    double best = 1e9;
    for (int repeat = 0; repeat < 20; ++repeat) {
      auto start = std::chrono::steady_clock::now();
      for (std::uint32_t i = 0; i < count; ++i)
        REQUIRE(source.at({data_part::train, 0, i % per_epoch, stream}));
      std::chrono::duration<double, std::nano> took =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, took.count() / count);
    }
    WARN(what << ": " << best << " ns, best of 20 x " << count);
  };
  data_section section;
  section.path = examples_data() / "energy.csv";
  auto data =
      std::make_shared<data_set>(load_data_set(section, 0.1, 1).value());
  batch_source source{data, 100, 1};
  report("a hit (energy, batch 100)", source, batch_ref::shared_order, 10000);
  report("bootstrapped (energy, batch 100)", source, 0, 10000);
  auto images = std::make_shared<data_set>(*pictures(100));
  images->train.inputs = at::zeros({6000, 1, 28, 28}, at::kByte);
  images->train.targets = at::zeros({6000}, at::kLong);
  images->train.numbers.resize(6000);
  images->encoding.features.resize(784);
  batch_source mnist{images, 64, 1};
  report("bootstrapped (28 x 28, batch 64)", mnist, 0, 90);
}
