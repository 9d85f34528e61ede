#include "runtime/store/copy_queue.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>
#include <utility>

namespace posse {

copy_queue::copy_queue(c10::Device device, copy_trace* trace) : trace_{trace} {
  if (device.is_cpu())
    return;
  auto made = guarded("a stream for copies", [&] {
    return c10::impl::VirtualGuardImpl{device.type()}.getStreamFromGlobalPool(
        device);
  });
  if (made) // without one, settle() does it all
    stream_ = *made;
}

copy_queue::~copy_queue() {
  wait();
}

void copy_queue::wait() const {
  if (stream_)
    (void)guarded("copies", [&] { stream_->synchronize(); });
}

void copy_queue::start(lease& held) const {
  auto& slots = held.entry->family->slots;
  auto& below = held.entry->family->below;
  if (!stream_ || (!held.load && held.evicted == nullptr)
      || !slots.is_open(held.slot_index))
    return;
  if (held.load && !held.entry->host.defined())
    return; // it is on disk
  if (held.evicted != nullptr && is_below(*held.evicted))
    return; // it was never brought in
  const auto row = slots.row(held.slot_index);
  const auto bytes = static_cast<std::int64_t>(row.nbytes());
  // Who comes in leaves its place to who goes.
  if (!held.load && !below.reserve_host(bytes))
    return; // to disk
  const auto queued = guarded("copies of a swap", [&] {
    copy_trace::swap traced{trace_, *stream_};
    at::Tensor out; // before anything is queued
    if (held.evicted != nullptr)
      out = at::empty(row.sizes(), row.options().device(at::kCPU));
    auto moved = std::make_shared<c10::Event>(row.device().type());
    // The row's last step may still be on its way.
    const c10::impl::VirtualGuardImpl guard{row.device().type()};
    c10::Event computed{row.device().type()};
    computed.record(guard.getDefaultStream(row.device()));
    computed.block(*stream_);
    traced.begin();
    const c10::StreamGuard on_copies{*stream_};
    if (out.defined()) {
      out.copy_(row, /*non_blocking=*/true);
      held.evicted->host = std::move(out);
      traced.copied("write back {}", held.evicted->pid);
    }
    if (held.load) {
      row.copy_(held.entry->host, /*non_blocking=*/true);
      traced.copied("load {}", held.entry->pid);
    }
    moved->record(*stream_);
    held.moved = std::move(moved);
  });
  // Then settle() does what is left, and says why if it cannot. It must not
  // meet copies that it does not know of.
  if (!queued) {
    wait();
    const bool is_out = held.evicted != nullptr && held.evicted->host.defined();
    if (held.load && is_out)
      below.reserve_host_anyway(bytes);
    else if (!held.load && !is_out)
      below.free_host(bytes);
  }
}

} // namespace posse
