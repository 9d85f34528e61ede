#include "actors/behavior.hpp"

#include "actors/behaviors/deep_ensemble.hpp"
#include "actors/behaviors/hmc.hpp"
#include "actors/behaviors/langevin.hpp"
#include "actors/behaviors/laplace.hpp"
#include "actors/behaviors/mc_dropout.hpp"
#include "actors/behaviors/svgd.hpp"
#include "actors/behaviors/swag.hpp"
#include "actors/behaviors/vi.hpp"
#include "runtime/core/nearest_name.hpp"
#include "runtime/model/loss.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/optimizer.hpp"
#include "runtime/model/schedule.hpp"

namespace posse {

registry<behavior>& behaviors() {
  static registry<behavior> known = [] {
    registry<behavior> out{"behaviour"};
    out.add("deep_ensemble", deep_ensemble());
    out.add("svgd", svgd());
    out.add("swag", swag());
    out.add("multi_swag", swag());
    out.add("mc_dropout", mc_dropout());
    for (const auto* name : {"sgld", "psgld", "sghmc"})
      out.add(name, langevin());
    out.add("hmc", hmc());
    out.add("laplace", laplace());
    out.add("vi", vi());
    return out;
  }();
  return known;
}

known_names registered_names() {
  known_names out;
  out.algorithms = behaviors().names();
  out.models = networks().names();
  out.optimizers = optimizers().names();
  out.schedules = schedules().names();
  out.losses = losses().names();
  return out;
}

expected<handler> find_handler(std::string_view name) {
  const auto dot = name.find('.');
  auto from = behaviors().find(name.substr(0, dot));
  if (!from)
    return fail(std::move(from));
  const auto msg =
      dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  auto i = (*from)->handlers.find(msg);
  if (i == (*from)->handlers.end()) {
    std::vector<std::string> known;
    for (const auto& [each, unused] : (*from)->handlers)
      known.push_back(std::string{name.substr(0, dot)} + "." + each);
    return fail(errc::unknown_name, "unknown handler \"" + std::string{name}
                                        + "\"" + nearest_hint(name, known)
                                        + "; known: " + list_names(known));
  }
  return i->second;
}

} // namespace posse
