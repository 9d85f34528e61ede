#pragma once

#include "messages/failure.hpp"
#include "runtime/store/particle_store.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace posse {

/// What a device worker hands to a lane: leases and what to do with them.
/// Never leaves the process.
class lane_job_base {
public:
  virtual ~lane_job_base() = default;

  std::vector<lease> leases;
  std::size_t lane{0}; ///< which lane of the worker runs it
};

template <class Ack>
class lane_job : public lane_job_base {
public:
  using function = std::function<expected<Ack>(const std::vector<lease>&)>;
  explicit lane_job(function f) : compute{std::move(f)} {}
  function compute;
};

/// A job on its way from the worker to a lane.
template <class Ack>
struct lane_work {
  std::shared_ptr<lane_job<Ack>> job;
};

} // namespace posse

// Never leaves the process, so CAF need not know how to write it.
template <class Ack>
struct caf::allowed_unsafe_message_type<posse::lane_work<Ack>>
    : std::true_type {};
