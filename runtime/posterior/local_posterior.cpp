#include "runtime/posterior/local_posterior.hpp"

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

  std::vector<std::string> rows() const override {
    std::vector<std::string> out{"mean", "variance"};
    for (std::int64_t k = 0; k < rank_; ++k)
      out.push_back("deviation." + std::to_string(k));
    return out;
  }

  void collect(const at::Tensor& parameters, std::span<const at::Tensor> rows,
               std::int64_t count) const override {
    swag_collect(moments_of(rows),
                 rows[first_column + static_cast<std::size_t>(count % rank_)],
                 parameters, count);
  }

  std::int64_t least_collected() const noexcept override { return 2; }

  void draw(const at::Tensor& parameters, std::span<const at::Tensor> rows,
            std::int64_t count, std::int64_t,
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
  std::vector<std::string> rows() const override { return {}; }
  void collect(const at::Tensor&, std::span<const at::Tensor>,
               std::int64_t) const override {}
  std::int64_t least_collected() const noexcept override { return 0; }
  void draw(const at::Tensor&, std::span<const at::Tensor>, std::int64_t,
            std::int64_t, at::Generator&) const override {}
  bool drops_units() const noexcept override { return true; }
};

/// The last iterates, in a ring: those of a Markov chain are the posterior's
/// draws themselves.
class samples final : public local_posterior {
public:
  explicit samples(std::int64_t most) : most_{most} {}

  std::vector<std::string> rows() const override {
    std::vector<std::string> out;
    for (std::int64_t k = 0; k < most_; ++k)
      out.push_back("sample." + std::to_string(k));
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

  void draw(const at::Tensor& parameters, std::span<const at::Tensor> rows,
            std::int64_t count, std::int64_t index,
            at::Generator&) const override {
    const auto oldest = std::max<std::int64_t>(count - most_, 0);
    parameters.copy_(rows[static_cast<std::size_t>((oldest + index) % most_)]);
  }

private:
  std::int64_t most_;
};

} // namespace

value local_posterior_spec::to_value() const {
  return value_dict{{"kind", kind},
                    {"draws", draws},
                    {"seed", std::bit_cast<std::int64_t>(seed)},
                    {"rank", rank},
                    {"scale", scale}};
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
  return local_posterior_spec{std::move(*kind), *draws,
                              std::bit_cast<std::uint64_t>(*seed), *rank,
                              *scale};
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
  if (spec.kind != "swag")
    return fail(errc::unknown_name,
                "unknown local posterior \"" + spec.kind
                    + "\"; known: none, swag, dropout, samples");
  if (spec.rank < 2)
    return fail(errc::invalid_argument,
                "rank: expected at least 2, got " + std::to_string(spec.rank));
  if (!(spec.scale >= 0))
    return fail(errc::invalid_argument, "scale: expected a number >= 0, got "
                                            + std::to_string(spec.scale));
  return std::make_shared<swag>(spec.rank, spec.scale);
}

} // namespace posse
