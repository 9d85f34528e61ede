#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Where one tensor of a particle lies within its section of a row.
struct tensor_place {
  std::string name; ///< as in the state dict: "layers.0.weight"
  std::vector<std::int64_t> shape;
  std::int64_t numel{0};
  std::int64_t offset{0}; ///< elements from the section's start
};

/// What a section is for; decides what a checkpoint calls its tensors and
/// which hash it enters.
enum class section_role : std::uint8_t {
  parameters,
  buffers,
  moment,   ///< one moment of the optimizer, a tensor for every parameter
  gradient, ///< not kept in checkpoints
  best,     ///< the parameters of the best validation step so far
  best_buffers,
  posterior, ///< one row of what the particle remembers of its posterior
};

/// A run of tensors of one dtype. `width` elements from byte `offset_bytes` of
/// the particle's row; tensors start at multiples of 64 bytes, so that
/// alignment (and with it the last bit of a product) never depends on the slot.
struct row_section {
  section_role role{section_role::parameters};
  std::string prefix; ///< before the tensors' names in a checkpoint
  at::ScalarType type{at::kFloat};
  std::vector<tensor_place> tensors;
  std::int64_t width{0};
  std::int64_t offset_bytes{0};
  bool like_parameters{true}; ///< has a tensor for each, at its place
};

/// A row of what a particle remembers of its posterior: a tensor for every
/// parameter, or one tensor of a shape of its own.
struct posterior_row {
  std::string name;
  std::optional<std::vector<std::int64_t>> shape{};
};

/// What a row holds besides parameters and buffers.
struct row_extras {
  std::vector<std::string> moments; ///< the optimizer's, by name
  bool gradient{false}; ///< a gradient row (algorithms that exchange scores)
  bool best{false};     ///< a second copy of parameters and buffers
  std::vector<posterior_row> posterior;
};

/// A named tensor of a network, of which only name, shape and dtype are read.
struct named_tensor {
  std::string name;
  at::Tensor tensor;
};

/// How the bytes of one particle lie in one row: parameters first, then
/// buffers by dtype, moments, gradient and best. The same for all particles of
/// one architecture and optimizer; a swap copies the row as a whole.
class particle_layout {
public:
  particle_layout(std::span<const named_tensor> parameters,
                  std::span<const named_tensor> buffers,
                  const row_extras& extras);

  const std::vector<row_section>& sections() const noexcept {
    return sections_;
  }
  /// The first section of that role, or nullptr.
  const row_section* find(section_role role) const noexcept;

  /// Bytes of one row: a multiple of 64.
  std::int64_t row_bytes() const noexcept { return row_bytes_; }
  /// Elements of the parameters' section, padding included.
  std::int64_t parameter_width() const noexcept;
  /// Parameters of the network, without padding.
  std::int64_t parameter_count() const noexcept { return parameter_count_; }

private:
  void add_section(section_role role, std::string prefix, at::ScalarType type,
                   std::vector<tensor_place> tensors);

  std::vector<row_section> sections_;
  std::int64_t row_bytes_{0};
  std::int64_t parameter_count_{0};
};

/// The section as a tensor [width] over `row` (bytes [row_bytes]); shares
/// memory.
at::Tensor section_view(const at::Tensor& row, const row_section& section);

/// One tensor, in its own shape, over `row`; shares memory.
at::Tensor tensor_view(const at::Tensor& row, const row_section& section,
                       const tensor_place& place);

} // namespace posse
