#include "runtime/posterior/local_posterior.hpp"

#include "runtime/model/network.hpp"
#include "runtime/posterior/laplace.hpp"
#include "runtime/posterior/swag.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace posse {

namespace {

/// Rows: the mean, the variance, and a ring of deviations.
class swag final : public local_posterior {
public:
  swag(std::int64_t rank, double scale) : rank_{rank}, scale_{scale} {}

  posterior_origin origin() const noexcept override {
    return posterior_origin::iterates;
  }

  expected<std::vector<posterior_row>> rows(const network&) const override {
    std::vector<posterior_row> out{{"mean"}, {"variance"}};
    for (std::int64_t k = 0; k < rank_; ++k)
      out.push_back({"deviation." + std::to_string(k)});
    return out;
  }

  void collect(const at::Tensor& parameters, std::span<const at::Tensor> rows,
               std::int64_t count) const override {
    swag_collect(moments_of(rows),
                 rows[first_column + static_cast<std::size_t>(count % rank_)],
                 parameters, count);
  }

  std::int64_t least_collected() const noexcept override { return 2; }

  void draw(network&, const at::Tensor& parameters,
            std::span<const at::Tensor> rows, std::int64_t count, std::int64_t,
            at::Generator& numbers) const override {
    const auto held = std::min(count, rank_);
    const auto host = parameters.options().device(at::kCPU);
    const auto z1 = at::randn(parameters.sizes(), numbers, host);
    const auto z2 = at::randn({held}, numbers, host);
    swag_draw(moments_of(rows),
              rows.subspan(first_column, static_cast<std::size_t>(held)), rank_,
              scale_, least_variance, z1.to(parameters.device()), z2,
              parameters);
  }

private:
  static constexpr std::size_t first_column = 2;
  // As in the authors' program: an element that never moved stays.
  static constexpr double least_variance = 1e-30;

  static swag_moments moments_of(std::span<const at::Tensor> rows) {
    return {rows[0], rows[1]};
  }

  std::int64_t rank_;
  double scale_;
};

/// Monte Carlo dropout (Gal and Ghahramani, ICML 2016): the weights stay, and
/// each draw drops other units.
class dropout final : public local_posterior {
public:
  posterior_origin origin() const noexcept override {
    return posterior_origin::nothing;
  }
  expected<std::vector<posterior_row>> rows(const network&) const override {
    return std::vector<posterior_row>{};
  }
  void draw(network&, const at::Tensor&, std::span<const at::Tensor>,
            std::int64_t, std::int64_t, at::Generator&) const override {}
  bool drops_units() const noexcept override { return true; }
  bool moves_statistics() const noexcept override { return false; }
};

/// The last iterates, in a ring: those of a Markov chain are the posterior's
/// draws themselves.
class samples final : public local_posterior {
public:
  explicit samples(std::int64_t most) : most_{most} {}

  posterior_origin origin() const noexcept override {
    return posterior_origin::iterates;
  }

  expected<std::vector<posterior_row>> rows(const network&) const override {
    std::vector<posterior_row> out;
    for (std::int64_t k = 0; k < most_; ++k)
      out.push_back({"sample." + std::to_string(k)});
    return out;
  }

  void collect(const at::Tensor& parameters, std::span<const at::Tensor> rows,
               std::int64_t count) const override {
    rows[static_cast<std::size_t>(count % most_)].copy_(parameters);
  }

  std::int64_t least_collected() const noexcept override { return 1; }
  std::int64_t draws(std::int64_t wanted,
                     std::int64_t count) const noexcept override {
    return std::min(wanted, count);
  }
  bool is_chain() const noexcept override { return true; }

  void draw(network&, const at::Tensor& parameters,
            std::span<const at::Tensor> rows, std::int64_t count,
            std::int64_t index, at::Generator&) const override {
    const auto oldest = std::max<std::int64_t>(count - most_, 0);
    parameters.copy_(rows[static_cast<std::size_t>((oldest + index) % most_)]);
  }

private:
  std::int64_t most_;
};

/// Numbers of a CPU, wherever they are wanted.
at::Tensor normal_like(const at::Tensor& x, at::Generator& numbers) {
  return at::randn(x.sizes(), numbers, x.options().device(at::kCPU))
      .to(x.device());
}

/// Laplace's Gaussian of all parameters, each by itself. Rows: the standard
/// deviations, and what the fit found.
class laplace_of_all final : public local_posterior {
public:
  posterior_origin origin() const noexcept override {
    return posterior_origin::fit;
  }
  expected<std::vector<posterior_row>> rows(const network&) const override {
    return std::vector<posterior_row>{{"deviation"}, laplace_fit_row()};
  }
  void draw(network&, const at::Tensor& parameters,
            std::span<const at::Tensor> rows, std::int64_t, std::int64_t,
            at::Generator& numbers) const override {
    parameters.addcmul_(rows[0], normal_like(rows[0], numbers));
  }
  // A Gaussian of curvatures of the network made linear is one of that network
  // (Immer, Korzepa & Bauer, AISTATS 2021): drawn weights underfit.
  bool is_linearised() const noexcept override { return true; }
  bool moves_statistics() const noexcept override { return false; }
};

/// Laplace's Gaussian of the last layer, in whose parameters the network is
/// linear as it is. Rows: a root of the covariance, and what the fit found.
class laplace_of_last_layer final : public local_posterior {
public:
  posterior_origin origin() const noexcept override {
    return posterior_origin::fit;
  }

  expected<std::vector<posterior_row>>
  rows(const network& prototype) const override {
    const auto last = prototype.last_layer();
    if (!last)
      return fail(errc::invalid_argument,
                  "model: expected a network that tells its last layer, got "
                  "one that does not; set infer.curvature = \"diagonal\"");
    const auto weight = prototype.parameters()[last->weight];
    const auto size = weight.size(0) * (weight.size(1) + 1);
    if (size > most)
      return fail(errc::invalid_argument,
                  "model: expected a last layer of at most "
                      + std::to_string(most) + " parameters, got "
                      + std::to_string(size)
                      + "; set infer.curvature = \"diagonal\"");
    return std::vector<posterior_row>{
        {"last_layer.root", std::vector<std::int64_t>{size, size}},
        laplace_fit_row()};
  }

  void draw(network& net, const at::Tensor&, std::span<const at::Tensor> rows,
            std::int64_t, std::int64_t, at::Generator& numbers) const override {
    const auto size = rows[0].size(0);
    const auto last = *net.last_layer();
    const auto parameters = net.parameters();
    const auto weight = parameters[last.weight].detach();
    const auto moved =
        at::mv(rows[0], normal_like(rows[0].select(0, 0), numbers))
            .view({weight.size(0), size / weight.size(0)});
    const auto inputs = weight.size(1);
    weight.add_(moved.narrow(1, 0, inputs));
    parameters[last.bias].detach().add_(moved.select(1, inputs));
  }
  bool moves_statistics() const noexcept override { return false; }

private:
  // Its covariance takes a quarter of a GiB; to decompose it, minutes.
  static constexpr std::int64_t most = 8192;
};

/// A Gaussian of independent parameters that is trained (Blundell et al., ICML
/// 2015): the particle's own parameters are the means. Row: the logarithms of
/// the standard deviations.
class variational final : public local_posterior {
public:
  posterior_origin origin() const noexcept override {
    return posterior_origin::training;
  }
  expected<std::vector<posterior_row>> rows(const network&) const override {
    return std::vector<posterior_row>{{"log_deviation"}};
  }
  void draw(network&, const at::Tensor& parameters,
            std::span<const at::Tensor> rows, std::int64_t, std::int64_t,
            at::Generator& numbers) const override {
    parameters.addcmul_(rows[0].exp(), normal_like(rows[0], numbers));
  }
};

expected<std::shared_ptr<const local_posterior>>
make_laplace(const local_posterior_spec& spec) {
  const auto& precision = spec.prior_precision;
  if (precision != "evidence" && precision != "validation"
      && precision != "prior")
    return fail(errc::unknown_name,
                "unknown prior precision \"" + precision
                    + "\"; known: evidence, validation, prior");
  if (spec.curvature == "diagonal")
    return std::make_shared<laplace_of_all>();
  if (spec.curvature == "last_layer")
    return std::make_shared<laplace_of_last_layer>();
  return fail(errc::unknown_name, "unknown curvature \"" + spec.curvature
                                      + "\"; known: last_layer, diagonal");
}

} // namespace

value local_posterior_spec::to_value() const {
  return value_dict{{"kind", kind},
                    {"draws", draws},
                    {"seed", std::bit_cast<std::int64_t>(seed)},
                    {"rank", rank},
                    {"scale", scale},
                    {"shared_masks", shared_masks},
                    {"curvature", curvature},
                    {"prior_precision", prior_precision},
                    {"initial_std", initial_std}};
}

expected<local_posterior_spec>
local_posterior_spec::from_value(const value& x) {
  auto kind = x.at<std::string>("kind");
  auto draws = x.at<std::int64_t>("draws");
  auto seed = x.at<std::int64_t>("seed");
  auto rank = x.at<std::int64_t>("rank");
  auto scale = x.at<double>("scale");
  for (const auto* each : {&draws, &seed, &rank})
    if (!*each)
      return tl::unexpected{each->error()};
  if (!kind)
    return fail(std::move(kind));
  if (!scale)
    return fail(std::move(scale));
  // Later than the others: checkpoints from before have none.
  const local_posterior_spec defaults;
  auto shared_masks = x.at_or<bool>("shared_masks", defaults.shared_masks);
  if (!shared_masks)
    return fail(std::move(shared_masks));
  auto curvature = x.at_or<std::string>("curvature", defaults.curvature);
  if (!curvature)
    return fail(std::move(curvature));
  auto prior_precision =
      x.at_or<std::string>("prior_precision", defaults.prior_precision);
  if (!prior_precision)
    return fail(std::move(prior_precision));
  auto initial_std = x.at_or<double>("initial_std", defaults.initial_std);
  if (!initial_std)
    return fail(std::move(initial_std));
  return local_posterior_spec{std::move(*kind),
                              *draws,
                              std::bit_cast<std::uint64_t>(*seed),
                              *rank,
                              *scale,
                              *shared_masks,
                              std::move(*curvature),
                              std::move(*prior_precision),
                              *initial_std};
}

expected<std::shared_ptr<const local_posterior>>
make_local_posterior(const local_posterior_spec& spec) {
  if (spec.draws < 1)
    return fail(errc::invalid_argument, "draws: expected at least 1, got "
                                            + std::to_string(spec.draws));
  if (spec.kind == "none")
    return std::shared_ptr<const local_posterior>{};
  if (spec.kind == "dropout")
    return std::make_shared<dropout>();
  if (spec.kind == "samples")
    return std::make_shared<samples>(spec.draws);
  if (spec.kind == "laplace")
    return make_laplace(spec);
  if (spec.kind == "variational") {
    if (!(spec.initial_std >= 1e-6 && spec.initial_std <= 1e3))
      return fail(errc::invalid_argument,
                  "initial_std: expected a number from 1e-6 to 1000, got "
                      + std::to_string(spec.initial_std));
    return std::make_shared<variational>();
  }
  if (spec.kind != "swag")
    return fail(errc::unknown_name,
                "unknown local posterior \"" + spec.kind
                    + "\"; known: none, swag, dropout, samples, laplace, "
                      "variational");
  if (spec.rank < 2)
    return fail(errc::invalid_argument,
                "rank: expected at least 2, got " + std::to_string(spec.rank));
  if (!(spec.scale >= 0))
    return fail(errc::invalid_argument, "scale: expected a number >= 0, got "
                                            + std::to_string(spec.scale));
  return std::make_shared<swag>(spec.rank, spec.scale);
}

} // namespace posse
