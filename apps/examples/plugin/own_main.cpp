#include "parts.hpp"

#include <actors/push_distribution.hpp>
#include <cstdio>
#include <cstdlib>
#include <runtime/config/load_config.hpp>
#include <runtime/core/sha256.hpp>
#include <runtime/device/compute_thread.hpp>

namespace {

/// Says what went wrong and ends the program.
template <class T>
T must(posse::expected<T> x) {
  if (!x) {
    std::fprintf(stderr, "%s\n", x.error().message.c_str());
    std::exit(2);
  }
  if constexpr (!std::is_void_v<T>)
    return std::move(*x);
}

} // namespace

/// The plugin's behaviour without the program posse:
///   own_main CONFIG [KEY=VALUE...]
int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: own_main CONFIG [KEY=VALUE...]\n");
    return 2;
  }
  // What the plugin does when posse loads it.
  posse::plugin_parts parts;
  gossip::add_parts(parts);
  must(std::move(parts).enlist());

  posse::prepare_compute_thread();
  const std::vector<std::string> sets{argv + 2, argv + argc};
  auto config =
      must(posse::load_config(argv[1], sets, posse::registered_names()));
  config.plugins.clear(); // what they bring is in this program
  const auto particles = must(posse::push_distribution::start(config));
  const auto& plan = particles->plan();
  for (std::int64_t i = 0; i < plan.particles; ++i)
    must(particles->p_create());
  const auto trained =
      must(particles->p_launch({0}, plan.entry, plan.entry_args).wait());
  std::printf("trained %s\n", to_string(trained).c_str());

  // As in the result.json of `posse run`.
  posse::sha256 hash;
  std::vector<std::vector<posse::tensor_blob>> parameters;
  for (auto pid : particles->particle_ids()) {
    parameters.push_back(must(particles->p_parameters(pid)));
    for (const auto& tensor : parameters.back())
      hash.update(tensor.bytes());
  }
  std::printf("parameters_sha256 %s\n", hash.hex().c_str());
  std::printf("equal %s\n", parameters[0] == parameters[1] ? "yes" : "no");
  return 0;
}
