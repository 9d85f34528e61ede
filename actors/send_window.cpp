#include "actors/send_window.hpp"

#include "actors/outbox.hpp"

#include <utility>

namespace posse {

held_request::held_request(send_window& window, std::string name)
    : window_{&window}, name_{std::move(name)} {
  window_->enqueue(*this);
}

held_request::~held_request() {
  if (window_ != nullptr)
    window_->remove(*this);
}

void held_request::drop() const {
  if (window_ != nullptr)
    window_->from().note_dropped(*window_, name_);
}

void held_request::begin() const {
  window_->begin();
}

void request_slot::close() {
  if (auto* counted = std::exchange(window, nullptr))
    counted->answered(std::exchange(group, nullptr));
}

send_window::send_window(outbox& from, std::size_t most, beyond rule,
                         std::optional<particle_id> to)
    : from_{from}, most_{most}, rule_{rule}, to_{to} {}

send_window::~send_window() {
  for (auto* x = first_; x != nullptr; x = x->next_)
    x->window_ = nullptr;
}

std::string send_window::receiver() const {
  return to_ ? "particle " + to_string(*to_) : "its device";
}

void send_window::answered(held_group* group) {
  --unanswered_;
  if (group != nullptr)
    if (auto* next = group->next())
      next->go();
  while (first_ != nullptr && is_open())
    first_->go();
}

void send_window::await(held_request& x) const {
  if (rule_ == beyond::awaited)
    x.go();
}

void send_window::enqueue(held_request& x) noexcept {
  x.previous_ = last_;
  (last_ == nullptr ? first_ : last_->next_) = &x;
  last_ = &x;
}

void send_window::remove(held_request& x) noexcept {
  (x.previous_ == nullptr ? first_ : x.previous_->next_) = x.next_;
  (x.next_ == nullptr ? last_ : x.next_->previous_) = x.previous_;
}

void held_group::add(request_slot& x) {
  x.group = this;
  members_.push_back(&x);
}

void held_group::begin() {
  for (const auto* x : members_)
    if (x->held == nullptr)
      return;
  if (auto* first = next())
    first->go();
}

held_request* held_group::next() {
  while (next_ < members_.size() && members_[next_]->held == nullptr)
    ++next_;
  return next_ < members_.size() ? members_[next_]->held.get() : nullptr;
}

void held_groups::await(std::span<request_slot* const> awaited) {
  for (const auto* x : awaited) {
    auto* window = x->window;
    if (x->held != nullptr && window->rule_ == send_window::beyond::awaited
        && window->gathered_ == nullptr)
      window->gathered_ =
          groups_.emplace_back(std::make_unique<held_group>()).get();
  }
  for (auto* x : awaited)
    if (x->window != nullptr && x->window->gathered_ != nullptr)
      x->window->gathered_->add(*x);
  for (auto* x : awaited)
    if (x->window != nullptr)
      x->window->gathered_ = nullptr;
  for (const auto& group : groups_)
    group->begin();
}

} // namespace posse
