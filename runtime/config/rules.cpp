#include "runtime/config/rules.hpp"

#include <algorithm>

namespace posse {

namespace {

config_value text(const char* word) {
  return std::string{word};
}
config_value integer(std::int64_t x) {
  return x;
}
config_value real(double x) {
  return x;
}

std::vector<std::string> descents() {
  return {"sgd", "adam", "adamw", "adagrad", "rmsprop", "svgd_adagrad"};
}

// The built-in algorithms that use a key; the others do not. What a plugin's
// uses is not known.
struct algorithm_key {
  std::string_view key;
  std::vector<std::string_view> algorithms;
};

std::vector<unused_rule> unused_by_algorithm() {
  const std::vector<std::string_view> all{
      "deep_ensemble", "svgd",  "swag", "multi_swag", "mc_dropout", "sgld",
      "psgld",         "sghmc", "hmc",  "laplace",    "vi"};
  const std::vector<algorithm_key> used{
      {"infer.kernel", {"svgd"}},
      {"infer.bandwidth", {"svgd"}},
      {"infer.annealing", {"svgd"}},
      {"infer.bootstrap",
       {"deep_ensemble", "swag", "multi_swag", "mc_dropout"}},
      {"infer.samples",
       {"swag", "multi_swag", "mc_dropout", "sgld", "psgld", "sghmc", "hmc",
        "laplace", "vi"}},
      {"infer.burn_in",
       {"swag", "multi_swag", "sgld", "psgld", "sghmc", "hmc"}},
      {"infer.thinning",
       {"swag", "multi_swag", "sgld", "psgld", "sghmc", "hmc"}},
      {"infer.rank", {"swag", "multi_swag"}},
      {"infer.scale", {"swag", "multi_swag"}},
      {"infer.temperature", {"sgld", "psgld", "sghmc", "hmc", "vi"}},
      {"infer.leapfrogs", {"hmc"}},
      {"infer.acceptance", {"hmc"}},
      {"infer.masks", {"mc_dropout"}},
      {"infer.curvature", {"laplace"}},
      {"infer.prior_precision", {"laplace"}},
      {"infer.initial_std", {"vi"}},
      {"infer.random_prior", {"deep_ensemble"}},
  };
  // Trajectories over all rows have no use for these.
  const std::vector<std::string_view> unused_by_hmc{
      "infer.batch",    "infer.optimizer", "infer.momentum",
      "infer.schedule", "infer.cycles",    "model.dropout"};
  std::vector<unused_rule> out;
  for (const auto& [key, users] : used)
    for (auto algorithm : all)
      if (std::ranges::find(users, algorithm) == users.end())
        out.push_back({key, {"infer.algorithm", algorithm}});
  for (auto key : unused_by_hmc)
    out.push_back({key, {"infer.algorithm", "hmc"}});
  // Its noise is that of the weights.
  out.push_back({"model.dropout", {"infer.algorithm", "vi"}});
  return out;
}

std::vector<unused_rule> all_unused_rules() {
  auto rules = unused_by_algorithm();
  const std::vector<unused_rule> others{
      {"run.places", {"run.placement", "round_robin"}},
      {"run.places", {"run.placement", "pack"}},
      {"run.places", {"run.placement", "spread"}},
      {"data.target", {"data.kind", "npy"}},
      {"data.target", {"data.kind", "idx"}},
      // idx comes with its own test rows.
      {"data.splits", {"data.kind", "idx"}},
      {"data.test_fraction", {"data.kind", "idx"}},
      {"data.split", {"data.kind", "idx"}},
      {"model.hidden", {"model.kind", "lenet"}},
      {"data.test_fraction", {"data.splits", ""}},
      {"prior.std", {"prior.kind", "flat"}},
      {"infer.steps", {"infer.epochs", ""}},
      {"infer.momentum", {"infer.optimizer", "adam"}},
      {"infer.momentum", {"infer.optimizer", "adamw"}},
      {"infer.momentum", {"infer.optimizer", "adagrad"}},
      {"infer.momentum", {"infer.optimizer", "svgd_adagrad"}},
      {"infer.bandwidth", {"infer.kernel", "linear"}},
      {"infer.momentum", {"infer.optimizer", "sgld"}},
      {"infer.momentum", {"infer.optimizer", "psgld"}},
      {"infer.cycles", {"infer.schedule", "constant"}},
      {"infer.cycles", {"infer.schedule", "cosine"}},
      {"infer.cycles", {"infer.schedule", "linear"}},
      {"infer.cycles", {"infer.schedule", "swa"}},
  };
  rules.insert(rules.end(), others.begin(), others.end());
  return rules;
}

} // namespace

bool rule_condition::holds(const run_config& config) const {
  if (key.empty())
    return true;
  auto x = key_named(key).get(config);
  return x && (word.empty() || std::get<std::string>(*x) == word);
}

std::string rule_condition::text() const {
  return std::string{key} + " = \"" + std::string{word} + '"';
}

std::span<const default_rule> default_rules() {
  static const std::vector<default_rule> rules{
      {"infer.steps", integer(3000), {}},
      {"model.head", text("gaussian"), {"data.kind", "csv"}},
      {"model.head", text("gaussian"), {"data.kind", "npy"}},
      {"model.head", text("categorical"), {"data.kind", "idx"}},
      {"infer.loss", text("mse"), {"model.head", "point"}},
      {"infer.loss", text("beta_nll"), {"model.head", "gaussian"}},
      {"infer.loss", text("nll"), {"model.head", "gaussian_shared"}},
      {"infer.loss", text("nll"), {"infer.algorithm", "svgd"}},
      {"infer.loss", text("nll"), {"infer.algorithm", "sgld"}},
      {"infer.loss", text("nll"), {"infer.algorithm", "psgld"}},
      {"infer.loss", text("nll"), {"infer.algorithm", "sghmc"}},
      {"infer.loss", text("nll"), {"infer.algorithm", "hmc"}},
      {"infer.loss", text("nll"), {"infer.algorithm", "vi"}},
      {"infer.loss", text("cross_entropy"), {"model.head", "categorical"}},
      {"infer.particles", integer(8), {"infer.algorithm", "svgd"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "svgd"}},
      {"infer.optimizer", text("adam"), {"infer.algorithm", "svgd"}},
      {"infer.learning_rate", real(0.01), {"infer.algorithm", "svgd"}},
      {"infer.schedule", text("constant"), {"infer.algorithm", "svgd"}},
      {"infer.schedule", text("cosine"), {"data.kind", "idx"}},
      {"infer.learning_rate", real(0.001), {"model.kind", "lenet"}},
      {"infer.particles", integer(1), {"infer.algorithm", "swag"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "swag"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "multi_swag"}},
      {"infer.schedule", text("constant"), {"infer.algorithm", "swag"}},
      {"infer.schedule", text("constant"), {"infer.algorithm", "multi_swag"}},
      {"infer.particles", integer(1), {"infer.algorithm", "mc_dropout"}},
      {"infer.steps", integer(12'000), {"infer.algorithm", "mc_dropout"}},
      {"model.dropout", real(0.005), {"infer.algorithm", "mc_dropout"}},
      {"infer.steps", integer(20'000), {"infer.algorithm", "sgld"}},
      {"infer.steps", integer(20'000), {"infer.algorithm", "psgld"}},
      {"infer.steps", integer(20'000), {"infer.algorithm", "sghmc"}},
      {"infer.steps", integer(1000), {"infer.algorithm", "hmc"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "sgld"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "psgld"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "sghmc"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "hmc"}},
      {"infer.optimizer", text("sgld"), {"infer.algorithm", "sgld"}},
      {"infer.optimizer", text("psgld"), {"infer.algorithm", "psgld"}},
      {"infer.optimizer", text("sghmc"), {"infer.algorithm", "sghmc"}},
      {"infer.momentum", real(0.99), {"infer.optimizer", "sghmc"}},
      {"infer.learning_rate", real(0.01), {"infer.algorithm", "sgld"}},
      {"infer.learning_rate", real(0.003), {"infer.algorithm", "psgld"}},
      {"infer.learning_rate", real(1e-4), {"infer.algorithm", "sghmc"}},
      {"infer.learning_rate", real(0.001), {"infer.algorithm", "hmc"}},
      {"infer.schedule", text("constant"), {"infer.algorithm", "sgld"}},
      {"infer.schedule", text("constant"), {"infer.algorithm", "psgld"}},
      {"infer.schedule", text("constant"), {"infer.algorithm", "sghmc"}},
      {"infer.cycles", integer(4), {"infer.schedule", "cyclical"}},
      {"infer.particles", integer(4), {"infer.algorithm", "hmc"}},
      {"infer.samples", integer(100), {"infer.algorithm", "hmc"}},
      {"infer.particles", integer(1), {"infer.algorithm", "vi"}},
      {"infer.steps", integer(20'000), {"infer.algorithm", "vi"}},
      {"infer.learning_rate", real(0.003), {"infer.algorithm", "vi"}},
      {"infer.validation_fraction", real(0), {"infer.algorithm", "vi"}},
  };
  return rules;
}

std::span<const unused_rule> unused_rules() {
  static const std::vector<unused_rule> rules = all_unused_rules();
  return rules;
}

std::span<const refusal_rule> refusal_rules() {
  static const std::vector<refusal_rule> rules{
      {"model.head", {"categorical"}, {"data.kind", "csv"}},
      {"model.head", {"categorical"}, {"data.kind", "npy"}},
      {"model.head",
       {"point", "gaussian", "gaussian_shared"},
       {"data.kind", "idx"}},
      {"model.kind", {"lenet"}, {"data.kind", "csv"}},
      {"model.kind", {"lenet"}, {"data.kind", "npy"}},
      // Most follow the slopes of a likelihood: without a likelihood there is
      // none.
      {"model.head", {"point"}, {"infer.algorithm", "svgd"}},
      {"model.head", {"point"}, {"infer.algorithm", "sgld"}},
      {"model.head", {"point"}, {"infer.algorithm", "psgld"}},
      {"model.head", {"point"}, {"infer.algorithm", "sghmc"}},
      {"model.head", {"point"}, {"infer.algorithm", "hmc"}},
      {"model.head", {"point"}, {"infer.algorithm", "laplace"}},
      {"model.head", {"point"}, {"infer.algorithm", "vi"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "svgd"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "sgld"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "psgld"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "sghmc"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "hmc"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "vi"}},
      {"infer.prior_precision", {"prior"}, {"prior.kind", "flat"}},
      // Where the data say nothing, deviations would grow for ever.
      {"prior.kind", {"flat"}, {"infer.algorithm", "vi"}},
      // Steps without noise are no chain's; directions have no room for it.
      {"infer.optimizer", descents(), {"infer.algorithm", "sgld"}},
      {"infer.optimizer", descents(), {"infer.algorithm", "psgld"}},
      {"infer.optimizer", descents(), {"infer.algorithm", "sghmc"}},
      {"infer.optimizer",
       {"sgld", "psgld", "sghmc"},
       {"infer.algorithm", "svgd"}},
      {"infer.optimizer",
       {"sgld", "psgld", "sghmc"},
       {"infer.algorithm", "laplace"}},
      {"infer.optimizer",
       {"sgld", "psgld", "sghmc"},
       {"infer.algorithm", "vi"}},
      {"infer.loss",
       {"nll", "beta_nll", "cross_entropy"},
       {"model.head", "point"}},
      {"infer.loss", {"mse", "cross_entropy"}, {"model.head", "gaussian"}},
      {"infer.loss",
       {"mse", "cross_entropy"},
       {"model.head", "gaussian_shared"}},
      {"infer.loss", {"beta_nll", "mse"}, {"model.head", "categorical"}},
  };
  return rules;
}

const rule_condition* why_unused(const run_config& config,
                                 const config_key& key) {
  for (const auto& rule : unused_rules())
    if (rule.key == key.dotted() && rule.when.holds(config))
      return &rule.when;
  return nullptr;
}

} // namespace posse
