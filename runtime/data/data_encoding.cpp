#include "runtime/data/data_encoding.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/csv.hpp"
#include "runtime/data/idx.hpp"
#include "runtime/data/text.hpp"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace posse {

namespace {

using nlohmann::json;

constexpr std::string_view regression_name = "regression";
constexpr std::string_view classification_name = "classification";

tl::unexpected<failure> fail_key(std::string_view key, std::string_view why) {
  return fail(errc::malformed, concat("data encoding: ", key, ": ", why));
}

bool is_scaling(const scaling& x) {
  return std::isfinite(x.mean) && std::isfinite(x.sd) && x.sd > 0;
}

/// The invariants of data_encoding, which a damaged file may break.
expected<void> check(const data_encoding& x) {
  std::uint64_t elements = 1;
  for (auto size : x.input_shape) {
    if (size < 1 || size > (std::int64_t{1} << 31))
      return fail_key("input_shape", "expected sizes > 0");
    elements *= static_cast<std::uint64_t>(size);
    if (elements > x.features.size())
      break;
  }
  if (x.input_shape.empty() || elements != x.features.size())
    return fail_key("features", "expected one name per element of input_shape");
  if (x.inputs.size() != 1 && x.inputs.size() != x.features.size())
    return fail_key("inputs", "expected one scaling, or one per feature");
  if (!std::all_of(x.inputs.begin(), x.inputs.end(), is_scaling)
      || !is_scaling(x.output))
    return fail_key("sd", "expected finite numbers > 0, and finite means");
  if (x.outputs < 1)
    return fail_key("outputs", "expected a number > 0");
  return {};
}

json to_object(const scaling& x) {
  return {{"mean", x.mean}, {"sd", x.sd}};
}

scaling scaling_from(const json& object) {
  return {object.at("mean").get<double>(), object.at("sd").get<double>()};
}

/// Columns of `data` that hold the features, in their order.
expected<std::vector<std::size_t>> match_columns(const data_encoding& encoding,
                                                 const table& data,
                                                 const std::string& file) {
  std::vector<std::size_t> columns;
  std::vector<std::string_view> missing;
  std::vector<bool> used(data.columns.size());
  for (const auto& name : encoding.features) {
    auto column = data.find(name);
    if (!column) {
      missing.push_back(name);
      continue;
    }
    columns.push_back(*column);
    used[*column] = true;
  }
  std::vector<std::string_view> unknown;
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i] && data.columns[i] != encoding.target)
      unknown.push_back(data.columns[i]);
  if (missing.empty() && unknown.empty())
    return columns;
  auto list = [](std::string_view what, const auto& names) {
    return names.empty()
               ? std::string{}
               : concat("; ", what, ": \"", joined(names, "\", \""), "\"");
  };
  return fail(errc::invalid_data,
              concat(file, ":1: expected the columns of the training data",
                     list("missing", missing), list("unknown", unknown)));
}

expected<encoded_rows> encode(const data_encoding& encoding, const table& data,
                              const std::string& file) {
  auto columns = match_columns(encoding, data, file);
  if (!columns)
    return fail(std::move(columns));
  auto shape = encoding.input_shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(data.rows));
  encoded_rows result{at::empty(shape, at::kFloat), std::nullopt};
  auto* out = result.inputs.mutable_data_ptr<float>();
  for (std::size_t row = 0; row < data.rows; ++row) {
    for (std::size_t i = 0; i < columns->size(); ++i) {
      double value = data.at(row, (*columns)[i]);
      *out = static_cast<float>(encoding.input(i).encode(value));
      if (!std::isfinite(*out++))
        return fail(errc::invalid_data,
                    concat(file, ":", row + 2, ": column \"",
                           encoding.features[i],
                           "\": expected a number that fits a float32 when "
                           "standardised, got ",
                           value));
    }
  }
  if (auto target = data.find(encoding.target)) {
    result.targets.emplace(data.rows);
    for (std::size_t row = 0; row < data.rows; ++row)
      (*result.targets)[row] = data.at(row, *target);
  }
  return result;
}

expected<encoded_rows> encode(const data_encoding& encoding,
                              const labelled_images& images,
                              const std::string& folder) {
  const std::vector<std::int64_t> shape{1, images.height, images.width};
  if (encoding.input_shape != shape)
    return fail(errc::invalid_data,
                concat(folder, ": expected inputs of the shape ",
                       at::IntArrayRef{encoding.input_shape},
                       " that the run was trained on, got images of ",
                       images.height, " x ", images.width));
  encoded_rows result{
      at::empty({images.count, 1, images.height, images.width}, at::kFloat),
      std::vector<double>(images.labels.begin(), images.labels.end())};
  auto* out = result.inputs.mutable_data_ptr<float>();
  for (std::size_t i = 0; i < images.pixels.size(); ++i)
    out[i] = static_cast<float>(
        encoding.input(i % encoding.features.size()).encode(images.pixels[i]));
  return result;
}

} // namespace

expected<std::string> to_json(const data_encoding& encoding) {
  return guarded("data encoding", [&] {
    auto inputs = json::array();
    for (const auto& x : encoding.inputs)
      inputs.push_back(to_object(x));
    json object{{"task", encoding.task == task_kind::regression
                             ? regression_name
                             : classification_name},
                {"input_shape", encoding.input_shape},
                {"outputs", encoding.outputs},
                {"features", encoding.features},
                {"target", encoding.target},
                {"inputs", std::move(inputs)},
                {"output", to_object(encoding.output)}};
    return object.dump();
  });
}

expected<data_encoding> encoding_from_json(std::string_view text) {
  try {
    auto object = json::parse(text);
    data_encoding result;
    auto task = object.at("task").get<std::string>();
    if (task != regression_name && task != classification_name)
      return fail_key("task", "expected regression or classification");
    result.task = task == regression_name ? task_kind::regression
                                          : task_kind::classification;
    object.at("input_shape").get_to(result.input_shape);
    object.at("outputs").get_to(result.outputs);
    object.at("features").get_to(result.features);
    object.at("target").get_to(result.target);
    for (const auto& x : object.at("inputs"))
      result.inputs.push_back(scaling_from(x));
    result.output = scaling_from(object.at("output"));
    if (auto ok = check(result); !ok)
      return fail(std::move(ok));
    return result;
  } catch (const json::exception& e) {
    return fail(errc::malformed, std::string{"data encoding: "} + e.what());
  } catch (...) {
    return tl::unexpected<failure>{current_failure("data encoding")};
  }
}

expected<encoded_rows> encode_rows(const data_encoding& encoding,
                                   const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    auto images = read_idx_test(path);
    if (!images)
      return fail(std::move(images));
    return guarded("encode rows",
                   [&] { return encode(encoding, *images, path.string()); });
  }
  auto data = read_csv(path);
  if (!data)
    return fail(std::move(data));
  return guarded("encode rows",
                 [&] { return encode(encoding, *data, path.string()); });
}

} // namespace posse
