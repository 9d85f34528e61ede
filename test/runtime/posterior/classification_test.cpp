#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

classification_predictive predict(const at::Tensor& logits) {
  auto result = predict_classification(logits);
  REQUIRE(result);
  return *result;
}

classification_metrics evaluate(const at::Tensor& logits,
                                const at::Tensor& labels,
                                std::int64_t bins = default_reliability_bins) {
  auto result = evaluate_classification(predict(logits), labels, bins);
  REQUIRE(result);
  return *result;
}

at::Tensor labels_of(const reference_case& c) {
  return tensor_of(c.inputs["labels"]).to(at::kLong);
}

} // namespace

TEST_CASE("a classification ensemble predicts as the reference does",
          "[runtime][classification]") {
  for (const auto& c : reference_cases("classification.json")) {
    INFO(c.name);
    auto p = predict(tensor_of(c.inputs["logits"]));
    check_close(p.probabilities, tensor_of(c.outputs["probabilities"]), 1e-12);
    // Of size 1 at most; of a confident point -log p is a difference.
    auto nll = -p.log_probabilities.gather(1, labels_of(c).unsqueeze(1));
    check_close_to_scale(nll.squeeze(1), tensor_of(c.outputs["nll_each"]),
                         1e-12);
    // Point by point: an average can hide two errors. A confident point's score
    // is a small difference of numbers up to 1.
    auto brier = tensor_of(c.outputs["brier_each"]);
    for (std::int64_t i = 0; i < brier.size(0); ++i) {
      auto one = evaluate(tensor_of(c.inputs["logits"]).narrow(1, i, 1),
                          labels_of(c).narrow(0, i, 1));
      CHECK(std::abs(one.brier - brier[i].item<double>()) < 1e-12);
    }
    if (!c.outputs.contains("predicted"))
      continue;
    check_close(p.predicted, tensor_of(c.outputs["predicted"]), 0);
    check_close(p.probabilities.amax(1), tensor_of(c.outputs["confidence"]),
                1e-12);
    check_close(p.entropy, tensor_of(c.outputs["predictive_entropy"]), 1e-12);
    check_close(p.expected_entropy, tensor_of(c.outputs["expected_entropy"]),
                1e-12);
    auto information = tensor_of(c.outputs["mutual_information"]);
    // A difference of entropies that are at most log 5.
    CHECK((p.mutual_information - information).abs().max().item<double>()
          < 1e-12);
  }
}

TEST_CASE("a classification ensemble scores as the reference does",
          "[runtime][classification]") {
  for (const auto& c : reference_cases("classification.json")) {
    if (!c.outputs.contains("ece"))
      continue;
    INFO(c.name);
    const auto& out = c.outputs;
    auto logits = tensor_of(c.inputs["logits"]);
    auto x = evaluate(logits, labels_of(c), c.inputs["bins"]);
    auto same = [&](double actual, const char* name) {
      INFO(name);
      CHECK(actual == Approx(out[name].get<double>()).epsilon(1e-12));
    };
    same(x.accuracy, "accuracy");
    same(x.nll, "nll");
    same(x.brier, "brier");
    same(x.ece, "ece");
    same(x.max_calibration_error, "max_calibration_error");
    REQUIRE(x.reliability.size() == out["bins"].size());
    for (std::size_t k = 0; k < x.reliability.size(); ++k) {
      const auto& bin = out["bins"][k];
      CHECK(x.reliability[k].count == bin["count"].get<std::int64_t>());
      CHECK(x.reliability[k].accuracy
            == Approx(bin["accuracy"].get<double>()).epsilon(1e-12));
      CHECK(x.reliability[k].confidence
            == Approx(bin["confidence"].get<double>()).epsilon(1e-12));
    }
    auto each = evaluate_classification_members(logits, labels_of(c));
    REQUIRE(each);
    REQUIRE(each->size() == out["nll_of_members"].size());
    for (std::size_t m = 0; m < each->size(); ++m)
      CHECK((*each)[m].nll
            == Approx(out["nll_of_members"][m].get<double>()).epsilon(1e-12));
    // float32 logits, the arithmetic still in double.
    CHECK(evaluate(logits.to(at::kFloat), labels_of(c)).nll
          == Approx(out["nll"].get<double>()).epsilon(1e-5));
  }
}

TEST_CASE("huge logits give a finite loss and no entropy",
          "[runtime][classification]") {
  auto logits = at::tensor({-1e4, 1e4, 0.0}, at::kDouble).view({1, 1, 3});
  auto p = predict(logits);
  CHECK(p.probabilities[0][0].item<double>() == 0);
  CHECK(p.entropy[0].item<double>() == 0);
  CHECK(p.mutual_information[0].item<double>() == 0);
  CHECK(evaluate(logits, at::zeros({1}, at::kLong)).nll == 2e4);
}

TEST_CASE("one member has no mutual information", "[runtime][classification]") {
  auto c = reference_cases("classification.json").at(1);
  auto p = predict(tensor_of(c.inputs["logits"]));
  CHECK(p.mutual_information.min().item<double>() >= 0);
  CHECK(p.mutual_information.max().item<double>() < 1e-14);
}

TEST_CASE("members that contradict each other have all the information",
          "[runtime][classification]") {
  auto logits =
      at::tensor({500.0, 0.0, 0.0, 500.0}, at::kDouble).view({2, 1, 2});
  auto p = predict(logits);
  CHECK(p.expected_entropy[0].item<double>() < 1e-200); // of e^-500
  CHECK(p.mutual_information[0].item<double>() == Approx(std::log(2.0)));
  CHECK(p.predicted[0].item<std::int64_t>() == 0); // of a tie, the lowest
}

TEST_CASE("a model right as often as it is sure has no calibration error",
          "[runtime][classification]") {
  // Confidence 0.75 on 8 points, 6 right; 0.6 on 10, 6 right.
  auto sure = at::tensor({0.75, 0.25}, at::kDouble).expand({8, 2});
  auto unsure = at::tensor({0.6, 0.4}, at::kDouble).expand({10, 2});
  auto logits = at::cat({sure, unsure}).log().unsqueeze(0);
  auto labels = at::zeros({18}, at::kLong);
  labels.narrow(0, 6, 2).fill_(1);
  labels.narrow(0, 14, 4).fill_(1);
  auto x = evaluate(logits, labels);
  CHECK(x.ece < 1e-15);
  CHECK(x.max_calibration_error < 1e-15);
  // One label less right, and the gap is that share of the bin.
  labels[0] = 1;
  x = evaluate(logits, labels);
  CHECK(x.max_calibration_error == Approx(1.0 / 8));
  CHECK(x.ece == Approx(1.0 / 18));
}

TEST_CASE("a confidence on an edge falls into the bin below",
          "[runtime][classification]") {
  classification_predictive p;
  // In doubles 0.7 * 10 rounds to 7; 0.6 lies below 6/10's neighbours.
  p.probabilities =
      at::tensor({0.5, 0.5, 0.6, 0.4, 0.7, 0.3, 1.0, 0.0}, at::kDouble)
          .view({4, 2});
  p.log_probabilities = p.probabilities.log();
  p.predicted = at::zeros({4}, at::kLong);
  auto x = evaluate_classification(p, at::zeros({4}, at::kLong), 10);
  REQUIRE(x);
  std::vector<std::int64_t> counts;
  for (const auto& bin : x->reliability)
    counts.push_back(bin.count);
  CHECK(counts == std::vector<std::int64_t>{0, 0, 0, 0, 1, 1, 1, 0, 0, 1});
}

TEST_CASE("classification metrics are listed in the order of the result file",
          "[runtime][classification]") {
  classification_metrics x{1, 2, 3, 4, 5, 6, {}};
  CHECK(to_list(x)
        == metric_list{{"accuracy", 1},
                       {"nll", 2},
                       {"ece", 3},
                       {"brier", 4},
                       {"max_calibration_error", 5},
                       {"ece_equal_mass", 6}});
}

TEST_CASE("classification refuses what it cannot score",
          "[runtime][classification]") {
  CHECK(predict_classification(at::zeros({3, 2})).error().code
        == errc::invalid_argument);
  CHECK(predict_classification(at::zeros({1, 2, 3}, at::kLong)).error().code
        == errc::invalid_argument);
  auto logits = at::zeros({2, 4, 3});
  logits[1][2][0] = std::numeric_limits<float>::infinity();
  auto p = predict_classification(logits);
  REQUIRE_FALSE(p);
  CHECK(p.error().code == errc::non_finite);
  CHECK_THAT(p.error().message, ContainsSubstring("[1, 2, 0]"));

  auto good = predict(at::zeros({2, 4, 3}));
  auto code = [&](const at::Tensor& labels, std::int64_t bins = 15) {
    auto x = evaluate_classification(good, labels, bins);
    REQUIRE_FALSE(x);
    return x.error().code;
  };
  CHECK(code(at::zeros({4})) == errc::invalid_argument);
  CHECK(code(at::zeros({5}, at::kLong)) == errc::invalid_argument);
  CHECK(code(at::full({4}, 3, at::kLong)) == errc::invalid_argument);
  CHECK(code(at::full({4}, -1, at::kLong)) == errc::invalid_argument);
  CHECK(code(at::zeros({4}, at::kLong), 0) == errc::invalid_argument);
}
