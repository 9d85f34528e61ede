#include "runtime/core/registry.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("a registry finds what was added and lists it sorted",
          "[runtime][registry]") {
  registry<int> all{"optimizer", {{"sgd", 1}}};
  CHECK(all.add("adam", 2));
  CHECK(**all.find("adam") == 2);
  CHECK(**all.find("sgd") == 1);
  CHECK(all.names() == std::vector<std::string>{"adam", "sgd"});
}

TEST_CASE("a registry's pointers survive later additions",
          "[runtime][registry]") {
  registry<int> all{"loss", {{"mse", 1}}};
  const auto* entry = all.find("mse").value();
  for (int i = 0; i < 100; ++i)
    CHECK(all.add("loss" + std::to_string(i), i));
  CHECK(all.find("mse").value() == entry);
}

TEST_CASE("an unknown name comes back with the nearest and all known ones",
          "[runtime][registry]") {
  registry<int> all{"optimizer", {{"adam", 1}, {"sgd", 2}}};
  auto misspelt = all.find("adm");
  REQUIRE_FALSE(misspelt);
  CHECK(misspelt.error().code == errc::unknown_name);
  CHECK(misspelt.error().message
        == "unknown optimizer \"adm\"; did you mean \"adam\"? "
           "known: adam, sgd");
  CHECK(all.find("levenberg").error().message
        == "unknown optimizer \"levenberg\"; known: adam, sgd");
  CHECK(registry<int>{"loss"}.find("").error().message
        == "unknown loss \"\"; known: none");
}

TEST_CASE("a registry does not let a name be taken twice",
          "[runtime][registry]") {
  registry<int> all{"optimizer", {{"adam", 1}}};
  auto again = all.add("adam", 2);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::invalid_argument);
  CHECK(**all.find("adam") == 1);
}
