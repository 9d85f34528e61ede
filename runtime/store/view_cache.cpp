#include "runtime/store/view_cache.hpp"

#include <iterator>
#include <utility>

namespace posse {

std::size_t particle_view::size_bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& tensor : parameters)
    sum += tensor.size_bytes();
  for (const auto& tensor : gradients)
    sum += tensor.size_bytes();
  return sum;
}

const particle_view* view_cache::find(particle_id pid) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end())
    return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &found->second->view;
}

void view_cache::put(particle_id pid, particle_view view) {
  forget(pid);
  const auto size = view.size_bytes();
  if (size > budget_)
    return;
  while (bytes_ + size > budget_)
    drop(std::prev(entries_.end()));
  entries_.push_front({pid, std::move(view)});
  by_pid_[pid] = entries_.begin();
  bytes_ += size;
}

void view_cache::forget(particle_id pid) {
  if (const auto found = by_pid_.find(pid); found != by_pid_.end())
    drop(found->second);
}

void view_cache::drop(entries::iterator entry) {
  bytes_ -= entry->view.size_bytes();
  by_pid_.erase(entry->pid);
  entries_.erase(entry);
}

} // namespace posse
