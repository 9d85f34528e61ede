#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

/// Entries of JSON that somebody may have edited: what is not there, or of
/// another type, is nothing.
namespace posse::report {

inline std::optional<double> number_at(const nlohmann::ordered_json& object,
                                       const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number())
    return std::nullopt;
  return found->get<double>();
}

/// 0 where there is none.
inline std::int64_t integer_at(const nlohmann::ordered_json& object,
                               const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer()
             ? found->get<std::int64_t>()
             : 0;
}

/// "" where there is none.
inline std::string text_at(const nlohmann::ordered_json& object,
                           const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string{};
}

} // namespace posse::report
