#include "actors/pfuture.hpp"

#include <algorithm>

namespace posse {

bool pfuture::promise::set(expected<value> result) const {
  std::vector<std::weak_ptr<observer>> observers;
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->result)
      return false;
    state_->result = std::move(result);
    state_->changed.notify_all();
    observers.swap(state_->observers);
  }
  for (const auto& weak : observers)
    if (auto watching = weak.lock()) {
      const std::lock_guard lock{watching->mutex};
      watching->told = true;
      watching->changed.notify_all();
    }
  return true;
}

bool pfuture::ready() const {
  const std::lock_guard lock{state_->mutex};
  return state_->result.has_value();
}

expected<value> pfuture::wait() const {
  std::unique_lock lock{state_->mutex};
  state_->changed.wait(lock, [&] { return state_->result.has_value(); });
  return *state_->result;
}

expected<value> pfuture::wait_for(clock::duration patience) const {
  std::unique_lock lock{state_->mutex};
  if (!state_->changed.wait_for(lock, patience,
                                [&] { return state_->result.has_value(); }))
    return fail(errc::timed_out, "no answer yet");
  return *state_->result;
}

std::vector<expected<value>> wait_all(std::span<const pfuture> futures) {
  std::vector<expected<value>> out;
  out.reserve(futures.size());
  std::ranges::transform(futures, std::back_inserter(out), &pfuture::wait);
  return out;
}

expected<std::size_t> wait_any(std::span<const pfuture> futures,
                               pfuture::clock::duration patience) {
  if (futures.empty())
    return fail(errc::invalid_argument,
                "wait_any: expected a future, got none");
  auto first_ready = [&]() -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < futures.size(); ++i)
      if (futures[i].ready())
        return i;
    return std::nullopt;
  };
  auto watching = std::make_shared<pfuture::promise::observer>();
  for (const auto& f : futures) {
    const std::lock_guard lock{f.state_->mutex};
    std::erase_if(f.state_->observers,
                  [](const auto& o) { return o.expired(); });
    f.state_->observers.push_back(watching);
  }
  // One that became ready before it was watched tells nobody: look first.
  if (auto i = first_ready())
    return *i;
  {
    std::unique_lock lock{watching->mutex};
    watching->changed.wait_for(lock, patience, [&] { return watching->told; });
  }
  if (auto i = first_ready())
    return *i;
  return fail(errc::timed_out, "none of " + std::to_string(futures.size())
                                   + " futures is ready");
}

} // namespace posse
