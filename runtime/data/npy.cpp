#include "runtime/data/npy.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace posse {

namespace {

static_assert(std::endian::native == std::endian::little,
              "arrays are copied as stored: little-endian");

struct array {
  std::vector<std::size_t> shape;
  std::vector<double> values; ///< in C order
};

/// Parses one .npy file.
class npy_parser {
public:
  npy_parser(std::string file, std::string_view bytes)
      : file_{std::move(file)}, bytes_{bytes} {}

  expected<array> parse() {
    auto header = take_header();
    if (!header)
      return fail(std::move(header));
    auto type = entry(*header, "'descr':", ',');
    bool is_double = type == "'<f8'";
    if (!is_double && type != "'<f4'")
      return fail_file("expected little-endian float32 or float64 ('<f4' or "
                       "'<f8'), got "
                       + excerpt(type));
    if (auto order = entry(*header, "'fortran_order':", ','); order != "False")
      return fail_file("expected C order (numpy.ascontiguousarray), got "
                       "fortran_order "
                       + excerpt(order));
    array result;
    if (auto ok = parse_shape(*header, result.shape); !ok)
      return fail(std::move(ok));
    auto ok =
        is_double ? copy_values<double>(result) : copy_values<float>(result);
    if (!ok)
      return fail(std::move(ok));
    return result;
  }

private:
  tl::unexpected<failure> fail_file(std::string_view why) const {
    return fail(errc::invalid_data, concat(file_, ": ", why));
  }

  /// The header's text; leaves the data in `bytes_`.
  expected<std::string_view> take_header() {
    constexpr std::string_view magic = "\x93NUMPY";
    if (!bytes_.starts_with(magic) || bytes_.size() < 10)
      return fail_file("expected a NumPy array, got another kind of file");
    auto byte = [this](std::size_t i) {
      return std::size_t{static_cast<unsigned char>(bytes_[i])};
    };
    auto major = byte(6);
    if (major != 1 && major != 2)
      return fail_file(concat("expected .npy format 1 or 2, got ", major));
    std::size_t start = major == 1 ? 10 : 12;
    std::size_t size = 0;
    if (bytes_.size() >= start)
      for (auto i = start; i-- > 8;)
        size = size << 8 | byte(i);
    if (bytes_.size() < start || bytes_.size() - start < size)
      return fail_file("truncated: the header ends early");
    auto header = bytes_.substr(start, size);
    bytes_.remove_prefix(start + size);
    return header;
  }

  /// What follows `key` in the header up to `end`, or "" if there is none.
  static std::string_view entry(std::string_view header, std::string_view key,
                                char end) {
    auto found = header.find(key);
    if (found == std::string_view::npos)
      return {};
    header.remove_prefix(found + key.size());
    return trimmed(take_until(header, end));
  }

  expected<void> parse_shape(std::string_view header,
                             std::vector<std::size_t>& shape) const {
    auto text = entry(header, "'shape':", ')');
    auto rest = text;
    if (!rest.starts_with('('))
      return fail_file("expected a shape in the header, got " + excerpt(text));
    rest.remove_prefix(1);
    while (!trimmed(rest).empty()) {
      auto field = trimmed(take_until(rest, ','));
      std::size_t size = 0;
      const auto* end = field.data() + field.size();
      auto [stop, error] = std::from_chars(field.data(), end, size);
      if (field.empty() || error != std::errc{} || stop != end || size == 0)
        return fail_file("expected sizes > 0 in the shape, got "
                         + excerpt(text));
      shape.push_back(size);
    }
    return {};
  }

  template <class Real>
  expected<void> copy_values(array& result) const {
    std::size_t count = 1;
    bool fits = true; // the product must not wrap around
    for (auto size : result.shape) {
      fits = fits && size <= bytes_.size() / count;
      count *= fits ? size : 1;
    }
    if (!fits || bytes_.size() / sizeof(Real) != count
        || bytes_.size() % sizeof(Real) != 0)
      return fail_file(concat("expected the data of shape [",
                              joined(result.shape, ", "), "], got ",
                              bytes_.size(), " bytes"));
    result.values.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      Real value{};
      std::memcpy(&value, bytes_.data() + i * sizeof(Real), sizeof(Real));
      if (!std::isfinite(value))
        return fail_file(concat("row ", i / (count / result.shape[0]),
                                ": expected finite numbers, got ", value));
      result.values[i] = value;
    }
    return {};
  }

  std::string file_;
  std::string_view bytes_;
};

expected<array> read_array(const std::filesystem::path& path) {
  auto bytes = read_data_file(path);
  if (!bytes)
    return fail(std::move(bytes));
  return npy_parser{path.string(), *bytes}.parse();
}

expected<table> read_pair(const std::filesystem::path& folder) {
  auto x = read_array(folder / "x.npy");
  if (!x)
    return fail(std::move(x));
  auto y = read_array(folder / "y.npy");
  if (!y)
    return fail(std::move(y));
  auto fail_shape = [&](const char* name, std::string_view wanted,
                        const array& got) {
    return fail(errc::invalid_data,
                concat((folder / name).string(), ": expected shape ", wanted,
                       ", got [", joined(got.shape, ", "), "]"));
  };
  if (x->shape.size() != 2)
    return fail_shape("x.npy", "[rows, features]", *x);
  const auto rows = x->shape[0];
  const auto features = x->shape[1];
  if (y->values.size() != rows || y->shape.empty() || y->shape.size() > 2
      || y->shape[0] != rows)
    return fail_shape("y.npy", concat("[", rows, "] or [", rows, ", 1]"), *y);

  table result;
  result.rows = rows;
  for (std::size_t i = 0; i < features; ++i)
    result.columns.push_back("x" + std::to_string(i));
  result.columns.push_back("y");
  result.values.reserve(rows * (features + 1));
  for (std::size_t row = 0; row < rows; ++row) {
    auto first =
        x->values.begin() + static_cast<std::ptrdiff_t>(row * features);
    result.values.insert(result.values.end(), first,
                         first + static_cast<std::ptrdiff_t>(features));
    result.values.push_back(y->values[row]);
  }
  return result;
}

} // namespace

expected<table> read_npy(const std::filesystem::path& folder) {
  return guarded("read npy", [&] { return read_pair(folder); });
}

} // namespace posse
