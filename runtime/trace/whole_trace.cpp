#include "runtime/trace/whole_trace.hpp"

#include <utility>

namespace posse {

expected<trace_log>
whole_trace(const std::function<expected<trace_log>(std::uint64_t)>& part) {
  auto all = part(0);
  while (all && all->events.size() < all->total) {
    auto more = part(all->events.size());
    if (!more)
      return more;
    if (more->events.empty())
      break;
    all->events.insert(all->events.end(), more->events.begin(),
                       more->events.end());
    all->names = std::move(more->names); // it may know more of them by now
  }
  return all;
}

} // namespace posse
