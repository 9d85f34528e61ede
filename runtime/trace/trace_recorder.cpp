#include "runtime/trace/trace_recorder.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace posse {

trace_recorder::trace_recorder(trace_clock clock, std::vector<std::string> rows,
                               std::size_t capacity)
    : clock_{std::move(clock)}, rows_{std::move(rows)}, capacity_{capacity} {
  // Address space only, until it is used: no lane waits for a larger place.
  events_.reserve(capacity_);
}

void trace_recorder::add(const char* name, trace_event event) {
  const std::lock_guard lock{mutex_};
  if (events_.size() == capacity_) {
    ++dropped_;
    return;
  }
  event.name = index_of(name);
  events_.push_back(event);
}

trace_log trace_recorder::read(std::uint64_t first, std::size_t count) const {
  const std::lock_guard lock{mutex_};
  const auto from = std::min<std::size_t>(first, events_.size());
  const auto to = from + std::min(count, events_.size() - from);
  const auto at = [this](std::size_t i) {
    return events_.begin() + static_cast<std::ptrdiff_t>(i);
  };
  return {rows_,
          {names_.begin(), names_.end()},
          {at(from), at(to)},
          events_.size(),
          dropped_,
          clock_.started};
}

/// By address: equal names from two places are two names, which is harmless.
std::uint32_t trace_recorder::index_of(const char* name) {
  const auto known = std::ranges::find(names_, name);
  const auto index = static_cast<std::uint32_t>(known - names_.begin());
  if (known == names_.end())
    names_.push_back(name);
  return index;
}

} // namespace posse
