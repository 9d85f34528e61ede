#include "actors/own_hello.hpp"
#include "messages/version.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::StartsWith;

TEST_CASE("a hello names the version of posse that says it",
          "[actors][own_hello]") {
  cluster_config cluster;
  cluster.nodes.push_back({"a", "127.0.0.1", 7101, {}});
  auto said = own_hello(cluster, "a");
  REQUIRE(said);
  CHECK_THAT(said->build,
             StartsWith("posse " + std::string{version} + ", LibTorch "));
  CHECK(said->protocol == protocol_version);
  CHECK(said->node == "a");
}
