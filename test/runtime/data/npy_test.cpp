#include "runtime/data/npy.hpp"
#include "test/runtime/data/temp_folder.hpp"
#include "test/support/catch.hpp"

#include <cstring>
#include <limits>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A .npy file as NumPy writes it.
template <class Real>
std::string npy(const std::string& shape, const std::vector<Real>& values,
                int version = 1, const std::string& order = "False",
                std::string type = {}) {
  if (type.empty())
    type = sizeof(Real) == 4 ? "<f4" : "<f8";
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + order
                       + ", 'shape': " + shape + ", }";
  std::size_t prefix = version == 1 ? 10 : 12;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (std::size_t i = 0; i < prefix - 8; ++i)
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  bytes += header;
  auto at = bytes.size();
  bytes.resize(at + values.size() * sizeof(Real));
  std::memcpy(bytes.data() + at, values.data(), values.size() * sizeof(Real));
  return bytes;
}

const std::vector<double> six{1, 2, 3, 4, 5, 6};
const std::vector<double> three{7, 8, 9};

std::string refusal(const std::string& x, const std::string& y) {
  temp_folder folder;
  folder.write("x.npy", x);
  folder.write("y.npy", y);
  auto result = read_npy(folder.path());
  if (result)
    return "it was read";
  CHECK(result.error().code == errc::invalid_data);
  return result.error().message.substr(folder.path().string().size() + 1);
}

} // namespace

TEST_CASE("npy arrays become columns", "[runtime][data]") {
  temp_folder folder;
  auto y_shape = GENERATE("(3,)", "(3, 1)");
  auto version = GENERATE(1, 2);
  folder.write("x.npy", npy<double>("(3, 2)", six, version));
  folder.write("y.npy", npy<float>(y_shape, {7, 8, 9}, version));
  auto data = read_npy(folder.path());
  REQUIRE(data);
  CHECK(data->columns == std::vector<std::string>{"x0", "x1", "y"});
  CHECK(data->rows == 3);
  CHECK(data->values == std::vector<double>{1, 2, 7, 3, 4, 8, 5, 6, 9});
}

TEST_CASE("npy arrays of another kind are refused", "[runtime][data]") {
  auto x = npy("(3, 2)", six);
  auto y = npy("(3,)", three);
  CHECK(refusal("a,b\n1,2\n", y)
        == "x.npy: expected a NumPy array, got another kind of file");
  CHECK(refusal(npy("(3, 2)", six, 3), y)
        == "x.npy: expected .npy format 1 or 2, got 3");
  CHECK_THAT(refusal(npy("(3, 2)", six, 1, "True"), y),
             ContainsSubstring("x.npy: expected C order"));
  CHECK_THAT(refusal(npy("(3, 2)", six, 1, "False", ">f8"), y),
             ContainsSubstring("got \"'>f8'\""));
  CHECK_THAT(refusal(x.substr(0, x.size() - 1), y),
             ContainsSubstring("expected the data of shape [3, 2], got 47"));
  CHECK_THAT(refusal(x + "x", y), ContainsSubstring("got 49 bytes"));
  CHECK_THAT(refusal(x.substr(0, 40), y), ContainsSubstring("truncated"));
  CHECK_THAT(refusal(x.substr(0, 9), y), ContainsSubstring("x.npy"));
  CHECK_THAT(refusal(npy("(4294967296, 4294967296)", six), y),
             ContainsSubstring("expected the data of shape"));
  CHECK_THAT(refusal(npy("(3, -2)", six), y),
             ContainsSubstring("expected sizes > 0"));
  CHECK(refusal(npy("(6,)", six), y)
        == "x.npy: expected shape [rows, features], got [6]");
  CHECK(refusal(npy("(2, 3)", six), y)
        == "y.npy: expected shape [2] or [2, 1], got [3]");
  CHECK(refusal(x, npy("(1, 3)", three))
        == "y.npy: expected shape [3] or [3, 1], got [1, 3]");
  auto with_nan = six;
  with_nan[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal(npy("(3, 2)", with_nan), y)
        == "x.npy: row 1: expected finite numbers, got nan");
}

TEST_CASE("a missing array is named", "[runtime][data]") {
  temp_folder folder;
  folder.write("x.npy", npy("(3, 2)", six));
  auto result = read_npy(folder.path());
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message, ContainsSubstring("y.npy: cannot open"));
}
