#pragma once

#include "runtime/checkpoint/read_log.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace posse {

/// What a log says of one event, to write each line of it once: a resumed run
/// repeats the steps between its checkpoint and the end of the process before,
/// and they say the same again. Not thread-safe.
class logged_lines {
public:
  /// Takes up the lines of `event` that the log has from processes before.
  void recall(std::span<const logged_event> log, std::string_view event);

  /// Notes a line that is to be written.
  /// @param fields Those beside its time, level and event: an object.
  /// @returns whether it is new.
  bool add(const nlohmann::ordered_json& fields);

  /// The fields of the latest line, recalled or new; null if there is none.
  const nlohmann::ordered_json& latest() const noexcept { return latest_; }

private:
  std::set<std::string> texts_;
  nlohmann::ordered_json latest_;
};

} // namespace posse
