#include "messages/errc.hpp"

namespace posse {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::unknown_particle:
    return "unknown particle";
  case errc::unknown_name:
    return "unknown name";
  case errc::unknown_message:
    return "unknown message";
  case errc::invalid_argument:
    return "invalid argument";
  case errc::invalid_config:
    return "invalid config";
  case errc::invalid_data:
    return "invalid data";
  case errc::out_of_memory:
    return "out of memory";
  case errc::all_slots_pinned:
    return "all slots pinned";
  case errc::device_unavailable:
    return "device unavailable";
  case errc::non_finite:
    return "non-finite value";
  case errc::malformed:
    return "malformed bytes";
  case errc::io_error:
    return "input/output error";
  case errc::corrupt_checkpoint:
    return "corrupt checkpoint";
  case errc::cancelled:
    return "cancelled";
  case errc::actor_down:
    return "actor down";
  case errc::timed_out:
    return "timed out";
  case errc::backend_error:
    return "backend error";
  case errc::refused:
    return "refused";
  case errc::node_lost:
    return "node lost";
  case errc::overloaded:
    return "overloaded";
  }
  return "unknown error";
}

} // namespace posse
