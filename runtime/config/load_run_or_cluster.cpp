#include "runtime/config/load_run_or_cluster.hpp"

#include "runtime/config/config_document.hpp"
#include "runtime/config/load_cluster.hpp"
#include "runtime/config/load_config.hpp"
#include "runtime/core/guarded.hpp"

namespace posse {

namespace {

using either = std::variant<run_config, cluster_config>;

expected<either> load(const std::filesystem::path& path,
                      std::span<const std::string> sets,
                      const known_names& names) {
  auto text = read_config_file(path);
  if (!text)
    return fail(std::move(text));
  auto document = parse_document(*text, path.string());
  if (!document)
    return fail(std::move(document));
  auto as_either = [](auto config) { return either{std::move(config)}; };
  if (is_of_cluster(*document, sets))
    return parse_cluster(*text, path, sets, run_sections::refused)
        .map(as_either);
  return parse_config(*text, path, sets, names).map(as_either);
}

} // namespace

expected<either> load_run_or_cluster(const std::filesystem::path& path,
                                     std::span<const std::string> sets,
                                     const known_names& names) {
  return guarded("loading the config", [&] { return load(path, sets, names); });
}

} // namespace posse
