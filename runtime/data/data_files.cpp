#include "runtime/data/data_files.hpp"

#include "runtime/core/sha256.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

namespace posse {

namespace {

namespace fs = std::filesystem;

// Of a folder; plain files win over compressed ones, as in the readers.
constexpr std::array<std::string_view, 6> names_in_folders{
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "x.npy",
    "y.npy"};

std::vector<fs::path> paths_of(const data_section& section) {
  std::vector<fs::path> out;
  std::error_code ignored;
  if (fs::is_directory(section.path, ignored)) {
    for (auto name : names_in_folders) {
      const auto plain = section.path / name;
      const auto packed = section.path / (std::string{name} + ".gz");
      if (fs::exists(plain, ignored))
        out.push_back(plain);
      else if (fs::exists(packed, ignored))
        out.push_back(packed);
    }
  } else {
    out.push_back(section.path);
  }
  if (section.splits)
    out.push_back(*section.splits);
  std::ranges::sort(out);
  return out;
}

} // namespace

expected<std::vector<data_file>> data_files(const data_section& section) {
  std::vector<data_file> out;
  for (auto& path : paths_of(section)) {
    auto hash = sha256_of_file(path);
    if (!hash)
      return fail(errc::invalid_data, std::move(hash.error().message));
    out.push_back({std::move(path), std::move(*hash)});
  }
  return out;
}

expected<void> check_data_files(const data_section& section,
                                std::span<const data_file> wanted) {
  auto here = data_files(section);
  if (!here)
    return fail(std::move(here));
  for (const auto& file : wanted) {
    const auto own = std::ranges::find(*here, file.path, &data_file::path);
    if (own == here->end())
      return fail(errc::invalid_data,
                  file.path.string() + ": expected a file, got none");
    if (own->sha256 != file.sha256)
      return fail(errc::invalid_data,
                  file.path.string() + ": expected the driver's file (sha256 "
                      + file.sha256 + "), got another (" + own->sha256 + ")");
  }
  if (here->size() != wanted.size())
    return fail(errc::invalid_data, section.path.string() + ": expected "
                                        + std::to_string(wanted.size())
                                        + " files, got "
                                        + std::to_string(here->size()));
  return {};
}

} // namespace posse
