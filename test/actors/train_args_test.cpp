#include "actors/behaviors/train_args.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("steps name the batches of their epochs in turn",
          "[actors][train_args]") {
  const train_args args{100, 7, 10, false};
  CHECK(args.batch(0, {3})
        == batch_ref{data_part::train, 0, 0, batch_ref::shared_order});
  CHECK(args.batch(15, {3})
        == batch_ref{data_part::train, 2, 1, batch_ref::shared_order});
  CHECK((train_args{100, 7, 10, true}.batch(15, {3}).stream) == 3);
}

TEST_CASE("validation falls on its steps and on the last one",
          "[actors][train_args]") {
  const train_args args{25, 7, 10, false};
  CHECK_FALSE(args.validates_after(9));
  CHECK(args.validates_after(10));
  CHECK(args.validates_after(25));
  CHECK_FALSE((train_args{25, 7, 0, false}.validates_after(25)));
}

TEST_CASE("a run logs its last step and at most 100 before it",
          "[actors][train_args]") {
  for (std::int64_t steps : {1, 24, 25, 26, 2499, 2500, 3399, 100'000}) {
    const train_args args{steps, 7, 0, false};
    INFO(steps << " steps");
    CHECK(args.logs_after(steps));
    std::int64_t lines = 0;
    std::int64_t last = 0;
    for (std::int64_t done = 1; done < steps; ++done)
      if (args.logs_after(done)) {
        CHECK(done - last >= 25);
        last = done;
        ++lines;
      }
    CHECK(lines <= 100);
  }
  CHECK((train_args{3000, 7, 0, false}.logs_after(30)));
}

TEST_CASE("iterates count after the burn-in, one of so many",
          "[actors][train_args]") {
  train_args args;
  args.steps = 30;
  CHECK_FALSE(args.collects_after(30));
  CHECK(args.collections() == 0);
  args.burn_in = 10;
  args.thinning = 7;
  std::int64_t count = 0;
  for (std::int64_t done = 1; done <= args.steps; ++done)
    count += args.collects_after(done) ? 1 : 0;
  CHECK(count == 2);
  CHECK(args.collections() == 2);
  CHECK_FALSE(args.collects_after(10));
  CHECK(args.collects_after(17));
  CHECK(args.collects_after(24));
  const auto back = train_args_from_value(to_dict(args));
  REQUIRE(back);
  CHECK(back->collects_after(24));
}

TEST_CASE("iterates count at the end of each cycle", "[actors][train_args]") {
  train_args args;
  args.steps = 25; // the third cycle has five steps
  args.cycle = 10;
  args.burn_in = 6;
  args.thinning = 2;
  std::vector<std::int64_t> found;
  for (std::int64_t done = 1; done <= args.steps; ++done)
    if (args.collects_after(done))
      found.push_back(done);
  CHECK(found == std::vector<std::int64_t>{8, 10, 18, 20});
  CHECK(args.collections() == 4);
  args.steps = 28;
  CHECK(args.collects_after(28));
  CHECK(args.collections() == 5);
  const auto back = train_args_from_value(to_dict(args));
  REQUIRE(back);
  CHECK(back->collections() == 5);
}

TEST_CASE("arguments survive the way to a particle", "[actors][train_args]") {
  const train_args args{100, 7, 10, true};
  auto back = train_args_from_value(to_dict(args));
  REQUIRE(back);
  CHECK(back->batch(99, {2}) == args.batch(99, {2}));
  const batch_ref batch{data_part::train, 4, 5, 6};
  CHECK(batch_ref_from_value(to_value(batch)) == batch);
}

TEST_CASE("arguments that make no sense are refused by name",
          "[actors][train_args]") {
  auto args = to_dict({100, 7, 10, true});
  args["steps"] = 0;
  CHECK_THAT(train_args_from_value(args).error().message,
             ContainsSubstring("steps: expected at least 1, got 0"));
  args.erase("steps");
  CHECK_THAT(train_args_from_value(args).error().message,
             ContainsSubstring("steps"));
  CHECK_FALSE(batch_ref_from_value(value_dict{{"epoch", -1}}));
}
