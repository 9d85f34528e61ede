#include "runtime/store/particle_cache.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <ranges>

namespace posse {

namespace {

failure all_in_use(particle_id pid, std::size_t capacity) {
  return {errc::all_slots_pinned, "no slot for particle " + to_string(pid)
                                      + ": all " + std::to_string(capacity)
                                      + " are in use"};
}

} // namespace

expected<cache_policy> parse_cache_policy(std::string_view name) {
  if (name == "auto" || name == "order")
    return cache_policy::order;
  if (name == "lru")
    return cache_policy::lru;
  if (name == "direct")
    return cache_policy::direct;
  return fail(errc::unknown_name, "unknown cache policy \"" + std::string{name}
                                      + "\"; known: auto, direct, lru, order");
}

particle_cache::particle_cache(std::size_t capacity, cache_policy policy,
                               std::size_t turn)
    : policy_{policy}, turn_{turn}, slots_(capacity), in_use_(capacity) {
  assert(capacity > 0);
  std::iota(in_use_.begin(), in_use_.end(), std::size_t{0});
  for (const auto i : in_use_)
    append(i);
}

expected<particle_cache::placement> particle_cache::create(particle_id pid,
                                                           slot_claim claim) {
  if (known_.contains(pid))
    return fail(errc::invalid_argument,
                "particle " + to_string(pid) + " exists already");
  known who{none, created_};
  auto slot = pick(who, claim);
  if (!slot)
    return tl::unexpected{all_in_use(pid, capacity())};
  ++created_;
  auto& entry = known_.emplace(pid, who).first->second;
  return place(pid, entry, *slot);
}

expected<particle_cache::placement> particle_cache::try_read(particle_id pid,
                                                             slot_claim claim) {
  auto i = known_.find(pid);
  if (i == known_.end())
    return fail(errc::unknown_particle,
                "particle " + to_string(pid) + " is not in this cache");
  auto& who = i->second;
  if (who.slot != none) {
    if (claim == slot_claim::in_turn && turn_is_over(who.slot))
      return tl::unexpected{all_in_use(pid, capacity())};
    read_slot(who.slot);
    return placement{who.slot, true, std::nullopt};
  }
  auto slot = pick(who, claim);
  if (!slot)
    return tl::unexpected{all_in_use(pid, capacity())};
  ++counters_.misses;
  return place(pid, who, *slot);
}

bool particle_cache::try_pin(particle_id pid) {
  auto i = known_.find(pid);
  if (i == known_.end() || i->second.slot == none)
    return false;
  pin_slot(i->second.slot);
  return true;
}

void particle_cache::unpin(particle_id pid) {
  auto i = known_.find(pid);
  assert(i != known_.end() && i->second.slot != none);
  unpin_slot(i->second.slot);
}

void particle_cache::read_slot(std::size_t slot) {
  assert(slots_[slot].owner);
  ++counters_.hits;
  use(*slots_[slot].about);
}

void particle_cache::pin_slot(std::size_t slot) {
  assert(slots_[slot].owner);
  ++slots_[slot].pins;
}

void particle_cache::unpin_slot(std::size_t slot) {
  assert(slots_[slot].pins > 0);
  --slots_[slot].pins;
}

void particle_cache::release(particle_id pid) {
  auto i = known_.find(pid);
  if (i == known_.end())
    return;
  if (const auto slot = i->second.slot; slot != none) {
    slots_[slot].owner.reset();
    slots_[slot].about = nullptr;
    slots_[slot].pins = 0;
    --resident_;
    unlink(slot);
    prepend(slot);
  }
  known_.erase(i);
}

void particle_cache::retire(std::size_t slot) {
  assert(slots_[slot].pins == 0 && capacity() > 1);
  if (auto& s = slots_[slot]; s.owner) {
    s.about->slot = none;
    s.owner.reset();
    s.about = nullptr;
    --resident_;
    ++counters_.evictions;
  }
  unlink(slot);
  std::erase(in_use_, slot);
}

std::vector<std::size_t> particle_cache::idle_slots() const {
  std::vector<std::size_t> out;
  for (const auto i : in_use_ | std::views::reverse)
    if (slots_[i].pins == 0)
      out.push_back(i);
  if (out.size() == in_use_.size())
    out.pop_back(); // the one that stays
  return out;
}

std::size_t particle_cache::direct_slot(std::size_t number) const {
  return in_use_[number % in_use_.size()];
}

bool particle_cache::next_evicts() const {
  return policy_ == cache_policy::direct
             ? slots_[direct_slot(created_)].owner.has_value()
             : resident_ == capacity();
}

bool particle_cache::contains(particle_id pid) const {
  return slot_of(pid).has_value();
}

bool particle_cache::turn_is_over(std::size_t slot) const {
  return slots_[slot].uses >= turn_;
}

bool particle_cache::pinned(particle_id pid) const {
  const auto slot = slot_of(pid);
  return slot && slots_[*slot].pins > 0;
}

std::optional<std::size_t> particle_cache::slot_of(particle_id pid) const {
  auto i = known_.find(pid);
  return i != known_.end() && i->second.slot != none
             ? std::optional{i->second.slot}
             : std::nullopt;
}

std::vector<particle_id> particle_cache::particles() const {
  std::vector<particle_id> out;
  for (const auto& s : slots_)
    if (s.owner)
      out.push_back(*s.owner);
  return out;
}

bool particle_cache::may_give_up(std::size_t slot, slot_claim claim) const {
  const auto& s = slots_[slot];
  return s.pins == 0
         && (claim == slot_claim::any
             || (claim >= slot_claim::seated && !s.owner)
             || (claim == slot_claim::after_turn && turn_is_over(slot)));
}

std::optional<std::size_t> particle_cache::pick(const known& who,
                                                slot_claim claim) const {
  if (policy_ == cache_policy::direct) {
    const auto slot = direct_slot(who.number);
    return may_give_up(slot, claim) ? std::optional{slot} : std::nullopt;
  }
  // Whose turn is not over will soon be back.
  if (claim == slot_claim::any)
    if (auto slot = pick(who, slot_claim::after_turn))
      return slot;
  // Free slots come first: they start in the list and release() puts them
  // back at its old end.
  if (policy_ == cache_policy::order && slots_[oldest_].owner)
    return pick_by_order(claim);
  for (auto i = oldest_; i != none; i = slots_[i].newer)
    if (may_give_up(i, claim))
      return i;
  return std::nullopt;
}

std::optional<std::size_t>
particle_cache::pick_by_order(slot_claim claim) const {
  std::optional<std::size_t> last;
  std::uint64_t latest = 0;
  for (auto i = oldest_; i != none; i = slots_[i].newer) {
    if (!may_give_up(i, claim))
      continue;
    if (const auto next = next_use(*slots_[i].about); !last || next > latest) {
      last = i;
      latest = next;
    }
  }
  return last;
}

/// When a particle is expected, counted in uses.
std::uint64_t particle_cache::next_use(const known& who) const {
  // Of one that was used once nothing is known but that all take turns.
  const auto next =
      who.last_use + (who.period > 0 ? who.period : std::uint64_t{created_});
  // One that is overdue may be done: the longer it has stayed away, the longer
  // it will.
  return next > uses_ ? next : uses_ + (uses_ - who.last_use);
}

void particle_cache::use(known& who) {
  ++uses_;
  if (who.last_use > 0) {
    // The longest of late: steps that come in pairs are far apart, too. But a
    // pause in which the others had several turns is no period.
    constexpr std::uint64_t forgetting = 8;
    constexpr std::uint64_t turns = 2;
    const auto longest = turns * std::uint64_t{created_};
    who.period = std::max(std::min(uses_ - who.last_use, longest),
                          who.period - who.period / forgetting);
  }
  who.last_use = uses_;
  auto& s = slots_[who.slot];
  s.uses = turn_is_over(who.slot) ? 1 : s.uses + 1;
  touch(who.slot);
}

particle_cache::placement particle_cache::place(particle_id pid, known& who,
                                                std::size_t slot) {
  auto& s = slots_[slot];
  placement out{slot, false, s.owner};
  if (s.owner) {
    known_.at(*s.owner).slot = none;
    ++counters_.evictions;
  } else {
    ++resident_;
  }
  s.owner = pid;
  s.about = &who;
  s.uses = 0;
  who.slot = slot;
  use(who);
  return out;
}

void particle_cache::touch(std::size_t slot) {
  if (slot == newest_)
    return;
  unlink(slot);
  append(slot);
}

void particle_cache::unlink(std::size_t slot) {
  auto& s = slots_[slot];
  (s.older == none ? oldest_ : slots_[s.older].newer) = s.newer;
  (s.newer == none ? newest_ : slots_[s.newer].older) = s.older;
  s.older = s.newer = none;
}

void particle_cache::append(std::size_t slot) {
  auto& s = slots_[slot];
  s.older = newest_;
  s.newer = none;
  (newest_ == none ? oldest_ : slots_[newest_].newer) = slot;
  newest_ = slot;
}

void particle_cache::prepend(std::size_t slot) {
  auto& s = slots_[slot];
  s.older = none;
  s.newer = oldest_;
  (oldest_ == none ? newest_ : slots_[oldest_].older) = slot;
  oldest_ = slot;
}

} // namespace posse
