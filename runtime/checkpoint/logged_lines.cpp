#include "runtime/checkpoint/logged_lines.hpp"

#include <utility>

namespace posse {

void logged_lines::recall(std::span<const logged_event> log,
                          std::string_view event) {
  for (const auto& each : log) {
    if (each.event != event)
      continue;
    auto fields = each.fields;
    for (const auto* own : {"time", "level", "event"})
      fields.erase(own);
    (void)add(fields);
  }
}

bool logged_lines::add(const nlohmann::ordered_json& fields) {
  latest_ = fields;
  // As run_log writes them.
  return texts_
      .insert(fields.dump(-1, ' ', false,
                          nlohmann::ordered_json::error_handler_t::replace))
      .second;
}

} // namespace posse
