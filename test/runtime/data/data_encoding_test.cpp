#include "runtime/data/batch.hpp"
#include "runtime/data/data_encoding.hpp"
#include "runtime/data/data_set.hpp"
#include "test/runtime/data/images.hpp"
#include "test/runtime/data/temp_folder.hpp"
#include "test/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

data_encoding two_features() {
  data_encoding x;
  x.input_shape = {2};
  x.features = {"a", "b"};
  x.target = "y";
  x.inputs = {{1.0 / 3, 2}, {10, 0.1}};
  x.output = {5, 7};
  return x;
}

} // namespace

TEST_CASE("an encoding survives JSON bit for bit", "[runtime][data]") {
  auto x = two_features();
  x.inputs[1] = {1e-300, 0.1 + 0.2};
  auto text = to_json(x);
  REQUIRE(text);
  CHECK(encoding_from_json(*text) == x);

  x.task = task_kind::classification;
  x.outputs = 10;
  x.input_shape = {1, 1, 2};
  x.inputs = {{72.9, 90.0}};
  text = to_json(x);
  REQUIRE(text);
  CHECK(encoding_from_json(*text) == x);
}

TEST_CASE("a damaged encoding is refused", "[runtime][data]") {
  auto good = nlohmann::json::parse(*to_json(two_features()));
  auto refusal = [](const nlohmann::json& object) {
    auto result = encoding_from_json(object.dump());
    if (result)
      return std::string{"it was read"};
    CHECK(result.error().code == errc::malformed);
    return result.error().message;
  };
  CHECK(refusal(good) == "it was read");
  for (const auto& [key, value] : good.items()) {
    auto without = good;
    without.erase(key);
    CHECK_THAT(refusal(without), ContainsSubstring("'" + key + "'"));
    auto other = good;
    other[key] = nullptr;
    CHECK(refusal(other) != "it was read");
  }
  auto bad = good;
  bad["task"] = "ranking";
  CHECK_THAT(refusal(bad), ContainsSubstring("task: expected"));
  bad = good;
  bad["input_shape"] = {1LL << 31, 1LL << 31, 4};
  CHECK_THAT(refusal(bad), ContainsSubstring("one name per element"));
  bad = good;
  bad["input_shape"] = {-1, -2};
  CHECK_THAT(refusal(bad), ContainsSubstring("sizes > 0"));
  bad = good;
  bad["inputs"][0]["sd"] = 0;
  CHECK_THAT(refusal(bad), ContainsSubstring("sd: expected"));
  bad = good;
  bad["inputs"].push_back(good["inputs"][0]);
  CHECK_THAT(refusal(bad), ContainsSubstring("one scaling"));
  bad = good;
  bad["outputs"] = 0;
  CHECK_THAT(refusal(bad), ContainsSubstring("outputs: expected"));
  CHECK(encoding_from_json("{").error().code == errc::malformed);
  CHECK(encoding_from_json("[]").error().code == errc::malformed);
}

TEST_CASE("rows are encoded by column name, in any order", "[runtime][data]") {
  temp_folder folder;
  auto x = two_features();
  auto plain = encode_rows(x, folder.write("a.csv", "a,b\n1,10.2\n"));
  REQUIRE(plain);
  CHECK(plain->inputs.sizes() == at::IntArrayRef{1, 2});
  CHECK(plain->inputs[0][0].item<float>()
        == static_cast<float>((1 - 1.0 / 3) / 2));
  CHECK_FALSE(plain->targets);
  auto swapped = encode_rows(x, folder.write("b.csv", "y,b,a\n3,10.2,1\n"));
  REQUIRE(swapped);
  CHECK(at::equal(swapped->inputs, plain->inputs));
  CHECK(swapped->targets == std::vector<double>{3});
}

TEST_CASE("columns that do not match are all named", "[runtime][data]") {
  temp_folder folder;
  auto path = folder.write("a.csv", "y,q,a,r\n1,2,3,4\n");
  auto result = encode_rows(two_features(), path);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::invalid_data);
  CHECK(result.error().message
        == path.string()
               + ":1: expected the columns of the training data; missing: "
                 "\"b\"; unknown: \"q\", \"r\"");
  auto large =
      encode_rows(two_features(), folder.write("b.csv", "a,b\n1,2\n1e40,2\n"));
  REQUIRE_FALSE(large);
  CHECK_THAT(large.error().message, ContainsSubstring("b.csv:3: column \"a\""));
}

TEST_CASE("the training file encodes to what was trained on",
          "[runtime][data]") {
  data_section section;
  section.path = examples_data() / "concrete.csv";
  section.splits = examples_data() / "concrete-splits.csv";
  section.split = 3;
  auto data = load_data_set(section, 0, 1);
  REQUIRE(data);
  auto all = encode_rows(data->encoding, section.path);
  REQUIRE(all);
  REQUIRE(all->targets);
  std::vector<std::int64_t> numbers{data->test.numbers.begin(),
                                    data->test.numbers.end()};
  CHECK(at::equal(all->inputs.index_select(0, at::tensor(numbers)),
                  data->test.inputs));
  CHECK((*all->targets)[data->test.numbers[5]]
        == data->test.original_targets[5]);
}

TEST_CASE("images can be given as a csv file of pixels", "[runtime][data]") {
  temp_folder folder;
  data_encoding x;
  x.task = task_kind::classification;
  x.input_shape = {1, 1, 2};
  x.outputs = 3;
  x.features = {"pixel0", "pixel1"};
  x.target = "label";
  x.inputs = {{100, 50}};
  auto rows =
      encode_rows(x, folder.write("a.csv", "label,pixel0,pixel1\n2,0,200\n"));
  REQUIRE(rows);
  CHECK(rows->inputs.sizes() == at::IntArrayRef{1, 1, 1, 2});
  CHECK(rows->inputs.view({-1})[0].item<float>() == -2);
  CHECK(rows->inputs.view({-1})[1].item<float>() == 2);
  CHECK(rows->targets == std::vector<double>{2});
}

TEST_CASE("the test images of a folder encode as those of the run do",
          "[runtime][data]") {
  temp_folder folder;
  write_images(folder, 4, 3);
  data_section section;
  section.kind = "idx";
  section.path = folder.path();
  auto data = load_data_set(section, 0, 1);
  REQUIRE(data);
  std::filesystem::remove(folder.path() / "train-images-idx3-ubyte");
  auto rows = encode_rows(data->encoding, folder.path());
  REQUIRE(rows);
  auto same = chunks{*data, data_part::test, 3}.at(0);
  REQUIRE(same);
  CHECK(rows->inputs.equal(same->inputs));
  CHECK(rows->targets == std::vector<double>{0, 1, 2});

  auto wide = data->encoding;
  wide.input_shape = {1, 3, 2};
  auto refused = encode_rows(wide, folder.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_data);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("[1, 3, 2]") && EndsWith("got images of 2 x 3"));
}
