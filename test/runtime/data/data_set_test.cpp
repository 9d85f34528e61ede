#include "runtime/data/batch.hpp"
#include "runtime/data/csv.hpp"
#include "runtime/data/data_set.hpp"
#include "runtime/data/splits.hpp"
#include "test/runtime/data/images.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <set>

using namespace posse;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

data_section energy() {
  data_section section;
  section.path = examples_data() / "energy.csv";
  section.splits = examples_data() / "energy-splits.csv";
  return section;
}

/// Mean and population deviation of a tensor's elements, in double.
std::pair<double, double> moments(const at::Tensor& x) {
  auto d = x.to(at::kDouble);
  return {d.mean().item<double>(), d.std(false).item<double>()};
}

} // namespace

TEST_CASE("energy loads with the split's rows, standardised",
          "[runtime][data]") {
  auto data = load_data_set(energy(), 0, 1);
  REQUIRE(data);
  CHECK(data->train.size() == 691);
  CHECK(data->validation.size() == 0);
  CHECK(data->test.size() == 77);
  CHECK(data->test.numbers
        == *read_split(examples_data() / "energy-splits.csv", 0, 768));
  CHECK(data->encoding.task == task_kind::regression);
  CHECK(data->encoding.input_shape == std::vector<std::int64_t>{8});
  CHECK(data->encoding.outputs == 1);
  CHECK(data->encoding.target == "heating_load");
  CHECK(data->train.inputs.sizes() == at::IntArrayRef{691, 8});
  CHECK(data->train.inputs.scalar_type() == at::kFloat);
  CHECK(data->train.targets.sizes() == at::IntArrayRef{691, 1});
  CHECK(data->train.targets.scalar_type() == at::kFloat);
  for (std::int64_t i = 0; i < 8; ++i) {
    auto [mean, sd] = moments(data->train.inputs.select(1, i));
    // Each element is rounded to float: 6e-8 of about 1.
    CHECK(std::abs(mean) < 1e-7);
    CHECK(sd == Approx(1).epsilon(1e-7));
  }
  auto [mean, sd] = moments(data->train.targets);
  CHECK(std::abs(mean) < 1e-7);
  CHECK(sd == Approx(1).epsilon(1e-7));
}

TEST_CASE("the training mean predicts energy as its reference says",
          "[runtime][data]") {
  // Published with the data set: test RMSE 10.10 on split 0.
  auto data = load_data_set(energy(), 0.1, 1);
  REQUIRE(data);
  double squares = 0;
  for (auto y : data->test.original_targets)
    squares += std::pow(y - data->encoding.output.decode(0), 2);
  CHECK(std::sqrt(squares / 77) == Approx(10.10).margin(0.005));
}

TEST_CASE("original targets are the file's numbers", "[runtime][data]") {
  auto data = load_data_set(energy(), 0.1, 1);
  auto file = read_csv(examples_data() / "energy.csv");
  REQUIRE(data);
  REQUIRE(file);
  for (auto part : {data_part::train, data_part::validation, data_part::test}) {
    const auto& rows = data->part(part);
    REQUIRE(rows.original_targets.size() == rows.numbers.size());
    bool same = true;
    bool encoded = true;
    for (std::size_t i = 0; i < rows.numbers.size(); ++i) {
      auto value = file->at(rows.numbers[i], 8);
      same = same && rows.original_targets[i] == value;
      encoded =
          encoded
          && rows.targets[static_cast<std::int64_t>(i)].item<float>()
                 == static_cast<float>(data->encoding.output.encode(value));
    }
    CHECK(same);
    CHECK(encoded);
  }
}

TEST_CASE("validation rows change neither the test rows nor the scaling",
          "[runtime][data]") {
  auto all = load_data_set(energy(), 0, 1);
  auto some = load_data_set(energy(), 0.1, 1);
  auto other = load_data_set(energy(), 0.1, 2);
  REQUIRE(all);
  REQUIRE(some);
  REQUIRE(other);
  CHECK(some->validation.size() == 69);
  CHECK(some->train.size() == 622);
  CHECK(some->encoding == all->encoding);
  CHECK(some->test.numbers == all->test.numbers);
  CHECK(some->validation.numbers != other->validation.numbers);
  std::set<std::uint32_t> rows{some->train.numbers.begin(),
                               some->train.numbers.end()};
  rows.insert(some->validation.numbers.begin(), some->validation.numbers.end());
  CHECK(std::vector(rows.begin(), rows.end()) == all->train.numbers);
}

TEST_CASE("without standardising, numbers stay as they are",
          "[runtime][data]") {
  temp_folder folder;
  data_section section;
  section.path = folder.write("a.csv", "t,a\n10,1\n20,2\n30,3\n40,4\n");
  section.target = "t";
  section.test_fraction = 0.25;
  section.standardize = false;
  auto data = load_data_set(section, 0, 1);
  REQUIRE(data);
  CHECK(data->encoding.target == "t");
  CHECK(data->encoding.features == std::vector<std::string>{"a"});
  CHECK(data->test.size() == 1);
  CHECK(at::equal(data->train.inputs * 10, data->train.targets));
  CHECK(data->train.targets[0][0].item<double>()
        == data->train.original_targets[0]);
}

TEST_CASE("a constant column does not divide by zero", "[runtime][data]") {
  temp_folder folder;
  data_section section;
  section.path = folder.write("a.csv", "c,y\n0.1,1\n0.1,2\n0.1,3\n0.1,4\n");
  auto data = load_data_set(section, 0, 1);
  REQUIRE(data);
  CHECK(data->encoding.inputs[0].sd == 1);
  CHECK(data->train.inputs.abs().max().item<float>() < 1e-15);
}

TEST_CASE("a data section that cannot be loaded says why", "[runtime][data]") {
  temp_folder folder;
  data_section section;
  section.path = folder.write("a.csv", "a,b\n1,2\n3,4\n5,6\n");
  auto refusal = [&] {
    auto result = load_data_set(section, 0.1, 1);
    return result ? failure{} : result.error();
  };
  SECTION("unknown kind") {
    section.kind = "tsv";
    CHECK(refusal().code == errc::invalid_config);
    CHECK(refusal().message
          == "data.kind: expected csv, idx or npy, got \"tsv\"");
  }
  SECTION("unknown target") {
    section.target = "z";
    CHECK_THAT(refusal().message,
               ContainsSubstring("expected the target column \"z\", got the "
                                 "columns \"a\", \"b\""));
  }
  SECTION("only a target") {
    section.path = folder.write("b.csv", "a\n1\n2\n");
    CHECK_THAT(refusal().message, ContainsSubstring("at least two columns"));
  }
  SECTION("one row") {
    section.path = folder.write("b.csv", "a,b\n1,2\n");
    CHECK_THAT(refusal().message, ContainsSubstring("got 1"));
  }
  SECTION("too large to standardise") {
    section.path = folder.write("b.csv", "a,b\n1e300,2\n-1e300,3\n1e300,2\n"
                                         "-1e300,1\n");
    CHECK_THAT(refusal().message, ContainsSubstring("column \"a\": expected"));
  }
  SECTION("too large for float32") {
    section.path = folder.write("b.csv", "a,b\n1,2\n2,3\n3,1e39\n4,1e39\n");
    section.standardize = false;
    CHECK_THAT(refusal().message,
               ContainsSubstring("column \"b\": expected a number that fits a "
                                 "float32, got 1e+39"));
  }
  SECTION("splits for idx") {
    section.kind = "idx";
    section.splits = "splits.csv";
    CHECK(refusal().code == errc::invalid_config);
  }
}

TEST_CASE("images stay bytes and are standardised when used",
          "[runtime][data]") {
  temp_folder folder;
  write_images(folder, 10, 4);
  data_section section;
  section.kind = "idx";
  section.path = folder.path();
  auto data = load_data_set(section, 0.2, 1);
  REQUIRE(data);
  CHECK(data->encoding.task == task_kind::classification);
  CHECK(data->encoding.input_shape == std::vector<std::int64_t>{1, 2, 3});
  CHECK(data->encoding.outputs == 3);
  CHECK(data->train.size() == 8);
  CHECK(data->validation.size() == 2);
  CHECK(data->test.size() == 4);
  CHECK(data->test.inputs.scalar_type() == at::kByte);
  CHECK(data->test.targets.scalar_type() == at::kLong);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(data->validation.targets[static_cast<std::int64_t>(i)]
              .item<std::int64_t>()
          == data->validation.numbers[i] % 3);

  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    sum += test_pixel(i);
    squares += std::pow(test_pixel(i), 2);
  }
  const double mean = sum / 60;
  const double sd = std::sqrt(squares / 60 - mean * mean);
  CHECK(data->encoding.inputs[0].mean == Approx(mean));
  CHECK(data->encoding.inputs[0].sd == Approx(sd));
  auto test = chunks{*data, data_part::test, 4}.at(0);
  REQUIRE(test);
  CHECK(test->inputs.sizes() == at::IntArrayRef{4, 1, 2, 3});
  CHECK(test->inputs[3][0][1][2].item<float>()
        == Approx((test_pixel(23) - mean) / sd));

  section.standardize = false;
  auto raw = load_data_set(section, 0.2, 1);
  REQUIRE(raw);
  test = chunks{*raw, data_part::test, 4}.at(0);
  REQUIRE(test);
  CHECK(test->inputs[3][0][1][2].item<float>()
        == static_cast<float>(test_pixel(23) / 255.0));
}
