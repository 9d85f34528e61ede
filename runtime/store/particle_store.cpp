#include "runtime/store/particle_store.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ATen.h>
#include <c10/core/Event.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <limits>

namespace posse {

namespace {

// Slots reserved for particles whose number nobody announced: rows take
// address space only until they are used.
constexpr std::size_t default_slots = 4096;

// Bytes of host memory that can still be had; 0 if the system does not say.
std::int64_t available_host_bytes() {
  std::ifstream file{"/proc/meminfo"};
  std::string key;
  std::int64_t kib = 0;
  for (std::string unit; file >> key >> kib; std::getline(file, unit))
    if (key == "MemAvailable:")
      return kib * 1024;
  return 0;
}

failure lost(particle_id pid) {
  return {errc::out_of_memory,
          "particle " + to_string(pid)
              + " was lost when there was no memory to move it to"};
}

// How many rows can be had at once, fewer than `too_many`. Found by trying: not
// every device says how much is free, nor in how large pieces.
std::size_t slots_that_fit(std::size_t too_many, std::int64_t row_bytes,
                           c10::Device device) {
  std::size_t fit = 0;
  while (too_many - fit > 1) {
    const auto tried = fit + (too_many - fit) / 2;
    const bool there =
        guarded("rows", [&] {
          at::empty({static_cast<std::int64_t>(tried), row_bytes},
                    at::device(device).dtype(at::kByte));
        }).has_value();
    (there ? fit : too_many) = tried;
  }
  return fit;
}

failure no_room(std::size_t slots, std::int64_t row_bytes, std::size_t most) {
  const auto bytes = [&](std::size_t n) {
    return std::to_string(static_cast<std::int64_t>(n) * row_bytes);
  };
  return {errc::out_of_memory,
          "room for " + std::to_string(slots) + " particles needs "
              + bytes(slots) + " bytes, " + std::to_string(row_bytes)
              + " each; "
              + (most == 0 ? "not even one fits"
                           : "the largest cache_size that fits is "
                                 + std::to_string(most) + ", with "
                                 + bytes(most) + " bytes")};
}

// Two rows change places through a piece of memory that stays in the
// processor's cache: no memory for a third row, which would have to be found
// each time.
void exchange(const at::Tensor& a, const at::Tensor& b) {
  constexpr std::size_t piece = 16 * 1024;
  std::array<std::byte, piece> between;
  auto* x = static_cast<std::byte*>(a.mutable_data_ptr());
  auto* y = static_cast<std::byte*>(b.mutable_data_ptr());
  for (auto left = a.nbytes(); left > 0;) {
    const auto n = std::min(left, piece);
    std::memcpy(between.data(), x, n);
    std::memcpy(x, y, n);
    std::memcpy(y, between.data(), n);
    x += n;
    y += n;
    left -= n;
  }
}

} // namespace

particle_store::particle_store(options opts)
    : options_{opts}, swaps_{std::make_unique<swap_counters>()} {}

expected<particle_family*> particle_store::family_of(
    const std::shared_ptr<const compiled_recipe>& recipe) {
  for (auto& f : families_)
    if (f->recipe == recipe)
      return f.get();
  const auto row_bytes = recipe->layout.row_bytes();
  auto capacity = options_.capacity;
  auto budget = options_.budget_bytes;
  if (budget == 0 && options_.device.is_cpu())
    budget = available_host_bytes() / 2;
  if (capacity == 0) {
    const auto wanted = options_.expected_particles > 0
                            ? options_.expected_particles
                            : default_slots;
    const auto fit = budget > 0 ? static_cast<std::size_t>(
                         budget / std::max<std::int64_t>(row_bytes, 1))
                                : wanted;
    capacity = std::min(wanted, fit);
  }
  if (capacity == 0)
    return fail(errc::out_of_memory, "one particle needs "
                                         + std::to_string(row_bytes)
                                         + " bytes, the device has room for "
                                         + std::to_string(budget));
  // The layout lives in the recipe: an aliasing pointer keeps both.
  const std::shared_ptr<const particle_layout> layout{recipe, &recipe->layout};
  auto make = [&] {
    return bank::make(recipe->source.model, layout, capacity, options_.device);
  };
  auto slots = make();
  if (!slots && slots.error().code == errc::out_of_memory) {
    const auto most = slots_that_fit(capacity, row_bytes, options_.device);
    if (options_.capacity > 0 || most == 0)
      return tl::unexpected{no_room(capacity, row_bytes, most)};
    // Some of it is for what steps need besides.
    capacity = std::max<std::size_t>(most - most / 4, 1);
    slots = make();
  }
  if (!slots)
    return fail(std::move(slots));
  families_.push_back(std::make_unique<particle_family>(particle_family{
      recipe, std::move(*slots), particle_cache{capacity, options_.policy}}));
  return families_.back().get();
}

lease particle_store::place(particle_entry& entry,
                            const particle_cache::placement& where) {
  auto& cache = entry.family->cache;
  cache.pin_slot(where.slot);
  entry.slot = where.slot;
  entry.leased = true;
  lease out{&entry, where.slot, true,   entry.host.defined(),
            false,  nullptr,    nullptr};
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
  i->second->family->cache.release(pid);
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
    sum += f->cache.particles().size();
  return sum;
}

expected<slot*> settle(const lease& held, swap_counters& counters) {
  auto& slots = held.entry->family->slots;
  auto opened = slots.open(held.slot_index);
  if (!opened || (!held.load && held.evicted == nullptr))
    return opened;
  auto moved_all =
      guarded("swap of particle " + to_string(held.entry->pid), [&] {
        const auto start = std::chrono::steady_clock::now();
        const auto& row = (*opened)->row();
        if (held.moved) {
          held.moved->synchronize();
        } else if (held.load && held.evicted != nullptr && row.is_cpu()
                   && !held.evicted->host.defined()) {
          exchange(row, held.entry->host);
          held.evicted->host = std::move(held.entry->host);
        } else {
          if (held.evicted != nullptr && !held.evicted->host.defined())
            held.evicted->host = row.to(at::kCPU, /*non_blocking=*/false,
                                        /*copy=*/true);
          if (held.load)
            row.copy_(held.entry->host);
        }
        if (held.load)
          held.entry->host.reset();
        const auto took = std::chrono::steady_clock::now() - start;
        const auto copies =
            (held.evicted != nullptr ? 1U : 0U) + (held.load ? 1U : 0U);
        counters.bytes_moved += copies * row.nbytes();
        counters.stall_nanoseconds += static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
        return *opened;
      });
  if (!moved_all) {
    // The cache says that the bytes have moved. Nobody may read what has not.
    held.entry->lost = true;
    if (held.evicted != nullptr
        && (held.moved || !held.evicted->host.defined()))
      held.evicted->lost = true;
  }
  return moved_all;
}

at::Tensor row_of(const particle_entry& entry, std::size_t slot_index) {
  return entry.host.defined() ? entry.host
                              : entry.family->slots.row(slot_index);
}

} // namespace posse
