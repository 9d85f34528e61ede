#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/particles.hpp"
#include "apps/posse/bench/workload.hpp"
#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

namespace posse::bench {

namespace {

constexpr std::int64_t rounds = 100'000;

double us_per_round(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) * 1e-3 / static_cast<double>(rounds);
}

caf::behavior echo(caf::event_based_actor*) {
  return {[](std::int64_t x) { return x; }};
}

/// Asks `echo` for so many echoes, one after the other; answers with the
/// nanoseconds that took.
class pinger_state {
public:
  using self_ptr = caf::stateful_actor<pinger_state>*;

  explicit pinger_state(self_ptr self) : self_{self} {}

  caf::behavior make_behavior(caf::actor echo) {
    echo_ = std::move(echo);
    return {[this](std::int64_t echoes) -> caf::result<std::int64_t> {
      missing_ = echoes;
      promise_ = self_->make_response_promise<std::int64_t>();
      start_ = clock::now();
      next();
      return promise_;
    }};
  }

private:
  void next() {
    if (missing_ == 0) {
      const std::chrono::nanoseconds took = clock::now() - start_;
      promise_.deliver(std::int64_t{took.count()});
      return;
    }
    self_->request(echo_, caf::infinite, missing_--).then([this](std::int64_t) {
      next();
    });
  }

  self_ptr self_;
  caf::actor echo_;
  std::int64_t missing_{0};
  clock::time_point start_;
  caf::typed_response_promise<std::int64_t> promise_;
};

caf::behavior pinger(pinger_state::self_ptr self, caf::actor echo) {
  return self->state.make_behavior(std::move(echo));
}

/// An actor system with the two, on as many threads as posse has for `lanes`.
class caf_pair {
public:
  explicit caf_pair(std::int64_t lanes)
      : system_{config_.with_threads(lanes)}, self_{system_},
        pinger_{self_->spawn(pinger, self_->spawn(echo))} {}
  // A promise that it keeps would keep it alive.
  ~caf_pair() { caf::anon_send_exit(pinger_, caf::exit_reason::kill); }
  caf_pair(const caf_pair&) = delete;
  caf_pair& operator=(const caf_pair&) = delete;

  expected<double> repeat() {
    expected<double> out{0.0};
    self_->request(pinger_, caf::infinite, rounds)
        .receive(
            [&](std::int64_t nanoseconds) { out = us_per_round(nanoseconds); },
            [&](caf::error& why) {
              out = tl::unexpected<failure>{from_error(why)};
            });
    return out;
  }

private:
  struct system_config : caf::actor_system_config {
    system_config& with_threads(std::int64_t threads) {
      set("scheduler.policy", caf::atom("stealing"));
      set("scheduler.max-threads", static_cast<std::size_t>(threads));
      return *this;
    }
  };

  system_config config_;
  caf::actor_system system_;
  caf::scoped_actor self_;
  caf::actor pinger_;
};

contender make(std::string system, std::int64_t lanes,
               std::function<expected<double>()> repeat) {
  row result{"message", std::move(system), {}, 2, lanes};
  result.steps = rounds;
  return {std::move(result), std::move(repeat)};
}

} // namespace

expected<std::vector<row>> measure_message(const options& opts) {
  auto work = make_workload("mlp13", "deep_ensemble");
  if (!work)
    return fail(std::move(work));
  std::vector<contender> contenders;
  for (auto lanes : opts.lanes) {
    auto started = start_particles(*work, 2, lanes);
    if (!started)
      return fail(std::move(started));
    contenders.push_back(
        make("caf", lanes, [pair = std::make_shared<caf_pair>(lanes)] {
          return pair->repeat();
        }));
    contenders.push_back(
        make("posse", lanes,
             [run = std::shared_ptr<push_distribution>{
                  std::move(*started)}]() -> expected<double> {
               auto took =
                   run->p_launch(particle_id{0}, ping_message, rounds).wait();
               if (!took)
                 return fail(std::move(took));
               return took->to<std::int64_t>("nanoseconds").map(us_per_round);
             }));
  }
  return interleave(std::move(contenders), opts.repetitions);
}

} // namespace posse::bench
