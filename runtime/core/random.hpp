#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"

#include <ATen/core/Generator.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Random numbers that belong to a particle, not to a thread or a process:
/// what a particle draws depends on the run's seed, its pid and how often it
/// has drawn, never on what runs beside it.
namespace posse {

/// The seed of one stream of random numbers.
///
/// key = splitmix64(splitmix64(run_seed) ^ fnv1a(purpose)); the upper half of
/// the result is that of splitmix64(key ^ pid), the lower half a keyed
/// permutation of pid's 32 bits. The halves differ because LibTorch's CPU
/// generator looks at the lower 32 bits of a seed only: mixed like the upper
/// ones, two of 10000 particles would draw the same numbers in one run out of
/// a hundred; so they never do for one run seed and purpose.
///
/// @param run_seed Any, 0 included.
/// @param purpose What the stream is for ("init", "dropout", ...).
std::uint64_t derive_seed(std::uint64_t run_seed, particle_id pid,
                          std::string_view purpose) noexcept;

/// A generator for CPU tensors, of the same numbers as torch.manual_seed(seed).
at::Generator make_generator(std::uint64_t seed);

/// All that a generator's next numbers depend on; 5056 bytes for a CPU one.
std::vector<std::byte> generator_state(const at::Generator& generator);

/// Continues where generator_state() was called.
///
/// @returns errc::malformed if `state` is not a state of such a generator,
///   which then stays as it was.
expected<void> set_generator_state(at::Generator& generator,
                                   std::span<const std::byte> state);

/// While it lives, every random ATen operator called by this thread without a
/// generator (nn::Dropout, randn, a Linear's initialisation, bernoulli_, ...)
/// draws from the one given; LibTorch's global one, and its lock, are left
/// alone. Scopes nest: the innermost counts. Other operators cost nothing more.
///
/// CUDA's native_dropout takes no generator and is the exception. An
/// operator on another device than the generator's throws, as LibTorch does.
///
/// With several generators it is for a call by functorch's vmap, of one level:
/// row i of what an operator draws comes from generator i, as that row alone
/// would draw it. An operator that draws into what all rows share, or writes to
/// anything but its first argument, throws.
///
/// Not to be moved to, or ended on, another thread.
class generator_scope {
public:
  /// Whom operators draw from.
  struct source {
    std::span<const at::Generator> generators;
    std::size_t rows; ///< of the vmap; 0 outside of one
  };

  explicit generator_scope(at::Generator generator);
  /// @param generators > 0 of them, which the caller keeps.
  /// @param rows Of the vmap, as many or more; the last generator's numbers
  ///   count for the rest, too.
  generator_scope(std::span<const at::Generator> generators, std::size_t rows);
  generator_scope(const generator_scope&) = delete;
  generator_scope& operator=(const generator_scope&) = delete;
  ~generator_scope();

private:
  at::Generator own_;
  source source_;
  const source* outer_;
  c10::impl::IncludeDispatchKeyGuard key_;
};

} // namespace posse
