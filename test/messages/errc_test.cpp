#include "messages/errc.hpp"
#include "test/support/catch.hpp"

#include <set>

using namespace posse;

TEST_CASE("every errc has a name of its own", "[messages][errc]") {
  std::set<std::string_view> names;
  for (int i = 1; i <= static_cast<int>(last_errc); ++i)
    names.insert(to_string(static_cast<errc>(i)));
  CHECK(names.size() == static_cast<std::size_t>(last_errc));
  CHECK_FALSE(names.contains("unknown error"));
}
