#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/model/vmapped.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace posse {

namespace {

// Odd: an even number makes the ends of what vectors compute rarer.
constexpr std::int64_t batch_rows = 7;
// Outputs and gradients are of the order of 1.
constexpr double tolerance = 1e-4;

/// What a step of several networks leaves behind.
struct outcome {
  std::vector<at::Tensor> tensors{}; ///< [N, ...]: outputs, gradients, buffers
  std::vector<std::vector<std::byte>> numbers{}; ///< the generators' states
};

/// A network with numbers of its own, the same one whenever it is made.
struct numbered_network {
  numbered_network(const model_spec& model, std::int64_t number)
      : numbers{make_generator(static_cast<std::uint64_t>(number))} {
    const generator_scope own{numbers};
    net = make_network(model).value();
  }

  at::Generator numbers;
  std::shared_ptr<network> net;
};

at::Tensor slopes_like(const at::Tensor& outputs) {
  return at::randn(outputs.sizes(), make_generator(7));
}

/// From one list a network to one tensor an entry.
std::vector<at::Tensor>
stacked(const std::vector<std::vector<at::Tensor>>& lists) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> out;
  for (std::size_t k = 0; k < lists.front().size(); ++k) {
    std::vector<at::Tensor> all;
    for (const auto& list : lists)
      all.push_back(list[k]);
    out.push_back(at::stack(all));
  }
  return out;
}

void append(std::vector<at::Tensor>& to, const std::vector<at::Tensor>& what) {
  to.insert(to.end(), what.begin(), what.end());
}

/// Networks number 0, 1, ...
/// @param x [N, B, inputs...]
outcome one_by_one(const model_spec& model, const at::Tensor& x) {
  outcome out;
  std::vector<std::vector<at::Tensor>> lists;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const numbered_network one{model, i};
    const generator_scope own{one.numbers};
    const auto y = one.net->forward(x[i]);
    lists.push_back({y.detach()});
    append(lists.back(), torch::autograd::grad({y}, one.net->parameters(),
                                               {slopes_like(y.detach())}));
    append(lists.back(), one.net->buffers());
    out.numbers.push_back(generator_state(one.numbers));
  }
  out.tensors = stacked(lists);
  return out;
}

/// Networks number `first`, first + 1, ...
outcome together(const model_spec& model, std::int64_t first,
                 const at::Tensor& x) {
  std::vector<std::vector<at::Tensor>> parameters;
  std::vector<std::vector<at::Tensor>> buffers;
  std::vector<at::Generator> numbers;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const numbered_network one{model, first + i};
    parameters.push_back(one.net->parameters());
    buffers.push_back(one.net->buffers());
    numbers.push_back(one.numbers);
  }
  const auto all = stacked(parameters);
  const auto states = stacked(buffers);
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : all)
    gradients.push_back(at::zeros_like(parameter));
  outcome out;
  vmapped_gradients(
      *numbered_network{model, 0}.net, all, states, x, numbers,
      [&](const at::Tensor& y) {
        out.tensors.push_back(y);
        return slopes_like(y[0]).expand_as(y);
      },
      gradients);
  append(out.tensors, gradients);
  append(out.tensors, states);
  for (const auto& generator : numbers)
    out.numbers.push_back(generator_state(generator));
  return out;
}

bool agree(const outcome& a, const outcome& b) {
  for (std::size_t k = 0; k < a.tensors.size(); ++k)
    if (!at::allclose(a.tensors[k], b.tensors[k], tolerance, tolerance))
      return false;
  return a.numbers == b.numbers;
}

/// Whether `some` are bit for bit those from number `first` on of `all`.
bool are_among(const outcome& some, const outcome& all, std::int64_t first) {
  for (std::size_t k = 0; k < all.tensors.size(); ++k) {
    const auto& few = some.tensors[k];
    if (!at::equal(all.tensors[k].narrow(0, first, few.size(0)), few))
      return false;
  }
  return true;
}

/// Inputs for `count` networks, their own or the same for all.
at::Tensor inputs_for(const model_spec& model, std::int64_t count,
                      bool shared) {
  auto sizes = model.inputs;
  sizes.insert(sizes.begin(), {shared ? 1 : count, batch_rows});
  auto x = at::randn(sizes, make_generator(1));
  sizes.front() = count;
  return x.expand(sizes);
}

bool computes_what_each_does(const model_spec& model) {
  for (const bool shared : {false, true}) {
    const auto x = inputs_for(model, 3, shared);
    if (!agree(together(model, 0, x), one_by_one(model, x)))
      return false;
  }
  return true;
}

bool bits_hold(const model_spec& model, std::int64_t unit) {
  const auto least = std::max<std::int64_t>(unit, 2);
  for (const bool shared : {false, true}) {
    const auto x = inputs_for(model, 3 * least, shared);
    const auto all = together(model, 0, x);
    for (const auto count : {least, least + unit})
      for (const auto first : {std::int64_t{0}, 3 * least - count})
        if (!are_among(together(model, first, x.narrow(0, first, count)), all,
                       first))
          return false;
  }
  return true;
}

std::optional<std::int64_t> tried_unit(const model_spec& model,
                                       std::int64_t most) {
  if (!computes_what_each_does(model))
    return std::nullopt;
  // A multiple of 32 floats leaves no rest in any loop of ATen's seen so far.
  for (std::int64_t unit = 1; unit <= std::min<std::int64_t>(most, 32);
       unit *= 2)
    if (bits_hold(model, unit))
      return unit;
  return std::nullopt;
}

/// As lanes compute, whatever the caller's thread does: sums depend on the
/// number of threads in them.
std::optional<std::int64_t> tried_as_lanes_do(const model_spec& model,
                                              std::int64_t most) {
  std::optional<std::int64_t> unit; // none if the trial throws
  (void)guarded("vmap", [&] {
    std::thread{[&] {
      prepare_compute_thread();
      (void)guarded("vmap", [&] { unit = tried_unit(model, most); });
    }}.join();
  });
  return unit;
}

struct known_unit {
  model_spec model;
  std::int64_t most;
  std::optional<std::int64_t> unit;
};

} // namespace

std::optional<std::int64_t> vmap_unit(const model_spec& model,
                                      std::int64_t most) {
  static std::mutex mutex;
  static std::vector<known_unit> known;
  const std::lock_guard lock{mutex};
  const auto same = [&](const known_unit& each) {
    return each.model == model && each.most == most;
  };
  const auto found = std::ranges::find_if(known, same);
  if (found != known.end())
    return found->unit;
  known.push_back({model, most, tried_as_lanes_do(model, most)});
  return known.back().unit;
}

} // namespace posse
