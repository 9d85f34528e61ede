#pragma once

#include "actors/driver_interface.hpp"
#include "actors/node_event_loop_interface.hpp"
#include "actors/progress_board.hpp"
#include "messages/failure.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace posse {

class driver_state;
using driver_pointer = driver_actor::stateful_pointer<driver_state>;

/// A request to be made in the driver. Never leaves the process, as what
/// follows.
struct errand {
  /// Asks, and calls its second argument when the answer has come.
  std::function<void(driver_pointer, std::function<void()>)> ask;
  /// Called instead, if no answer can come any more.
  std::function<void(const failure&)> give_up;
};

/// A node of the run that is another process.
struct watched_node {
  std::string name;
  std::string address; ///< host:port
  node_event_loop_actor handle;
};

/// A particle lives on the node of that name.
struct settled_particle {
  particle_id pid;
  std::string node;
};

/// A remote actor that is gone leaves requests without an answer: the driver
/// watches every node, and once one is lost, gives all errands up, those that
/// are open and those to come, for no algorithm goes on without its particles.
class driver_state {
public:
  static inline const char* name = "driver";
  explicit driver_state(driver_pointer self) : self_{self} {}

  driver_actor::behavior_type
  make_behavior(std::shared_ptr<progress_board> board);

private:
  struct node {
    watched_node what;
    std::vector<particle_id> particles;
  };

  void run(const errand& order);
  void gone(const caf::actor_addr& who);

  driver_pointer self_;
  std::shared_ptr<progress_board> board_;
  std::map<std::string, node> nodes_;
  std::map<std::uint64_t, std::function<void(const failure&)>> open_;
  std::uint64_t next_{0};
  std::optional<failure> lost_;
};

driver_actor::behavior_type driver(driver_pointer self,
                                   std::shared_ptr<progress_board> board);

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::errand)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::watched_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::settled_particle)
