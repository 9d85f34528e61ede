#include "apps/posse/trace_file.hpp"

#include "runtime/trace/trace_recorder.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posse {

expected<void> save_trace(push_distribution& particles,
                          const std::filesystem::path& path, run_log& log) {
  const auto trace = particles.trace();
  if (auto written = write_chrome_trace(path, trace); !written)
    return written;
  log.write(log_level::info, "trace",
            {{"events", trace.events()},
             {"dropped", trace.dropped()},
             {"missing", trace.missing}});
  if (trace.dropped() > 0)
    fmt::print(stderr,
               "warning: {}: {} later events are not in it; there is room for "
               "{} of a device\n",
               path.string(), trace.dropped(),
               trace_recorder::default_capacity);
  for (const auto& each : trace.missing)
    fmt::print(stderr, "warning: {}: nothing from {}\n", path.string(), each);
  return {};
}

} // namespace posse
