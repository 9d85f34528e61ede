#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

/// A new folder under the system's temporary one, removed at the end.
class temp_folder {
public:
  temp_folder() {
    auto name =
        (std::filesystem::temp_directory_path() / "posse-XXXXXX").string();
    if (!mkdtemp(name.data()))
      throw std::runtime_error("cannot make a temporary folder");
    path_ = name;
  }
  ~temp_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Writes a file of these bytes and returns its path.
  std::filesystem::path write(std::string_view name,
                              std::string_view bytes) const {
    auto file = path_ / name;
    std::ofstream{file, std::ios::binary} << bytes;
    return file;
  }

private:
  std::filesystem::path path_;
};

/// The data folder of the examples, which ship with the project.
inline std::filesystem::path examples_data() {
  const char* test_data = std::getenv("POSSE_TEST_DATA");
  if (!test_data)
    throw std::runtime_error("POSSE_TEST_DATA is not set");
  auto root = std::filesystem::path{test_data} / ".." / "..";
  return (root / "apps/examples/data").lexically_normal();
}
