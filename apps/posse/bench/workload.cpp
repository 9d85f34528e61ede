#include "apps/posse/bench/workload.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/data/batch_source.hpp"
#include "runtime/data/data_library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>
#include <span>
#include <system_error>

namespace posse::bench {

namespace {

constexpr std::int64_t features = 13;
constexpr std::int64_t table_batch = 32;
constexpr std::int64_t side = 28; ///< of an image, in pixels
constexpr std::int64_t classes = 10;
constexpr std::int64_t image_batch = 64;
constexpr double learning_rate = 1e-3;
constexpr std::uint32_t data_seed = 1;

expected<void> write(const std::filesystem::path& file, std::string_view text) {
  auto out = output_file::create(file);
  if (!out)
    return fail(std::move(out));
  if (auto ok = out->write(text); !ok)
    return ok;
  return out->close();
}

/// A NumPy file (format 1.0) of float32 [rows, columns].
std::string npy(const std::vector<float>& values, std::int64_t rows,
                std::int64_t columns) {
  auto header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows,
      columns);
  constexpr std::size_t before = 10; // magic, version and the header's size
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';
  std::string out{"\x93NUMPY\x01\x00", 8};
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  out.append(reinterpret_cast<const char*>(values.data()),
             values.size() * sizeof(float));
  return out;
}

/// A smooth function of normal features, with noise; the last row is for test.
expected<void> write_table(const std::filesystem::path& folder) {
  const auto rows = fixed_batches * table_batch + 1;
  std::mt19937 random{data_seed};
  std::normal_distribution<float> normal;
  std::vector<float> x, y;
  for (std::int64_t row = 0; row < rows; ++row) {
    float sum = 0;
    for (std::int64_t i = 0; i < features; ++i)
      sum += x.emplace_back(normal(random));
    y.push_back(std::sin(sum) + 0.1F * normal(random));
  }
  if (auto ok = write(folder / "x.npy", npy(x, rows, features)); !ok)
    return ok;
  if (auto ok = write(folder / "y.npy", npy(y, rows, 1)); !ok)
    return ok;
  return write(folder / "splits.csv", fmt::format("{}\n", rows - 1));
}

std::string big_endian(std::span<const std::int64_t> numbers) {
  std::string out;
  for (auto n : numbers)
    for (int shift = 24; shift >= 0; shift -= 8)
      out += static_cast<char>(n >> shift & 0xff);
  return out;
}

/// Images of noise, each class brighter in rows of its own.
expected<void> write_images(const std::filesystem::path& folder,
                            const std::string& prefix, std::int64_t count) {
  std::mt19937 random{data_seed};
  auto images = big_endian(std::vector<std::int64_t>{2051, count, side, side});
  auto labels = big_endian(std::vector<std::int64_t>{2049, count});
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = i % classes;
    labels += static_cast<char>(label);
    for (std::int64_t pixel = 0; pixel < side * side; ++pixel) {
      const bool bright = pixel / side / 2 == label;
      images += static_cast<char>(random() % 128 + (bright ? 127 : 0));
    }
  }
  if (auto ok = write(folder / (prefix + "-images-idx3-ubyte"), images); !ok)
    return ok;
  return write(folder / (prefix + "-labels-idx1-ubyte"), labels);
}

run_config table_config(const std::filesystem::path& folder, bool likelihood) {
  run_config config;
  config.data.kind = "npy";
  config.data.splits = folder / "splits.csv";
  config.model.hidden = {50};
  config.model.head = likelihood ? "gaussian" : "point";
  config.infer.loss = likelihood ? "nll" : "mse";
  config.infer.batch = table_batch;
  return config;
}

run_config image_config(std::string_view model) {
  run_config config;
  config.data.kind = "idx";
  config.model.kind = model == "lenet" ? "lenet" : "mlp";
  config.model.hidden = {256};
  config.model.head = "categorical";
  config.infer.loss = "cross_entropy";
  config.infer.batch = image_batch;
  return config;
}

} // namespace

expected<std::shared_ptr<const scratch_folder>> scratch_folder::make() {
  std::error_code error;
  auto name =
      (std::filesystem::temp_directory_path(error) / "posse-bench-XXXXXX")
          .string();
  if (error || mkdtemp(name.data()) == nullptr)
    return fail(errc::io_error,
                name + ": cannot make a folder: " + std::strerror(errno));
  return std::shared_ptr<const scratch_folder>{new scratch_folder{name}};
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names{"mlp13", "mlp784", "lenet"};
  return names;
}

expected<workload> make_workload(std::string_view model,
                                 std::string_view algorithm) {
  auto files = scratch_folder::make();
  if (!files)
    return fail(std::move(files));
  const auto& folder = (*files)->path();
  const bool table = model == "mlp13";
  const bool svgd = algorithm == "svgd";
  auto written =
      table ? write_table(folder)
            : write_images(folder, "train", fixed_batches * image_batch)
                  .and_then([&] { return write_images(folder, "t10k", 64); });
  if (!written)
    return fail(std::move(written));

  workload out{std::string{model},
               table ? table_config(folder, svgd) : image_config(model),
               {},
               *files};
  auto& config = out.config;
  config.run.name = "bench";
  config.run.fuse = fuse_mode::off;
  config.data.path = folder;
  config.prior.kind = "flat";
  auto& infer = config.infer;
  infer.algorithm = algorithm;
  infer.particles = 1;
  infer.steps = 1;
  infer.validation_fraction = 0;
  infer.optimizer = "sgd";
  infer.learning_rate =
      svgd ? learning_rate / static_cast<double>(fixed_batches * infer.batch)
           : learning_rate;
  infer.schedule = "constant";
  config.local.lanes = 1;

  auto data = open_data(config);
  if (!data)
    return fail(std::move(data));
  batch_source source{*data, infer.batch,
                      static_cast<std::uint64_t>(config.run.seed)};
  for (std::int64_t i = 0; i < fixed_batches; ++i) {
    auto next = source.at(batch_of_step(i));
    if (!next)
      return fail(std::move(next));
    out.batches.push_back(std::move(*next));
  }
  return out;
}

batch_ref batch_of_step(std::int64_t step) noexcept {
  return {data_part::train, 0, static_cast<std::uint32_t>(step % fixed_batches),
          batch_ref::shared_order};
}

} // namespace posse::bench
