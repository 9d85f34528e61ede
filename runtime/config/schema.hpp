#pragma once

#include "runtime/config/known_names.hpp"
#include "runtime/config/run_config.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The one table of what a config may say. Loading, `--set`, printing, checking
/// a resume and the documentation all go through it: a new key is one more row
/// here and one more field in run_config.hpp. [cluster] and [[node]] have
/// tables of their own, in cluster_schema.hpp.
namespace posse {

/// A setting, as it lies in a run_config or a cluster_config.
using config_value =
    std::variant<bool, std::int64_t, double, std::string, std::filesystem::path,
                 std::vector<std::int64_t>, std::vector<std::string>,
                 std::vector<std::filesystem::path>, std::vector<device_entry>>;

/// What a key takes in TOML. It follows from the field's type, down to the last
/// five, which a key has to ask for.
enum class value_kind : std::uint8_t {
  boolean,
  integer,
  real, ///< an integer is taken too
  text,
  path,
  integer_list,
  text_list,
  path_list,
  device_list,
  byte_size,     ///< an integer, or text such as "4GiB"
  text_or_real,  ///< one of the choices or a number, kept as text
  identifier,    ///< 1 to 64 of [A-Za-z0-9_-]
  loopback_host, ///< of 127.0.0.0/8, ::1 or localhost
  secret,        ///< 16 characters or more; no message or file ever shows it
};

/// Where numbers have to lie. Every number has to be finite as well.
struct number_range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;

  static constexpr number_range at_least(double low) { return {.low = low}; }
  static constexpr number_range above(double low) {
    return {.low = low, .low_included = false};
  }
  static constexpr number_range between(double low, double high) {
    return {.low = low, .high = high};
  }

  bool contains(double x) const noexcept;
};

/// More would be a typing error, not a run.
inline constexpr double most_particles = 1e6;

/// No list of a config is longer, but for run.places, which has an entry for
/// each particle.
inline constexpr std::size_t max_list_items = 1000;

struct config_key {
  std::string_view section; ///< "" for a key above all sections
  std::string_view name;
  value_kind kind = value_kind::text;
  /// Of a number, or of each number of a list.
  number_range range = {};
  /// The words allowed; empty: any text.
  std::vector<std::string> choices = {};
  /// The words allowed are the known names of a kind instead.
  std::optional<name_kind> names = {};
  /// In words, where the default is not that of a default-made run_config.
  std::string_view default_text = {};
  /// What it is, in one line.
  std::string_view doc;
  /// Whether a run may be resumed with another value.
  bool free_on_resume = false;

  /// "infer.batch", or the name alone for a key above all sections.
  std::string dotted() const;
};

/// A key, and where its setting lies in an `Owner`.
template <class Owner>
struct bound_key : config_key {
  /// The setting; nothing if it is unset.
  std::optional<config_value> (*get)(const Owner&) = nullptr;
  /// Changes the setting; the value holds the field's type.
  void (*set)(Owner&, const config_value&) = nullptr;
};

using run_key = bound_key<run_config>;

struct config_section {
  std::string_view name; ///< "" for what stands above all sections
  std::string_view doc;
};

/// The sections in the order in which they are printed.
std::span<const config_section> config_sections();

/// The keys, section by section, in the order in which they are printed.
std::span<const run_key> config_schema();

/// The key of a section, or nullptr.
const run_key* find_key(std::string_view section, std::string_view name);

/// The key called "infer.batch"; it must exist.
const run_key& key_named(std::string_view dotted);

/// The words that `key` takes: its choices or the known names; empty: any text.
const std::vector<std::string>& allowed_words(const config_key& key,
                                              const known_names& names);

} // namespace posse
