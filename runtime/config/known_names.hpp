#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace posse {

/// What a name in a config stands for.
enum class name_kind : std::uint8_t {
  algorithm,
  model,
  optimizer,
  schedule,
  loss,
};

/// The names that a config may use, by kind. The registries that hold the
/// things themselves live in other rooms: whoever loads a config fills this in
/// from them, with what plugins have added. The defaults are the built-in ones.
struct known_names {
  std::vector<std::string> algorithms{
      "deep_ensemble", "svgd",  "swag", "multi_swag", "mc_dropout", "sgld",
      "psgld",         "sghmc", "hmc",  "laplace",    "vi"};
  std::vector<std::string> models{"mlp", "lenet"};
  std::vector<std::string> optimizers{"sgd",     "adam",    "adamw",
                                      "adagrad", "rmsprop", "svgd_adagrad",
                                      "sgld",    "psgld",   "sghmc"};
  std::vector<std::string> schedules{"constant", "cosine", "cyclical", "linear",
                                     "swa"};
  std::vector<std::string> losses{"nll", "beta_nll", "mse", "cross_entropy"};

  const std::vector<std::string>& of(name_kind kind) const noexcept {
    switch (kind) {
    case name_kind::algorithm:
      return algorithms;
    case name_kind::model:
      return models;
    case name_kind::optimizer:
      return optimizers;
    case name_kind::schedule:
      return schedules;
    case name_kind::loss:
      break;
    }
    return losses;
  }
};

} // namespace posse
