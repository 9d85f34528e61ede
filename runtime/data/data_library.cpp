#include "runtime/data/data_library.hpp"

#include <mutex>
#include <vector>

namespace posse {

namespace {

struct shelf_place {
  data_section section;
  double validation_fraction;
  std::int64_t seed;
  std::weak_ptr<const data_set> data;
};

} // namespace

expected<std::shared_ptr<const data_set>> open_data(const run_config& config) {
  static std::mutex mutex;
  static std::vector<shelf_place> shelf;
  const std::lock_guard lock{mutex};
  std::erase_if(shelf, [](const shelf_place& p) { return p.data.expired(); });
  for (const auto& place : shelf)
    if (place.section == config.data && place.seed == config.run.seed
        && place.validation_fraction == config.infer.validation_fraction)
      if (auto data = place.data.lock())
        return data;
  auto loaded = load_data_set(config.data, config.infer.validation_fraction,
                              static_cast<std::uint64_t>(config.run.seed));
  if (!loaded)
    return fail(std::move(loaded));
  auto data = std::make_shared<const data_set>(std::move(*loaded));
  shelf.push_back(
      {config.data, config.infer.validation_fraction, config.run.seed, data});
  return data;
}

} // namespace posse
