#include "runtime/config/schema.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <type_traits>
#include <utility>

namespace posse {

namespace {

// -- from a field of run_config to a key ------------------------------------

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

/// By fuse_mode.
constexpr std::array<std::string_view, 3> fuse_words{"auto", "off", "on"};

template <class T>
std::optional<config_value> packed(const T& field) {
  if constexpr (is_optional<T>::value)
    return field ? packed(*field) : std::nullopt;
  else if constexpr (std::is_same_v<T, fuse_mode>)
    return config_value{
        std::string{fuse_words[static_cast<std::size_t>(field)]}};
  else
    return config_value{field};
}

template <class T>
void unpack(T& field, const config_value& x) {
  if constexpr (is_optional<T>::value) {
    field = std::get<typename T::value_type>(x);
  } else if constexpr (std::is_same_v<T, fuse_mode>) {
    auto word = std::find(fuse_words.begin(), fuse_words.end(),
                          std::get<std::string>(x));
    assert(word != fuse_words.end());
    field = static_cast<fuse_mode>(word - fuse_words.begin());
  } else {
    field = std::get<T>(x);
  }
}

template <class T>
constexpr value_kind kind_of() {
  if constexpr (is_optional<T>::value)
    return kind_of<typename T::value_type>();
  else if constexpr (std::is_same_v<T, bool>)
    return value_kind::boolean;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return value_kind::integer;
  else if constexpr (std::is_same_v<T, double>)
    return value_kind::real;
  else if constexpr (std::is_same_v<T, std::filesystem::path>)
    return value_kind::path;
  else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
    return value_kind::integer_list;
  else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>)
    return value_kind::path_list;
  else if constexpr (std::is_same_v<T, std::vector<device_entry>>)
    return value_kind::device_list;
  else
    return value_kind::text;
}

/// Completes a row of the table: its field is `config.*Section.*Field`.
template <auto Section, auto Field>
config_key bound(config_key key) {
  using field_type = std::remove_cvref_t<decltype(std::declval<run_config&>()
                                                  .*Section.*Field)>;
  if (key.kind != value_kind::text_or_real)
    key.kind = kind_of<field_type>();
  key.get = [](const run_config& c) { return packed(c.*Section.*Field); };
  key.set = [](run_config& c, const config_value& x) {
    unpack(c.*Section.*Field, x);
  };
  return key;
}

config_key plugins_key() {
  return {.section = "",
          .name = "plugins",
          .kind = value_kind::path_list,
          .doc =
              "shared libraries with the user's models, losses and behaviours",
          .get = [](const run_config& c) { return packed(c.plugins); },
          .set = [](run_config& c,
                    const config_value& x) { unpack(c.plugins, x); }};
}

// -- ranges ------------------------------------------------------------------

constexpr number_range at_least(double low) {
  return {.low = low};
}
constexpr number_range above(double low) {
  return {.low = low, .low_included = false};
}
constexpr number_range between(double low, double high) {
  return {.low = low, .high = high};
}
constexpr number_range below_one{.low = 0, .high = 1, .high_included = false};
constexpr number_range inside_unit{
    .low = 0, .high = 1, .low_included = false, .high_included = false};

// Bounds that no sensible run comes near to: beyond them is a typing error.
constexpr double most_particles = 1e6;
constexpr double most_units = 1e6;
constexpr double most_steps = 1e12;
constexpr double most_rows = 1e9;
constexpr double most_lanes = 1024;

// -- the table ---------------------------------------------------------------

std::vector<config_key> make_schema() {
  using c = run_config;
  std::vector<config_key> keys;
  keys.push_back(plugins_key());

  // [run]
  using run = run_section;
  keys.push_back(bound<&c::run, &run::name>(
      {.section = "run",
       .name = "name",
       .doc = "what the run is called in its results; no '/'"}));
  keys.push_back(bound<&c::run, &run::seed>(
      {.section = "run",
       .name = "seed",
       .range = at_least(0),
       .doc = "same seed, same bits: all random numbers follow from it"}));
  keys.push_back(bound<&c::run, &run::out>(
      {.section = "run",
       .name = "out",
       .default_text = "runs/NAME",
       .doc = "the run's folder; must not exist or be empty, unless "
              "--overwrite or --resume",
       .free_on_resume = true}));
  keys.push_back(bound<&c::run, &run::fuse>(
      {.section = "run",
       .name = "fuse",
       .choices = {"auto", "off"},
       .later = {"on"},
       .doc = "run particles of one architecture as one batched call"}));
  keys.push_back(bound<&c::run, &run::checkpoint_every>(
      {.section = "run",
       .name = "checkpoint_every",
       .range = at_least(0),
       .doc = "seconds between checkpoints; 0: at the end and on interrupt "
              "only",
       .free_on_resume = true}));
  keys.push_back(
      bound<&c::run, &run::trace>({.section = "run",
                                   .name = "trace",
                                   .doc = "write a trace of what ran when",
                                   .free_on_resume = true}));
  keys.push_back(bound<&c::run, &run::portable_bits>(
      {.section = "run",
       .name = "portable_bits",
       .doc = "pin the instruction set, for equal bits on unlike processors"}));

  // [data]
  using data = data_section;
  keys.push_back(bound<&c::data, &data::kind>(
      {.section = "data",
       .name = "kind",
       .choices = {"csv", "idx", "npy"},
       .doc = "csv: a table with a header line; idx: a folder of the four idx "
              "files; npy: a folder of x.npy and y.npy"}));
  keys.push_back(bound<&c::data, &data::path>(
      {.section = "data",
       .name = "path",
       .default_text = "required",
       .doc = "where the data is, relative to this file"}));
  keys.push_back(
      bound<&c::data, &data::target>({.section = "data",
                                      .name = "target",
                                      .default_text = "the last column",
                                      .doc = "the column to predict"}));
  keys.push_back(bound<&c::data, &data::splits>(
      {.section = "data",
       .name = "splits",
       .default_text = "drawn with test_fraction",
       .doc = "file whose lines are the 0-based test rows of one split each"}));
  keys.push_back(bound<&c::data, &data::test_fraction>(
      {.section = "data",
       .name = "test_fraction",
       .range = inside_unit,
       .doc = "of the rows, drawn by the seed, where there is no splits"}));
  keys.push_back(bound<&c::data, &data::split>(
      {.section = "data",
       .name = "split",
       .range = between(0, most_rows),
       .doc = "which line of splits, or which draw of test rows"}));
  keys.push_back(bound<&c::data, &data::standardize>(
      {.section = "data",
       .name = "standardize",
       .doc = "by the training rows; metrics stay in original units"}));

  // [model]
  using model = model_section;
  keys.push_back(bound<&c::model, &model::kind>(
      {.section = "model",
       .name = "kind",
       .names = name_kind::model,
       .doc = "the architecture, or a plugin's name for one"}));
  keys.push_back(bound<&c::model, &model::hidden>(
      {.section = "model",
       .name = "hidden",
       .range = between(1, most_units),
       .doc = "units of each hidden layer; []: a linear model"}));
  keys.push_back(bound<&c::model, &model::activation>(
      {.section = "model",
       .name = "activation",
       .choices = {"relu", "tanh", "sigmoid", "silu", "gelu"},
       .doc = "after each hidden layer"}));
  keys.push_back(bound<&c::model, &model::head>(
      {.section = "model",
       .name = "head",
       .choices = {"point", "gaussian", "gaussian_shared", "categorical"},
       .doc = "what is predicted: a point (no NLL), a mean and a variance, a "
              "mean and one noise variance for all rows, classes"}));
  keys.push_back(bound<&c::model, &model::dropout>(
      {.section = "model",
       .name = "dropout",
       .range = below_one,
       .doc = "probability of dropping a hidden unit; 0: none"}));

  // [prior]
  using prior = prior_section;
  keys.push_back(
      bound<&c::prior, &prior::kind>({.section = "prior",
                                      .name = "kind",
                                      .choices = {"flat", "normal"},
                                      .doc = "prior on the weights"}));
  keys.push_back(bound<&c::prior, &prior::std>(
      {.section = "prior",
       .name = "std",
       .range = above(0),
       .doc = "standard deviation of the normal prior"}));

  // [infer]
  using infer = infer_section;
  keys.push_back(bound<&c::infer, &infer::algorithm>(
      {.section = "infer",
       .name = "algorithm",
       .names = name_kind::algorithm,
       .later = {"swag", "multi_swag", "mc_dropout", "sgld", "sghmc", "hmc",
                 "laplace", "vi"},
       .doc = "how the posterior is approximated, or a plugin's name for it"}));
  keys.push_back(bound<&c::infer, &infer::particles>(
      {.section = "infer",
       .name = "particles",
       .range = between(1, most_particles),
       .doc = "networks that approximate the posterior"}));
  keys.push_back(
      bound<&c::infer, &infer::steps>({.section = "infer",
                                       .name = "steps",
                                       .range = between(1, most_steps),
                                       .doc = "of each particle; or epochs"}));
  keys.push_back(bound<&c::infer, &infer::epochs>(
      {.section = "infer",
       .name = "epochs",
       .range = between(1, most_steps),
       .default_text = "as many as steps make",
       .doc = "passes over the training rows, instead of steps"}));
  keys.push_back(bound<&c::infer, &infer::batch>(
      {.section = "infer",
       .name = "batch",
       .range = between(1, most_rows),
       .doc = "rows a step; cut to the number of training rows"}));
  keys.push_back(bound<&c::infer, &infer::loss>(
      {.section = "infer",
       .name = "loss",
       .names = name_kind::loss,
       .doc = "what a step makes smaller, or a plugin's name for it"}));
  keys.push_back(bound<&c::infer, &infer::validation_fraction>(
      {.section = "infer",
       .name = "validation_fraction",
       .range = below_one,
       .doc = "of the training rows, to choose the best step; 0: none, keep "
              "the last step"}));
  keys.push_back(
      bound<&c::infer, &infer::optimizer>({.section = "infer",
                                           .name = "optimizer",
                                           .names = name_kind::optimizer,
                                           .doc = "how a step is made"}));
  keys.push_back(bound<&c::infer, &infer::learning_rate>(
      {.section = "infer",
       .name = "learning_rate",
       .range = above(0),
       .doc = "the first step's; the schedule changes it"}));
  keys.push_back(bound<&c::infer, &infer::momentum>(
      {.section = "infer",
       .name = "momentum",
       .range = below_one,
       .doc = "of the optimizers sgd and rmsprop"}));
  keys.push_back(bound<&c::infer, &infer::schedule>(
      {.section = "infer",
       .name = "schedule",
       .names = name_kind::schedule,
       .doc = "of the learning rate over the run"}));
  keys.push_back(bound<&c::infer, &infer::bootstrap>(
      {.section = "infer",
       .name = "bootstrap",
       .doc = "train each particle on rows drawn with replacement"}));
  keys.push_back(bound<&c::infer, &infer::bandwidth>(
      {.section = "infer",
       .name = "bandwidth",
       .kind = value_kind::text_or_real,
       .range = above(0),
       .choices = {"median", "median_all"},
       .doc = "h of the kernel exp(-|x - y|^2 / h) between particles, or the "
              "rule that chooses it"}));

  // [local]
  using local = local_section;
  keys.push_back(bound<&c::local, &local::devices>(
      {.section = "local",
       .name = "devices",
       .doc = "where particles run: \"cpu:0\", \"cuda:0\", or with a budget "
              "{ name = \"cpu:0\", bytes = \"4GiB\" }",
       .free_on_resume = true}));
  keys.push_back(bound<&c::local, &local::lanes>(
      {.section = "local",
       .name = "lanes",
       .range = between(0, most_lanes),
       .doc = "particles computed at once on a CPU device; 0: cores / CPU "
              "devices",
       .free_on_resume = true}));
  keys.push_back(bound<&c::local, &local::cache_size>(
      {.section = "local",
       .name = "cache_size",
       .range = between(0, most_particles),
       .doc = "particles resident on a device; 0: as many as fit",
       .free_on_resume = true}));
  keys.push_back(bound<&c::local, &local::cache_policy>(
      {.section = "local",
       .name = "cache_policy",
       .choices = {"auto", "direct", "lru"},
       .doc = "which particle makes room for another",
       .free_on_resume = true}));
  keys.push_back(bound<&c::local, &local::view_size>(
      {.section = "local",
       .name = "view_size",
       .range = between(0, most_particles),
       .doc = "views of particles held on a device; 0: as many as fit",
       .free_on_resume = true}));
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

std::span<const config_key> config_schema() {
  static const std::vector<config_key> keys = make_schema();
  return keys;
}

const config_key* find_key(std::string_view section, std::string_view name) {
  for (const auto& key : config_schema())
    if (key.section == section && key.name == name)
      return &key;
  return nullptr;
}

const config_key& key_named(std::string_view dotted) {
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
