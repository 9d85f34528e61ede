#include "runtime/config/load_config.hpp"
#include "runtime/config/to_toml.hpp"
#include "runtime/config/toml_text.hpp"
#include "test/support/catch.hpp"

#include <limits>
#include <string>
#include <vector>

using namespace posse;

namespace {

/// Writes a resolved config, loads it from another folder and compares.
void check_round_trip(const std::vector<std::string>& sets) {
  auto config = parse_config("", "/base/e.toml", sets);
  INFO((config ? std::string{} : config.error().message));
  REQUIRE(config);
  auto text = to_toml(*config);
  INFO(text);
  auto again = parse_config(text, "/elsewhere/config.toml");
  INFO((again ? std::string{} : again.error().message));
  REQUIRE(again);
  CHECK(*again == *config);
  CHECK(to_toml(*again) == text);
}

} // namespace

TEST_CASE("a resolved config loads back equal, from anywhere",
          "[config][to_toml]") {
  check_round_trip({"data.path=a.csv"});
  check_round_trip({"data.path=a.csv", "infer.algorithm=svgd"});
  check_round_trip({"data.path=a.csv", "infer.algorithm=svgd",
                    "infer.bandwidth=0.30000000000000004"});
  check_round_trip({"data.path=a.csv", "infer.algorithm=svgd",
                    "infer.kernel=linear", "infer.annealing=cyclical"});
  check_round_trip({"data.path=a", "data.kind=idx", "model.kind=lenet"});
  check_round_trip({"data.path=a", "data.kind=npy", "prior.kind=flat"});
  check_round_trip({"data.path=a.csv", "infer.epochs=5"});
  check_round_trip({"data.path=a.csv", "run.placement=spread"});
  check_round_trip({"data.path=a.csv", "run.placement=explicit",
                    "infer.particles=2",
                    "run.places=[\"a/cpu:0\", \"cpu:1\"]"});
  check_round_trip(
      {"data.path=a.csv", "data.splits=s", "data.target=y \"\\ é"});
  check_round_trip({"data.path=a.csv", "infer.optimizer=sgd",
                    "infer.momentum=0.9", "model.hidden=[]"});
  check_round_trip(
      {"data.path=a # b", "plugins=[\"x y.so\", \"z.so\"]", "run.fuse=off",
       "run.checkpoint_every=0.1", "infer.learning_rate=1e-300",
       "run.seed=9223372036854775807",
       "local.devices=[\"cpu:0\", { name = \"cuda:0\", bytes = 1000 }]"});
}

TEST_CASE("a printed config holds each used key once, with what it is",
          "[config][to_toml]") {
  auto config = parse_config(
      "", "/base/e.toml",
      std::vector<std::string>{
          "data.path=a.csv", "data.path=/d/a.csv",
          "local.devices=[{ name = \"cpu:0\", bytes = 1048576 }]"});
  REQUIRE(config);
  auto text = to_toml(*config);
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(text, ContainsSubstring("\npath = \"/d/a.csv\" # where the data"));
  CHECK_THAT(text, ContainsSubstring("\nlearning_rate = 0.01 # "));
  CHECK_THAT(text, ContainsSubstring("\nstd = 1.0 # "));
  CHECK_THAT(text,
             ContainsSubstring(
                 "devices = [{ name = \"cpu:0\", bytes = \"1MiB\" }] # "));
  CHECK_THAT(text, ContainsSubstring("\nsteps = 3000 # "));
  CHECK_THAT(text, !ContainsSubstring("\nepochs"));
  CHECK_THAT(text, !ContainsSubstring("\nbandwidth"));
  CHECK_THAT(text, !ContainsSubstring("\nmomentum"));
  CHECK_THAT(text, ContainsSubstring("\nplacement = \"round_robin\" # "));
  CHECK_THAT(text, !ContainsSubstring("\nplaces"));
}

TEST_CASE("TOML strings and numbers are spelled so that they read back",
          "[config][toml_text]") {
  CHECK(toml_string("a\"b\\c\n\t\r\x01\x7f é")
        == "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007F é\"");
  CHECK(toml_real(0.1) == "0.1");
  CHECK(toml_real(1) == "1.0");
  CHECK(toml_real(-0.0) == "-0.0");
  CHECK(toml_real(1e22) == "1e+22");
  CHECK(toml_real(1e-5) == "1e-05");
  CHECK(toml_real(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(toml_real(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(toml_real(std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("what came is cut at the start of a character",
          "[config][toml_text]") {
  CHECK(one_line("a\nb") == "a\\nb");
  CHECK(one_line("abcdef", 6) == "abcdef");
  CHECK(one_line("abcdef", 5) == "abcde...");
  CHECK(one_line("abcé", 4) == "abc..."); // é has two bytes
}
