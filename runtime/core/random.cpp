#include "runtime/core/random.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace posse {

namespace {

// -- seeds --------------------------------------------------------------------

/// Steele, Lea & Flood, OOPSLA 2014, as in Vigna's public splitmix64.c: one
/// step of the generator from state `x`, a bijection of 64 bits.
constexpr std::uint64_t splitmix64(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// MurmurHash3's finalizer: a bijection of 32 bits.
constexpr std::uint32_t permuted(std::uint32_t x) noexcept {
  x = (x ^ (x >> 16)) * 0x85ebca6bU;
  x = (x ^ (x >> 13)) * 0xc2b2ae35U;
  return x ^ (x >> 16);
}

/// Fowler, Noll & Vo's 64-bit hash, variant 1a.
constexpr std::uint64_t fnv1a(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

// -- handing generators to operators -----------------------------------------

/// A key that LibTorch keeps for tests of the dispatcher and uses nowhere: no
/// tensor carries it, so it counts only inside a generator_scope.
constexpr auto scope_key = c10::DispatchKey::TESTING_ONLY_GenericWrapper;

thread_local const generator_scope::source* innermost = nullptr;

/// Position of the operator's generator argument, or nothing.
std::optional<std::size_t> generator_index(const c10::FunctionSchema& schema) {
  const auto& arguments = schema.arguments();
  auto i = std::find_if(arguments.begin(), arguments.end(),
                        [](const auto& a) { return a.name() == "generator"; });
  if (i == arguments.end())
    return std::nullopt;
  return static_cast<std::size_t>(i - arguments.begin());
}

bool writes_to(const c10::FunctionSchema& schema, std::size_t i) {
  const auto* alias = schema.arguments()[i].alias_info();
  return alias != nullptr && alias->isWrite();
}

/// Calls the operator below the vmap, once for each row, with the row of what
/// has rows and with all of what is shared.
void draw_rows(const c10::OperatorHandle& op, torch::jit::Stack* stack,
               const generator_scope::source& from) {
  using namespace at::functorch;
  const auto& schema = op.schema();
  const auto count = schema.arguments().size();
  const bool in_place = writes_to(schema, 0);
  for (std::size_t i = 1; i < count; ++i)
    TORCH_CHECK(!writes_to(schema, i),
                "random numbers for several particles, written to another "
                "argument than the first: ",
                schema);
  TORCH_CHECK(
      schema.returns().size() == 1,
      "random numbers for several particles in several tensors: ", schema);
  const torch::jit::Stack arguments(
      stack->end() - static_cast<std::ptrdiff_t>(count), stack->end());
  stack->resize(stack->size() - count);
  TORCH_CHECK(
      !in_place || maybeGetBatchedImpl(arguments.front().toTensor()) != nullptr,
      "random numbers written to what several particles share: ", schema);

  const auto level = maybeCurrentDynamicLayer()->layerId();
  const c10::impl::ExcludeDispatchKeyGuard below{
      c10::DispatchKeySet{{c10::DispatchKey::FuncTorchDynamicLayerFrontMode,
                           c10::DispatchKey::FuncTorchDynamicLayerBackMode,
                           c10::DispatchKey::FuncTorchBatched,
                           c10::DispatchKey::FuncTorchVmapMode}}};
  std::vector<at::Tensor> drawn;
  for (std::size_t k = 0; k < from.rows; ++k) {
    const bool repeats = k >= from.generators.size();
    auto row = arguments;
    for (auto& argument : row)
      if (argument.isTensor())
        if (auto* batched = maybeGetBatchedImpl(argument.toTensor()))
          argument = batched->value().select(batched->bdim(),
                                             static_cast<std::int64_t>(k));
    if (!repeats) {
      const generator_scope one{from.generators[k]};
      op.callBoxed(&row);
      drawn.push_back(row.front().toTensor());
    } else {
      if (in_place)
        row.front().toTensor().copy_(drawn.back());
      drawn.push_back(drawn.back());
    }
  }
  if (in_place)
    stack->push_back(arguments.front());
  else
    stack->emplace_back(makeBatched(at::stack(drawn), 0, level));
}

/// Fills in the generator argument, unless the caller gave one, and goes on to
/// the operator's own kernels.
void with_generator(const c10::OperatorHandle& op, c10::DispatchKeySet,
                    torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  auto& argument = (*stack)[stack->size() - schema.arguments().size()
                            + *generator_index(schema)];
  if (argument.isNone() && innermost != nullptr) {
    if (innermost->rows > 0)
      return draw_rows(op, stack, *innermost);
    argument = innermost->generators.front();
  }
  c10::impl::ExcludeDispatchKeyGuard below{scope_key};
  op.callBoxed(stack);
}

/// Operators that make random tensors and leave the drawing to others: vmap
/// would make the tensors of all rows one.
constexpr std::array<std::string_view, 7> makers{
    "rand",      "randn",      "randint",     "randperm",
    "rand_like", "randn_like", "randint_like"};

void in_rows(const c10::OperatorHandle& op, c10::DispatchKeySet keys,
             torch::jit::Stack* stack) {
  if (innermost != nullptr && innermost->rows > 0)
    return draw_rows(op, stack, *innermost);
  op.redispatchBoxed(
      keys & c10::DispatchKeySet{c10::DispatchKeySet::FULL_AFTER, scope_key},
      stack);
}

/// The kernels behind `scope_key`: with_generator for every operator that
/// takes a generator, in_rows for makers without one, a free pass for all
/// others.
class generator_kernels {
public:
  generator_kernels() {
    all_.fallback(torch::CppFunction::makeFallthrough());
    auto& dispatcher = c10::Dispatcher::singleton();
    constexpr std::string_view prefix = "aten::";
    for (const auto& name : dispatcher.getAllOpNames()) {
      if (!std::string_view{name.name}.starts_with(prefix))
        continue;
      auto op = dispatcher.findSchema(name);
      if (!op)
        continue;
      auto plain = name.name.substr(prefix.size());
      const bool makes = std::ranges::find(makers, plain) != makers.end();
      const bool takes = generator_index(op->schema()).has_value();
      if (!name.overload_name.empty())
        plain += "." + name.overload_name;
      if (takes)
        aten_.impl(
            plain.c_str(),
            torch::CppFunction::makeFromBoxedFunction<&with_generator>());
      else if (makes)
        aten_.impl(plain.c_str(),
                   torch::CppFunction::makeFromBoxedFunction<&in_rows>());
    }
  }

private:
  torch::Library all_{torch::Library::IMPL, "_", scope_key, __FILE__, __LINE__};
  torch::Library aten_{torch::Library::IMPL, "aten", scope_key, __FILE__,
                       __LINE__};
};

void install_kernels() {
  // Never destroyed: operators may run until the last thread ends.
  static const auto* kernels = new generator_kernels;
  static_cast<void>(kernels);
}

} // namespace

std::uint64_t derive_seed(std::uint64_t run_seed, particle_id pid,
                          std::string_view purpose) noexcept {
  auto key = splitmix64(splitmix64(run_seed) ^ fnv1a(purpose));
  auto key_low = static_cast<std::uint32_t>(key);
  auto key_high = static_cast<std::uint32_t>(key >> 32);
  // Two rounds: after one, two purposes would number the same streams from
  // another start, and particles share them by the thousand if starts are near.
  auto low = permuted(permuted(pid.number ^ key_low) + key_high);
  auto high = splitmix64(key ^ pid.number) >> 32;
  return (high << 32) | low;
}

at::Generator make_generator(std::uint64_t seed) {
  return at::detail::createCPUGenerator(seed);
}

std::vector<std::byte> generator_state(const at::Generator& generator) {
  auto shared = generator; // mutex() is not const; a copy is the same generator
  std::lock_guard lock{shared.mutex()};
  auto state = shared.get_state();
  std::vector<std::byte> bytes(state.nbytes());
  std::memcpy(bytes.data(), state.const_data_ptr(), bytes.size());
  return bytes;
}

expected<void> set_generator_state(at::Generator& generator,
                                   std::span<const std::byte> state) {
  auto set = guarded("generator state", [&] {
    auto bytes =
        at::empty({static_cast<std::int64_t>(state.size())}, at::kByte);
    std::ranges::copy(state, static_cast<std::byte*>(bytes.mutable_data_ptr()));
    std::lock_guard lock{generator.mutex()};
    generator.set_state(bytes);
  });
  if (!set)
    return fail(errc::malformed, std::move(set.error().message));
  return {};
}

generator_scope::generator_scope(at::Generator generator)
    : own_{std::move(generator)}, source_{{&own_, 1}, 0}, outer_{innermost},
      key_{scope_key} {
  install_kernels();
  innermost = &source_;
}

generator_scope::generator_scope(std::span<const at::Generator> generators,
                                 std::size_t rows)
    : source_{generators, rows}, outer_{innermost}, key_{scope_key} {
  install_kernels();
  innermost = &source_;
}

generator_scope::~generator_scope() {
  innermost = outer_;
}

} // namespace posse
