#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "messages/value.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/data/batch.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace posse {

/// A particle's module in its slot, for as long as one function has it: neither
/// it nor its tensors may be kept. The module is in evaluation mode, autograd
/// is on, and random operators draw from the particle's generator.
///
/// A function of a `const seated_module&` reads. It leaves the particle as it
/// is: what it draws does not count, and writing to a parameter or a buffer is
/// an error. A function of a `seated_module&` may change them, in place.
class seated_module {
public:
  explicit seated_module(seated_particle p) : p_{p} {}

  particle_id pid() const noexcept { return p_.entry.pid; }
  /// The raw outputs [B, K], on the particle's device.
  /// @param x [B, inputs...], float, on the host or the particle's device.
  at::Tensor forward(const at::Tensor& x) const;
  /// In the state dict's order, on the particle's device.
  const std::vector<at::Tensor>& parameters() const noexcept {
    return p_.seat.parameters();
  }
  std::vector<named_tensor> named_parameters() const;
  std::vector<named_tensor> buffers() const;

  /// The module itself. Its tensors keep their places in memory; the mode that
  /// it is left in does not matter.
  network& net() noexcept { return p_.seat.net(); }

private:
  seated_particle p_;
};

/// A function of a particle's module, as with_module() made it.
struct module_function {
  /// @param rows The batch that was asked for, or nullptr.
  std::function<expected<value>(seated_module&, const batch* rows)> call;
  bool changes{false}; ///< it may write to the particle
};

/// Calls `f` with `p`'s module. The particle's version grows if it may change,
/// and whatever a function that failed has changed stays changed.
///
/// @returns what `f` returns; errc::backend_error with an exception's text;
///   errc::invalid_argument if a reading function has written to the particle,
///   or a changing one has given a tensor other memory.
expected<value> run_on_module(seated_particle p, const module_function& f,
                              const batch* rows);

/// A result as a value: anything that a value is made of, nothing, a tensor
/// (copied, on the host), or an `expected` of these.
expected<value> to_result(const at::Tensor& x);
inline expected<value> to_result(value x) {
  return x;
}
template <class T>
expected<value> to_result(expected<T> x) {
  if (!x)
    return tl::unexpected<failure>{std::move(x.error())};
  if constexpr (std::is_void_v<T>)
    return value{};
  else
    return to_result(std::move(*x));
}

namespace detail {

template <class F, class... Args>
expected<value> result_of(F& f, Args&&... args) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>) {
    f(std::forward<Args>(args)...);
    return value{};
  } else {
    return to_result(f(std::forward<Args>(args)...));
  }
}

} // namespace detail

/// `f(seated_module&)` or, for one that only reads, `f(const seated_module&)`.
template <class F>
module_function function_of_module(F f) {
  constexpr bool reads = std::is_invocable_v<F&, const seated_module&>;
  using seen = std::conditional_t<reads, const seated_module&, seated_module&>;
  return {[f = std::move(f)](seen m, const batch*) mutable {
            return detail::result_of(f, m);
          },
          !reads};
}

/// The same with a batch: `f(module, const batch&)`.
template <class F>
module_function function_of_batch(F f) {
  constexpr bool reads =
      std::is_invocable_v<F&, const seated_module&, const batch&>;
  using seen = std::conditional_t<reads, const seated_module&, seated_module&>;
  return {[f = std::move(f)](seen m, const batch* rows) mutable {
            return detail::result_of(f, m, *rows);
          },
          !reads};
}

} // namespace posse
