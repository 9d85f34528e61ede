#include "runtime/core/random.hpp"
#include "test/support/catch.hpp"

#include <ATen/core/dispatch/Dispatcher.h>

#include <array>
#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <unordered_set>

using namespace posse;
namespace nn = torch::nn;

namespace {

at::Tensor default_state() {
  return at::detail::getDefaultCPUGenerator().get_state().clone();
}

at::Tensor ones(at::IntArrayRef sizes) {
  return at::ones(sizes);
}

template <class Module>
void fill_parameters(Module& m) {
  torch::NoGradGuard no_grad;
  for (auto& p : m->parameters())
    p.fill_(0.1);
}

struct random_call {
  const char* name;
  std::function<at::Tensor()> draw;
};

/// Each way in which a network or an algorithm comes to random numbers.
const std::vector<random_call>& random_calls() {
  static const std::vector<random_call> calls{
      {"Dropout",
       [] {
         return nn::Dropout{0.5}(ones({64, 50}));
       }},
      {"Dropout's gradient",
       [] {
         auto x = ones({64, 50}).requires_grad_();
         return torch::autograd::grad({nn::Dropout{0.5}(x).sum()}, {x})[0];
       }},
      {"Dropout2d",
       [] {
         return nn::Dropout2d{0.5}(ones({8, 8, 4, 4}));
       }},
      {"AlphaDropout",
       [] {
         return nn::AlphaDropout{0.5}(ones({64, 50}));
       }},
      {"FeatureAlphaDropout",
       [] {
         return nn::FeatureAlphaDropout{0.5}(ones({8, 8, 4, 4}));
       }},
      {"Linear's initialisation",
       [] {
         return nn::Linear {
           10, 10
           } -> weight.detach();
       }},
      {"Conv2d's initialisation",
       [] {
         return nn::Conv2d {
           1, 6, 5
           } -> weight.detach();
       }},
      {"LSTM's dropout",
       [] {
         torch::NoGradGuard no_grad;
         nn::LSTM lstm{nn::LSTMOptions{8, 8}.num_layers(2).dropout(0.5)};
         fill_parameters(lstm);
         return std::get<0>(lstm(ones({4, 2, 8})));
       }},
      {"MultiheadAttention's dropout",
       [] {
         torch::NoGradGuard no_grad;
         nn::MultiheadAttention attention{
             nn::MultiheadAttentionOptions{8, 2}.dropout(0.5)};
         fill_parameters(attention);
         auto q = ones({4, 2, 8});
         return std::get<0>(attention(q, q, q));
       }},
      {"scaled_dot_product_attention",
       [] {
         auto q = ones({1, 2, 8, 8});
         return at::scaled_dot_product_attention(q, q, q, {}, 0.5);
       }},
      {"native_dropout",
       [] { return std::get<0>(at::native_dropout(ones({100}), 0.5, true)); }},
      {"rand", [] { return at::rand({100}); }},
      {"rand_like", [] { return at::rand_like(ones({100})); }},
      {"randn", [] { return at::randn({100}); }},
      {"randn_like", [] { return at::randn_like(ones({100})); }},
      {"randint", [] { return at::randint(100, {100}); }},
      {"randperm", [] { return at::randperm(100); }},
      {"normal_", [] { return at::empty({100}).normal_(); }},
      {"uniform_", [] { return at::empty({100}).uniform_(); }},
      {"exponential_", [] { return at::empty({100}).exponential_(); }},
      {"random_", [] { return at::empty({100}).random_(); }},
      {"normal of tensors",
       [] { return at::normal(at::zeros({100}), ones({100})); }},
      {"bernoulli", [] { return at::bernoulli(at::full({100}, 0.5)); }},
      {"bernoulli_ of a tensor",
       [] { return at::empty({100}).bernoulli_(at::full({100}, 0.5)); }},
      {"multinomial", [] { return at::multinomial(ones({100}), 50); }},
      {"poisson", [] { return at::poisson(at::full({100}, 5.0)); }},
      {"rrelu", [] { return at::rrelu(-ones({100}), 0.1, 0.3, true); }},
      {"_standard_gamma", [] { return at::_standard_gamma(ones({100})); }},
  };
  return calls;
}

} // namespace

TEST_CASE("seeds are those that the documented mixing gives",
          "[runtime][random]") {
  // Computed by a separate Python program: they are part of what a checkpoint
  // means and may not change.
  CHECK(derive_seed(0, {0}, "") == 0xa6bbc8dcaec41489U);
  CHECK(derive_seed(1, {0}, "init") == 0xb181d505a2c8e1e9U);
  CHECK(derive_seed(1, {7}, "init") == 0xe0b0b8f941d0e6d6U);
}

TEST_CASE("D2, D5: no two particles, purposes or runs share a stream",
          "[runtime][random]") {
  // Compared by what a CPU generator looks at: the lower 32 bits. Within a
  // purpose they differ by construction, across purposes with odds of
  // 2e-4 against 1 for these numbers.
  std::set<std::uint32_t> small;
  for (std::uint64_t run = 0; run < 3; ++run)
    for (std::uint32_t pid = 0; pid < 100; ++pid)
      for (const auto* purpose : {"init", "dropout", "order", "noise"})
        small.insert(
            static_cast<std::uint32_t>(derive_seed(run, {pid}, purpose)));
  CHECK(small.size() == 3 * 100 * 4);
  constexpr std::uint32_t many = 200'000; // about 5 chance collisions else
  std::unordered_set<std::uint32_t> large;
  for (std::uint32_t pid = 0; pid < many; ++pid)
    large.insert(static_cast<std::uint32_t>(derive_seed(0, {pid}, "init")));
  CHECK(large.size() == many);
}

TEST_CASE("a generator continues from its saved state", "[runtime][random]") {
  auto generator = make_generator(3);
  at::randn({7}, generator); // leaves a cached normal behind
  auto state = generator_state(generator);
  auto expected_next = at::randn({9}, generator);
  auto other = make_generator(4);
  REQUIRE(set_generator_state(other, state));
  CHECK(at::equal(at::randn({9}, other), expected_next));
}

TEST_CASE("bytes that are no state leave a generator as it was",
          "[runtime][random]") {
  auto generator = make_generator(3);
  auto before = generator_state(generator);
  auto damaged = before;
  damaged.pop_back();
  auto set = set_generator_state(generator, damaged);
  REQUIRE_FALSE(set);
  CHECK(set.error().code == errc::malformed);
  CHECK_FALSE(set_generator_state(generator, {}));
  CHECK((generator_state(generator) == before));
}

TEST_CASE("a generator gives the numbers of torch.manual_seed",
          "[runtime][random]") {
  auto generator = make_generator(11);
  auto reference = at::detail::createCPUGenerator(11);
  CHECK(at::equal(at::rand({5}, generator), at::rand({5}, reference)));
}

TEST_CASE("every random call draws from the scope's generator alone",
          "[runtime][random]") {
  for (const auto& call : random_calls()) {
    INFO(call.name);
    auto before = default_state();
    auto drawn = [&](std::uint64_t seed) {
      generator_scope scope{make_generator(seed)};
      return call.draw().clone();
    };
    auto first = drawn(1);
    CHECK(at::equal(first, drawn(1)));
    CHECK_FALSE(at::equal(first, drawn(2)));
    CHECK(at::equal(default_state(), before));
  }
}

TEST_CASE("every operator that takes a generator is covered",
          "[runtime][random]") {
  generator_scope scope{make_generator(0)};
  std::size_t covered = 0;
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    auto op = dispatcher.findSchema(name);
    if (!op || !name.name.starts_with("aten::"))
      continue;
    for (const auto& argument : op->schema().arguments()) {
      if (argument.name() != "generator")
        continue;
      INFO(name);
      CHECK(op->hasKernelForDispatchKey(
          c10::DispatchKey::TESTING_ONLY_GenericWrapper));
      ++covered;
    }
  }
  CHECK(covered > 50);
}

TEST_CASE("the innermost scope counts, and none afterwards",
          "[runtime][random]") {
  auto outer = make_generator(1);
  auto inner = make_generator(2);
  auto outer_reference = make_generator(1);
  auto inner_reference = make_generator(2);
  auto global = default_state();
  {
    generator_scope outer_scope{outer};
    CHECK(at::equal(at::rand({3}), at::rand({3}, outer_reference)));
    {
      generator_scope inner_scope{inner};
      CHECK(at::equal(at::rand({3}), at::rand({3}, inner_reference)));
    }
    CHECK(at::equal(at::rand({3}), at::rand({3}, outer_reference)));
  }
  CHECK(at::equal(default_state(), global));
  at::rand({3});
  CHECK_FALSE(at::equal(default_state(), global));
}

TEST_CASE("a scope leaves a generator that the caller gives alone",
          "[runtime][random]") {
  auto scoped = make_generator(1);
  auto before = generator_state(scoped);
  auto given = make_generator(2);
  auto reference = make_generator(2);
  generator_scope scope{scoped};
  CHECK(at::equal(at::rand({3}, given), at::rand({3}, reference)));
  CHECK((generator_state(scoped) == before));
}

TEST_CASE("threads with scopes of their own do not disturb each other",
          "[runtime][random]") {
  constexpr std::size_t draws = 200;
  auto drawn = [](std::uint64_t seed) {
    generator_scope scope{make_generator(seed)};
    at::Tensor sum = at::zeros({32, 10});
    for (std::size_t i = 0; i < draws; ++i)
      sum += nn::Dropout{0.5}(ones({32, 10})) * at::randn({32, 10});
    return sum;
  };
  auto before = default_state();
  std::array<at::Tensor, 4> together;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < together.size(); ++i)
      threads.emplace_back([&, i] { together[i] = drawn(i); });
  }
  for (std::size_t i = 0; i < together.size(); ++i)
    CHECK(at::equal(together[i], drawn(i)));
  CHECK(at::equal(default_state(), before));
}
