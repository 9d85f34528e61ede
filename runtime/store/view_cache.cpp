#include "runtime/store/view_cache.hpp"

#include <iterator>
#include <mutex>
#include <utility>

namespace posse {

view_ptr view_cache::find(particle_id pid) {
  const std::lock_guard lock{mutex_};
  return use(pid);
}

view_ptr view_cache::find(particle_id pid, std::uint64_t version) {
  const std::lock_guard lock{mutex_};
  auto view = use(pid);
  if (!view || view->version != version)
    return nullptr;
  ++counters_.hits;
  return view;
}

void view_cache::put(particle_id pid, view_ptr view) {
  const auto size = view->size_bytes();
  entries let_go; // its destructor frees memory: not under the lock
  const std::lock_guard lock{mutex_};
  ++counters_.copies;
  counters_.bytes += size;
  if (const auto found = by_pid_.find(pid); found != by_pid_.end())
    drop(found->second, let_go);
  entries_.push_front({pid, std::move(view), size});
  by_pid_[pid] = entries_.begin();
  bytes_ += size;
  // The longest unused ones, unless the new one alone is too much.
  if (limit_.views == 0 && size > limit_.bytes)
    drop(entries_.begin(), let_go);
  while (is_over())
    drop(std::prev(entries_.end()), let_go);
}

void view_cache::forget(particle_id pid) {
  entries let_go;
  const std::lock_guard lock{mutex_};
  if (const auto found = by_pid_.find(pid); found != by_pid_.end())
    drop(found->second, let_go);
}

std::size_t view_cache::size() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

std::size_t view_cache::size_bytes() const {
  const std::lock_guard lock{mutex_};
  return bytes_;
}

view_counters view_cache::counters() const {
  const std::lock_guard lock{mutex_};
  return counters_;
}

view_ptr view_cache::use(particle_id pid) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end())
    return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->view;
}

bool view_cache::is_over() const noexcept {
  return limit_.views > 0 ? entries_.size() > limit_.views
                          : bytes_ > limit_.bytes;
}

void view_cache::drop(entries::iterator entry, entries& into) {
  bytes_ -= entry->bytes;
  by_pid_.erase(entry->pid);
  into.splice(into.begin(), entries_, entry);
}

} // namespace posse
