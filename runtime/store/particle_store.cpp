#include "runtime/store/particle_store.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/store/device_room.hpp"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/util/StringUtil.h>

#include <cassert>
#include <chrono>

namespace posse {

namespace {

failure lost(particle_id pid) {
  return {errc::out_of_memory,
          "particle " + to_string(pid)
              + " was lost when there was no memory to move it to"};
}

expected<void> move_rows(const lease& held, const at::Tensor& row) {
  auto& below = held.entry->family->below;
  auto* evicted = held.evicted;
  if (held.moved) {
    held.moved->synchronize();
    if (held.load)
      held.entry->host.reset();
    if (held.load && evicted == nullptr) // else who left has its place
      below.free_host(static_cast<std::int64_t>(row.nbytes()));
    return {};
  }
  const bool evict = evicted != nullptr && !is_below(*evicted);
  if (evict) {
    auto done = held.load ? below.exchange(*evicted, *held.entry, row)
                          : below.put(*evicted, row);
    if (!done)
      done.error().message = "particle " + to_string(evicted->pid)
                             + " leaves its slot: " + done.error().message;
    return done;
  }
  return held.load ? below.take(*held.entry, row) : expected<void>{};
}

} // namespace

particle_store::particle_store(options opts)
    : options_{std::move(opts)}, below_{std::make_unique<lower_tiers>(
                                     options_.below)},
      swaps_{std::make_unique<swap_counters>()} {}

expected<particle_family*> particle_store::family_of(
    const std::shared_ptr<const compiled_recipe>& recipe) {
  for (auto& f : families_)
    if (f->recipe == recipe)
      return f.get();
  auto capacity = slots_for(options_, recipe->layout.row_bytes());
  if (!capacity)
    return fail(std::move(capacity));
  // The layout lives in the recipe: an aliasing pointer keeps both.
  const std::shared_ptr<const particle_layout> layout{recipe, &recipe->layout};
  auto slots =
      bank::make(recipe->source.model, layout, *capacity, options_.device);
  if (!slots)
    return fail(std::move(slots));
  families_.push_back(std::make_unique<particle_family>(
      particle_family{recipe, std::move(*slots),
                      particle_cache{*capacity, options_.policy}, *below_}));
  return families_.back().get();
}

expected<void> particle_store::check_room(const particle_family& family) const {
  const auto needed = without_slot() + (family.cache.next_evicts() ? 1 : 0);
  const auto row_bytes = family.recipe->layout.row_bytes();
  // Those of other families count as if their rows were as long.
  if (needed <= below_->room_for(row_bytes))
    return {};
  return tl::unexpected{
      no_room_below(options_.below, family.cache.capacity(), row_bytes)};
}

std::size_t particle_store::without_slot() const {
  std::size_t sum = 0;
  for (const auto& f : families_)
    sum += f->cache.without_slot();
  return sum;
}

lease particle_store::place(particle_entry& entry,
                            const particle_cache::placement& where) {
  auto& cache = entry.family->cache;
  cache.pin_slot(where.slot);
  entry.slot = where.slot;
  entry.leased = true;
  lease out{&entry, where.slot, true, is_below(entry), false, nullptr, nullptr};
  if (where.evicted) {
    out.evicted = entries_.at(*where.evicted).get();
    out.evicted->slot.reset();
    out.evicted->leased = true; // until its bytes have left the slot
  }
  return out;
}

expected<acquisition>
particle_store::create(particle_id pid,
                       std::shared_ptr<const compiled_recipe> recipe,
                       slot_claim claim) {
  if (entries_.contains(pid))
    return fail(errc::invalid_argument,
                "particle " + to_string(pid) + " exists already");
  auto family = family_of(recipe);
  if (!family)
    return fail(std::move(family));
  if (auto room = check_room(**family); !room)
    return fail(std::move(room));
  auto where = (*family)->cache.create(pid, claim);
  if (!where) {
    if (where.error().code == errc::all_slots_pinned)
      return acquisition{grant::no_slot, {}};
    return fail(std::move(where));
  }
  auto entry = std::make_unique<particle_entry>();
  entry->pid = pid;
  entry->family = *family;
  auto& stored = *entries_.emplace(pid, std::move(entry)).first->second;
  auto out = place(stored, *where);
  out.load = false;
  out.fresh = true;
  return acquisition{grant::leased, {out}};
}

expected<acquisition> particle_store::acquire(particle_id pid,
                                              slot_claim claim) {
  auto* entry = find(pid);
  if (entry == nullptr)
    return fail(errc::unknown_particle,
                "particle " + to_string(pid) + " is not on this device");
  if (entry->leased) // first: its lane may be writing the rest
    return acquisition{grant::busy, {}};
  if (entry->lost)
    return tl::unexpected{lost(pid)};
  auto& cache = entry->family->cache;
  if (entry->slot) {
    // Who wants to stay does so for ever: nobody waits for that slot.
    if (claim == slot_claim::in_turn && entry->pins == 0
        && cache.turn_is_over(*entry->slot))
      return acquisition{grant::no_slot, {}};
    cache.read_slot(*entry->slot);
    return acquisition{grant::leased,
                       {place(*entry, {*entry->slot, true, {}})}};
  }
  auto where = cache.try_read(pid, claim);
  if (!where) {
    if (where.error().code == errc::all_slots_pinned)
      return acquisition{grant::no_slot, {}};
    return fail(std::move(where));
  }
  return acquisition{grant::leased, {place(*entry, *where)}};
}

expected<acquisition>
particle_store::acquire_rows(c10::ArrayRef<particle_id> pids) {
  lease_list out;
  for (auto pid : pids) {
    auto* entry = find(pid);
    if (entry == nullptr)
      return fail(errc::unknown_particle,
                  "particle " + to_string(pid) + " is not on this device");
    if (entry->leased)
      return acquisition{grant::busy, {}};
    if (entry->lost)
      return tl::unexpected{lost(pid)};
    out.emplace_back().entry = entry;
  }
  for (auto& held : out) {
    if (held.entry->slot) {
      held.slot_index = *held.entry->slot;
      held.pinned = true;
      held.entry->family->cache.pin_slot(held.slot_index);
    }
    held.entry->leased = true;
  }
  return acquisition{grant::leased, std::move(out)};
}

void particle_store::release(const lease& done) {
  if (done.pinned)
    done.entry->family->cache.unpin_slot(done.slot_index);
  done.entry->leased = false;
  if (done.evicted != nullptr)
    done.evicted->leased = false;
}

/// Slots that nobody uses, but for one where all others are kept by pin(): the
/// particles that have none share it.
std::vector<std::size_t>
particle_store::slots_to_spare(const particle_family& family) const {
  auto idle = family.cache.idle_slots();
  std::size_t shared = family.cache.capacity();
  for (const auto pid : family.cache.particles())
    if (entries_.at(pid)->pins > 0)
      --shared;
  if (!idle.empty() && idle.size() >= shared)
    idle.pop_back();
  return idle;
}

expected<std::vector<departure>> particle_store::give_up_slots() {
  std::vector<departure> leaving;
  std::size_t idle = 0;
  std::size_t given_up = 0;
  for (const auto& f : families_)
    idle += slots_to_spare(*f).size();
  if (idle == 0)
    return tl::unexpected{all_slots_in_use()};
  const auto wanted = (idle + 1) / 2;
  for (const auto& f : families_)
    for (const auto slot : slots_to_spare(*f)) {
      if (given_up == wanted)
        return leaving;
      if (f->cache.owner_of(slot))
        continue;
      f->cache.retire(slot);
      f->slots.close(slot);
      ++given_up;
    }
  auto without = without_slot();
  for (const auto& f : families_)
    for (const auto slot : slots_to_spare(*f)) {
      if (given_up + leaving.size() == wanted)
        return leaving;
      if (without >= below_->room_for(f->recipe->layout.row_bytes()))
        continue;
      ++without;
      auto& entry = *entries_.at(*f->cache.owner_of(slot));
      entry.leased = true;
      f->cache.pin_slot(slot);
      leaving.push_back({&entry, slot});
    }
  if (given_up + leaving.size() > 0)
    return leaving;
  const auto& f = *families_.front();
  return tl::unexpected{
      no_room_below(options_.below, capacity(), f.recipe->layout.row_bytes())};
}

bool particle_store::end_departure(const departure& left) {
  auto& entry = *left.entry;
  auto& family = *entry.family;
  family.cache.unpin_slot(left.slot_index);
  entry.leased = false;
  if (!is_below(entry))
    return false;
  entry.slot.reset();
  family.cache.retire(left.slot_index);
  family.slots.close(left.slot_index);
  return true;
}

failure particle_store::all_slots_in_use() const {
  std::string slots;
  for (const auto& f : families_)
    slots += c10::str(slots.empty() ? "" : " and ", f->cache.capacity(), " of ",
                      f->recipe->layout.row_bytes(), " bytes");
  return {errc::out_of_memory,
          "it has as few slots as it can, " + slots
              + (capacity() == 1 ? ": no cache_size leaves more room"
                                 : ", which are in use or have to stay")};
}

bool particle_store::pin(particle_id pid) {
  auto* entry = find(pid);
  if (entry == nullptr || !entry->slot)
    return false;
  entry->family->cache.pin_slot(*entry->slot);
  ++entry->pins;
  return true;
}

bool particle_store::unpin(particle_id pid) {
  auto* entry = find(pid);
  if (entry == nullptr || entry->pins == 0)
    return false;
  --entry->pins;
  entry->family->cache.unpin_slot(*entry->slot);
  return true;
}

void particle_store::remove(particle_id pid) {
  auto i = entries_.find(pid);
  if (i == entries_.end())
    return;
  assert(!i->second->leased);
  auto& gone = *i->second;
  gone.family->cache.release(pid);
  below_->forget(gone);
  entries_.erase(i);
}

particle_entry* particle_store::find(particle_id pid) {
  auto i = entries_.find(pid);
  return i == entries_.end() ? nullptr : i->second.get();
}

cache_counters particle_store::counters() const {
  cache_counters sum;
  for (const auto& f : families_) {
    sum.hits += f->cache.counters().hits;
    sum.misses += f->cache.counters().misses;
    sum.evictions += f->cache.counters().evictions;
  }
  return sum;
}

std::size_t particle_store::capacity() const {
  std::size_t sum = 0;
  for (const auto& f : families_)
    sum += f->cache.capacity();
  return sum;
}

std::size_t particle_store::resident() const {
  std::size_t sum = 0;
  for (const auto& f : families_)
    sum += f->cache.resident();
  return sum;
}

std::size_t particle_store::slots_given_up() const {
  std::size_t sum = 0;
  for (const auto& f : families_)
    sum += f->cache.retired();
  return sum;
}

expected<slot*> settle(const lease& held, swap_counters& counters) {
  auto& family = *held.entry->family;
  auto opened = family.slots.open(held.slot_index);
  if (!opened || (!held.load && held.evicted == nullptr))
    return opened;
  auto moved_all = guarded(
      "swap of particle " + to_string(held.entry->pid),
      [&]() -> expected<slot*> {
        const auto start = std::chrono::steady_clock::now();
        if (auto moved = move_rows(held, (*opened)->row()); !moved)
          return fail(std::move(moved));
        const auto took = std::chrono::steady_clock::now() - start;
        const auto copies =
            (held.evicted != nullptr ? 1U : 0U) + (held.load ? 1U : 0U);
        counters.bytes_moved += copies * (*opened)->row().nbytes();
        counters.stall_nanoseconds += static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
        return *opened;
      });
  if (!moved_all) {
    // The cache says that the bytes have moved. Nobody may read what has not;
    // what is still below can be fetched again.
    if (held.moved || !is_below(*held.entry))
      held.entry->lost = true;
    if (held.evicted != nullptr && (held.moved || !is_below(*held.evicted)))
      held.evicted->lost = true;
  }
  return moved_all;
}

expected<void> leave_slot(const departure& going, swap_counters& counters) {
  auto& entry = *going.entry;
  return guarded("particle " + to_string(entry.pid) + " leaves its slot",
                 [&]() -> expected<void> {
                   const auto row = entry.family->slots.row(going.slot_index);
                   auto moved = entry.family->below.put(entry, row);
                   if (moved)
                     counters.bytes_moved += row.nbytes();
                   return moved;
                 });
}

expected<void> bring_rows(held_leases held, row_use use) {
  if (use == row_use::none)
    return {};
  for (const auto& x : held)
    if (x.entry->disk) {
      auto up = guarded("row of particle " + to_string(x.entry->pid), [&] {
        return x.entry->family->below.bring_up(*x.entry);
      });
      if (!up)
        return up;
    }
  return {};
}

expected<void> return_rows(held_leases held, row_use use) {
  expected<void> all;
  for (const auto& x : held)
    if (x.entry->disk) {
      auto down =
          x.entry->family->below.give_down(*x.entry, use == row_use::write);
      if (down)
        continue;
      x.entry->lost = true; // part of it is new, part of it old
      all = std::move(down);
    }
  return all;
}

at::Tensor row_of(const lease& held) {
  return held.entry->host.defined()
             ? held.entry->host
             : held.entry->family->slots.row(held.slot_index);
}

} // namespace posse
