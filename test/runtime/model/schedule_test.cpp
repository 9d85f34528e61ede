#include "runtime/model/schedule.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("schedules start at 1 and end where they should",
          "[runtime][schedule]") {
  CHECK(schedule_factor("constant", 0, 10) == 1);
  CHECK(schedule_factor("constant", 10, 10) == 1);
  CHECK(schedule_factor("linear", 0, 10) == 1);
  CHECK(*schedule_factor("linear", 3, 10) == Catch::Approx(0.7));
  CHECK(schedule_factor("linear", 10, 10) == 0);
  CHECK(schedule_factor("swa", 0, 40) == 1);
  CHECK(schedule_factor("swa", 15, 40) == 1);
  CHECK(*schedule_factor("swa", 21, 40) == Catch::Approx(0.55));
  CHECK(*schedule_factor("swa", 27, 40) == Catch::Approx(0.1));
  CHECK(schedule_factor("swa", 40, 40) == 0.1);
  CHECK(schedule_factor("cosine", 0, 10) == 1);
  CHECK(*schedule_factor("cosine", 5, 10) == Catch::Approx(0.5));
  CHECK(schedule_factor("cosine", 10, 10) == 0);
}

TEST_CASE("cosine follows PyTorch's CosineAnnealingLR", "[runtime][schedule]") {
  // [CosineAnnealingLR(SGD(lr=1), T_max=7).step() ...], PyTorch's closed form.
  for (int step = 0; step <= 7; ++step)
    CHECK(*schedule_factor("cosine", step, 7)
          == Catch::Approx(std::pow(std::cos(M_PI * step / 14), 2))
                 .margin(1e-15));
}

TEST_CASE("a schedule that cannot be is refused", "[runtime][schedule]") {
  auto unknown = schedule_factor("cosin", 0, 10);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message
        == "unknown schedule \"cosin\"; did you mean \"cosine\"? known: "
           "constant, cosine, cyclical, linear, swa");
  CHECK(schedule_factor("linear", 11, 10).error().code
        == errc::invalid_argument);
  CHECK(schedule_factor("linear", -1, 10).error().code
        == errc::invalid_argument);
  CHECK(schedule_factor("linear", 0, 0).error().code == errc::invalid_argument);
}

TEST_CASE("LinearLR goes in a straight line and stays", "[runtime][schedule]") {
  CHECK(linear_lr_factor(0.5, 1, 4, 0) == 0.5);
  CHECK(linear_lr_factor(0.5, 1, 4, 1) == 0.625);
  CHECK(linear_lr_factor(0.5, 1, 4, 4) == 1);
  CHECK(linear_lr_factor(0.5, 1, 4, 9) == 1);
  CHECK(linear_lr_factor(1, 1, 4, 2) == 1); // PusH's default
}
