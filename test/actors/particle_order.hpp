#pragma once

#include "actors/run_plan.hpp"
#include "messages/node_messages.hpp"
#include "runtime/data/data_library.hpp"
#include "test/support/catch.hpp"

namespace posse::test {

/// What a driver with that config tells a node of one particle to make.
inline receive_particle_init_msg order_for(const run_config& config) {
  auto data = open_data(config);
  REQUIRE(data);
  auto plan = make_run_plan(config, **data);
  REQUIRE(plan);
  const auto& recipe = plan->recipe;
  receive_particle_init_msg out;
  out.optimizer = {recipe.optimizer.kind, recipe.optimizer.to_value()};
  out.scheduler = {recipe.schedule,
                   value_dict{{"total_steps", recipe.total_steps}}};
  out.prior = {"normal", value_dict{{"std", 1.0}}};
  out.train_key = 1;
  out.behaviour = {plan->behavior, value_dict{{"keep_best", false}}};
  return out;
}

} // namespace posse::test
