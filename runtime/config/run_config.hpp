#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The resolved configuration of one run, section by section as in the TOML
/// file. Plain data: how it is read, checked and written is in
/// load_config.hpp and schema.hpp.
namespace posse {

enum class fuse_mode : std::uint8_t { automatic, off, on };

/// [run]
struct run_section {
  std::string name = "run";
  std::int64_t seed = 1;                  ///< >= 0
  std::filesystem::path out = "runs/run"; ///< absolute once resolved
  fuse_mode fuse = fuse_mode::automatic;
  double checkpoint_every = 0; ///< seconds; 0: at the end and on interrupt
  bool trace = false;
  bool portable_bits = false;
};

/// [data]
struct data_section {
  std::string kind = "csv";          ///< csv | idx | npy
  std::filesystem::path path;        ///< absolute once resolved; required
  std::optional<std::string> target; ///< csv: a column's name; default the last
  std::optional<std::filesystem::path> splits; ///< csv: 0-based test rows
  double test_fraction = 0.1; ///< in (0, 1); used where there is no `splits`
  std::int64_t split = 0;     ///< >= 0
  bool standardize = true;
};

/// [model]
struct model_section {
  std::string kind = "mlp";             ///< mlp | lenet | a plugin's name
  std::vector<std::int64_t> hidden{50}; ///< units of each hidden layer, > 0
  std::string activation = "relu";      ///< relu | tanh | sigmoid | silu | gelu
  /// point | gaussian | gaussian_shared | categorical; empty: by the data
  /// (gaussian for csv and npy, categorical for idx).
  std::string head;
  double dropout = 0; ///< in [0, 1)
};

/// [prior]
struct prior_section {
  std::string kind = "normal"; ///< flat | normal
  double std = 1.0;            ///< > 0
};

/// [infer]: one section for all algorithms; keys that an algorithm does not
/// use are errors when they are given.
struct infer_section {
  std::string algorithm = "deep_ensemble"; ///< deep_ensemble | svgd | ...
  std::int64_t particles = 5;              ///< in [1, 1000000]
  std::optional<std::int64_t> steps;  ///< > 0; this or epochs; default 3000
  std::optional<std::int64_t> epochs; ///< > 0
  std::int64_t batch = 100;         ///< > 0; cut to the number of training rows
  std::string loss;                 ///< empty: by head and algorithm
  double validation_fraction = 0.1; ///< in [0, 1); 0: keep the last step
  std::string optimizer = "adam";   ///< sgd | adam | adamw | adagrad | rmsprop
  double learning_rate = 0.01;      ///< > 0
  double momentum = 0;              ///< sgd only; in [0, 1)
  std::string schedule = "cosine";  ///< constant | cosine | linear
  bool bootstrap = false;
  std::string bandwidth = "median"; ///< svgd: median | median_all | a number
};

/// One entry of [local] devices: "cpu:0" or { name = "cpu:0", bytes = "4GiB" }.
struct device_entry {
  std::string name = "cpu:0";
  std::int64_t bytes = 0; ///< 0: no budget
};

/// [local]
struct local_section {
  std::vector<device_entry> devices{device_entry{}};
  std::int64_t lanes = 0;      ///< per CPU device; 0: cores / CPU devices
  std::int64_t cache_size = 0; ///< particles resident per device; 0: all fit
  std::string cache_policy = "auto"; ///< auto | lru | direct
  std::int64_t view_size = 0;
};

struct run_config {
  std::vector<std::filesystem::path> plugins;
  run_section run;
  data_section data;
  model_section model;
  prior_section prior;
  infer_section infer;
  local_section local;
};

} // namespace posse
