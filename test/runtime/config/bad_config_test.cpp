// Every way in which a config can be wrong, and the one line it answers with.
#include "runtime/config/load_config.hpp"
#include "test/support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace posse;

namespace {

struct bad_case {
  std::string text;
  std::string message;
};

/// The answer to `text` as the file e.toml, which is not there.
failure answer(const std::string& text, std::vector<std::string> sets = {}) {
  auto config = parse_config(text, "e.toml", sets);
  INFO(text);
  REQUIRE_FALSE(config);
  return config.error();
}

void check_all(const std::vector<bad_case>& cases) {
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    CHECK(answer(text) == failure{errc::invalid_config, message});
  }
}

} // namespace

TEST_CASE("a text that is no TOML names the line and what is wrong",
          "[config][load_config]") {
  check_all({
      {"[data]\npath =\n",
       "e.toml:2: syntax: key-value pair: expected value, saw '\\n'"},
      {"[data\n", "e.toml:1: syntax: table header: expected ']', saw '\\n'"},
      {"[infer]\nalgorithm = svgd\n",
       "e.toml:2: syntax: value: could not determine value type (text needs "
       "quotes)"},
      {"[infer]\nbatch = 1\nbatch = 2\n",
       "e.toml:3: syntax: key-value pair: cannot redefine existing integer "
       "'batch'"},
      {"[infer]\n\n[infer]\n",
       "e.toml:3: syntax: table header: cannot redefine existing table "
       "'infer'"},
      {"[infer]\nsteps = 99999999999999999999\n",
       "e.toml:2: syntax: decimal integer: '99999999999999999999' is not "
       "representable in 64 bits"},
      {"[run]\nname = \"\xff\"\n",
       "e.toml:2: syntax: Encountered invalid utf-8 sequence"},
      {std::string("[run]\nname = 1\n\0\0ELF", 19),
       "e.toml:3: syntax: expected text, got a NUL byte (is this a binary "
       "file?)"},
      {std::string(2'000'000, '\n'),
       "e.toml: expected a TOML file of at most 1 MiB, got more"},
  });
}

TEST_CASE("keys nested until the stack would overflow are refused",
          "[config][load_config]") {
  std::string deep = "a";
  for (int i = 0; i < 400'000; ++i)
    deep += ".a";
  check_all({{deep + " = 1",
              "e.toml:1: syntax: expected at most 64 dots in a line, got "
              "400000"},
             {"\n[" + deep + "]",
              "e.toml:2: syntax: expected at most 64 dots in a line, got "
              "400000"}});
  auto row_of_dots = std::string(100, '.');
  CHECK(parse_config("# " + row_of_dots + "\ndata.path = \"a" + row_of_dots
                         + "b\" # " + row_of_dots,
                     "e.toml"));
}

TEST_CASE("unknown sections and keys name the nearest known one",
          "[config][load_config]") {
  check_all({
      {"[data]\npath = \"a\"\n\n[infr]\nsteps = 1\n",
       "e.toml:4: infr: expected a section or plugins, got an unknown name; "
       "did you mean \"infer\"?"},
      {"plugin = []\n",
       "e.toml:1: plugin: expected a section or plugins, got an unknown name; "
       "did you mean \"plugins\"?"},
      {"particles = 3\n",
       "e.toml:1: particles: expected a section or plugins, got an unknown "
       "name; did you mean \"infer.particles\"?"},
      {"[zebra]\n",
       "e.toml:1: zebra: expected a section or plugins, got an unknown name; "
       "known are plugins, run, data, model, prior, infer, local, cluster or "
       "node"},
      {"[infer]\nsteps = 5\npartciles = 5\n",
       "e.toml:3: infer.partciles: expected a key of [infer], got an unknown "
       "one; did you mean \"particles\"?"},
      {"[run]\nbatch = 5\n",
       "e.toml:2: run.batch: expected a key of [run], got an unknown one; did "
       "you mean \"infer.batch\"?"},
      {"[prior]\nzebra = 5\n",
       "e.toml:2: prior.zebra: expected a key of [prior], got an unknown one; "
       "known are kind or std"},
      {"[infer.svgd]\nbandwidth = 1.0\n",
       "e.toml:1: infer.svgd: expected a key of [infer], got an unknown one; "
       "known are algorithm, particles, steps, epochs, batch, loss, "
       "validation_fraction, optimizer, learning_rate, momentum, schedule, "
       "cycles, bootstrap, kernel, bandwidth, annealing, samples, burn_in, "
       "thinning, rank, scale, temperature, leapfrogs, acceptance, masks, "
       "curvature, prior_precision, initial_std or random_prior"},
      {"infer = 5\n", "e.toml:1: infer: expected a section [infer], got 5"},
      {"[[infer]]\n",
       "e.toml:1: infer: expected a section [infer], got an array of 1 value"},
  });
}

TEST_CASE("the first wrong line is the one that is reported",
          "[config][load_config]") {
  check_all({{"[run]\nseed = -1\n[data]\nsplit = -2\n",
              "e.toml:2: run.seed: expected an integer >= 0, got -1"},
             {"[infer]\nz = 1\na = 1\nsteps = 0\n",
              "e.toml:2: infer.z: expected a key of [infer], got an unknown "
              "one; known are algorithm, particles, steps, epochs, batch, "
              "loss, validation_fraction, optimizer, learning_rate, momentum, "
              "schedule, cycles, bootstrap, kernel, bandwidth, annealing, "
              "samples, burn_in, thinning, rank, scale, temperature, "
              "leapfrogs, acceptance, masks, curvature, prior_precision, "
              "initial_std or random_prior"}});
}

TEST_CASE("a value of the wrong type or range says what was expected",
          "[config][load_config]") {
  check_all({
      {"[infer]\nparticles = \"five\"\n",
       "e.toml:2: infer.particles: expected an integer from 1 to 1000000, got "
       "\"five\""},
      {"[infer]\nparticles = 0\n",
       "e.toml:2: infer.particles: expected an integer from 1 to 1000000, got "
       "0"},
      {"[infer]\nparticles = 1000001\n",
       "e.toml:2: infer.particles: expected an integer from 1 to 1000000, got "
       "1000001"},
      {"[infer]\nparticles = 5.0\n",
       "e.toml:2: infer.particles: expected an integer from 1 to 1000000, got "
       "5.0"},
      {"[infer]\nsteps = 0\n",
       "e.toml:2: infer.steps: expected an integer from 1 to 1000000000000, "
       "got 0"},
      {"[infer]\nlearning_rate = 0\n",
       "e.toml:2: infer.learning_rate: expected a number > 0, got 0"},
      {"[infer]\nlearning_rate = inf\n",
       "e.toml:2: infer.learning_rate: expected a finite number, got inf"},
      {"[prior]\nstd = nan\n",
       "e.toml:2: prior.std: expected a finite number, got nan"},
      {"[infer]\nvalidation_fraction = 1.0\n",
       "e.toml:2: infer.validation_fraction: expected a number in [0, 1), got "
       "1.0"},
      {"[data]\ntest_fraction = 0.0\n",
       "e.toml:2: data.test_fraction: expected a number in (0, 1), got 0.0"},
      {"[data]\nstandardize = 1\n",
       "e.toml:2: data.standardize: expected true or false, got 1"},
      {"[run]\nname = 1979-05-27\n",
       "e.toml:2: run.name: expected text, got a date or a time"},
      {"[run]\nname = \"\"\n",
       "e.toml:2: run.name: expected text that is not empty, got \"\""},
      {"[run]\nname = \"a\\nb\"\n",
       "e.toml:2: run.name: expected text without control characters, got "
       "\"a\\nb\""},
      {"[data]\npath = \"a\"\n[run]\nname = \"../a\"\n",
       "e.toml:4: run.name: expected a name without \"/\", got \"../a\""},
      {"[data]\npath = {}\n",
       "e.toml:2: data.path: expected a path, got a table"},
      {"[data]\npath = \"a\\u0000b\"\n",
       "e.toml:2: data.path: expected a path without control characters, got "
       "\"a\\u0000b\""},
      {"[run]\ncheckpoint_every = -0.5\n",
       "e.toml:2: run.checkpoint_every: expected a number >= 0, got -0.5"},
      {"[model]\nhidden = 50\n",
       "e.toml:2: model.hidden: expected an array of integers from 1 to "
       "1000000, got 50"},
      {"[model]\nhidden = [\n  50,\n  0,\n]\n",
       "e.toml:4: model.hidden[1]: expected an integer from 1 to 1000000, got "
       "0"},
      {"plugins = [\"a.so\", 2]\n",
       "e.toml:1: plugins[1]: expected a path, got 2"},
      {"[model]\nactivation = \"rleu\"\n",
       "e.toml:2: model.activation: expected relu, tanh, sigmoid, silu or "
       "gelu, got \"rleu\"; did you mean \"relu\"?"},
      {"[infer]\nbandwidth = \"wide\"\n",
       "e.toml:2: infer.bandwidth: expected median, median_all or a number > "
       "0, got \"wide\""},
      {"[infer]\nkernel = \"rbff\"\n",
       "e.toml:2: infer.kernel: expected rbf or linear, got \"rbff\"; did you "
       "mean \"rbf\"?"},
      {"[infer]\nannealing = \"cyclic\"\n",
       "e.toml:2: infer.annealing: expected none, linear, hyperbolic or "
       "cyclical, got \"cyclic\"; did you mean \"cyclical\"?"},
      {"[infer]\nbandwidth = -1\n",
       "e.toml:2: infer.bandwidth: expected median, median_all or a number > "
       "0, got -1"},
      {"[run]\nseed = [1, 2]\n",
       "e.toml:2: run.seed: expected an integer >= 0, got an array of 2 "
       "values"},
      {"[infer]\noptimizer = \"" + std::string(500, 'x') + "\"\n",
       "e.toml:2: infer.optimizer: expected sgd, adam, adamw, adagrad, "
       "rmsprop, svgd_adagrad, sgld, psgld or sghmc, got \""
           + std::string(60, 'x') + "...\""},
  });
  std::string many = "[model]\nhidden = [";
  for (int i = 0; i < 1001; ++i)
    many += "1,";
  check_all({{many + "]\n", "e.toml:2: model.hidden: expected at most 1000 "
                            "values, got 1001"}});
}

TEST_CASE("an unknown name lists the known ones and names the nearest",
          "[config][load_config]") {
  check_all({
      {"[infer]\nalgorithm = \"svdg\"\n",
       "e.toml:2: infer.algorithm: expected deep_ensemble, svgd, swag, "
       "multi_swag, mc_dropout, sgld, psgld, sghmc, hmc, laplace or vi, "
       "got "
       "\"svdg\"; did you mean \"svgd\"?"},
      {"[model]\nkind = \"lennet\"\n",
       "e.toml:2: model.kind: expected mlp or lenet, got \"lennet\"; did you "
       "mean \"lenet\"?"},
      {"[infer]\noptimizer = \"adan\"\n",
       "e.toml:2: infer.optimizer: expected sgd, adam, adamw, adagrad, "
       "rmsprop, svgd_adagrad, sgld, psgld or sghmc, got \"adan\"; did you "
       "mean \"adam\"?"},
      {"[infer]\nschedule = \"warm\"\n",
       "e.toml:2: infer.schedule: expected "
       "constant, cosine, cyclical, linear or "
       "swa, got "
       "\"warm\""},
      {"[infer]\nloss = \"bta_nll\"\n",
       "e.toml:2: infer.loss: expected nll, beta_nll, mse or cross_entropy, "
       "got \"bta_nll\"; did you mean \"beta_nll\"?"},
      {"[local]\ncache_policy = \"lur\"\n",
       "e.toml:2: local.cache_policy: expected auto, direct, lru or order, got "
       "\"lur\"; did you mean \"lru\"?"},
  });
}

TEST_CASE("devices are checked by their syntax, and each is named once",
          "[config][load_config]") {
  const std::string wanted =
      "expected cpu:K, cuda:K or sim:K with K = 0, 1, ..., got ";
  check_all({
      {"[local]\ndevices = \"cpu:0\"\n",
       "e.toml:2: local.devices: expected an array of devices such as "
       "[\"cpu:0\"], got \"cpu:0\""},
      {"[local]\ndevices = []\n",
       "e.toml:2: local.devices: expected at least one device, got an empty "
       "array"},
      {"[local]\ndevices = [\"cpu\"]\n",
       "e.toml:2: local.devices[0]: " + wanted + "\"cpu\""},
      {"[local]\ndevices = [\"cpu:00\"]\n",
       "e.toml:2: local.devices[0]: " + wanted + "\"cpu:00\""},
      {"[local]\ndevices = [\"gpu:0\"]\n",
       "e.toml:2: local.devices[0]: " + wanted + "\"gpu:0\""},
      {"[local]\ndevices = [\"cpu:-1\"]\n",
       "e.toml:2: local.devices[0]: " + wanted + "\"cpu:-1\""},
      {"[local]\ndevices = [\"cpu:1024\"]\n",
       "e.toml:2: local.devices[0]: " + wanted + "\"cpu:1024\""},
      {"[local]\ndevices = [0]\n",
       "e.toml:2: local.devices[0]: " + wanted + "0"},
      {"[local]\ndevices = [\n\"cpu:0\",\n\"cpu:0\"]\n",
       "e.toml:4: local.devices[1]: expected each device once, got \"cpu:0\" "
       "again"},
      {"[local]\ndevices = [{ bytes = \"4GiB\" }]\n",
       "e.toml:2: local.devices[0]: expected a name = \"cpu:0\" in the table, "
       "got none"},
      {"[local]\ndevices = [{ name = \"cpu:x\" }]\n",
       "e.toml:2: local.devices[0].name: " + wanted + "\"cpu:x\""},
      {"[local]\ndevices = [{ name = \"cpu:0\", bytes = \"4GB!\" }]\n",
       "e.toml:2: local.devices[0].bytes: expected a size above 0 and up to "
       "8192TiB, such as \"4GiB\", got \"4GB!\""},
      {"[local]\ndevices = [{ name = \"cpu:0\", bytes = 0 }]\n",
       "e.toml:2: local.devices[0].bytes: expected a size above 0 and up to "
       "8192TiB, such as \"4GiB\", got 0"},
      {"[local]\ndevices = [{ name = \"cpu:0\", byts = 5 }]\n",
       "e.toml:2: local.devices[0]: expected name or bytes, got the key "
       "\"byts\"; did you mean \"bytes\"?"},
  });
}

TEST_CASE("keys that have no effect are errors when they are given",
          "[config][load_config]") {
  auto unused = [](const std::string& where, const std::string& condition,
                   const std::string& came) {
    return where + ": expected no such key with " + condition
           + ", which does not use it, got " + came;
  };
  check_all({
      {"[data]\npath = \"a\"\n[infer]\nbandwidth = 0.5\n",
       unused("e.toml:4: infer.bandwidth",
              "infer.algorithm = \"deep_ensemble\"", "0.5")},
      {"[data]\npath = \"a\"\n[infer]\nalgorithm = \"svgd\"\nkernel = "
       "\"linear\"\nbandwidth = 0.5\n",
       unused("e.toml:6: infer.bandwidth", "infer.kernel = \"linear\"", "0.5")},
      {"[data]\npath = \"a\"\n[infer]\nkernel = \"linear\"\n",
       unused("e.toml:4: infer.kernel", "infer.algorithm = \"deep_ensemble\"",
              "\"linear\"")},
      {"[data]\npath = \"a\"\n[infer]\nannealing = \"cyclical\"\n",
       unused("e.toml:4: infer.annealing",
              "infer.algorithm = \"deep_ensemble\"", "\"cyclical\"")},
      {"[data]\npath = \"a\"\n[infer]\nalgorithm = \"svgd\"\nbootstrap = "
       "false\n",
       unused("e.toml:5: infer.bootstrap", "infer.algorithm = \"svgd\"",
              "false")},
      {"[data]\npath = \"a\"\n[infer]\nalgorithm = \"vi\"\n[model]\ndropout = "
       "0.1\n",
       unused("e.toml:6: model.dropout", "infer.algorithm = \"vi\"", "0.1")},
      {"[data]\npath = \"a\"\n[infer]\ncurvature = \"diagonal\"\n",
       unused("e.toml:4: infer.curvature",
              "infer.algorithm = \"deep_ensemble\"", "\"diagonal\"")},
      {"[data]\npath = \"a\"\n[infer]\nmomentum = 0.9\n",
       unused("e.toml:4: infer.momentum", "infer.optimizer = \"adam\"", "0.9")},
      {"[data]\npath = \"a\"\n[prior]\nkind = \"flat\"\nstd = 1\n",
       unused("e.toml:5: prior.std", "prior.kind = \"flat\"", "1.0")},
      {"[data]\nkind = \"idx\"\npath = \"a\"\ntarget = \"y\"\n",
       unused("e.toml:4: data.target", "data.kind = \"idx\"", "\"y\"")},
      {"[data]\nkind = \"idx\"\npath = \"a\"\n[model]\nkind = \"lenet\"\n"
       "hidden = [3, 4]\n",
       unused("e.toml:6: model.hidden", "model.kind = \"lenet\"", "[3, 4]")},
      {"[data]\npath = \"a\"\n[infer]\nsteps = 3\nepochs = 4\n",
       "e.toml:4: infer.steps: expected only one of infer.steps and "
       "infer.epochs, got both"},
      {"[data]\npath = \"a\"\nsplits = \"s\"\ntest_fraction = 0.2\n",
       "e.toml:4: data.test_fraction: expected only one of data.test_fraction "
       "and data.splits, got both"},
  });
}

TEST_CASE("settings that do not go together are refused",
          "[config][load_config]") {
  check_all({
      {"", "e.toml:1: data.path: expected the path of the data, got none"},
      {"[run]\n\n[data]\nkind = \"csv\"\n",
       "e.toml:3: data.path: expected the path of the data, got none"},
      {"[data]\npath = \"a\"\n[model]\nhead = \"categorical\"\n",
       "e.toml:4: model.head: expected point, gaussian or gaussian_shared with "
       "data.kind = \"csv\", got \"categorical\""},
      {"[data]\npath = \"a\"\nkind = \"idx\"\n[model]\nhead = \"point\"\n",
       "e.toml:5: model.head: expected categorical with data.kind = \"idx\", "
       "got \"point\""},
      {"[data]\npath = \"a\"\n[model]\nkind = \"lenet\"\n",
       "e.toml:4: model.kind: expected mlp with data.kind = \"csv\", got "
       "\"lenet\""},
      {"[data]\npath = \"a\"\n[model]\nhead = \"point\"\n[infer]\nalgorithm = "
       "\"svgd\"\n",
       "e.toml:4: model.head: expected gaussian or gaussian_shared with "
       "infer.algorithm = \"svgd\", got \"point\""},
      {"[data]\npath = \"a\"\n[infer]\nalgorithm = \"svgd\"\nloss = "
       "\"beta_nll\"\n",
       "e.toml:5: infer.loss: expected nll with infer.algorithm = \"svgd\", "
       "got \"beta_nll\""},
      {"[data]\npath = \"a\"\n[prior]\nkind = \"flat\"\n[infer]\nalgorithm = "
       "\"laplace\"\nprior_precision = \"prior\"\n",
       "e.toml:7: infer.prior_precision: expected evidence or validation with "
       "prior.kind = \"flat\", got \"prior\""},
      {"[data]\npath = \"a\"\n[prior]\nkind = \"flat\"\n[infer]\nalgorithm = "
       "\"vi\"\n",
       "e.toml:4: prior.kind: expected normal with infer.algorithm = \"vi\", "
       "got "
       "\"flat\""},
      {"[data]\npath = \"a\"\n[infer]\nalgorithm = \"vi\"\noptimizer = "
       "\"sgld\"\n",
       "e.toml:5: infer.optimizer: expected sgd, adam, adamw, adagrad, rmsprop "
       "or svgd_adagrad with infer.algorithm = \"vi\", got \"sgld\""},
      {"[data]\npath = \"a\"\n[infer]\nloss = \"mse\"\n",
       "e.toml:4: infer.loss: expected nll or beta_nll with model.head = "
       "\"gaussian\", got \"mse\""},
      {"[data]\npath = \"a\"\nkind = \"idx\"\n[infer]\nloss = \"mse\"\n",
       "e.toml:5: infer.loss: expected nll or cross_entropy with model.head = "
       "\"categorical\", got \"mse\""},
  });
}

TEST_CASE("errors of --set name the key instead of a line",
          "[config][load_config]") {
  const std::string good = "[data]\npath = \"a\"\n";
  const std::vector<bad_case> cases{
      {"infer.batch", "--set infer.batch: expected KEY=VALUE, got no \"=\""},
      {"infer.batch=0", "--set infer.batch: expected an integer from 1 to "
                        "1000000000, got 0"},
      {"infer.batch=many", "--set infer.batch: expected an integer from 1 to "
                           "1000000000, got \"many\""},
      {"infer.batch=", "--set infer.batch: expected an integer from 1 to "
                       "1000000000, got \"\""},
      {"infer.bach=1", "--set infer.bach: expected a key of [infer], got an "
                       "unknown one; did you mean \"batch\"?"},
      {"infre.batch=1",
       "--set infre.batch: expected a key such as infer.batch, "
       "got an unknown section; did you mean \"infer\"?"},
      {"batch=1", "--set batch: expected a section or plugins, got an unknown "
                  "name; did you mean \"infer.batch\"?"},
      {"infer={batch=1}", "--set infer: expected a key of [infer], got the "
                          "section"},
      {"=1",
       "--set : expected a section or plugins, got an unknown name; "
       "known are plugins, run, data, model, prior, infer, local, cluster or "
       "node"},
      {"run.name=1\nseed=2", "--set run.name: expected text without control "
                             "characters, got \"1\\nseed=2\""},
      {"model.hidden=[5, 0]", "--set model.hidden[1]: expected an integer from "
                              "1 to 1000000, got 0"},
      {"infer.epochs=5\nx", "--set infer.epochs: expected an integer from 1 to "
                            "1000000000000, got \"5\\nx\""},
      {"infer.bandwidth=1", "--set infer.bandwidth: expected no such key with "
                            "infer.algorithm = \"deep_ensemble\", which does "
                            "not use it, got 1.0"},
  };
  for (const auto& [set, message] : cases) {
    CAPTURE(set);
    CHECK(answer(good, {set}) == failure{errc::invalid_config, message});
  }
}

TEST_CASE("a file that cannot be read as a whole is refused in one line",
          "[config][load_config]") {
  auto message = [](const std::filesystem::path& path) {
    auto config = load_config(path);
    REQUIRE_FALSE(config);
    CHECK(config.error().code == errc::invalid_config);
    return config.error().message;
  };
  CHECK(message("no/such.toml")
        == "no/such.toml: expected a TOML file, found none");
  CHECK(message("/") == "/: expected a TOML file, got a folder");
  // May be opened, but not read at its start, not even by root.
  CHECK(message("/proc/self/mem")
        == "/proc/self/mem: expected a TOML file, got one that cannot be read");
  CHECK(message("/dev/zero")
        == "/dev/zero: expected a TOML file of at most 1 MiB, got more");
}

TEST_CASE("masks and random priors are checked", "[config][load_config]") {
  check_all({
      {"[infer]\nmasks = \"rows\"\n", "e.toml:2: infer.masks: expected row or "
                                      "draw, got \"rows\"; did you mean "
                                      "\"row\"?"},
      {"[infer]\nrandom_prior = -1\n",
       "e.toml:2: infer.random_prior: expected a number >= 0, got -1"},
      {"[infer]\nrandom_prior = inf\n",
       "e.toml:2: infer.random_prior: expected a finite number, got inf"},
      {"[data]\npath = \"a\"\n[infer]\nmasks = \"draw\"\n",
       "e.toml:4: infer.masks: expected no such key with infer.algorithm = "
       "\"deep_ensemble\", which does not use it, got \"draw\""},
      {"[data]\npath = \"a\"\n[infer]\nalgorithm = \"svgd\"\nrandom_prior = "
       "1.0\n",
       "e.toml:5: infer.random_prior: expected no such key with "
       "infer.algorithm = \"svgd\", which does not use it, got 1.0"},
  });
}
