#include "runtime/config/load_config.hpp"

#include "runtime/config/assign.hpp"
#include "runtime/config/config_document.hpp"
#include "runtime/config/resolve_config.hpp"
#include "runtime/core/guarded.hpp"

namespace posse {

namespace {

expected<run_config> load_text(std::string_view text,
                               const std::filesystem::path& path,
                               std::span<const std::string> sets,
                               const known_names& names) {
  auto file = path.string();
  auto document = parse_document(text, file);
  if (!document)
    return fail(std::move(document));
  run_config config;
  config.origins = key_origins{file};
  const place in_file{file, std::filesystem::absolute(path).parent_path()};
  if (auto ok = make_nodes(config, *document, in_file); !ok)
    return fail(std::move(ok));
  for (const auto& a : list_assignments(*document, config.origins))
    if (auto ok = assign(config, a, in_file, names); !ok)
      return fail(std::move(ok));
  for (const auto& set : sets)
    if (auto ok = assign_set(config, set, names); !ok)
      return fail(std::move(ok));
  if (config.cluster)
    config.cluster->origins = config.origins;
  if (auto ok = resolve_config(config, in_file.folder, names); !ok)
    return fail(std::move(ok));
  return config;
}

} // namespace

expected<run_config> load_config(const std::filesystem::path& path,
                                 std::span<const std::string> sets,
                                 const known_names& names) {
  return guarded("loading the config", [&]() -> expected<run_config> {
    auto text = read_config_file(path);
    if (!text)
      return fail(std::move(text));
    return load_text(*text, path, sets, names);
  });
}

expected<run_config> parse_config(std::string_view text,
                                  const std::filesystem::path& path,
                                  std::span<const std::string> sets,
                                  const known_names& names) {
  return guarded("loading the config",
                 [&] { return load_text(text, path, sets, names); });
}

} // namespace posse
