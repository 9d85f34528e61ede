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
/// here and one more field in run_config.hpp.
namespace posse {

/// A setting, as it lies in a run_config.
using config_value =
    std::variant<bool, std::int64_t, double, std::string, std::filesystem::path,
                 std::vector<std::int64_t>, std::vector<std::filesystem::path>,
                 std::vector<device_entry>>;

/// What a key takes in TOML. All but the last follow from its field's type.
enum class value_kind : std::uint8_t {
  boolean,
  integer,
  real, ///< an integer is taken too
  text,
  path,
  integer_list,
  path_list,
  device_list,
  text_or_real, ///< one of the choices or a number, kept as text
};

/// Where numbers have to lie. Every number has to be finite as well.
struct number_range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;

  bool contains(double x) const noexcept;
};

/// No list of a config is longer.
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
  /// Words of the interface that come with a later version.
  std::vector<std::string> later = {};
  /// In words, where the default is not that of a default-made run_config.
  std::string_view default_text = {};
  /// What it is, in one line.
  std::string_view doc;
  /// Whether a run may be resumed with another value.
  bool free_on_resume = false;
  /// The setting; nothing if it is unset.
  std::optional<config_value> (*get)(const run_config&) = nullptr;
  /// Changes the setting; the value holds the field's type.
  void (*set)(run_config&, const config_value&) = nullptr;

  /// "infer.batch", or the name alone for a key above all sections.
  std::string dotted() const;
};

struct config_section {
  std::string_view name; ///< "" for what stands above all sections
  std::string_view doc;
};

/// The sections in the order in which they are printed.
std::span<const config_section> config_sections();

/// The keys, section by section, in the order in which they are printed.
std::span<const config_key> config_schema();

/// The key of a section, or nullptr.
const config_key* find_key(std::string_view section, std::string_view name);

/// The key called "infer.batch"; it must exist.
const config_key& key_named(std::string_view dotted);

/// The words that `key` takes: its choices or the known names; empty: any text.
const std::vector<std::string>& allowed_words(const config_key& key,
                                              const known_names& names);

} // namespace posse
