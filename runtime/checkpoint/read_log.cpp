#include "runtime/checkpoint/read_log.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <string_view>

namespace posse {

expected<std::vector<logged_event>>
read_log(const std::filesystem::path& path) {
  return guarded(path.string(), [&]() -> expected<std::vector<logged_event>> {
    auto text = read_data_file(path);
    if (!text)
      return fail(std::move(text));
    std::vector<logged_event> out;
    for (std::string_view left = *text; !left.empty();) {
      auto line =
          nlohmann::ordered_json::parse(take_until(left, '\n'), nullptr, false);
      if (!line.is_object() || !line.contains("level")
          || !line["level"].is_string() || !line.contains("event")
          || !line["event"].is_string())
        continue;
      auto level = line["level"].get<std::string>();
      auto event = line["event"].get<std::string>();
      out.push_back({std::move(level), std::move(event), std::move(line)});
    }
    return out;
  });
}

} // namespace posse
