#include "actors/load_plugins.hpp"

#include "actors/plugin.hpp"
#include "runtime/config/load_config.hpp"
#include "runtime/config/toml_text.hpp"
#include "runtime/core/file_bytes.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/shared_object.hpp"

#include <algorithm>
#include <dlfcn.h>
#include <mutex>
#include <optional>

namespace posse {

namespace {

namespace fs = std::filesystem;

// Of a message; the linker names symbols by their long names.
constexpr std::size_t most_characters = 300;

constexpr std::string_view own_abi = POSSE_PLUGIN_ABI;

/// What was loaded, by the bytes of its file.
struct loaded_plugin {
  std::string name;
  std::string sha256;
  std::vector<fs::path> paths; ///< under which it was asked for
};

/// All of the process: nodes of one process share the registries, too.
struct loaded_plugins {
  std::mutex mutex;
  std::vector<loaded_plugin> all;
};

loaded_plugins& loaded() {
  static loaded_plugins these;
  return these;
}

tl::unexpected<failure> refuse(const listed_plugin& plugin,
                               const std::string& expected_what,
                               const std::string& came) {
  return fail(errc::invalid_config,
              plugin.where + ": expected " + expected_what + ", got " + came);
}

/// The bytes of the file, if they are those of a plugin for this program.
expected<file_bytes> read_plugin(const listed_plugin& plugin) {
  const auto path = plugin.path.string();
  std::error_code error;
  if (!fs::exists(plugin.path, error))
    return refuse(plugin, "a shared library", path + ", which is not there");
  auto file = read_file(plugin.path);
  if (!file)
    return refuse(plugin, "a shared library",
                  one_line(file.error().message, most_characters));
  const auto abi = text_in_shared_object(file->bytes(), "posse_plugin_abi");
  if (!abi)
    return refuse(plugin, "a shared library", path + ", which is none");
  if (!*abi)
    return refuse(plugin, "a plugin", path + ", which has no POSSE_PLUGIN");
  if (**abi != own_abi)
    return refuse(plugin, "a plugin for " + std::string{own_abi},
                  "one for " + one_line(**abi, most_characters));
  return file;
}

/// The address of a symbol of an open library, as a `T`.
template <class T>
T* symbol_of(void* library, const char* name) {
  return reinterpret_cast<T*>(dlsym(library, name));
}

expected<plugin_parts> parts_of(const listed_plugin& plugin, void* library) {
  const auto init =
      symbol_of<void(plugin_parts&)>(library, "posse_plugin_init");
  if (init == nullptr)
    return refuse(plugin, "a plugin",
                  plugin.path.string() + ", which has no posse_plugin_init");
  plugin_parts parts;
  auto done = guarded("an exception", [&] { init(parts); });
  if (!done)
    return refuse(plugin, "the plugin's parts",
                  one_line(done.error().message, most_characters));
  return parts;
}

expected<void> load(const listed_plugin& plugin, const std::string& name,
                    const loaded_plugins& before) {
  for (const auto& other : before.all)
    if (other.name == name)
      return refuse(plugin, "one plugin \"" + one_line(name) + '"',
                    "another than " + other.paths.front().string()
                        + ", which this process keeps until it ends");
  // The loader knows files by their paths and would give that one again.
  if (dlopen(plugin.path.c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr)
    return refuse(plugin, "a path that nothing was loaded from",
                  plugin.path.string()
                      + ", from which this process keeps what it has refused "
                        "until it ends");
  // Kept open for good: coroutines and vtables of its own may live on.
  void* const library = dlopen(plugin.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return refuse(
        plugin, "a plugin that can be loaded",
        one_line(why == nullptr ? "no reason" : why, most_characters));
  }
  auto parts = parts_of(plugin, library);
  if (!parts)
    return fail(std::move(parts));
  if (auto ok = std::move(*parts).enlist(); !ok)
    return fail(errc::invalid_config,
                plugin.where + ": "
                    + one_line(ok.error().message, most_characters));
  return {};
}

expected<void> load_once(const listed_plugin& plugin,
                         std::span<const data_file> wanted,
                         loaded_plugins& these) {
  auto file = read_plugin(plugin);
  if (!file)
    return fail(std::move(file));
  sha256 hash;
  hash.update(file->bytes());
  const auto here = hash.hex();
  const auto there = std::ranges::find(wanted, plugin.path, &data_file::path);
  if (there != wanted.end() && there->sha256 != here)
    return refuse(plugin, "the driver's file (sha256 " + there->sha256 + ")",
                  "another (" + here + ") in " + plugin.path.string());
  auto known = std::ranges::find(these.all, here, &loaded_plugin::sha256);
  if (known != these.all.end()) {
    known->paths.push_back(plugin.path);
    return {};
  }
  const auto name = text_in_shared_object(file->bytes(), "posse_plugin_name");
  if (!name || !*name)
    return refuse(plugin, "a plugin",
                  plugin.path.string() + ", which has no name");
  if (auto ok = load(plugin, **name, these); !ok)
    return ok;
  these.all.push_back({**name, here, {plugin.path}});
  return {};
}

} // namespace

expected<void> load_plugins(std::span<const listed_plugin> plugins,
                            std::span<const data_file> wanted) {
  return guarded("loading the plugins", [&]() -> expected<void> {
    auto& these = loaded();
    const std::lock_guard lock{these.mutex};
    for (const auto& plugin : plugins)
      if (auto ok = load_once(plugin, wanted, these); !ok)
        return ok;
    return {};
  });
}

expected<std::vector<data_file>>
loaded_plugin_files(std::span<const fs::path> paths) {
  auto& these = loaded();
  const std::lock_guard lock{these.mutex};
  std::vector<data_file> out;
  for (const auto& path : paths) {
    const auto known =
        std::ranges::find_if(these.all, [&](const loaded_plugin& x) {
          return std::ranges::find(x.paths, path) != x.paths.end();
        });
    if (known == these.all.end())
      return fail(errc::invalid_config,
                  "plugins: expected loaded ones, got " + path.string()
                      + ", which is not: read the config by load_run_config()");
    out.push_back({path, known->sha256});
  }
  return out;
}

expected<run_config> load_run_config(const fs::path& path,
                                     std::span<const std::string> sets) {
  auto plugins = list_plugins(path, sets);
  if (!plugins)
    return fail(std::move(plugins));
  if (auto ok = load_plugins(*plugins); !ok)
    return fail(std::move(ok));
  return load_config(path, sets, registered_names());
}

} // namespace posse
