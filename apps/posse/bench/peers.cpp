#include "apps/posse/bench/peers.hpp"

#include "apps/posse/bench/plain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <sstream>

namespace posse::bench {

namespace {

// Longer than a repetition of the slowest takes on a slow machine.
constexpr std::chrono::minutes patience{10};
constexpr std::int64_t warm_up_steps = 2;

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string{text}};
  std::vector<std::string> out;
  for (std::string word; in >> word;)
    out.push_back(word);
  return out;
}

} // namespace

expected<std::shared_ptr<peers>> peers::start(std::string_view command) {
  auto words = words_of(command);
  if (words.empty())
    return fail(errc::invalid_argument, "--peers: expected a command");
  auto program = child_program::start(std::move(words));
  if (!program)
    return fail(std::move(program));
  return std::shared_ptr<peers>{new peers{std::move(*program)}};
}

expected<std::shared_ptr<peers>> start_peers(const options& opts) {
  if (opts.peers.empty())
    return std::shared_ptr<peers>{};
  return peers::start(opts.peers);
}

expected<std::string> peers::ask(const std::string& request) {
  auto answer = program_.ask(request, patience);
  if (answer && answer->starts_with("error"))
    return fail(errc::backend_error,
                fmt::format("peers: \"{}\": {}", request, *answer));
  return answer;
}

expected<double> peers::run(const std::string& system, std::int64_t steps) {
  const auto request = fmt::format("run {} {}", system, steps);
  auto answer = ask(request);
  if (!answer)
    return fail(std::move(answer));
  double us = 0;
  const auto* end = answer->data() + answer->size();
  const auto [rest, error] = std::from_chars(answer->data(), end, us);
  if (error != std::errc{} || rest != end || !(us > 0))
    return fail(errc::backend_error,
                fmt::format("peers: \"{}\": expected microseconds, got \"{}\"",
                            request, *answer));
  return us;
}

expected<std::vector<contender>> peers::open(const row& cell,
                                             unit_of_work unit) {
  if (auto closed = ask("close"); !closed)
    return fail(std::move(closed));
  auto systems = ask(fmt::format("systems {} {}", cell.bench, cell.model));
  if (!systems)
    return fail(std::move(systems));
  std::vector<contender> out;
  for (const auto& system : words_of(*systems)) {
    if (auto opened = ask(fmt::format("open {} {} {} {} {}", cell.bench, system,
                                      cell.model, cell.particles, all_cores()));
        !opened)
      return fail(std::move(opened));
    auto timed = run(system, warm_up_steps).and_then([&](double) {
      return run(system, warm_up_steps);
    });
    if (!timed)
      return fail(std::move(timed));
    auto result = cell;
    result.system = system;
    result.lanes = all_cores();
    result.steps = std::max(
        static_cast<std::int64_t>(repetition_us / *timed * warm_up_steps),
        warm_up_steps);
    const auto steps = result.steps;
    const auto count = static_cast<double>(steps)
                       * (unit == unit_of_work::iteration
                              ? 1.0
                              : static_cast<double>(cell.particles));
    out.push_back(
        {std::move(result), [self = shared_from_this(), system, steps, count] {
           return self->run(system, steps).map([count](double us) {
             return us / count;
           });
         }});
  }
  return out;
}

expected<void> join(peers* others, const row& cell, unit_of_work unit,
                    std::vector<contender>& contenders) {
  if (others == nullptr)
    return {};
  return others->open(cell, unit).map([&](std::vector<contender> more) {
    std::ranges::move(more, std::back_inserter(contenders));
  });
}

} // namespace posse::bench
