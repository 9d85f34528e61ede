#include "apps/posse/sampler_parts.hpp"

#include <algorithm>

namespace posse {

namespace {

using json = nlohmann::ordered_json;

/// Whether all of them are there: a log is a file that anyone may change.
bool has_numbers(const json& x) {
  return std::ranges::all_of(
             std::initializer_list<const char*>{"pid", "from", "to", "kept",
                                                "diverged"},
             [&x](const char* key) {
               return x.contains(key) && x[key].is_number_integer();
             })
         && std::ranges::all_of(
             std::initializer_list<const char*>{"accepted", "step_size"},
             [&x](const char* key) {
               return x.contains(key) && x[key].is_number();
             });
}

} // namespace

void sampler_parts::recall(std::span<const logged_event> log,
                           const std::map<particle_id, std::int64_t>& steps) {
  for (const auto& each : log)
    if (each.event == "chain")
      (void)add(each.fields);
  for (auto& [pid, parts] : by_chain_) {
    const auto at = steps.find(pid);
    std::erase_if(parts, [&](const part& x) {
      return at == steps.end() || x.to > at->second;
    });
  }
}

bool sampler_parts::add(const json& fields) {
  if (!has_numbers(fields))
    return false;
  const part x{fields["from"].get<std::int64_t>(),
               fields["to"].get<std::int64_t>(),
               fields["kept"].get<std::int64_t>(),
               fields["diverged"].get<std::int64_t>(),
               fields["accepted"].get<double>(),
               fields["step_size"].get<double>()};
  if (x.to <= x.from)
    return false;
  auto& parts = by_chain_[{fields["pid"].get<std::uint32_t>()}];
  std::erase_if(parts, [&x](const part& other) { return other.to > x.from; });
  parts.push_back(x);
  return true;
}

json sampler_parts::summary() const {
  auto out = json::array();
  for (const auto& [pid, parts] : by_chain_) {
    if (parts.empty())
      continue;
    double accepted = 0;
    std::int64_t kept = 0;
    std::int64_t diverged = 0;
    for (const auto& x : parts) {
      accepted += x.accepted * static_cast<double>(x.kept);
      kept += x.kept;
      diverged += x.diverged;
    }
    out.push_back(
        {{"pid", pid.number},
         {"accepted",
          accepted / static_cast<double>(std::max<std::int64_t>(kept, 1))},
         {"step_size", parts.back().step_size},
         {"diverged", diverged}});
  }
  return out;
}

} // namespace posse
