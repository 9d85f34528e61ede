#pragma once

#include "test/runtime/data/temp_folder.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <zlib.h>

/// The bytes of an idx file: big-endian numbers, then the data.
inline std::string idx_bytes(std::initializer_list<std::uint32_t> header,
                             std::string_view data) {
  std::string bytes;
  for (auto number : header)
    for (int shift : {24, 16, 8, 0})
      bytes += static_cast<char>(number >> shift & 0xff);
  return bytes.append(data);
}

/// `bytes` as a gzip file.
inline std::string gzipped(std::string_view bytes) {
  temp_folder folder;
  auto path = folder.path() / "a.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Pixel `i` of the images that write_images() writes.
inline std::uint8_t test_pixel(std::size_t i) {
  return static_cast<std::uint8_t>(i * 37 % 256);
}

/// A folder of `train` and `test` images of 2 x 3 in 3 classes (label: number
/// of the image mod 3).
inline void write_images(const temp_folder& folder, std::uint32_t train,
                         std::uint32_t test, bool gzip = false) {
  for (auto [prefix, count] : {std::pair{"train", train}, {"t10k", test}}) {
    std::string pixels;
    std::string labels;
    for (std::uint32_t i = 0; i < count * 6; ++i)
      pixels += static_cast<char>(test_pixel(i));
    for (std::uint32_t i = 0; i < count; ++i)
      labels += static_cast<char>(i % 3);
    auto images = idx_bytes({2051, count, 2, 3}, pixels);
    auto classes = idx_bytes({2049, count}, labels);
    auto name = std::string{prefix};
    auto ending = gzip ? ".gz" : "";
    folder.write(name + "-images-idx3-ubyte" + ending,
                 gzip ? gzipped(images) : images);
    folder.write(name + "-labels-idx1-ubyte" + ending,
                 gzip ? gzipped(classes) : classes);
  }
}
