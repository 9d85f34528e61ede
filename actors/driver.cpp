#include "actors/driver.hpp"

#include "messages/caf_errors.hpp"

namespace posse {

driver_actor::behavior_type
driver(driver_actor::stateful_pointer<driver_state> self,
       std::shared_ptr<progress_board> board) {
  self->state.board = std::move(board);
  return {
      [self](const launch_order& order) {
        self->request(order.particle, caf::infinite, order.message)
            .then(
                [promise = order.promise](receive_func_pd_ack& ack) {
                  promise.set(std::move(ack.result));
                },
                [promise = order.promise](caf::error& why) {
                  promise.set(tl::unexpected<failure>{from_error(why)});
                });
      },
      [self](const progress_msg& heard) {
        self->state.board->update(heard.pid,
                                  {heard.step, heard.steps, heard.loss});
      },
  };
}

} // namespace posse
