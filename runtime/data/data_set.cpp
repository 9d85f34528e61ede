#include "runtime/data/data_set.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/csv.hpp"
#include "runtime/data/idx.hpp"
#include "runtime/data/npy.hpp"
#include "runtime/data/splits.hpp"
#include "runtime/data/text.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <limits>

namespace posse {

namespace {

/// What loading a table needs to know, besides the table.
struct table_request {
  const data_section& section;
  double validation_fraction;
  std::uint64_t seed;
};

expected<std::size_t> target_column(const data_section& section,
                                    const table& data) {
  auto file = section.path.string();
  if (data.columns.size() < 2)
    return fail(errc::invalid_data, concat(file,
                                           ": expected at least two columns, "
                                           "features and a target, got only \"",
                                           data.columns.front(), "\""));
  if (!section.target)
    return data.columns.size() - 1;
  if (auto column = data.find(*section.target))
    return *column;
  return fail(errc::invalid_data,
              concat(file, ": expected the target column \"", *section.target,
                     "\", got the columns \"", joined(data.columns, "\", \""),
                     "\""));
}

expected<std::vector<std::uint32_t>> test_rows(const table_request& request,
                                               std::size_t rows) {
  const auto& section = request.section;
  if (section.splits)
    return read_split(*section.splits, section.split, rows);
  return draw_split(rows, section.test_fraction, request.seed, section.split);
}

/// Encodes the rows `numbers` of `data`.
expected<data_rows> encode_part(const data_section& section, const table& data,
                                std::size_t target,
                                const data_encoding& encoding,
                                std::vector<std::uint32_t> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size());
  data_rows part;
  part.inputs = at::empty({n, encoding.input_shape[0]}, at::kFloat);
  part.targets = at::empty({n, 1}, at::kFloat);
  auto* x = part.inputs.mutable_data_ptr<float>();
  auto* y = part.targets.mutable_data_ptr<float>();
  part.original_targets.reserve(numbers.size());
  for (auto row : numbers) {
    std::size_t feature = 0;
    for (std::size_t column = 0; column < data.columns.size(); ++column) {
      const double value = data.at(row, column);
      const bool is_target = column == target;
      const auto& scale =
          is_target ? encoding.output : encoding.inputs[feature++];
      const auto stored = static_cast<float>(scale.encode(value));
      if (!std::isfinite(stored))
        return fail(errc::invalid_data,
                    concat(section.path.string(), ": row ", row,
                           " (from 0): column \"", data.columns[column],
                           "\": expected a number that fits a float32, got ",
                           value));
      *(is_target ? y++ : x++) = stored;
    }
    part.original_targets.push_back(data.at(row, target));
  }
  part.numbers = std::move(numbers);
  return part;
}

expected<data_encoding> table_encoding(const data_section& section,
                                       const table& data, std::size_t target,
                                       const std::vector<std::uint32_t>& rows) {
  data_encoding encoding;
  for (std::size_t column = 0; column < data.columns.size(); ++column) {
    scaling scale;
    if (section.standardize)
      scale = standardizing(data, column, rows);
    if (!std::isfinite(scale.mean) || !std::isfinite(scale.sd))
      return fail(errc::invalid_data,
                  concat(section.path.string(), ": column \"",
                         data.columns[column],
                         "\": expected numbers that can be squared and summed, "
                         "got larger ones"));
    if (column == target) {
      encoding.target = data.columns[column];
      encoding.output = scale;
    } else {
      encoding.features.push_back(data.columns[column]);
      encoding.inputs.push_back(scale);
    }
  }
  encoding.input_shape = {static_cast<std::int64_t>(encoding.features.size())};
  return encoding;
}

expected<data_set> from_table(const table_request& request, const table& data) {
  const auto& section = request.section;
  auto target = target_column(section, data);
  if (!target)
    return fail(std::move(target));
  if (data.rows < 2 || data.rows > std::numeric_limits<std::uint32_t>::max())
    return fail(errc::invalid_data,
                concat(section.path.string(),
                       ": expected 2 to 2^32 - 1 rows, got ", data.rows));
  auto test = test_rows(request, data.rows);
  if (!test)
    return fail(std::move(test));
  auto train = other_rows(data.rows, *test);
  auto encoding = table_encoding(section, data, *target, train);
  if (!encoding)
    return fail(std::move(encoding));
  auto validation =
      take_validation_rows(train, request.validation_fraction, request.seed);

  data_set result;
  result.encoding = std::move(*encoding);
  auto fill = [&](data_rows& part, std::vector<std::uint32_t> numbers) {
    return encode_part(section, data, *target, result.encoding,
                       std::move(numbers))
        .map([&](data_rows rows) { part = std::move(rows); });
  };
  if (auto ok = fill(result.train, std::move(train)); !ok)
    return fail(std::move(ok));
  if (auto ok = fill(result.validation, std::move(validation)); !ok)
    return fail(std::move(ok));
  if (auto ok = fill(result.test, std::move(*test)); !ok)
    return fail(std::move(ok));
  return result;
}

/// The mean and deviation of all pixels, exact up to the last division.
scaling pixel_scaling(const std::vector<std::uint8_t>& pixels) {
  std::array<std::uint64_t, 256> histogram{};
  for (auto pixel : pixels)
    ++histogram[pixel];
  double sum = 0;
  for (std::size_t value = 0; value < 256; ++value)
    sum += static_cast<double>(histogram[value]) * static_cast<double>(value);
  const auto n = static_cast<double>(pixels.size());
  const double mean = sum / n;
  double squares = 0;
  for (std::size_t value = 0; value < 256; ++value) {
    const double d = static_cast<double>(value) - mean;
    squares += static_cast<double>(histogram[value]) * d * d;
  }
  return {mean, squares > 0 ? std::sqrt(squares / n) : 1.0};
}

/// The images `numbers`, copied out of `images`.
data_rows image_part(const labelled_images& images,
                     std::vector<std::uint32_t> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size());
  const auto image_bytes =
      static_cast<std::size_t>(images.height * images.width);
  data_rows part;
  part.inputs = at::empty({n, 1, images.height, images.width}, at::kByte);
  part.targets = at::empty({n}, at::kLong);
  auto* x = part.inputs.mutable_data_ptr<std::uint8_t>();
  auto* y = part.targets.mutable_data_ptr<std::int64_t>();
  for (auto row : numbers) {
    std::copy_n(images.pixels.data() + row * image_bytes, image_bytes, x);
    x += image_bytes;
    *y++ = images.labels[row];
  }
  part.numbers = std::move(numbers);
  return part;
}

expected<data_set> from_images(const table_request& request) {
  const auto& section = request.section;
  if (section.splits)
    return fail(errc::invalid_config,
                "data.splits: expected none, for idx data has test files of "
                "its own, got "
                    + section.splits->string());
  auto images = read_idx(section.path);
  if (!images)
    return fail(std::move(images));
  const auto height = images->train.height;
  const auto width = images->train.width;
  data_set result;
  auto& encoding = result.encoding;
  encoding.task = task_kind::classification;
  encoding.input_shape = {1, height, width};
  encoding.outputs = images->classes;
  for (std::int64_t i = 0; i < height * width; ++i)
    encoding.features.push_back("pixel" + std::to_string(i));
  encoding.target = "label";
  encoding.inputs = {section.standardize ? pixel_scaling(images->train.pixels)
                                         : scaling{0, 255}};
  auto all = [](const labelled_images& x) {
    return other_rows(static_cast<std::size_t>(x.count), {});
  };
  auto train = all(images->train);
  auto validation =
      take_validation_rows(train, request.validation_fraction, request.seed);
  result.train = image_part(images->train, std::move(train));
  result.validation = image_part(images->train, std::move(validation));
  result.test = image_part(images->test, all(images->test));
  return result;
}

expected<data_set> load(const table_request& request) {
  const auto& kind = request.section.kind;
  if (kind == "idx")
    return from_images(request);
  if (kind != "csv" && kind != "npy")
    return fail(
        errc::invalid_config,
        concat("data.kind: expected csv, idx or npy, got \"", kind, "\""));
  auto data = kind == "csv" ? read_csv(request.section.path)
                            : read_npy(request.section.path);
  if (!data)
    return fail(std::move(data));
  return from_table(request, *data);
}

} // namespace

const data_rows& data_set::part(data_part which) const noexcept {
  switch (which) {
  case data_part::validation:
    return validation;
  case data_part::test:
    return test;
  default:
    return train;
  }
}

expected<data_set> load_data_set(const data_section& section,
                                 double validation_fraction,
                                 std::uint64_t seed) {
  return guarded("load data set", [&] {
    return load({section, validation_fraction, seed});
  });
}

} // namespace posse
