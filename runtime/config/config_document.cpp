#include "runtime/config/config_document.hpp"

#include "runtime/config/load_config.hpp"
#include "runtime/config/toml_text.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <fstream>

namespace posse {

namespace {

tl::unexpected<failure> invalid(std::string_view where, std::string_view text) {
  return fail(errc::invalid_config, c10::str(where, ": ", text));
}

std::string at_line(const std::string& file, std::size_t line) {
  return c10::str(file, ":", line);
}

/// toml++ frees nested tables recursively and takes dotted keys of any length,
/// so that a line of 100000 dots overflows the stack (20000 do not, and values
/// nest 256 deep at most). No key of a config has more than one.
constexpr std::size_t max_dots_a_line = 64;

/// Dots of a line that could separate keys: none in a comment, and of a row of
/// dots only the first.
std::size_t count_dots(std::string_view line) {
  auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos || line[first] == '#')
    return 0;
  std::size_t dots = 0;
  for (std::size_t i = first; i < line.size(); ++i)
    dots += line[i] == '.' && (i == 0 || line[i - 1] != '.');
  return dots;
}

/// Refuses what toml++ would crash on or explain badly.
expected<void> check_bytes(std::string_view text, const std::string& file) {
  if (text.size() > max_config_bytes)
    return invalid(file, "expected a TOML file of at most 1 MiB, got more");
  std::size_t number = 1;
  for (std::size_t start = 0; start <= text.size(); ++number) {
    auto end = std::min(text.find('\n', start), text.size());
    auto line = text.substr(start, end - start);
    start = end + 1;
    if (line.find('\0') != std::string_view::npos)
      return invalid(at_line(file, number),
                     "syntax: expected text, got a NUL byte (is this a binary "
                     "file?)");
    if (auto dots = count_dots(line); dots > max_dots_a_line)
      return invalid(at_line(file, number),
                     c10::str("syntax: expected at most ", max_dots_a_line,
                              " dots in a line, got ", dots));
  }
  return {};
}

} // namespace

expected<std::string> read_config_file(const std::filesystem::path& path) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return invalid(path.string(), "expected a TOML file, found none");
  if (std::filesystem::is_directory(status))
    return invalid(path.string(), "expected a TOML file, got a folder");
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return invalid(path.string(), "expected a TOML file, got one that cannot "
                                  "be opened");
  // One byte more than allowed: a pipe does not tell its size.
  std::string text(max_config_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad())
    return invalid(path.string(), "expected a TOML file, got one that cannot "
                                  "be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

expected<toml::table> parse_document(std::string_view text,
                                     const std::string& file) {
  if (auto ok = check_bytes(text, file); !ok)
    return fail(std::move(ok));
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& e) {
    // "Error while parsing key-value pair: expected value, saw '\n'"
    std::string_view why = e.description();
    constexpr std::string_view opening = "Error while parsing ";
    if (why.starts_with(opening))
      why.remove_prefix(opening.size());
    bool bare = why.find("could not determine value type") != why.npos;
    return invalid(at_line(file, e.source().begin.line),
                   c10::str("syntax: ", one_line(why, 200),
                            bare ? " (text needs quotes)" : ""));
  }
}

bool is_of_cluster(const toml::table& document,
                   std::span<const std::string> sets) {
  return (document.contains("cluster") || document.contains("node"))
         && !document.contains("data")
         && std::none_of(sets.begin(), sets.end(), [](const auto& set) {
              return set.starts_with("data.");
            });
}

} // namespace posse
