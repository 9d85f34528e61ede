#include "runtime/config/schema.hpp"

#include "runtime/config/bind_key.hpp"
#include "runtime/config/resource_keys.hpp"

#include <cassert>
#include <cmath>

namespace posse {

namespace {

// -- ranges ------------------------------------------------------------------

constexpr number_range below_one{.low = 0, .high = 1, .high_included = false};
constexpr number_range inside_unit{
    .low = 0, .high = 1, .low_included = false, .high_included = false};

// Bounds that no sensible run comes near to: beyond them is a typing error.
constexpr double most_units = 1e6;
constexpr double most_steps = 1e12;
constexpr double most_rows = 1e9;
constexpr double most_samples = 1e5;

// -- the table ---------------------------------------------------------------

std::vector<run_key> make_schema() {
  using c = run_config;
  std::vector<run_key> keys;
  keys.push_back(bind_key<&c::plugins>(
      {.section = "",
       .name = "plugins",
       .doc =
           "shared libraries with the user's models, losses and behaviours"}));

  // [run]
  using run = run_section;
  keys.push_back(bind_key<&c::run, &run::name>(
      {.section = "run",
       .name = "name",
       .doc = "what the run is called in its results; no '/'"}));
  keys.push_back(bind_key<&c::run, &run::seed>(
      {.section = "run",
       .name = "seed",
       .range = number_range::at_least(0),
       .doc = "same seed, same bits: all random numbers follow from it"}));
  keys.push_back(bind_key<&c::run, &run::out>(
      {.section = "run",
       .name = "out",
       .default_text = "runs/NAME",
       .doc = "the run's folder; must not exist or be empty, unless "
              "--overwrite or --resume",
       .free_on_resume = true}));
  keys.push_back(bind_key<&c::run, &run::fuse>(
      {.section = "run",
       .name = "fuse",
       .choices = {"auto", "off", "on"},
       .doc = "run particles of one architecture as one batched call"}));
  keys.push_back(bind_key<&c::run, &run::checkpoint_every>(
      {.section = "run",
       .name = "checkpoint_every",
       .range = number_range::at_least(0),
       .doc = "seconds between checkpoints; 0: at the end and on interrupt "
              "only",
       .free_on_resume = true}));
  keys.push_back(bind_key<&c::run, &run::trace>(
      {.section = "run",
       .name = "trace",
       .doc = "write what ran when to trace.json in the run's folder",
       .free_on_resume = true}));
  keys.push_back(bind_key<&c::run, &run::portable_bits>(
      {.section = "run",
       .name = "portable_bits",
       .doc = "pin the instruction set, for equal bits on unlike processors"}));

  keys.push_back(bind_key<&c::run, &run::placement>(
      {.section = "run",
       .name = "placement",
       .choices = {"round_robin", "pack", "spread", "explicit"},
       .doc = "which device of which node gets the next particle",
       .free_on_resume = true}));
  keys.push_back(bind_key<&c::run, &run::places>(
      {.section = "run",
       .name = "places",
       .default_text = "none",
       .doc = "with placement explicit, of each particle: \"NODE/DEVICE\", or "
              "\"DEVICE\" without nodes",
       .free_on_resume = true}));

  keys.push_back(bind_key<&c::run, &run::nodes>(
      {.section = "run",
       .name = "nodes",
       .default_text = "all",
       .doc = "nodes of the cluster that take part",
       .free_on_resume = true}));

  // [data]
  using data = data_section;
  keys.push_back(bind_key<&c::data, &data::kind>(
      {.section = "data",
       .name = "kind",
       .choices = {"csv", "idx", "npy"},
       .doc = "csv: a table with a header line; idx: a folder of the four idx "
              "files; npy: a folder of x.npy and y.npy"}));
  keys.push_back(bind_key<&c::data, &data::path>(
      {.section = "data",
       .name = "path",
       .default_text = "required",
       .doc = "where the data is, relative to this file"}));
  keys.push_back(
      bind_key<&c::data, &data::target>({.section = "data",
                                         .name = "target",
                                         .default_text = "the last column",
                                         .doc = "the column to predict"}));
  keys.push_back(bind_key<&c::data, &data::splits>(
      {.section = "data",
       .name = "splits",
       .default_text = "drawn with test_fraction",
       .doc = "file whose lines are the 0-based test rows of one split each"}));
  keys.push_back(bind_key<&c::data, &data::test_fraction>(
      {.section = "data",
       .name = "test_fraction",
       .range = inside_unit,
       .doc = "of the rows, drawn by the seed, where there is no splits"}));
  keys.push_back(bind_key<&c::data, &data::split>(
      {.section = "data",
       .name = "split",
       .range = number_range::between(0, most_rows),
       .doc = "which line of splits, or which draw of test rows"}));
  keys.push_back(bind_key<&c::data, &data::standardize>(
      {.section = "data",
       .name = "standardize",
       .doc = "by the training rows; metrics stay in original units"}));

  // [model]
  using model = model_section;
  keys.push_back(bind_key<&c::model, &model::kind>(
      {.section = "model",
       .name = "kind",
       .names = name_kind::model,
       .doc = "the architecture, or a plugin's name for one"}));
  keys.push_back(bind_key<&c::model, &model::hidden>(
      {.section = "model",
       .name = "hidden",
       .range = number_range::between(1, most_units),
       .doc = "units of each hidden layer; []: a linear model"}));
  keys.push_back(bind_key<&c::model, &model::activation>(
      {.section = "model",
       .name = "activation",
       .choices = {"relu", "tanh", "sigmoid", "silu", "gelu"},
       .doc = "after each hidden layer"}));
  keys.push_back(bind_key<&c::model, &model::head>(
      {.section = "model",
       .name = "head",
       .choices = {"point", "gaussian", "gaussian_shared", "categorical"},
       .doc = "what is predicted: a point (no NLL), a mean and a variance, a "
              "mean and one noise variance for all rows, classes"}));
  keys.push_back(bind_key<&c::model, &model::dropout>(
      {.section = "model",
       .name = "dropout",
       .range = below_one,
       .doc = "probability of dropping a hidden unit; 0: none"}));

  // [prior]
  using prior = prior_section;
  keys.push_back(
      bind_key<&c::prior, &prior::kind>({.section = "prior",
                                         .name = "kind",
                                         .choices = {"flat", "normal"},
                                         .doc = "prior on the weights"}));
  keys.push_back(bind_key<&c::prior, &prior::std>(
      {.section = "prior",
       .name = "std",
       .range = number_range::above(0),
       .doc = "standard deviation of the normal prior"}));

  // [infer]
  using infer = infer_section;
  keys.push_back(bind_key<&c::infer, &infer::algorithm>(
      {.section = "infer",
       .name = "algorithm",
       .names = name_kind::algorithm,
       .doc = "how the posterior is approximated, or a plugin's name for it"}));
  keys.push_back(bind_key<&c::infer, &infer::particles>(
      {.section = "infer",
       .name = "particles",
       .range = number_range::between(1, most_particles),
       .doc = "networks that approximate the posterior"}));
  keys.push_back(bind_key<&c::infer, &infer::steps>(
      {.section = "infer",
       .name = "steps",
       .range = number_range::between(1, most_steps),
       .doc = "of each particle; or epochs"}));
  keys.push_back(bind_key<&c::infer, &infer::epochs>(
      {.section = "infer",
       .name = "epochs",
       .range = number_range::between(1, most_steps),
       .default_text = "as many as steps make",
       .doc = "passes over the training rows, instead of steps"}));
  keys.push_back(bind_key<&c::infer, &infer::batch>(
      {.section = "infer",
       .name = "batch",
       .range = number_range::between(1, most_rows),
       .doc = "rows a step; cut to the number of training rows"}));
  keys.push_back(bind_key<&c::infer, &infer::loss>(
      {.section = "infer",
       .name = "loss",
       .names = name_kind::loss,
       .doc = "what a step makes smaller, or a plugin's name for it"}));
  keys.push_back(bind_key<&c::infer, &infer::validation_fraction>(
      {.section = "infer",
       .name = "validation_fraction",
       .range = below_one,
       .doc = "of the training rows, to choose the best step; 0: none, keep "
              "the last step"}));
  keys.push_back(
      bind_key<&c::infer, &infer::optimizer>({.section = "infer",
                                              .name = "optimizer",
                                              .names = name_kind::optimizer,
                                              .doc = "how a step is made"}));
  keys.push_back(bind_key<&c::infer, &infer::learning_rate>(
      {.section = "infer",
       .name = "learning_rate",
       .range = number_range::above(0),
       .doc = "the first step's; the schedule changes it"}));
  keys.push_back(bind_key<&c::infer, &infer::momentum>(
      {.section = "infer",
       .name = "momentum",
       .range = below_one,
       .doc = "of the optimizers sgd and rmsprop; sghmc: the share of its "
              "velocity that stays"}));
  keys.push_back(bind_key<&c::infer, &infer::schedule>(
      {.section = "infer",
       .name = "schedule",
       .names = name_kind::schedule,
       .doc = "of the learning rate over the run"}));
  keys.push_back(bind_key<&c::infer, &infer::cycles>(
      {.section = "infer",
       .name = "cycles",
       .range = number_range::between(1, most_samples),
       .doc = "times the schedule cyclical starts anew"}));
  keys.push_back(bind_key<&c::infer, &infer::bootstrap>(
      {.section = "infer",
       .name = "bootstrap",
       .doc = "train each particle on rows drawn with replacement"}));
  keys.push_back(bind_key<&c::infer, &infer::kernel>(
      {.section = "infer",
       .name = "kernel",
       .choices = {"rbf", "linear"},
       .doc = "by which SVGD's particles weigh on each other: "
              "exp(-|x - y|^2 / h), or x.y + 1"}));
  keys.push_back(bind_key<&c::infer, &infer::bandwidth>(
      {.section = "infer",
       .name = "bandwidth",
       .kind = value_kind::text_or_real,
       .range = number_range::above(0),
       .choices = {"median", "median_all"},
       .doc = "h of the kernel rbf between particles, or the rule that "
              "chooses it"}));
  keys.push_back(bind_key<&c::infer, &infer::annealing>(
      {.section = "infer",
       .name = "annealing",
       .choices = {"none", "linear", "hyperbolic", "cyclical"},
       .doc = "how the weight of the score grows to 1 beside the repulsion"}));
  keys.push_back(bind_key<&c::infer, &infer::samples>(
      {.section = "infer",
       .name = "samples",
       .range = number_range::between(1, most_samples),
       .doc = "networks drawn of each particle to predict with; of a chain, "
              "its last ones"}));
  keys.push_back(bind_key<&c::infer, &infer::burn_in>(
      {.section = "infer",
       .name = "burn_in",
       .range = number_range::between(0, most_steps),
       .default_text = "three quarters of the steps; of a chain, half of them, "
                       "or of each cycle three quarters",
       .doc = "steps before a particle's iterates count, in each cycle"}));
  keys.push_back(bind_key<&c::infer, &infer::thinning>(
      {.section = "infer",
       .name = "thinning",
       .range = number_range::between(1, most_steps),
       .default_text = "an epoch; of a chain, what makes as many as samples",
       .doc = "steps from one iterate that counts to the next"}));
  keys.push_back(bind_key<&c::infer, &infer::rank>(
      {.section = "infer",
       .name = "rank",
       .range = number_range::between(2, most_samples),
       .doc = "latest deviations from the mean that a particle keeps"}));
  keys.push_back(bind_key<&c::infer, &infer::scale>(
      {.section = "infer",
       .name = "scale",
       .range = number_range::at_least(0),
       .doc = "of the covariance of the iterates"}));
  keys.push_back(bind_key<&c::infer, &infer::temperature>(
      {.section = "infer",
       .name = "temperature",
       .range = number_range::at_least(0),
       .doc = "of the posterior that a chain samples, or vi fits; 1: the "
              "posterior itself, 0: no noise"}));
  keys.push_back(bind_key<&c::infer, &infer::leapfrogs>(
      {.section = "infer",
       .name = "leapfrogs",
       .range = number_range::between(1, most_samples),
       .doc = "gradients of a trajectory, on average"}));
  keys.push_back(bind_key<&c::infer, &infer::acceptance>(
      {.section = "infer",
       .name = "acceptance",
       .range = inside_unit,
       .doc = "share of proposals accepted, to which the step size adapts in "
              "the burn-in"}));

  keys.push_back(bind_key<&c::infer, &infer::masks>(
      {.section = "infer",
       .name = "masks",
       .choices = {"row", "draw"},
       .doc = "whose units mc_dropout drops anew: each row's, or each draw's, "
              "which is then one network for all rows"}));
  keys.push_back(bind_key<&c::infer, &infer::curvature>(
      {.section = "infer",
       .name = "curvature",
       .choices = {"last_layer", "diagonal"},
       .doc = "of which laplace makes a Gaussian: all of the last layer, or "
              "of every parameter by itself"}));
  keys.push_back(bind_key<&c::infer, &infer::prior_precision>(
      {.section = "infer",
       .name = "prior_precision",
       .choices = {"evidence", "validation", "prior"},
       .doc = "of laplace's Gaussian: by the highest evidence, the lowest NLL "
              "of the validation rows, or that of prior.std"}));
  keys.push_back(bind_key<&c::infer, &infer::initial_std>(
      {.section = "infer",
       .name = "initial_std",
       .range = number_range::between(1e-6, 1e3),
       .doc = "standard deviation of vi's weights at the start"}));
  keys.push_back(bind_key<&c::infer, &infer::random_prior>(
      {.section = "infer",
       .name = "random_prior",
       .range = number_range::at_least(0),
       .doc = "scale of a fixed random network that is added to what each "
              "particle predicts; 0: none"}));

  // [local]
  for (auto& key : resource_keys<&c::local>("local"))
    keys.push_back(std::move(key));
  return keys;
}

} // namespace

bool number_range::contains(double x) const noexcept {
  return std::isfinite(x) && (low_included ? x >= low : x > low)
         && (high_included ? x <= high : x < high);
}

std::string config_key::dotted() const {
  if (section.empty())
    return std::string{name};
  return std::string{section} + '.' + std::string{name};
}

std::span<const config_section> config_sections() {
  static constexpr config_section sections[] = {
      {"", "above all sections"},
      {"run", "the run as a whole"},
      {"data", "what is learned from"},
      {"model", "the network of each particle"},
      {"prior", "what is believed before the data"},
      {"infer", "how the posterior is approximated"},
      {"local", "the embedded node: this machine's devices"},
  };
  return sections;
}

std::span<const run_key> config_schema() {
  static const std::vector<run_key> keys = make_schema();
  return keys;
}

const run_key* find_key(std::string_view section, std::string_view name) {
  for (const auto& key : config_schema())
    if (key.section == section && key.name == name)
      return &key;
  return nullptr;
}

const run_key& key_named(std::string_view dotted) {
  auto dot = dotted.find('.');
  auto* key = dot == std::string_view::npos
                  ? find_key("", dotted)
                  : find_key(dotted.substr(0, dot), dotted.substr(dot + 1));
  assert(key);
  return *key;
}

const std::vector<std::string>& allowed_words(const config_key& key,
                                              const known_names& names) {
  return key.names ? names.of(*key.names) : key.choices;
}

} // namespace posse
