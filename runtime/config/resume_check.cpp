#include "runtime/config/resume_check.hpp"

#include "runtime/config/schema.hpp"
#include "runtime/config/schema_text.hpp"

#include <c10/util/StringUtil.h>

namespace posse {

expected<void> check_resumable(const run_config& saved, const run_config& now) {
  for (const auto& key : config_schema()) {
    auto before = key.get(saved);
    auto after = key.get(now);
    if (key.free_on_resume || before == after)
      continue;
    if (key.dotted() == "run.fuse" && now.run.fuse == fuse_mode::automatic)
      continue;
    auto text = [&key](const std::optional<config_value>& x) {
      return x ? toml_text(key, *x) : std::string{"none"};
    };
    return fail(errc::invalid_config,
                c10::str(now.origins.where(key.dotted()), ": expected ",
                         text(before), " as in the saved run, got ",
                         text(after)));
  }
  return {};
}

} // namespace posse
