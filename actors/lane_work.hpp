#pragma once

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>

namespace posse {

template <class Ack>
class lane_job;

/// A job on its way to a lane.
template <class Ack>
struct lane_work {
  std::shared_ptr<lane_job<Ack>> job;
};

} // namespace posse

// Never leaves the process, so CAF need not know how to write it.
template <class Ack>
struct caf::allowed_unsafe_message_type<posse::lane_work<Ack>>
    : std::true_type {};
