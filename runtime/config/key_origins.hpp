#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace posse {

/// Where each setting of a config came from: what an error about it starts
/// with, and whether the user chose it at all. Keys are dotted: "infer.batch".
class key_origins {
public:
  key_origins() = default; ///< of a config that no file holds

  /// @param file The file's name as the user gave it, for messages.
  explicit key_origins(std::string file) : file_{std::move(file)} {}

  /// Notes that the file has `key`, or the section `key`, in `line` (from 1).
  void record_line(std::string key, std::size_t line);

  /// Notes that `--set` gave `key`; it replaces the file's line.
  void record_set(std::string key);

  /// Whether the user gave `key`; false: it has its default.
  bool given(std::string_view key) const;

  /// What a message about `key` starts with: "energy.toml:12: infer.batch", or
  /// "--set infer.batch". A key that was not given has the line of its section,
  /// or the first one; without a file it stands alone.
  std::string where(std::string_view key) const;

private:
  std::string file_;
  /// Line in the file; 0: `--set`.
  std::map<std::string, std::size_t, std::less<>> lines_;
};

} // namespace posse
