#pragma once

#include <cstdint>
#include <string>

namespace posse {

/// The parts that a data set is split into.
enum class data_part : std::uint8_t { train, validation, test };

/// Whether `part` is one of the parts above: it may have come from a peer.
constexpr bool is_known(data_part part) noexcept {
  return part <= data_part::test;
}

inline std::string to_string(data_part part) {
  switch (part) {
  case data_part::train:
    return "train";
  case data_part::validation:
    return "validation";
  case data_part::test:
    return "test";
  }
  return "unknown part";
}

/// Names one batch of the run's data set, which every node holds itself: what
/// travels is this and not the rows.
struct batch_ref {
  /// The stream of all particles that are not bootstrapped.
  static constexpr std::uint32_t shared_order = 0xffff'ffff;
  /// The rows as they are kept, the same in all epochs.
  static constexpr std::uint32_t in_order = 0xffff'fffe;

  data_part part{data_part::train};
  std::uint32_t epoch{0}; ///< from 0; the order of the rows depends on it.
  std::uint32_t index{0}; ///< of the batch in its epoch, from 0.
  /// Whose order of the rows: `shared_order`, or the number of a bootstrapped
  /// particle, which draws its rows with replacement.
  std::uint32_t stream{shared_order};

  friend bool operator==(const batch_ref&, const batch_ref&) = default;
};

/// For logs and errors: "train epoch 3 batch 7", or ".. of particle 2".
inline std::string to_string(const batch_ref& x) {
  auto text = to_string(x.part) + " epoch " + std::to_string(x.epoch)
              + " batch " + std::to_string(x.index);
  if (x.stream == batch_ref::in_order)
    text += " in order";
  else if (x.stream != batch_ref::shared_order)
    text += " of particle " + std::to_string(x.stream);
  return text;
}

template <class Inspector>
auto inspect(Inspector& f, batch_ref& x) {
  return f(x.part, x.epoch, x.index, x.stream);
}

} // namespace posse
