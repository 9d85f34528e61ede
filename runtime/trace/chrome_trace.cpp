#include "runtime/trace/chrome_trace.hpp"

#include "messages/version.hpp"
#include "runtime/core/atomic_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <string_view>

namespace posse {

namespace {

using json = nlohmann::ordered_json;

std::string text_of(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Microseconds, to the nanosecond: a double would round those of a long run.
std::string microseconds(std::int64_t nanoseconds) {
  const auto part = std::to_string(1000 + nanoseconds % 1000);
  return std::to_string(nanoseconds / 1000) + '.' + part.substr(1);
}

std::int64_t first_start(const run_trace& trace) {
  auto out = std::numeric_limits<std::int64_t>::max();
  for (const auto& each : trace.devices)
    out = std::min(out, each.log.started);
  return out;
}

std::string name_of(const trace_event& event, const trace_log& log) {
  auto out = event.name < log.names.size() ? log.names[event.name] : "?";
  if (const auto at = out.find("{}"); at != std::string::npos)
    out.replace(at, 2, to_string(event.pid));
  return out;
}

std::string arguments_of(const trace_event& event) {
  if (event.particles > 1)
    return "{\"particles\":" + std::to_string(event.particles) + '}';
  if (event.particles == 0)
    return "{}";
  auto out = "{\"particle\":" + to_string(event.pid);
  if (event.step >= 0)
    out += ",\"step\":" + std::to_string(event.step);
  return out + '}';
}

/// Writes the elements of "traceEvents", one a line.
class event_writer {
public:
  explicit event_writer(output_file& file) : file_{file} {}

  expected<void> write(std::string_view event) {
    auto done = file_.write(first_ ? "\n" : ",\n");
    first_ = false;
    return done ? file_.write(event) : done;
  }

  /// Metadata of a process, or of one of its threads.
  expected<void> describe(const char* what, std::size_t process,
                          std::size_t thread, const json& arguments) {
    return write(text_of({{"ph", "M"},
                          {"name", what},
                          {"pid", process},
                          {"tid", thread},
                          {"args", arguments}}));
  }

private:
  output_file& file_;
  bool first_{true};
};

expected<void> write_device(event_writer& out, const traced_device& device,
                            std::size_t process, std::size_t first_thread,
                            std::int64_t offset) {
  const auto& log = device.log;
  for (std::size_t i = 0; i < log.rows.size(); ++i) {
    const auto thread = first_thread + i;
    if (auto x = out.describe("thread_name", process, thread,
                              {{"name", log.rows[i]}});
        !x)
      return x;
    if (auto x = out.describe("thread_sort_index", process, thread,
                              {{"sort_index", thread}});
        !x)
      return x;
  }
  const auto place = "\"pid\":" + std::to_string(process) + ",\"tid\":";
  for (const auto& event : log.events) {
    auto x = out.write("{\"ph\":\"X\",\"name\":" + text_of(name_of(event, log))
                       + ',' + place + std::to_string(first_thread + event.row)
                       + ",\"ts\":" + microseconds(event.begin + offset)
                       + ",\"dur\":" + microseconds(event.end - event.begin)
                       + ",\"args\":" + arguments_of(event) + '}');
    if (!x)
      return x;
  }
  return {};
}

expected<void> write_events(event_writer& out, const run_trace& trace) {
  const auto start = first_start(trace);
  std::size_t process = 0;
  std::size_t thread = 0;
  const std::string* node = nullptr;
  for (const auto& device : trace.devices) {
    if (node == nullptr || *node != device.node) {
      node = &device.node;
      ++process;
      thread = 1;
      if (auto x = out.describe("process_name", process, 0,
                                {{"name", "node " + device.node}});
          !x)
        return x;
      if (auto x = out.describe("process_sort_index", process, 0,
                                {{"sort_index", process}});
          !x)
        return x;
    }
    if (auto x = write_device(out, device, process, thread,
                              device.log.started - start);
        !x)
      return x;
    thread += device.log.rows.size();
  }
  return {};
}

json other_data(const run_trace& trace) {
  json dropped = json::object();
  json offsets = json::object();
  for (const auto& each : trace.devices) {
    if (each.log.dropped > 0)
      dropped[each.node + ' ' + each.device] = each.log.dropped;
    offsets[each.node] =
        static_cast<double>(each.log.started - first_start(trace)) / 1e3;
  }
  return {{"program", std::string{"posse "} + version},
          {"run", trace.run},
          {"dropped_events", dropped},
          {"missing_devices", trace.missing},
          {"node_offset_us", offsets}};
}

} // namespace

std::uint64_t run_trace::events() const {
  std::uint64_t sum = 0;
  for (const auto& each : devices)
    sum += each.log.events.size();
  return sum;
}

std::uint64_t run_trace::dropped() const {
  std::uint64_t sum = 0;
  for (const auto& each : devices)
    sum += each.log.dropped;
  return sum;
}

expected<void> write_chrome_trace(const std::filesystem::path& path,
                                  const run_trace& trace) {
  return write_file_atomically(path, [&](output_file& file) -> expected<void> {
    const auto head = "{\"displayTimeUnit\":\"ms\",\n\"otherData\":"
                      + text_of(other_data(trace)) + ",\n\"traceEvents\":[";
    if (auto x = file.write(head); !x)
      return x;
    event_writer events{file};
    if (auto x = write_events(events, trace); !x)
      return x;
    return file.write("\n]}\n");
  });
}

} // namespace posse
