#include "actors/outbox.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace posse {

namespace {

// Windows that are kept for their next use: those of few neighbours.
constexpr std::size_t kept_windows = 64;

} // namespace

outbox::outbox()
    : device_{*this, most_unanswered, send_window::beyond::none, {}},
      group_{*this,
             std::numeric_limits<std::size_t>::max(),
             send_window::beyond::none,
             {}},
      forget_at_{kept_windows} {}

send_window& outbox::find(particle_id pid) {
  auto at = windows_.find(pid);
  if (at == windows_.end()) {
    if (windows_.size() >= forget_at_)
      forget_idle();
    at = windows_
             .emplace(std::piecewise_construct, std::forward_as_tuple(pid),
                      std::forward_as_tuple(*this, most_unanswered,
                                            send_window::beyond::awaited, pid))
             .first;
  }
  last_pid_ = pid;
  last_ = &at->second;
  return *last_;
}

void outbox::forget_idle() {
  std::erase_if(windows_, [](const auto& x) { return x.second.is_idle(); });
  last_ = nullptr;
  // So that it is rare, however many count.
  forget_at_ = std::max(kept_windows, 2 * windows_.size());
}

void outbox::note_dropped(const send_window& window, const std::string& name) {
  const auto known = std::ranges::find(dropped_, running_, &note::handler);
  if (known != dropped_.end())
    ++known->more;
  else
    dropped_.push_back({running_, name + ": " + window.receiver()
                                      + " owes this particle "
                                      + std::to_string(window.unanswered())
                                      + " answers, the most are "
                                      + std::to_string(window.most())
                                      + ": co_await the response, it was "
                                        "dropped and the request not sent"});
}

std::optional<failure> outbox::take_noted() {
  // What nobody known has dropped is told by whoever ends next.
  const auto own = std::ranges::find_if(dropped_, [this](const note& x) {
    return x.handler == running_ || x.handler == 0;
  });
  if (own == dropped_.end())
    return std::nullopt;
  auto text = std::move(own->text);
  if (own->more > 0)
    text += "; nor were " + std::to_string(own->more) + " more";
  dropped_.erase(own);
  return failure{errc::overloaded, std::move(text)};
}

} // namespace posse
