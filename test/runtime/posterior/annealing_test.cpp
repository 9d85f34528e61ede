#include "runtime/posterior/annealing.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <cstdint>

using namespace posse;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("annealing weighs scores as the paper's equations say",
          "[runtime][annealing]") {
  // 1000 steps are 800 of the paper's T, and step s is its t = s + 1.
  const auto at = [](annealing how, std::int64_t t) {
    return annealing_weight(how, t - 1, 1000);
  };
  CHECK(at(annealing::linear, 1) == Approx(1.0 / 800));
  CHECK(at(annealing::linear, 400) == Approx(0.5));
  CHECK(at(annealing::hyperbolic, 400) == Approx(std::tanh(std::pow(0.65, 5))));
  CHECK(at(annealing::hyperbolic, 800) == Approx(std::tanh(std::pow(1.3, 5))));
  CHECK(at(annealing::hyperbolic, 544) == Approx(0.5).margin(0.02));
  CHECK(at(annealing::cyclical, 40) == Approx(0.25));
  CHECK(at(annealing::cyclical, 160) == 1); // the end of the first cycle
  CHECK(at(annealing::cyclical, 161) == Approx(1.0 / 160));
  CHECK(at(annealing::cyclical, 680) == Approx(0.25)); // in the fifth one
}

TEST_CASE("annealing is in (0, 1] and ends at 1", "[runtime][annealing]") {
  for (auto how : {annealing::none, annealing::linear, annealing::hyperbolic,
                   annealing::cyclical})
    for (std::int64_t steps : {1, 2, 3, 7, 100, 12'345}) {
      INFO("annealing " << static_cast<int>(how) << ", " << steps << " steps");
      bool within = true;
      for (std::int64_t step = 0; step < steps; ++step) {
        const auto gamma = annealing_weight(how, step, steps);
        within = within && gamma > 0 && gamma <= 1;
        if (static_cast<double>(step + 1) > 0.8 * static_cast<double>(steps))
          within = within && gamma == 1;
      }
      CHECK(within);
    }
}

TEST_CASE("only a cycle's end makes scores weigh less than before",
          "[runtime][annealing]") {
  for (auto [how, falls] : {std::pair{annealing::none, 0},
                            {annealing::linear, 0},
                            {annealing::hyperbolic, 0},
                            {annealing::cyclical, 4}}) {
    int fell = 0;
    for (std::int64_t step = 1; step < 1000; ++step)
      fell += annealing_weight(how, step, 1000)
                      < annealing_weight(how, step - 1, 1000)
                  ? 1
                  : 0;
    CHECK(fell == falls);
  }
}

TEST_CASE("annealings are read from their names", "[runtime][annealing]") {
  CHECK(*parse_annealing("none") == annealing::none);
  CHECK(*parse_annealing("linear") == annealing::linear);
  CHECK(*parse_annealing("hyperbolic") == annealing::hyperbolic);
  CHECK(*parse_annealing("cyclical") == annealing::cyclical);
  const auto refused = parse_annealing("tanh");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK_THAT(refused.error().message, ContainsSubstring("\"tanh\""));
}
