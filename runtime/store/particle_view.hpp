#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "messages/tensor_blob.hpp"
#include "runtime/model/model_spec.hpp"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace posse {

class network;
struct particle_entry;

/// A particle's tensors at one version, on the host. Immutable and shared: what
/// caches keep, and what all views of that version are made of.
struct view_tensors {
  using by_name = std::map<std::string, tensor_blob, std::less<>>;

  std::uint64_t version{0};            ///< particle_entry::revision
  std::vector<tensor_blob> parameters; ///< in the state dict's order
  std::vector<tensor_blob> gradients; ///< likewise; none without a gradient row
  by_name buffers;
  /// Parameters and buffers as they lie in a row, which the blobs above share;
  /// undefined if they came from another node. LibTorch copies it before
  /// anybody writes to a clone of it.
  at::Tensor memory;

  std::size_t size_bytes() const noexcept;
};

using view_ptr = std::shared_ptr<const view_tensors>;

/// Copies parameters, buffers and gradients out of a leased row.
/// @returns errc::out_of_memory; errc::backend_error.
expected<view_ptr> copy_view(const particle_entry& entry,
                             const at::Tensor& row);

/// Another particle as it was at one version (PusH's ParticleView). Never
/// changes, whatever the particle does; keeps its own version's tensors alive
/// and no other's. Copies of it share them.
class particle_view {
public:
  /// @param tensors, model Not null.
  particle_view(particle_id pid, view_ptr tensors,
                std::shared_ptr<const model_spec> model);

  particle_id pid() const noexcept { return pid_; }
  /// Grows whenever parameters, gradients or buffers may have changed.
  std::uint64_t version() const noexcept { return tensors_->version; }
  /// In the state dict's order.
  const std::vector<tensor_blob>& parameters() const noexcept {
    return tensors_->parameters;
  }
  /// As parameters(); none if the particle's recipe has no gradient row.
  const std::vector<tensor_blob>& gradients() const noexcept {
    return tensors_->gradients;
  }
  const view_tensors::by_name& buffers() const noexcept {
    return tensors_->buffers;
  }

  /// A network with these values, in evaluation mode, on the host, the caller's
  /// own. Its outputs are the particle's, bit for bit. It shares the view's
  /// memory until somebody writes to it, when LibTorch gives it a copy; that of
  /// a particle on another node has its own memory from the start.
  ///
  /// Computes in the calling thread, with one thread inside LibTorch.
  ///
  /// @returns errc::malformed if another node sent tensors of other shapes;
  ///   errc::out_of_memory; errc::backend_error.
  expected<std::shared_ptr<network>> view() const;

private:
  particle_id pid_;
  view_ptr tensors_;
  std::shared_ptr<const model_spec> model_;
};

} // namespace posse
