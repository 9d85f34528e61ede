#include "actors/driver.hpp"

#include "actors/node_loss.hpp"

#include <optional>
#include <utility>

namespace posse {

driver_actor::behavior_type
driver_state::make_behavior(std::shared_ptr<progress_board> board) {
  board_ = std::move(board);
  self_->set_down_handler([this](caf::down_msg& down) { gone(down.source); });
  return {
      [this](const errand& order) { run(order); },
      [this](const watched_node& what) {
        self_->monitor(what.handle);
        nodes_[what.name] = {what, {}};
      },
      [this](const settled_particle& x) {
        if (auto at = nodes_.find(x.node); at != nodes_.end())
          at->second.particles.push_back(x.pid);
      },
      [this](const progress_msg& heard) {
        board_->update(heard.pid, {heard.step, heard.steps, heard.loss});
      },
      [this](const learning_msg& heard) {
        learning_point point{static_cast<std::int64_t>(heard.step), heard.loss,
                             std::nullopt};
        if (heard.measured)
          point.validation = heard.validation;
        board_->add(heard.pid, point);
      },
  };
}

void driver_state::run(const errand& order) {
  if (lost_)
    return order.give_up(*lost_);
  const auto id = next_++;
  open_[id] = order.give_up;
  order.ask(self_, [this, id] { open_.erase(id); });
}

void driver_state::gone(const caf::actor_addr& who) {
  for (const auto& [name, node] : nodes_) {
    if (node.what.handle.address() != who || lost_)
      continue;
    lost_ = node_loss(name, node.what.address, node.particles);
    for (const auto& [id, give_up] : std::exchange(open_, {}))
      give_up(*lost_);
  }
}

driver_actor::behavior_type driver(driver_pointer self,
                                   std::shared_ptr<progress_board> board) {
  return self->state.make_behavior(std::move(board));
}

} // namespace posse
