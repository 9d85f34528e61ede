#include "runtime/store/lower_tiers.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

namespace posse {

namespace {

std::int64_t bytes_of(const at::Tensor& row) {
  return static_cast<std::int64_t>(row.nbytes());
}

at::Tensor host_copy(const at::Tensor& row) {
  return row.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor host_row(std::int64_t bytes) {
  return at::empty({bytes}, at::kByte);
}

// Two rows change places through a piece of memory that stays in the
// processor's cache: no memory for a third row, which would have to be found
// each time.
void exchange_bytes(const at::Tensor& a, const at::Tensor& b) {
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

lower_tiers::lower_tiers(const options& opts)
    : host_budget_{opts.host_bytes > 0
                       ? opts.host_bytes
                       : std::numeric_limits<std::int64_t>::max()},
      disk_{opts.disk_path, opts.disk_bytes} {}

std::size_t lower_tiers::room_for(std::int64_t row_bytes) const {
  const auto row = std::max<std::int64_t>(row_bytes, 1);
  return static_cast<std::size_t>(host_budget_ / row
                                  + disk_.budget_bytes() / row);
}

bool lower_tiers::reserve_host(std::int64_t bytes) {
  auto used = host_used_.load();
  while (bytes <= host_budget_ - used)
    if (host_used_.compare_exchange_weak(used, used + bytes))
      return true;
  return false;
}

void lower_tiers::keep_on_host(particle_entry& entry, const at::Tensor& row) {
  entry.host = host_copy(row);
  reserve_host_anyway(bytes_of(row));
}

expected<void> lower_tiers::put(particle_entry& entry, const at::Tensor& row) {
  if (reserve_host(bytes_of(row))) {
    try {
      entry.host = host_copy(row);
    } catch (...) {
      free_host(bytes_of(row));
      throw;
    }
    return {};
  }
  auto place = disk_.take(bytes_of(row));
  auto written = place ? write(*place, row)
                       : expected<void>{tl::unexpected{place.error()}};
  if (written) {
    entry.disk = *place;
    return {};
  }
  if (place)
    disk_.give_back(*place);
  keep_on_host(entry, row);
  return written;
}

expected<void> lower_tiers::take(particle_entry& entry, const at::Tensor& row) {
  if (entry.host.defined()) {
    row.copy_(entry.host);
    entry.host.reset();
    free_host(bytes_of(row));
    return {};
  }
  if (auto done = read(*entry.disk, row); !done)
    return done;
  free_disk(entry);
  return {};
}

expected<void> lower_tiers::exchange(particle_entry& out, particle_entry& in,
                                     const at::Tensor& row) {
  if (in.host.defined()) {
    if (row.is_cpu()) {
      exchange_bytes(row, in.host);
      out.host = std::move(in.host);
    } else {
      out.host = host_copy(row);
      row.copy_(in.host);
    }
    in.host.reset();
    return {};
  }
  const auto bytes = host_row(bytes_of(row));
  if (auto done = read(*in.disk, bytes); !done) {
    keep_on_host(out, row);
    return done;
  }
  if (auto done = write(*in.disk, row); !done) {
    keep_on_host(out, row);
    keep_on_host(in, bytes);
    free_disk(in);
    return done;
  }
  out.disk = std::exchange(in.disk, std::nullopt);
  row.copy_(bytes);
  return {};
}

expected<void> lower_tiers::bring_up(particle_entry& entry) {
  if (!entry.disk || entry.host.defined())
    return {};
  auto bytes = host_row(entry.disk->bytes);
  if (auto done = read(*entry.disk, bytes); !done)
    return done;
  entry.host = std::move(bytes);
  return {};
}

expected<void> lower_tiers::give_down(particle_entry& entry, bool changed) {
  if (!entry.disk || !entry.host.defined())
    return {};
  const auto bytes = std::exchange(entry.host, at::Tensor{});
  return changed ? write(*entry.disk, bytes) : expected<void>{};
}

void lower_tiers::forget(particle_entry& entry) {
  if (entry.disk)
    free_disk(entry);
  else if (entry.host.defined())
    free_host(bytes_of(entry.host));
  entry.host.reset();
}

expected<void> lower_tiers::write(disk_place place, const at::Tensor& row) {
  const auto bytes = row.is_cpu() ? row : host_copy(row);
  disk_moved_ += bytes.nbytes();
  return disk_.write(
      place, {static_cast<const std::byte*>(bytes.data_ptr()), bytes.nbytes()});
}

expected<void> lower_tiers::read(disk_place place, const at::Tensor& row) {
  const auto bytes = row.is_cpu() ? row : host_row(bytes_of(row));
  disk_moved_ += bytes.nbytes();
  auto done =
      disk_.read(place, {static_cast<std::byte*>(bytes.mutable_data_ptr()),
                         bytes.nbytes()});
  if (done && !row.is_cpu())
    row.copy_(bytes);
  return done;
}

void lower_tiers::free_disk(particle_entry& entry) {
  disk_.give_back(*entry.disk);
  entry.disk.reset();
}

} // namespace posse
