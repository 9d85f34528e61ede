#include "runtime/data/idx.hpp"
#include "test/runtime/data/images.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::EndsWith;

namespace {

/// What read_idx() says of a folder whose file `name` holds `bytes`.
std::string refusal(std::string_view name, std::string_view bytes) {
  temp_folder folder;
  write_images(folder, 4, 3);
  folder.write(name, bytes);
  auto result = read_idx(folder.path());
  if (result)
    return "it was read";
  CHECK(result.error().code == errc::invalid_data);
  return result.error().message.substr(folder.path().string().size());
}

constexpr auto images = "train-images-idx3-ubyte";
constexpr auto labels = "train-labels-idx1-ubyte";

} // namespace

TEST_CASE("idx files are read plain or gzipped", "[runtime][data]") {
  temp_folder folder;
  write_images(folder, 4, 3, GENERATE(false, true));
  auto data = read_idx(folder.path());
  REQUIRE(data);
  CHECK(data->train.count == 4);
  CHECK(data->train.height == 2);
  CHECK(data->train.width == 3);
  REQUIRE(data->train.pixels.size() == 24);
  CHECK(data->train.pixels[23] == test_pixel(23));
  CHECK(data->train.labels == std::vector<std::uint8_t>{0, 1, 2, 0});
  CHECK(data->test.count == 3);
  CHECK(data->classes == 3);
}

TEST_CASE("a damaged idx file is named with what is wrong", "[runtime][data]") {
  CHECK(refusal(images, idx_bytes({2049, 4, 2, 3}, std::string(24, 'x')))
        == "/train-images-idx3-ubyte: expected the magic number 2051, got "
           "2049");
  CHECK(refusal(images, idx_bytes({2051, 4, 2, 3}, std::string(23, 'x')))
        == "/train-images-idx3-ubyte: truncated: expected as many bytes as "
           "its header says");
  CHECK(refusal(images, idx_bytes({2051, 4}, ""))
        == "/train-images-idx3-ubyte: truncated: expected as many bytes as "
           "its header says");
  CHECK(refusal(images, idx_bytes({2051, 4, 2, 3}, std::string(25, 'x')))
        == "/train-images-idx3-ubyte: expected 24 bytes after the header, as "
           "it says, got more");
  CHECK(refusal(images, idx_bytes({2051, 4, 0, 3}, ""))
        == "/train-images-idx3-ubyte: expected sizes > 0 in the header, got "
           "0");
  CHECK(refusal(images, idx_bytes({2051, 0x7fffffff, 60000, 60000}, ""))
        == "/train-images-idx3-ubyte: expected images of at most 16384 x "
           "16384, got 60000 x 60000");
  CHECK(refusal(labels, idx_bytes({2049, 5}, "\1\1\1\1\1"))
        == "/train-labels-idx1-ubyte: expected 4 labels, one per image, got "
           "5");
}

TEST_CASE("a header cannot make the reader allocate what is not there",
          "[runtime][data]") {
  temp_folder folder;
  write_images(folder, 4, 3);
  folder.write(images, idx_bytes({2051, 0x7fffffff, 16384, 16384}, "x"));
  folder.write(labels, idx_bytes({2049, 0x7fffffff}, "x"));
  auto result = read_idx(folder.path());
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::invalid_data);
}

TEST_CASE("damaged gzip data is an error", "[runtime][data]") {
  temp_folder folder;
  write_images(folder, 400, 3, true);
  auto path = folder.path() / "train-images-idx3-ubyte.gz";
  std::ifstream in{path, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  auto at_sum = bytes.size() - 8; // of the checksum that ends the file
  auto refused = [&](const std::string& damaged) {
    folder.write("train-images-idx3-ubyte.gz", damaged);
    auto result = read_idx(folder.path());
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::invalid_data);
    CHECK(result.error().message.starts_with(path.string() + ": "));
  };
  SECTION("cut off") {
    refused(bytes.substr(0, bytes.size() / 2));
  }
  SECTION("cut off within the checksum") {
    refused(bytes.substr(0, at_sum + 2));
  }
  SECTION("altered checksum") {
    bytes[at_sum] ^= 1;
    refused(bytes);
  }
}

TEST_CASE("idx parts have to fit together", "[runtime][data]") {
  CHECK(refusal("t10k-images-idx3-ubyte",
                idx_bytes({2051, 3, 3, 3}, std::string(27, 'x')))
        == ": expected test images of 2 x 3 as in training, got 3 x 3");
  CHECK(refusal("t10k-labels-idx1-ubyte", idx_bytes({2049, 3}, "\1\7\1"))
        == ": expected test labels from 0 to 2 as in training, got 7");
  CHECK(refusal(labels, idx_bytes({2049, 4}, std::string(4, '\0')))
        == ": expected at least 2 classes in training, got 1");
}

TEST_CASE("a missing idx file is named", "[runtime][data]") {
  temp_folder folder;
  write_images(folder, 4, 3);
  std::filesystem::remove(folder.path() / labels);
  auto result = read_idx(folder.path());
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message,
             EndsWith(": expected a file train-labels-idx1-ubyte or "
                      "train-labels-idx1-ubyte.gz, got neither"));
}
