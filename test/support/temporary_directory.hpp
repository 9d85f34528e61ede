#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace posse::test {

/// A directory of a test's own, removed with all it holds at the test's end.
class temporary_directory {
public:
  temporary_directory() {
    auto name =
        (std::filesystem::temp_directory_path() / "posse-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"cannot create " + name};
    path_ = name;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write_text(const std::filesystem::path& path,
                       std::string_view text) {
  // Not truncated but anew: ext4 flushes a truncated file when it is closed.
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::ofstream{path, std::ios::binary} << text;
}

} // namespace posse::test
