#include "apps/posse/bench/caf_pair.hpp"

#include "apps/posse/bench/child_program.hpp"
#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/interrupt.hpp"
#include "messages/caf_errors.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace posse::bench {

namespace {

caf::behavior echo(caf::event_based_actor*, int) {
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

struct plain_config : caf::actor_system_config {
  plain_config(std::int64_t threads, bool network) {
    set("scheduler.policy", caf::atom("stealing"));
    set("scheduler.max-threads", static_cast<std::size_t>(threads));
    if (network)
      load<caf::io::middleman>();
  }
};

class plain_pair final : public caf_pair {
public:
  plain_pair(std::int64_t threads, std::optional<child_program> far)
      : far_{std::move(far)}, config_{threads, far_.has_value()},
        system_{config_}, self_{system_} {}
  // A promise that it keeps would keep it alive.
  ~plain_pair() override {
    if (pinger_)
      self_->send_exit(pinger_, caf::exit_reason::kill);
    if (!far_ && echo_)
      self_->send_exit(echo_, caf::exit_reason::kill);
  }

  expected<void> connect() {
    if (far_) {
      auto there = system_.middleman().remote_actor(
          "127.0.0.1",
          static_cast<std::uint16_t>(std::stoi(far_->first_line())));
      if (!there)
        return tl::unexpected<failure>{from_error(there.error())};
      echo_ = std::move(*there);
    } else {
      echo_ = self_->spawn(echo, 0);
    }
    pinger_ = self_->spawn(pinger, echo_);
    return {};
  }

  expected<double> rounds(std::int64_t echoes) override {
    expected<double> out{0.0};
    self_->request(pinger_, caf::infinite, echoes)
        .receive(
            [&](std::int64_t nanoseconds) {
              out = static_cast<double>(nanoseconds) * 1e-3
                    / static_cast<double>(echoes);
            },
            [&](caf::error& why) {
              out = tl::unexpected<failure>{from_error(why)};
            });
    return out;
  }

private:
  std::optional<child_program> far_;
  plain_config config_;
  caf::actor_system system_;
  caf::scoped_actor self_;
  caf::actor echo_;
  caf::actor pinger_;
};

expected<std::shared_ptr<caf_pair>>
connected(std::int64_t threads, std::optional<child_program> far) {
  auto out = std::make_shared<plain_pair>(threads, std::move(far));
  if (auto ready = out->connect(); !ready)
    return fail(std::move(ready));
  return out;
}

} // namespace

expected<std::shared_ptr<caf_pair>> caf_pair::here(std::int64_t threads) {
  return connected(threads, std::nullopt);
}

expected<std::shared_ptr<caf_pair>> caf_pair::apart(std::int64_t threads) {
  auto far = child_program::start_posse({"bench", "echo"});
  if (!far)
    return fail(std::move(far));
  return connected(threads, std::move(*far));
}

int run_caf_echo() {
  const interrupt_guard guard;
  constexpr std::int64_t threads = 2;
  plain_config config{threads, true};
  caf::actor_system system{config};
  const auto echoes = system.spawn(echo, 0);
  auto port = system.middleman().publish(echoes, 0, "127.0.0.1");
  if (!port)
    return 3;
  fmt::print("{}\n", *port);
  std::fflush(stdout);
  constexpr std::chrono::milliseconds tick{20};
  while (!guard.requested())
    std::this_thread::sleep_for(tick);
  caf::anon_send_exit(echoes, caf::exit_reason::kill);
  return 0;
}

} // namespace posse::bench
