#include "apps/posse/bench/plain.hpp"

#include "runtime/model/likelihood.hpp"

#include <ATen/Parallel.h>
#include <torch/nn.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <thread>

namespace posse::bench {

namespace {

namespace nn = torch::nn;

nn::Sequential make_net(const workload& work) {
  if (work.model == "mlp13")
    return nn::Sequential{
        nn::Linear{13, 50}, nn::ReLU{},
        nn::Linear{50, work.config.model.head == "gaussian" ? 2 : 1}};
  if (work.model == "mlp784")
    return nn::Sequential{nn::Flatten{}, nn::Linear{784, 256}, nn::ReLU{},
                          nn::Linear{256, 10}};
  return nn::Sequential{nn::Conv2d{nn::Conv2dOptions{1, 6, 5}.padding(2)},
                        nn::ReLU{},
                        nn::MaxPool2d{2},
                        nn::Conv2d{nn::Conv2dOptions{6, 16, 5}},
                        nn::ReLU{},
                        nn::MaxPool2d{2},
                        nn::Flatten{},
                        nn::Linear{400, 120},
                        nn::ReLU{},
                        nn::Linear{120, 84},
                        nn::ReLU{},
                        nn::Linear{84, 10}};
}

/// Mean negative log likelihood of a mean and a raw variance, but for a
/// constant.
at::Tensor gaussian_nll(const at::Tensor& outputs, const at::Tensor& targets) {
  const auto halves = outputs.chunk(2, 1);
  const auto variance = at::softplus(halves[1]) + variance_floor;
  return (variance.log() + (halves[0] - targets).square() / variance).mean()
         / 2;
}

} // namespace

struct plain_ensemble::impl {
  std::vector<nn::Sequential> nets;
  std::vector<std::vector<at::Tensor>> parameters;
  std::vector<torch::optim::SGD> optimizers;
  double learning_rate{0};
  double train_rows{0};
  std::string loss;

  at::Tensor loss_of(std::size_t i, const batch& rows) {
    const auto outputs = nets[i]->forward(rows.inputs);
    if (loss == "mse")
      return at::mse_loss(outputs, rows.targets);
    if (loss == "nll")
      return gaussian_nll(outputs, rows.targets);
    return at::cross_entropy_loss(outputs, rows.targets);
  }
};

plain_ensemble::plain_ensemble(const workload& work, std::int64_t particles)
    : impl_{std::make_unique<impl>()} {
  const auto& infer = work.config.infer;
  impl_->learning_rate = infer.learning_rate;
  impl_->train_rows = static_cast<double>(fixed_batches * infer.batch);
  impl_->loss = infer.loss;
  for (std::int64_t i = 0; i < particles; ++i) {
    impl_->nets.push_back(make_net(work));
    impl_->parameters.push_back(impl_->nets.back()->parameters());
    impl_->optimizers.emplace_back(
        impl_->parameters.back(),
        torch::optim::SGDOptions{infer.learning_rate});
  }
}

plain_ensemble::~plain_ensemble() = default;

void plain_ensemble::step(const batch& rows) {
  for (std::size_t i = 0; i < impl_->nets.size(); ++i) {
    impl_->optimizers[i].zero_grad();
    impl_->loss_of(i, rows).backward();
    impl_->optimizers[i].step();
  }
}

void plain_ensemble::svgd_step(const batch& rows) {
  auto& [nets, parameters, optimizers, learning_rate, train_rows, loss] =
      *impl_;
  std::vector<at::Tensor> all_parameters, all_gradients;
  for (std::size_t i = 0; i < nets.size(); ++i) {
    optimizers[i].zero_grad();
    impl_->loss_of(i, rows).backward();
    std::vector<at::Tensor> flat, slopes;
    for (const auto& parameter : parameters[i]) {
      flat.push_back(parameter.detach().view(-1));
      slopes.push_back(parameter.grad().reshape(-1));
    }
    all_parameters.push_back(at::cat(flat));
    all_gradients.push_back(at::cat(slopes));
  }
  const at::NoGradGuard no_grad;
  const auto n = static_cast<std::int64_t>(nets.size());
  const auto x = at::stack(all_parameters);
  const auto scores = at::stack(all_gradients).mul_(-train_rows);
  const auto norms = x.square().sum(1, true);
  const auto squares =
      (norms + norms.t() - 2 * x.mm(x.t())).clamp_min_(0); // [N, N]
  const auto pairs = at::triu_indices(n, n, 1);
  const auto h = n == 1 ? at::ones({})
                        : squares.index({pairs[0], pairs[1]}).median()
                              / std::log(static_cast<double>(n));
  const auto kernel = (-squares / h).exp();
  const auto repulsion = (kernel.sum(1, true) * x - kernel.mm(x)) * (2 / h);
  const auto moved = x
                     + (kernel.mm(scores) + repulsion)
                           * (learning_rate / static_cast<double>(n));
  for (std::size_t i = 0; i < nets.size(); ++i) {
    std::int64_t first = 0;
    for (auto& parameter : parameters[i]) {
      parameter.copy_(moved[static_cast<std::int64_t>(i)]
                          .narrow(0, first, parameter.numel())
                          .view_as(parameter));
      first += parameter.numel();
    }
  }
}

std::int64_t plain_ensemble::length() const {
  std::int64_t sum = 0;
  for (const auto& parameter : impl_->parameters.front())
    sum += parameter.numel();
  return sum;
}

void with_all_cores(const std::function<void()>& f) {
  const auto threads_before = at::get_num_threads();
  std::exception_ptr thrown;
  std::thread{[&] {
    try {
      at::set_num_threads(all_cores());
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
    // Threads that start later would take over the last number set.
    at::set_num_threads(threads_before);
  }}.join();
  if (thrown)
    std::rethrow_exception(thrown);
}

int all_cores() noexcept {
  return static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
}

} // namespace posse::bench
