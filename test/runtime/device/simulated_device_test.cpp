#include "runtime/device/device_info.hpp"
#include "test/support/catch.hpp"
#include "test/support/simulated_device.hpp"
#include "test/support/simulated_fixture.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

using tensors = std::vector<at::Tensor>;

/// Everything that a training of `net` leaves behind, on the host.
tensors trained(torch::nn::Sequential net, const at::Tensor& x,
                const at::Tensor& y) {
  torch::manual_seed(3); // for dropout
  net->to(x.device());
  torch::optim::Adam adam{net->parameters(), 1e-2};
  tensors out;
  for (int step = 0; step < 20; ++step) {
    adam.zero_grad();
    auto loss = torch::mse_loss(net->forward(x), y);
    loss.backward();
    adam.step();
    out.push_back(loss.detach().cpu());
  }
  for (const auto& leaf : net->parameters())
    out.push_back(leaf.detach().cpu());
  for (const auto& buffer : net->buffers())
    out.push_back(buffer.cpu());
  return out;
}

torch::nn::Sequential make_net() {
  torch::manual_seed(1);
  return torch::nn::Sequential{
      torch::nn::Linear{13, 50}, torch::nn::BatchNorm1d{50}, torch::nn::ReLU{},
      torch::nn::Dropout{0.3}, torch::nn::Linear{50, 1}};
}

/// The values of a net of other layers, and its gradients.
tensors computed(c10::Device device) {
  torch::manual_seed(2);
  torch::nn::Sequential net{
      torch::nn::Conv2d{torch::nn::Conv2dOptions{2, 4, 3}.padding(1)},
      torch::nn::SiLU{},
      torch::nn::GroupNorm{2, 4},
      torch::nn::MaxPool2d{2},
      torch::nn::Flatten{},
      torch::nn::LayerNorm{torch::nn::LayerNormOptions{{64}}},
      torch::nn::GELU{},
      torch::nn::Linear{64, 5}};
  auto x = torch::randn({6, 2, 8, 8});
  auto y = torch::arange(6) % 5;
  net->to(device);
  auto loss = torch::nll_loss(torch::log_softmax(net->forward(x.to(device)), 1),
                              y.to(device));
  loss.backward();
  tensors out{loss.detach().cpu()};
  for (const auto& leaf : net->parameters())
    out.push_back(leaf.grad().cpu());
  return out;
}

bool same_bits(const tensors& a, const tensors& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.device() == y.device() && torch::equal(x, y);
  });
}

/// How a child process ends in which `f` runs: the signal, or 0.
int signal_of_child(const std::function<void()>& f) {
  const auto child = ::fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL); // Catch2 would report it as a failure
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    f();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "a network trains on a simulated device as on the CPU, bit "
                 "for bit",
                 "[runtime][simulated_device]") {
  torch::manual_seed(4);
  const auto x = torch::randn({32, 13});
  const auto y = torch::randn({32, 1});
  const auto on_cpu = trained(make_net(), x, y);
  CHECK(same_bits(trained(make_net(), x.to(sim0), y.to(sim0)), on_cpu));
  CHECK(counters_of(0).kernels > 20);
}

TEST_CASE_METHOD(simulated_fixture,
                 "layers that LibTorch composes for other devices give the "
                 "CPU's bits",
                 "[runtime][simulated_device]") {
  CHECK(same_bits(computed(sim0), computed(c10::kCPU)));
}

TEST_CASE_METHOD(simulated_fixture,
                 "several threads train on both devices at once",
                 "[runtime][simulated_device][stress]") {
  const auto expected = [] {
    auto w = torch::ones({64}).requires_grad_();
    (w * w).sum().backward();
    return w.grad();
  }();
  std::array<int, 4> right{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < right.size(); ++i)
    threads.emplace_back([&, i] {
      const auto device = i % 2 == 0 ? sim0 : sim1;
      const c10::StreamGuard own{guard.getNewStream(device)};
      for (int round = 0; round < 20; ++round) {
        auto w = torch::ones({64}, device).requires_grad_();
        (w * w).sum().backward();
        right[i] += torch::equal(w.grad().cpu(), expected) ? 1 : 0;
      }
    });
  for (auto& t : threads)
    t.join();
  CHECK(right == std::array{20, 20, 20, 20});
}

TEST_CASE_METHOD(simulated_fixture,
                 "parameters swap between host and device under an optimizer",
                 "[runtime][simulated_device]") {
  torch::manual_seed(4);
  const auto x = torch::randn({32, 13});
  auto net = make_net();
  net->to(sim0);
  torch::optim::SGD sgd{net->parameters(), 0.1};
  auto step = [&] {
    sgd.zero_grad();
    net->forward(x.to(sim0)).sum().backward();
    sgd.step();
  };
  step();
  sgd.zero_grad(); // frees the gradients
  const auto resident = counters_of(0).bytes_in_use;
  const auto before = net->parameters()[0].detach().cpu();
  for (auto& leaf : net->parameters())
    leaf.set_data(leaf.detach().cpu());
  CHECK(counters_of(0).bytes_in_use < resident);
  CHECK(net->parameters()[0].is_cpu());
  CHECK(torch::equal(net->parameters()[0], before));
  for (auto& leaf : net->parameters())
    leaf.set_data(leaf.detach().to(sim0));
  CHECK(counters_of(0).bytes_in_use == resident);
  step();
  CHECK_FALSE(torch::equal(net->parameters()[0].detach().cpu(), before));
}

TEST_CASE_METHOD(simulated_fixture, "a device refuses more than its limit",
                 "[runtime][simulated_device]") {
  configure(0, {.limit_bytes = 4096});
  auto kept = torch::full({512}, 2.0F, sim0);
  REQUIRE_THROWS_AS(torch::empty({513}, sim0), c10::OutOfMemoryError);
  REQUIRE_THROWS_WITH(
      torch::empty({513}, sim0),
      ContainsSubstring("sim:0: out of memory: asked for 2052 bytes with 2048 "
                        "of 4096 in use"));
  REQUIRE_THROWS_AS(kept.repeat({2}), c10::OutOfMemoryError); // a kernel's own
  CHECK(counters_of(0).bytes_in_use == 2048);
  kept.add_(1);
  CHECK(torch::equal(torch::clone(kept).cpu(), torch::full({512}, 3.0F)));
  configure(0, {.limit_bytes = 8192});
  CHECK(torch::empty({1024}, sim0).numel() == 1024);
}

TEST_CASE_METHOD(simulated_fixture, "freed memory is one piece again",
                 "[runtime][simulated_device]") {
  configure(0, {.limit_bytes = 1 << 20});
  for (int round = 0; round < 3; ++round) {
    tensors parts;
    for (int i = 0; i < 1024; ++i)
      parts.push_back(
          torch::empty({1024}, torch::dtype(torch::kByte).device(sim0)));
    CHECK(counters_of(0).bytes_in_use == 1 << 20);
    for (std::size_t i = 0; i < parts.size(); i += 2)
      parts[i].reset();
    parts.clear();
    CHECK(torch::empty({1 << 18}, sim0).numel() == 1 << 18);
  }
  CHECK(counters_of(0).peak_bytes == 1 << 20);
}

TEST_CASE_METHOD(simulated_fixture, "host code that reads device memory faults",
                 "[runtime][simulated_device]") {
  auto x = torch::ones({4}, sim0);
  const volatile auto* on_device = static_cast<float*>(x.data_ptr());
  auto y = torch::ones({4});
  const volatile auto* on_host = static_cast<float*>(y.data_ptr());
  CHECK(signal_of_child([&] { static_cast<void>(*on_device); }) == SIGSEGV);
  CHECK(signal_of_child([&] { static_cast<void>(*on_host); }) == 0);
}

TEST_CASE_METHOD(simulated_fixture, "devices share neither memory nor limits",
                 "[runtime][simulated_device]") {
  configure(0, {.limit_bytes = 1024});
  auto small = torch::ones({256}, sim0);
  auto large = torch::ones({2, 256}, sim1);
  CHECK(counters_of(0).bytes_in_use == 1024);
  CHECK(counters_of(1).bytes_in_use == 2048);
  CHECK_THROWS_WITH(small + large[0],
                    ContainsSubstring("hpu:0") && ContainsSubstring("hpu:1"));
  large[1].copy_(small.neg_());
  CHECK(large.sum().item<float>() == 0);
  CHECK(counters_of(0).bytes_to_host == 1024);
  CHECK(counters_of(1).bytes_to_device == 1024);
}

TEST_CASE_METHOD(simulated_fixture, "tensors of host and device do not mix",
                 "[runtime][simulated_device]") {
  auto x = torch::ones({4}, sim0);
  auto host = torch::arange(4);
  CHECK_THROWS_AS(x + host, c10::Error);
  CHECK_THROWS_AS(torch::mv(torch::ones({4, 4}, sim0), torch::ones({4})),
                  c10::Error);
  CHECK((x + host[2]).sum().item<float>() == 12); // a number may come from it
  CHECK(x.index({host}).is_hpu());                // and so may indices
}

TEST_CASE_METHOD(simulated_fixture, "views share memory with what they show",
                 "[runtime][simulated_device]") {
  auto x = torch::zeros({4, 6}, sim0);
  reset_counters(0);
  x.select(0, 1).slice(0, 2, 4).fill_(1);
  x.view({24}).as_strided({2}, {1}, 0).fill_(2);
  x.t().detach().unfold(0, 2, 2).select(0, 2).fill_(3); // the kernel's view
  CHECK(counters_of(0).bytes_to_host == 0);
  auto expected = torch::zeros({4, 6});
  expected.select(0, 1).slice(0, 2, 4).fill_(1);
  expected.view({24}).slice(0, 0, 2).fill_(2);
  expected.slice(1, 4, 6).fill_(3);
  CHECK(torch::equal(x.cpu(), expected));

  // As a bank ties a module to its row.
  auto row = x[2];
  auto own = at::from_blob(
      row.mutable_data_ptr(), row.sizes(), [kept = row](void*) {},
      row.options());
  auto leaf = torch::empty({0}, sim0);
  leaf.set_data(own.view({2, 3}));
  leaf.add_(7);
  CHECK(own.device() == sim0);
  CHECK(torch::equal(x[2].cpu(), expected[2] + 7));
}

TEST_CASE_METHOD(simulated_fixture, "tensors grow as kernels need",
                 "[runtime][simulated_device]") {
  auto x = torch::arange(6, torch::device(sim0));
  x.resize_({2, 6});
  CHECK(torch::equal(x[0].cpu(), torch::arange(6)));
  auto out = torch::empty({0}, x.options());
  torch::cat_out(out, {x[0], x[0]});
  CHECK(torch::equal(out.cpu(), torch::arange(6).repeat(2)));
  auto other = torch::empty({0}, x.options());
  other.set_(out);
  other[0] = 9;
  CHECK(out[0].item<int>() == 9);
  out.set_();
  CHECK(out.numel() == 0);
  CHECK(torch::equal(torch::nonzero(other.gt(4)).squeeze(1).cpu(),
                     torch::tensor({0, 5, 11})));
}

TEST_CASE_METHOD(simulated_fixture, "copies are counted each way",
                 "[runtime][simulated_device]") {
  auto x = torch::ones({8, 4}).to(sim0);
  auto y = x.to(torch::kDouble).t().contiguous(); // kernels
  CHECK(y.cpu().sum().item<double>() == 32);
  CHECK(x.sum().item<float>() == 32);
  const auto seen = counters_of(0);
  CHECK(seen.copies_to_device == 1);
  CHECK(seen.bytes_to_device == 8 * 4 * 4);
  CHECK(seen.copies_to_host == 2);
  CHECK(seen.bytes_to_host == 8 * 4 * 8 + 4);
  CHECK(seen.async_copies == 0);
  CHECK(seen.kernels >= 3);
  CHECK(seen.peak_bytes >= seen.bytes_in_use);
  CHECK(counters_of(1).kernels == 0);
}

TEST_CASE_METHOD(simulated_fixture,
                 "a registered device exists for the runtime",
                 "[runtime][simulated_device]") {
  CHECK(check_device({device_kind::sim, 1}));
  auto missing = check_device({device_kind::sim, 2});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "sim:2: this machine has 2 such devices");
  CHECK_THROWS_AS(register_simulated_devices(3), std::invalid_argument);
  CHECK_THROWS_AS(counters_of(2), c10::Error);
}
