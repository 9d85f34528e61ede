#include "runtime/checkpoint/result_file.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

namespace posse {

expected<void> write_result(const std::filesystem::path& path,
                            const nlohmann::ordered_json& result) {
  return guarded(path.string(), [&] {
    auto text = result.dump(2, ' ', false,
                            nlohmann::ordered_json::error_handler_t::replace);
    return write_file_atomically(path, text + '\n');
  });
}

expected<nlohmann::ordered_json>
read_result(const std::filesystem::path& path) {
  using json = nlohmann::ordered_json;
  return guarded(path.string(), [&]() -> expected<json> {
    auto text = read_data_file(path);
    if (!text)
      return fail(std::move(text));
    auto result = json::parse(*text, nullptr, false);
    auto refuse = [&path](std::string_view what) {
      return fail(errc::invalid_data,
                  concat(path.string(), ": expected ", what));
    };
    if (!result.is_object())
      return refuse("the JSON object of a run's result");
    if (result.value("schema", json{}) != result_schema)
      return refuse(concat("\"schema\": ", result_schema));
    for (const auto* key : {"data", "metrics", "timing"})
      if (!result.contains(key) || !result[key].is_object())
        return refuse(concat("an object \"", key, '"'));
    if (!result["metrics"].contains("test")
        || !result["metrics"]["test"].is_object())
      return refuse("an object \"test\" in \"metrics\"");
    if (!result.contains("members") || !result["members"].is_array())
      return refuse("a list \"members\"");
    return result;
  });
}

} // namespace posse
