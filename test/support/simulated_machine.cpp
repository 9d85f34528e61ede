#include "test/support/simulated_machine.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace posse::test {

namespace {

constexpr std::size_t pool_size = 8;

// Never destroyed: tensors in static objects outlive everything here.
std::vector<simulated_unit*>& units() {
  static auto& list = *new std::vector<simulated_unit*>;
  return list;
}

std::atomic<int> unit_count{0};

void* shadow(const void* address) {
  auto* unit = unit_that_owns(address);
  return unit == nullptr ? const_cast<void*>(address)
                         : unit->memory.shadow(address);
}

void copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0)
    std::memcpy(shadow(to), shadow(from), bytes);
}

void free_memory(void* address) {
  if (auto* unit = unit_that_owns(address))
    unit->memory.free(address);
}

/// Ends the streams' threads when the process exits.
struct streams_end {
  ~streams_end() {
    for (auto* unit : units())
      for (auto& stream : unit->streams())
        stream.close();
    for (auto* unit : units())
      for (auto& stream : unit->streams())
        stream.stop();
  }
};

/// LibTorch's allocator for the device type: that of the current device.
class current_allocator final : public c10::Allocator {
public:
  c10::DataPtr allocate(std::size_t bytes) override {
    return unit_of(current_device()).allocator.allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_memory; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    copy_bytes(to, from, bytes);
  }
};

} // namespace

std::chrono::steady_clock::time_point
simulated_link::reserve(std::size_t bytes, double bytes_per_second) {
  const auto now = std::chrono::steady_clock::now();
  if (bytes_per_second <= 0)
    return now;
  const std::chrono::duration<double> time{static_cast<double>(bytes)
                                           / bytes_per_second};
  const std::lock_guard lock{mutex_};
  free_from_ = std::max(free_from_, now)
               + std::chrono::ceil<std::chrono::steady_clock::duration>(time);
  return free_from_;
}

c10::DataPtr simulated_allocator::allocate(std::size_t bytes) {
  auto* address = memory_.allocate(bytes);
  return {address, address, &free_memory, device_};
}

c10::DeleterFnPtr simulated_allocator::raw_deleter() const {
  return &free_memory;
}

void simulated_allocator::copy_data(void* to, const void* from,
                                    std::size_t bytes) const {
  copy_bytes(to, from, bytes);
}

simulated_unit::simulated_unit(int index)
    : device{simulated_device(index)}, memory{"sim:" + std::to_string(index)},
      allocator{memory, device}, streams_(1 + pool_size) {}

simulated_stream& simulated_unit::stream(c10::StreamId id) {
  const std::lock_guard lock{mutex_};
  return streams_.at(static_cast<std::size_t>(id));
}

c10::StreamId simulated_unit::new_stream() {
  const std::lock_guard lock{mutex_};
  streams_.emplace_back();
  return static_cast<c10::StreamId>(streams_.size() - 1);
}

c10::StreamId simulated_unit::pooled_stream() {
  const std::lock_guard lock{mutex_};
  return static_cast<c10::StreamId>(1 + pool_turn_++ % pool_size);
}

void simulated_unit::synchronize() {
  std::unique_lock lock{mutex_};
  const auto count = streams_.size();
  lock.unlock();
  for (std::size_t id = 0; id < count; ++id)
    stream(static_cast<c10::StreamId>(id)).synchronize();
}

simulated_options simulated_unit::options() const {
  const std::lock_guard lock{mutex_};
  return options_;
}

void simulated_unit::set_options(const simulated_options& options) {
  if (options.limit_bytes > max_simulated_bytes)
    throw std::invalid_argument{"a simulated device has at most "
                                + std::to_string(max_simulated_bytes)
                                + " bytes"};
  const std::lock_guard lock{mutex_};
  options_ = options;
  memory.set_limit(options.limit_bytes);
}

int simulated_device_count() noexcept {
  return unit_count;
}

simulated_unit& unit_at(int index) {
  TORCH_CHECK(index >= 0 && index < unit_count, "sim:", index, ": there are ",
              unit_count.load(), " simulated devices");
  return *units()[static_cast<std::size_t>(index)];
}

simulated_unit* unit_that_owns(const void* address) noexcept {
  const auto found = std::ranges::find_if(
      units(), [&](auto* unit) { return unit->memory.owns(address); });
  return found == units().end() ? nullptr : *found;
}

void register_allocator() {
  c10::SetAllocator(c10::DeviceType::HPU, new current_allocator);
}

void register_simulated_devices(int count, const simulated_options& each) {
  static std::mutex registering;
  const std::lock_guard lock{registering};
  if (count < 1 || count > max_simulated_devices
      || (unit_count > 0 && count > unit_count))
    throw std::invalid_argument{"cannot register " + std::to_string(count)
                                + " simulated devices: expected 1 to "
                                + std::to_string(unit_count > 0
                                                     ? unit_count.load()
                                                     : max_simulated_devices)};
  if (unit_count == 0) {
    for (int i = 0; i < count; ++i)
      units().push_back(new simulated_unit{i});
    unit_count = count;
    register_guard();
    register_allocator();
    register_tensor_ops();
    register_copies();
    register_kernels();
    static const streams_end end_at_exit;
  }
  for (int i = 0; i < count; ++i)
    configure(i, each);
}

void configure(int index, const simulated_options& options) {
  unit_at(index).set_options(options);
}

simulated_counters counters_of(int index) {
  const auto& unit = unit_at(index);
  return {.bytes_in_use = unit.memory.bytes_in_use(),
          .peak_bytes = unit.memory.peak_bytes(),
          .copies_to_device = unit.copies_to_device,
          .copies_to_host = unit.copies_to_host,
          .bytes_to_device = unit.bytes_to_device,
          .bytes_to_host = unit.bytes_to_host,
          .async_copies = unit.async_copies,
          .kernels = unit.kernels};
}

void reset_counters(int index) {
  auto& unit = unit_at(index);
  unit.memory.reset_peak();
  for (auto* counter :
       {&unit.copies_to_device, &unit.copies_to_host, &unit.bytes_to_device,
        &unit.bytes_to_host, &unit.async_copies, &unit.kernels})
    *counter = 0;
}

c10::Device simulated_device(int index) {
  return {c10::DeviceType::HPU, static_cast<c10::DeviceIndex>(index)};
}

held_stream::held_stream(const c10::Stream& stream) : stream_{stream} {
  unit_of(stream.device()).stream(stream.id()).hold();
}

void held_stream::let_go() {
  if (!std::exchange(holds_, false))
    return;
  unit_of(stream_.device()).stream(stream_.id()).let_go();
}

} // namespace posse::test
