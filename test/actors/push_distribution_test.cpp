#include "actors/behavior.hpp"
#include "actors/particle.hpp"
#include "test/actors/small_run.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <limits>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string echo_message = "ECHO";
const std::string gather_message = "GATHER";

task<value> echo(particle&, value args) {
  co_return args;
}

// Sums what all others echo, and reads one of them.
task<value> gather(particle& self, value args) {
  std::vector<response<value>> asked;
  for (auto pid : self.other_particles())
    asked.push_back(self.send(pid, echo_message, args));
  auto answers = co_await when_all(std::move(asked));
  std::int64_t sum = 0;
  for (const auto& x : answers)
    sum += value_or_throw(x.to<std::int64_t>("echo"));
  const auto view = co_await self.get(self.other_particles().front());
  self.state()["seen"] = static_cast<std::int64_t>(view.parameters().size());
  co_return sum;
}

task<value> throws(particle&, value) {
  throw std::runtime_error("the model is upside down");
  co_return value{};
}

task<value> asks_stranger(particle& self, value) {
  std::string msg = echo_message;
  auto answer = co_await as_expected(self.send(particle_id{99}, msg));
  co_return answer ? "answered" : answer.error().message;
}

// Keeps a frame suspended until its particle ends.
task<value> waits_for_itself(particle& self, value) {
  std::string msg = "WAIT";
  co_return co_await self.send(self.pid(), msg);
}

task<value> outputs(particle& self, value args) {
  auto x = value_or_throw(args.to<tensor_blob>("inputs"));
  co_return co_await self.forward(std::move(x));
}

bool is_zero(const std::vector<tensor_blob>& tensors) {
  return std::ranges::all_of(tensors, [](const tensor_blob& x) {
    return std::ranges::all_of(
        x.bytes(), [](std::byte each) { return each == std::byte{0}; });
  });
}

// Clears the gradients of a batch, and takes two steps of the schedule.
task<value> clears(particle& self, value) {
  co_await self.score(batch_ref{});
  const auto before = co_await self.get(self.pid());
  co_await self.zero_grad();
  const auto after = co_await self.get(self.pid());
  const auto first = co_await self.scheduler_step();
  const auto second = co_await self.scheduler_step();
  value_list out;
  out.emplace_back(is_zero(before.gradients()));
  out.emplace_back(is_zero(after.gradients()));
  out.emplace_back(double{first.learning_rate});
  out.emplace_back(double{second.learning_rate});
  co_return out;
}

run_config config_with(small_run& data, std::int64_t particles) {
  if (!behaviors().find("test"))
    REQUIRE(behaviors().add("test", [] {
      behavior out;
      out.handlers = {{echo_message, echo}, {gather_message, gather},
                      {"THROW", throws},    {"STRANGER", asks_stranger},
                      {"OUTPUTS", outputs}, {"WAIT", waits_for_itself}};
      return out;
    }()));
  auto config = data.config("deep_ensemble", particles, 5);
  config.infer.algorithm = "test";
  return config;
}

std::unique_ptr<push_distribution> start(const run_config& config) {
  auto pd = push_distribution::start(config);
  if (!pd)
    FAIL(pd.error().message);
  create_all(**pd);
  return std::move(*pd);
}

} // namespace

TEST_CASE("PusH's verbs work by their names", "[actors][push_distribution]") {
  small_run data;
  auto pd = start(data.config("deep_ensemble", 3, 5));
  CHECK(pd->num_particles() == 3);
  CHECK(pd->particle_ids() == std::vector<particle_id>{{0}, {1}, {2}});
  auto futures = launch(*pd);
  for (const auto& x : pd->p_wait(futures))
    CHECK(x);
  auto parameters = pd->p_parameters({1});
  REQUIRE(parameters);
  CHECK(parameters->size() == 4);
  CHECK(parameters->front().shape() == std::vector<std::int64_t>{8, 2});
  auto outputs = pd->p_predict({1}, data_part::test);
  REQUIRE(outputs);
  CHECK(outputs->size(0) == 8);
  CHECK(outputs->size(1) == 2); // mean and variance
}

TEST_CASE("particles tell their learning curves", "[actors][particle]") {
  small_run data;
  auto pd = start(data.config("deep_ensemble", 2, 5));
  const auto results = pd->p_wait(launch(*pd));
  const auto curves = pd->learning();
  REQUIRE(curves.size() == 2);
  for (const auto& [pid, points] : curves) {
    REQUIRE(points.size() == 5);
    const auto& last = points.back();
    CHECK(last.step == 5);
    CHECK(results[pid.number]->at<double>("loss") == last.loss);
    CHECK(last.validation.has_value());
  }
  CHECK(curves.at({0}) != curves.at({1}));
}

TEST_CASE("a leader tells the learning curves of all", "[actors][particle]") {
  small_run data;
  auto pd = start(data.config("svgd", 3, 4));
  const auto results = pd->p_wait(launch(*pd));
  const auto curves = pd->learning();
  REQUIRE(curves.size() == 3);
  double sum = 0;
  for (const auto& [pid, points] : curves) {
    REQUIRE(points.size() == 4);
    sum += points.back().loss;
  }
  CHECK(results.front()->at<double>("loss") == sum / 3);
}

TEST_CASE("particles ask one another and read one another",
          "[actors][particle]") {
  small_run data;
  auto config = config_with(data, 4);
  config.local.devices = {{"cpu:0", 0}, {"cpu:1", 0}};
  auto pd = start(config);
  auto sum = pd->p_launch({1}, gather_message, 14).wait();
  REQUIRE(sum);
  CHECK(*sum == value{std::int64_t{42}});
}

TEST_CASE(
    "D9: an unknown message names itself, the particle and the known ones",
    "[actors][particle]") {
  small_run data;
  auto pd = start(data.config("deep_ensemble", 2, 5));
  auto answer = pd->p_launch({1}, "TRIAN").wait();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::unknown_message);
  CHECK_THAT(answer.error().message, ContainsSubstring("particle 1")
                                         && ContainsSubstring("\"TRIAN\"")
                                         && ContainsSubstring("TRAIN"));
}

TEST_CASE("an exception in a handler is an error that keeps its text",
          "[actors][particle]") {
  small_run data;
  auto pd = start(config_with(data, 1));
  auto answer = pd->p_launch({0}, "THROW").wait();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message
        == "particle 0 on cpu:0: THROW: the model is upside down");
  // The particle lives on.
  CHECK(pd->p_launch({0}, echo_message, 7).wait() == value{7});
}

TEST_CASE("asking a particle that does not exist is an error, not a hang",
          "[actors][particle]") {
  small_run data;
  auto pd = start(config_with(data, 1));
  auto answer = pd->p_launch({0}, "STRANGER").wait();
  REQUIRE(answer);
  CHECK(*answer == value{"send \"ECHO\": no particle 99"});
  CHECK(pd->p_launch({5}, echo_message).wait().error().code
        == errc::unknown_particle);
  CHECK(pd->p_parameters({5}).error().code == errc::unknown_particle);
}

TEST_CASE("a run that ends answers handlers that are still suspended",
          "[actors][particle]") {
  small_run data;
  auto pd = start(config_with(data, 1));
  auto never = pd->p_launch({0}, "WAIT");
  CHECK(never.wait_for(std::chrono::milliseconds{1}).error().code
        == errc::timed_out);
  pd.reset();
  CHECK(never.wait().error().code == errc::actor_down);
}

TEST_CASE("a handler registered at run time answers its message",
          "[actors][particle]") {
  small_run data;
  auto pd = start(config_with(data, 1));
  CHECK(pd->p_register({0}, "PARROT", "test.ECHOO").error().code
        == errc::unknown_name);
  REQUIRE(pd->p_register({0}, "PARROT", "test.ECHO"));
  CHECK(pd->p_launch({0}, "PARROT", "hello").wait() == value{"hello"});
}

TEST_CASE("a particle gives its outputs for inputs that are sent to it",
          "[actors][particle]") {
  small_run data;
  auto pd = start(config_with(data, 1));
  const auto answer =
      pd->p_launch({0}, "OUTPUTS",
                   samples::blob(dtype::f32, {3, 2},
                                 std::vector<float>{1, 2, 1, 2, -1, 5}))
          .wait();
  INFO((answer ? std::string{} : answer.error().message));
  REQUIRE(answer);
  const auto y = answer->to<tensor_blob>("outputs");
  REQUIRE(y);
  REQUIRE(y->shape() == std::vector<std::int64_t>{3, 2});
  // Rows 0 and 1 have equal inputs, row 2 has others.
  const auto row = [&](std::size_t i) {
    const auto size = y->size_bytes() / 3;
    return y->bytes().subspan(i * size, size);
  };
  CHECK(std::ranges::equal(row(0), row(1)));
  CHECK_FALSE(std::ranges::equal(row(0), row(2)));
}

TEST_CASE("D10: gradients are cleared and schedules advance by message",
          "[actors][particle]") {
  small_run data;
  if (!behaviors().find("clears"))
    REQUIRE(behaviors().add("clears", [] {
      behavior out;
      out.handlers = {{"CLEAR", clears}};
      out.exchanges_scores = true; // with a gradient row
      return out;
    }()));
  auto config = data.config("svgd", 1, 4);
  config.infer.algorithm = "clears";
  config.infer.schedule = "linear";
  auto pd = start(config);
  const auto answer = pd->p_launch({0}, "CLEAR").wait();
  INFO((answer ? std::string{} : answer.error().message));
  REQUIRE(answer);
  const auto found = answer->to<value_list>("answer");
  REQUIRE(found);
  CHECK((*found)[0] == value{false});
  CHECK((*found)[1] == value{true});
  const auto first = (*found)[2].to<double>("first");
  const auto second = (*found)[3].to<double>("second");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first > *second);
  CHECK(*second > 0);
}

TEST_CASE("a loss that is not finite names particle, device and step",
          "[actors][device_worker]") {
  small_run data;
  auto pd = start(data.config(
      "deep_ensemble", 2, 50,
      {"infer.learning_rate=1e30", "infer.loss=nll", "infer.optimizer=sgd"}));
  for (const auto& result : wait_all(launch(*pd)))
    REQUIRE(result);
  const auto outputs = pd->p_predict({1}, data_part::test);
  REQUIRE_FALSE(outputs);
  CHECK(outputs.error().code == errc::non_finite);
  CHECK_THAT(
      outputs.error().message,
      ContainsSubstring("particle 1 on cpu:0 of node local: forward: its "
                        "loss became no number at step"));
}

TEST_CASE("a run that cannot start says why", "[actors][node_event_loop]") {
  small_run data;
  auto config = data.config("deep_ensemble", 1, 5);
  config.local.devices = {{"cuda:7", 0}};
  auto pd = push_distribution::start(config);
  REQUIRE_FALSE(pd);
  CHECK(pd.error().code == errc::device_unavailable);
  CHECK_THAT(pd.error().message, ContainsSubstring("cuda:7"));
}

TEST_CASE("D13: the leader's schedule advances with the others'",
          "[actors][svgd]") {
  small_run data;
  auto pd = start(data.config("svgd", 3, 20, {"infer.schedule=cosine"}));
  REQUIRE(wait_all(launch(*pd))[0]);
  for (auto pid : pd->particle_ids()) {
    auto state = pd->p_state(pid);
    REQUIRE(state);
    CHECK(state->cursor.at("schedule_steps") == value{std::int64_t{20}});
  }
}

TEST_CASE("SVGD keeps particles apart where a loss alone would not",
          "[actors][svgd]") {
  small_run data;
  auto pd = start(data.config("svgd", 6, 60));
  auto result = wait_all(launch(*pd));
  REQUIRE(result[0]);
  CHECK(result[0]->at<double>("mean_distance").value() > 0.5);
  CHECK(result[0]->at<bool>("collapsed") == false);
}
