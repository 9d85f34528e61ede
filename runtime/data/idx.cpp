#include "runtime/data/idx.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <zlib.h>

namespace posse {

namespace {

struct gz_closer {
  void operator()(gzFile file) const noexcept { gzclose_r(file); }
};

/// One idx file, plain or gzip (zlib tells which by its first bytes).
class idx_file {
public:
  static expected<idx_file> open(const std::filesystem::path& folder,
                                 const std::string& name) {
    auto path = folder / name;
    std::error_code error;
    if (!std::filesystem::exists(path, error))
      path += ".gz";
    if (!std::filesystem::exists(path, error))
      return fail(errc::invalid_data,
                  concat(folder.string(), ": expected a file ", name, " or ",
                         name, ".gz, got neither"));
    if (std::filesystem::is_directory(path, error))
      return fail(errc::invalid_data,
                  path.string() + ": expected a file, got a folder");
    handle file{gzopen(path.c_str(), "rb")};
    if (!file)
      return fail(errc::invalid_data, path.string() + ": cannot open the file: "
                                          + std::strerror(errno));
    gzbuffer(file.get(), 1u << 17);
    return idx_file{path.string(), std::move(file)};
  }

  const std::string& name() const noexcept { return name_; }

  /// Reads the magic number, which must be `magic`, and `sizes.size()` sizes.
  expected<void> read_header(std::uint32_t magic,
                             std::span<std::int64_t> sizes) {
    auto first = read_number();
    if (!first)
      return fail(std::move(first));
    if (*first != magic)
      return fail_file(
          concat("expected the magic number ", magic, ", got ", *first));
    for (auto& size : sizes) {
      auto number = read_number();
      if (!number)
        return fail(std::move(number));
      if (*number == 0 || *number > 0x7fffffff)
        return fail_file(
            concat("expected sizes > 0 in the header, got ", *number));
      size = static_cast<std::int64_t>(*number);
    }
    return {};
  }

  /// Reads the rest of the file, which must be `count` bytes.
  expected<std::vector<std::uint8_t>> read_rest(std::uint64_t count) {
    std::vector<std::uint8_t> bytes;
    // By steps: a damaged header must not decide how much is allocated.
    constexpr std::uint64_t step = std::uint64_t{16} << 20;
    while (bytes.size() < count) {
      auto old_size = bytes.size();
      bytes.resize(old_size + std::min(step, count - old_size));
      if (auto ok = read(std::span{bytes}.subspan(old_size)); !ok)
        return fail(std::move(ok));
    }
    std::uint8_t extra = 0;
    auto got = gzread(file_.get(), &extra, 1);
    if (got < 0)
      return fail_damaged();
    if (got > 0)
      return fail_file(concat("expected ", count,
                              " bytes after the header, as it says, got more"));
    return bytes;
  }

private:
  using handle = std::unique_ptr<gzFile_s, gz_closer>;

  idx_file(std::string name, handle file)
      : name_{std::move(name)}, file_{std::move(file)} {}

  tl::unexpected<failure> fail_file(std::string_view why) const {
    return fail(errc::invalid_data, concat(name_, ": ", why));
  }

  tl::unexpected<failure> fail_damaged() const {
    int code = Z_OK;
    std::string_view why = gzerror(file_.get(), &code);
    return fail_file(
        concat("damaged file: ", code == Z_ERRNO ? std::strerror(errno) : why));
  }

  expected<void> read(std::span<std::uint8_t> bytes) {
    auto got =
        gzread(file_.get(), bytes.data(), static_cast<unsigned>(bytes.size()));
    int code = Z_OK;
    gzerror(file_.get(), &code);
    if (got < 0 || code < 0)
      return fail_damaged();
    if (static_cast<std::size_t>(got) != bytes.size())
      return fail_file("truncated: expected as many bytes as its header says");
    return {};
  }

  expected<std::uint32_t> read_number() {
    std::array<std::uint8_t, 4> b{};
    if (auto ok = read(b); !ok)
      return fail(std::move(ok));
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16
           | std::uint32_t{b[2]} << 8 | std::uint32_t{b[3]};
  }

  std::string name_;
  handle file_;
};

expected<labelled_images> read_pair(const std::filesystem::path& folder,
                                    const std::string& prefix) {
  constexpr std::uint32_t images_magic = 2051;
  constexpr std::uint32_t labels_magic = 2049;
  constexpr std::int64_t largest_side = 1 << 14;

  auto images = idx_file::open(folder, prefix + "-images-idx3-ubyte");
  if (!images)
    return fail(std::move(images));
  std::array<std::int64_t, 3> sizes{};
  if (auto ok = images->read_header(images_magic, sizes); !ok)
    return fail(std::move(ok));
  labelled_images result;
  result.count = sizes[0];
  result.height = sizes[1];
  result.width = sizes[2];
  if (std::max(result.height, result.width) > largest_side)
    return fail(errc::invalid_data,
                concat(images->name(), ": expected images of at most ",
                       largest_side, " x ", largest_side, ", got ",
                       result.height, " x ", result.width));

  auto labels = idx_file::open(folder, prefix + "-labels-idx1-ubyte");
  if (!labels)
    return fail(std::move(labels));
  std::array<std::int64_t, 1> count{};
  if (auto ok = labels->read_header(labels_magic, count); !ok)
    return fail(std::move(ok));
  if (count[0] != result.count)
    return fail(errc::invalid_data,
                concat(labels->name(), ": expected ", result.count,
                       " labels, one per image, got ", count[0]));

  auto pixels = images->read_rest(static_cast<std::uint64_t>(result.count)
                                  * static_cast<std::uint64_t>(result.height)
                                  * static_cast<std::uint64_t>(result.width));
  if (!pixels)
    return fail(std::move(pixels));
  result.pixels = std::move(*pixels);
  auto classes = labels->read_rest(static_cast<std::uint64_t>(result.count));
  if (!classes)
    return fail(std::move(classes));
  result.labels = std::move(*classes);
  return result;
}

expected<idx_data> read_both(const std::filesystem::path& folder) {
  auto train = read_pair(folder, "train");
  if (!train)
    return fail(std::move(train));
  auto test = read_pair(folder, "t10k");
  if (!test)
    return fail(std::move(test));
  if (test->height != train->height || test->width != train->width)
    return fail(errc::invalid_data,
                concat(folder.string(), ": expected test images of ",
                       train->height, " x ", train->width,
                       " as in training, got ", test->height, " x ",
                       test->width));
  auto largest = [](const labelled_images& x) {
    return std::int64_t{*std::max_element(x.labels.begin(), x.labels.end())};
  };
  auto classes = largest(*train) + 1;
  if (classes < 2)
    return fail(errc::invalid_data,
                folder.string()
                    + ": expected at least 2 classes in training, "
                      "got 1");
  if (largest(*test) >= classes)
    return fail(errc::invalid_data,
                concat(folder.string(), ": expected test labels from 0 to ",
                       classes - 1, " as in training, got ", largest(*test)));
  return idx_data{std::move(*train), std::move(*test), classes};
}

} // namespace

expected<idx_data> read_idx(const std::filesystem::path& folder) {
  return guarded("read idx", [&] { return read_both(folder); });
}

expected<labelled_images> read_idx_test(const std::filesystem::path& folder) {
  return guarded("read idx", [&] { return read_pair(folder, "t10k"); });
}

} // namespace posse
