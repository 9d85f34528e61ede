#include "messages/messages.hpp"
#include "test/messages/testing_system.hpp"
#include "test/support/catch.hpp"

#include <caf/actor_cast.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/event_based_actor.hpp>

using namespace posse;

TEST_CASE_METHOD(testing_system,
                 "a directory entry carries its particle's handle",
                 "[messages]") {
  const auto particle = sys.spawn(
      [](caf::event_based_actor*, int) -> caf::behavior {
        return {[](const pause_msg&) { return pause_ack{}; }};
      },
      0);

  nel_broadcast_particles_msg sent{
      {{{4},
        "a",
        "cpu:0",
        caf::actor_cast<caf::strong_actor_ptr>(particle),
        nullptr}},
      {}};
  std::vector<char> bytes;
  caf::binary_serializer sink{sys, bytes};
  REQUIRE_FALSE(sink(sent));
  nel_broadcast_particles_msg received;
  caf::binary_deserializer source{sys, bytes};
  REQUIRE_FALSE(source(received));

  REQUIRE(received.particles.size() == 1);
  CHECK(received.particles[0].pid == particle_id{4});
  CHECK(received.particles[0].handle == sent.particles[0].handle);
  self->send_exit(particle, caf::exit_reason::kill);
}
