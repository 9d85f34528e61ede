#include "runtime/config/load_config.hpp"
#include "runtime/core/units.hpp"
#include "test/support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace posse;
namespace fs = std::filesystem;

namespace {

run_config loaded(const std::string& text, std::vector<std::string> sets = {},
                  const known_names& names = {}) {
  auto config = parse_config(text, "/base/e.toml", sets, names);
  INFO((config ? std::string{} : config.error().message));
  REQUIRE(config);
  return *std::move(config);
}

const std::string csv = "[data]\npath = \"a.csv\"\n";
const std::string idx = "[data]\nkind = \"idx\"\npath = \"mnist\"\n";

} // namespace

TEST_CASE("the path of the data alone makes a deep ensemble",
          "[config][load_config]") {
  run_config expected_config;
  expected_config.data.path = "/base/a.csv";
  expected_config.run.out = "/base/runs/run";
  expected_config.model.head = "gaussian";
  expected_config.infer.steps = 3000;
  expected_config.infer.loss = "beta_nll";
  CHECK(loaded(csv) == expected_config);
}

TEST_CASE("defaults follow the algorithm, the data and the model",
          "[config][load_config]") {
  auto svgd = loaded(csv + "[infer]\nalgorithm = \"svgd\"\n").infer;
  CHECK(svgd.particles == 8);
  CHECK(svgd.loss == "nll");
  CHECK(svgd.schedule == "constant");
  CHECK(svgd.validation_fraction == 0);

  auto classes = loaded(idx);
  CHECK(classes.model.head == "categorical");
  CHECK(classes.infer.loss == "cross_entropy");
  CHECK(classes.infer.learning_rate == 0.01);

  auto lenet = loaded(idx
                      + "[model]\nkind = \"lenet\"\n"
                        "[infer]\nalgorithm = \"svgd\"\n");
  CHECK(lenet.infer.loss == "cross_entropy");
  CHECK(lenet.infer.schedule == "cosine");
  CHECK(lenet.infer.learning_rate == 0.001);

  CHECK(loaded(csv + "[model]\nhead = \"point\"\n").infer.loss == "mse");
  CHECK(loaded(csv + "[model]\nhead = \"gaussian_shared\"\n").infer.loss
        == "nll");
}

TEST_CASE("no default replaces what was given", "[config][load_config]") {
  auto config = loaded(csv
                       + "[infer]\nalgorithm = \"svgd\"\nparticles = 3\n"
                         "schedule = \"linear\"\nvalidation_fraction = 0.2\n"
                         "epochs = 7\n");
  CHECK(config.infer.particles == 3);
  CHECK(config.infer.schedule == "linear");
  CHECK(config.infer.validation_fraction == 0.2);
  CHECK(config.infer.epochs == 7);
  CHECK(config.infer.steps == std::nullopt);
}

TEST_CASE("defaults always go together", "[config][load_config]") {
  for (std::string kind : {"csv", "idx", "npy"})
    for (std::string algorithm : {"deep_ensemble", "svgd"})
      for (std::string model : {"mlp", "lenet"}) {
        if (model == "lenet" && kind != "idx")
          continue; // refused by itself
        CAPTURE(kind, algorithm, model);
        loaded("", {"data.path=x", "data.kind=" + kind, "model.kind=" + model,
                    "infer.algorithm=" + algorithm});
      }
}

TEST_CASE("every key of the interface is read", "[config][load_config]") {
  auto config = loaded(R"(
plugins = ["libmine.so", "/opt/libother.so"]
[run]
name = "energy"
seed = 9223372036854775807
out = "../out"
fuse = "off"
checkpoint_every = 30
trace = true
portable_bits = true
placement = "explicit"
places = ["cpu:0", "cuda:1", "sim:0", "cpu:0", "cpu:0", "cpu:0", "cpu:0"]
[data]
kind = "csv"
path = "data/../energy.csv"
target = "heating load"
splits = "splits.csv"
split = 3
standardize = false
[model]
kind = "mlp"
hidden = [50, 20]
activation = "tanh"
head = "gaussian"
dropout = 0.5
[prior]
kind = "normal"
std = 2
[infer]
algorithm = "deep_ensemble"
particles = 7
steps = 10
batch = 32
loss = "nll"
validation_fraction = 0
optimizer = "sgd"
learning_rate = 1e-3
momentum = 0.9
schedule = "linear"
bootstrap = true
[local]
devices = ["cpu:0", { name = "cuda:1", bytes = "1.5GiB" }, { name = "sim:0", bytes = 4096 }]
lanes = 2
cache_size = 3
cache_policy = "lru"
view_size = 4
prefetch = false
host_bytes = "1.5MiB"
disk_bytes = 4096
disk_path = "spill"
)");
  CHECK(config.plugins
        == std::vector<fs::path>{"/base/libmine.so", "/opt/libother.so"});
  CHECK(config.run
        == run_section{
            "energy",
            INT64_MAX,
            "/out",
            fuse_mode::off,
            30.0,
            true,
            true,
            "explicit",
            {"cpu:0", "cuda:1", "sim:0", "cpu:0", "cpu:0", "cpu:0", "cpu:0"},
            {}});
  CHECK(config.data
        == data_section{"csv", "/base/energy.csv", "heating load",
                        "/base/splits.csv", 0.1, 3, false});
  CHECK(config.model
        == model_section{"mlp", {50, 20}, "tanh", "gaussian", 0.5});
  CHECK(config.prior == prior_section{"normal", 2.0});
  CHECK(config.infer
        == infer_section{"deep_ensemble",
                         7,
                         10,
                         std::nullopt,
                         32,
                         "nll",
                         0.0,
                         "sgd",
                         0.001,
                         0.9,
                         "linear",
                         true,
                         "rbf",
                         "median",
                         "none",
                         1,
                         1.0,
                         30,
                         std::nullopt,
                         std::nullopt,
                         20,
                         0.5,
                         20,
                         0.8});
  CHECK(config.local
        == local_section{{{"cpu:0", 0}, {"cuda:1", 1536_MiB}, {"sim:0", 4096}},
                         2,
                         3,
                         "lru",
                         4,
                         false,
                         1536_KiB,
                         4096,
                         "/base/spill"});
}

TEST_CASE("keys are taken wherever something uses them",
          "[config][load_config]") {
  CHECK(loaded(csv, {"infer.optimizer=rmsprop", "infer.momentum=0.5"})
            .infer.momentum
        == 0.5);
  CHECK(loaded(csv, {"data.kind=npy", "data.splits=s"}).data.splits);
  auto lenet = loaded(idx, {"model.kind=lenet", "model.activation=tanh",
                            "model.dropout=0.1", "data.standardize=false",
                            "infer.loss=nll"});
  CHECK(lenet.model.activation == "tanh");
  CHECK(lenet.model.dropout == 0.1);
  CHECK_FALSE(lenet.data.standardize);
  CHECK(lenet.infer.loss == "nll");
}

TEST_CASE("SVGD has a kernel and an annealing", "[config][load_config]") {
  const auto svgd = csv + "[infer]\nalgorithm = \"svgd\"\n";
  CHECK(loaded(svgd).infer.kernel == "rbf");
  CHECK(loaded(svgd).infer.annealing == "none");
  const auto infer =
      loaded(svgd + "kernel = \"linear\"\nannealing = \"hyperbolic\"\n").infer;
  CHECK(infer.kernel == "linear");
  CHECK(infer.annealing == "hyperbolic");
}

TEST_CASE("an ensemble may have random priors, and dropout masks of a draw",
          "[config][load_config]") {
  CHECK(loaded(csv).infer.random_prior == 0);
  CHECK(loaded(csv + "[infer]\nrandom_prior = 2.5\n").infer.random_prior
        == 2.5);
  const auto dropout = csv + "[infer]\nalgorithm = \"mc_dropout\"\n";
  CHECK(loaded(dropout).infer.masks == "row");
  CHECK(loaded(dropout + "masks = \"draw\"\n").infer.masks == "draw");
}

TEST_CASE("a bandwidth is a word or a number", "[config][load_config]") {
  const std::string svgd = csv + "[infer]\nalgorithm = \"svgd\"\n";
  CHECK(loaded(svgd).infer.bandwidth == "median");
  CHECK(loaded(svgd + "bandwidth = \"median_all\"\n").infer.bandwidth
        == "median_all");
  CHECK(loaded(svgd + "bandwidth = 0.1\n").infer.bandwidth == "0.1");
  CHECK(loaded(svgd + "bandwidth = 2\n").infer.bandwidth == "2.0");
}

TEST_CASE("--set overrides the file, and later ones earlier ones",
          "[config][load_config]") {
  auto config =
      loaded(csv + "[infer]\nparticles = 3\n",
             {"infer.particles=4", "infer.particles = 5", "run.name=a = b",
              "infer.optimizer=sgd", "infer.schedule=\"linear\"",
              "model.hidden=[8, 8]", "data.standardize=false",
              "infer.momentum=0.5", "local.devices=[\"cpu:1\"]"});
  CHECK(config.infer.particles == 5);
  CHECK(config.run.name == "a = b");
  CHECK(config.infer.optimizer == "sgd");
  CHECK(config.infer.schedule == "linear");
  CHECK(config.model.hidden == std::vector<std::int64_t>{8, 8});
  CHECK_FALSE(config.data.standardize);
  CHECK(config.infer.momentum == 0.5);
  // In one pair of parentheses more: LibTorch claims to print any vector.
  CHECK((config.local.devices == std::vector<device_entry>{{"cpu:1", 0}}));
}

TEST_CASE("paths are relative to the file, those of --set to where one works",
          "[config][load_config]") {
  auto here = fs::current_path();
  auto config =
      loaded(csv + "splits = \"../s.csv\"\n", {"run.out=here/../out"});
  CHECK(config.data.path == "/base/a.csv");
  CHECK(config.data.splits == "/s.csv");
  CHECK(config.run.out == here / "out");
  CHECK(loaded(csv, {"data.path=b.csv"}).data.path == here / "b.csv");
  CHECK(loaded(csv, {"data.path=/c.csv"}).data.path == "/c.csv");
  CHECK(loaded(csv, {"run.name=x"}).run.out == "/base/runs/x");

  auto relative = parse_config(csv, "sub/e.toml");
  REQUIRE(relative);
  CHECK(relative->data.path == here / "sub/a.csv");
}

TEST_CASE("an unset --set value stays a string when it is no TOML",
          "[config][load_config]") {
  CHECK(loaded(csv, {"data.target=heating load"}).data.target
        == "heating load");
  CHECK(loaded(csv, {"data.target='y'"}).data.target == "y");
  CHECK(loaded(csv, {"data.target=\"y"}).data.target == "\"y");
}

TEST_CASE("names from outside are taken and checked by no built-in rule",
          "[config][load_config]") {
  known_names names;
  names.algorithms.push_back("my_algorithm");
  names.algorithms.push_back("hmc");
  names.models.push_back("my_net");
  names.losses.push_back("my_loss");
  auto config = loaded(csv,
                       {"infer.algorithm=my_algorithm", "infer.bootstrap=true",
                        "infer.bandwidth=1", "model.kind=my_net",
                        "model.hidden=[3]", "infer.loss=my_loss"},
                       names);
  CHECK(config.infer.algorithm == "my_algorithm");
  CHECK(config.infer.loss == "my_loss");
  CHECK(loaded(csv, {"infer.algorithm=hmc"}, names).infer.algorithm == "hmc");
}

TEST_CASE("a setting knows where it came from", "[config][key_origins]") {
  auto config = loaded(csv + "split = 1\n[infer]\nbatch = 5\nsteps = 3\n",
                       {"infer.batch=6"});
  const auto& origins = config.origins;
  CHECK(origins.given("data.split"));
  CHECK(origins.given("infer.batch"));
  CHECK_FALSE(origins.given("infer.particles"));
  CHECK(origins.where("data.split") == "/base/e.toml:3: data.split");
  CHECK(origins.where("infer.steps") == "/base/e.toml:6: infer.steps");
  CHECK(origins.where("infer.batch") == "--set infer.batch");
  // Not given: the line of its section, or the first.
  CHECK(origins.where("infer.loss") == "/base/e.toml:4: infer.loss");
  CHECK(origins.where("run.seed") == "/base/e.toml:1: run.seed");
  CHECK(key_origins{}.where("run.seed") == "run.seed");
}

TEST_CASE("a file is read from disk, with a byte order mark and CRLF",
          "[config][load_config]") {
  auto folder = fs::temp_directory_path() / "posse_load_config_test";
  fs::create_directories(folder);
  std::ofstream{folder / "e.toml", std::ios::binary}
      << "\xEF\xBB\xBF[data]\r\npath = \"a.csv\"\r\n";
  auto config = load_config(folder / "e.toml");
  fs::remove_all(folder);
  REQUIRE(config);
  CHECK(config->data.path == folder / "a.csv");
  CHECK(config->origins.where("data.path")
        == (folder / "e.toml").string() + ":2: data.path");
}
