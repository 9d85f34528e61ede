#pragma once

#include "runtime/config/cluster_config.hpp"
#include "runtime/config/key_origins.hpp"
#include "runtime/config/local_section.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The resolved configuration of one run, section by section as in the TOML
/// file. Plain data: how it is read, checked and written is in
/// load_config.hpp, schema.hpp, rules.hpp and to_toml.hpp.
namespace posse {

/// Whether particles of one architecture run as one batched call: chosen by a
/// timing, never, or wherever they can.
enum class fuse_mode : std::uint8_t { automatic, off, on };

/// [run]
struct run_section {
  std::string name = "run";               ///< not empty, no '/'
  std::int64_t seed = 1;                  ///< >= 0
  std::filesystem::path out = "runs/run"; ///< absolute once resolved
  fuse_mode fuse = fuse_mode::automatic;
  double checkpoint_every = 0; ///< seconds; 0: at the end and on interrupt
  bool trace = false;
  bool portable_bits = false;
  /// round_robin | pack | spread | explicit
  std::string placement = "round_robin";
  /// With explicit, one a particle: "NODE/DEVICE", or "DEVICE" without nodes.
  std::vector<std::string> places;
  std::vector<std::string>
      nodes; ///< of the cluster, those that take part; none: all

  friend bool operator==(const run_section&, const run_section&) = default;
};

/// [data]
struct data_section {
  std::string kind = "csv";          ///< csv | idx | npy
  std::filesystem::path path;        ///< absolute once resolved; required
  std::optional<std::string> target; ///< csv: a column's name; default the last
  /// csv, npy: each line the 0-based test rows of one split; absolute.
  std::optional<std::filesystem::path> splits;
  double test_fraction = 0.1; ///< in (0, 1); used where there is no `splits`
  std::int64_t split = 0;     ///< >= 0; line of `splits`, or number of the draw
  bool standardize = true;

  friend bool operator==(const data_section&, const data_section&) = default;
};

/// [model]
struct model_section {
  std::string kind = "mlp";             ///< mlp | lenet | a plugin's name
  std::vector<std::int64_t> hidden{50}; ///< units of each hidden layer, > 0
  std::string activation = "relu";      ///< relu | tanh | sigmoid | silu | gelu
  /// point | gaussian | gaussian_shared | categorical; by the data once
  /// resolved (gaussian for csv and npy, categorical for idx).
  std::string head;
  double dropout = 0; ///< in [0, 1)

  friend bool operator==(const model_section&, const model_section&) = default;
};

/// [prior]
struct prior_section {
  std::string kind = "normal"; ///< flat | normal
  double std = 1.0;            ///< > 0

  friend bool operator==(const prior_section&, const prior_section&) = default;
};

/// [infer]: one section for all algorithms; keys that an algorithm does not
/// use are errors when they are given. The defaults here are those of deep
/// ensembles; rules.hpp has the others.
struct infer_section {
  std::string algorithm = "deep_ensemble"; ///< deep_ensemble | svgd | ...
  std::int64_t particles = 5;              ///< in [1, 1000000]
  std::optional<std::int64_t> steps;       ///< > 0; default 3000
  std::optional<std::int64_t> epochs; ///< > 0; once resolved, this or steps
  std::int64_t batch = 100;         ///< > 0; cut to the number of training rows
  std::string loss;                 ///< by head and algorithm once resolved
  double validation_fraction = 0.1; ///< in [0, 1); 0: keep the last step
  std::string optimizer = "adam";   ///< sgd | adam | adamw | ...
  double learning_rate = 0.01;      ///< > 0
  double momentum = 0;              ///< sgd and rmsprop; in [0, 1)
  std::string schedule = "cosine";  ///< constant | cosine | ...
  bool bootstrap = false;
  std::string kernel = "rbf";       ///< svgd: rbf | linear
  std::string bandwidth = "median"; ///< rbf: median | median_all | a number
  std::string annealing =
      "none";                ///< svgd: none | linear | hyperbolic | cyclical
  std::int64_t cycles = 1;   ///< of the schedule `cyclical`, > 0
  double temperature = 1;    ///< of the posterior that is sampled, >= 0
  std::int64_t samples = 30; ///< networks a particle predicts with, > 0
  std::optional<std::int64_t> burn_in;  ///< steps, >= 0
  std::optional<std::int64_t> thinning; ///< steps, > 0
  std::int64_t rank = 20;               ///< swag: > 1
  double scale = 0.5;                   ///< swag: >= 0
  std::int64_t leapfrogs = 20;          ///< hmc: of a trajectory, > 0
  double acceptance = 0.8;              ///< hmc: of proposals, in (0, 1)
  std::string masks = "row";            ///< mc_dropout: row | draw
  std::string curvature = "last_layer"; ///< laplace: last_layer | diagonal
  std::string prior_precision =
      "evidence";            ///< laplace: evidence | validation | prior
  double initial_std = 0.01; ///< vi: of each weight, [1e-6, 1000]
  double random_prior = 0;   ///< deep_ensemble: its scale, >= 0

  friend bool operator==(const infer_section&, const infer_section&) = default;
};

struct run_config {
  std::vector<std::filesystem::path> plugins;
  run_section run;
  data_section data;
  model_section model;
  prior_section prior;
  infer_section infer;
  local_section local;

  /// [cluster] and [[node]], where the file has them.
  std::optional<cluster_config> cluster;

  /// Where the settings came from, for messages about them.
  key_origins origins;

  /// Equal settings; where they came from is not compared.
  friend bool operator==(const run_config& a, const run_config& b) {
    return a.plugins == b.plugins && a.run == b.run && a.data == b.data
           && a.model == b.model && a.prior == b.prior && a.infer == b.infer
           && a.local == b.local && a.cluster == b.cluster;
  }
};

} // namespace posse
