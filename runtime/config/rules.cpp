#include "runtime/config/rules.hpp"

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
  };
  return rules;
}

std::span<const unused_rule> unused_rules() {
  static const std::vector<unused_rule> rules{
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
      {"infer.bootstrap", {"infer.algorithm", "svgd"}},
      {"infer.kernel", {"infer.algorithm", "deep_ensemble"}},
      {"infer.bandwidth", {"infer.algorithm", "deep_ensemble"}},
      {"infer.bandwidth", {"infer.kernel", "linear"}},
      {"infer.annealing", {"infer.algorithm", "deep_ensemble"}},
      {"infer.samples", {"infer.algorithm", "deep_ensemble"}},
      {"infer.samples", {"infer.algorithm", "svgd"}},
      {"infer.burn_in", {"infer.algorithm", "deep_ensemble"}},
      {"infer.thinning", {"infer.algorithm", "deep_ensemble"}},
      {"infer.rank", {"infer.algorithm", "deep_ensemble"}},
      {"infer.scale", {"infer.algorithm", "deep_ensemble"}},
      {"infer.burn_in", {"infer.algorithm", "svgd"}},
      {"infer.thinning", {"infer.algorithm", "svgd"}},
      {"infer.rank", {"infer.algorithm", "svgd"}},
      {"infer.scale", {"infer.algorithm", "svgd"}},
      {"infer.burn_in", {"infer.algorithm", "mc_dropout"}},
      {"infer.thinning", {"infer.algorithm", "mc_dropout"}},
      {"infer.rank", {"infer.algorithm", "mc_dropout"}},
      {"infer.scale", {"infer.algorithm", "mc_dropout"}},
      {"infer.kernel", {"infer.algorithm", "swag"}},
      {"infer.bandwidth", {"infer.algorithm", "swag"}},
      {"infer.annealing", {"infer.algorithm", "swag"}},
      {"infer.kernel", {"infer.algorithm", "multi_swag"}},
      {"infer.bandwidth", {"infer.algorithm", "multi_swag"}},
      {"infer.annealing", {"infer.algorithm", "multi_swag"}},
      {"infer.kernel", {"infer.algorithm", "mc_dropout"}},
      {"infer.bandwidth", {"infer.algorithm", "mc_dropout"}},
      {"infer.annealing", {"infer.algorithm", "mc_dropout"}},
  };
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
      // SVGD moves particles by a score: without a likelihood there is none.
      {"model.head", {"point"}, {"infer.algorithm", "svgd"}},
      {"infer.loss", {"beta_nll", "mse"}, {"infer.algorithm", "svgd"}},
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
