#pragma once

#include "messages/failure.hpp"
#include "runtime/model/model_spec.hpp"
#include "runtime/store/particle_layout.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace posse {

class network;

/// A place in a bank that one particle occupies at a time: a module whose
/// parameters and buffers are views of the slot's row, made when the slot is
/// first used and kept from then on. Particles come and go by copying bytes
/// into and out of the row.
class slot {
public:
  slot() = default;

  /// Ties `net` to `row` (bytes [layout.row_bytes()], on any device).
  slot(std::shared_ptr<network> net, at::Tensor row,
       const particle_layout& layout);

  network& net() const { return *net_; }
  /// The whole particle's bytes.
  const at::Tensor& row() const noexcept { return row_; }
  /// The module's own leaves, in the state dict's order.
  const std::vector<at::Tensor>& parameters() const noexcept {
    return parameters_;
  }
  /// One list a moment of the optimizer, each like parameters().
  const std::vector<std::vector<at::Tensor>>& moments() const noexcept {
    return moments_;
  }

  /// The row's section of parameters, [width] with the padding between tensors,
  /// and one such section a moment: what an optimizer may take as one tensor.
  const std::vector<at::Tensor>& flat() const noexcept { return flat_; }

  /// Switches dropout and batch statistics on or off; free if nothing changes.
  void set_training(bool on);

private:
  std::shared_ptr<network> net_;
  at::Tensor row_;
  std::vector<at::Tensor> parameters_;
  std::vector<std::vector<at::Tensor>> moments_;
  std::vector<at::Tensor> flat_;
  bool training_{true};
};

/// Memory for the rows of a bank. Those of the host are one tensor, of which a
/// page counts from when it is first used; those of an accelerator are memory
/// of their own, which can be given back one by one.
class bank_rows {
public:
  /// @param row_bytes > 0.
  /// @throws c10::OutOfMemoryError; c10::Error for a host without room.
  bank_rows(std::size_t count, std::int64_t row_bytes, c10::Device device);

  std::size_t size() const noexcept { return count_; }
  /// Bytes [row_bytes], of any value.
  at::Tensor operator[](std::size_t index) const;
  void give_back(std::size_t index);

private:
  std::size_t count_;
  at::Tensor together_;
  std::vector<at::Tensor> apart_;
};

/// The slots of one architecture on one device: `capacity` rows [row_bytes],
/// reserved at once, so that the memory is known before the run. An idle
/// particle owns no module; a slot does.
class bank {
public:
  /// @param model What each slot's module is.
  /// @param layout Of the rows; kept by reference to a shared object.
  /// @returns errc::out_of_memory if the device has no room for the rows.
  static expected<bank> make(model_spec model,
                             std::shared_ptr<const particle_layout> layout,
                             std::size_t capacity, c10::Device device);

  std::size_t capacity() const noexcept { return slots_.size(); }
  const particle_layout& layout() const noexcept { return *layout_; }

  /// Row `index`, zeroed until something is written; its module need not
  /// exist yet.
  at::Tensor row(std::size_t index) const;

  /// Whether slot `index` has its module.
  bool is_open(std::size_t index) const { return slots_[index] != nullptr; }

  /// Slot `index`; makes its module on first use.
  expected<slot*> open(std::size_t index);

  /// Drops a slot, its module and, on an accelerator, its memory, for good.
  void close(std::size_t index);

private:
  bank(model_spec model, std::shared_ptr<const particle_layout> layout,
       bank_rows rows);

  model_spec model_;
  std::shared_ptr<const particle_layout> layout_;
  bank_rows rows_;
  std::vector<std::unique_ptr<slot>> slots_;
};

/// Parameters and buffers of `net` with their names, in the state dict's
/// order. The tensors are the module's own.
std::vector<named_tensor> parameters_of(const network& net);
std::vector<named_tensor> buffers_of(const network& net);

/// Makes parameters and buffers of `net` share the memory of `row`, a row of
/// `layout` or its beginning.
void tie_to_row(network& net, const at::Tensor& row,
                const particle_layout& layout);
/// Whether they do.
bool is_tied_to_row(const network& net, const at::Tensor& row,
                    const particle_layout& layout);

} // namespace posse
