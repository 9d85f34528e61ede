#include "runtime/checkpoint/result_file.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"

#include <nlohmann/json.hpp>

namespace posse {

expected<void> write_result(const std::filesystem::path& path,
                            const nlohmann::ordered_json& result) {
  return guarded(path.string(), [&] {
    auto text = result.dump(2, ' ', false,
                            nlohmann::ordered_json::error_handler_t::replace);
    return write_file_atomically(path, text + '\n');
  });
}

} // namespace posse
