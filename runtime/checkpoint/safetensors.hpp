#pragma once

#include "messages/failure.hpp"
#include "messages/tensor_blob.hpp"
#include "runtime/core/file_bytes.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace posse {

/// Named tensors and text, as one safetensors file holds them. Tensors keep
/// their order. Text and names are UTF-8.
/// Source: https://github.com/huggingface/safetensors#format; of its dtypes
/// those of `dtype`, and at most 16 MiB of header instead of 100 MB.
struct safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, tensor_blob>> tensors;

  friend bool operator==(const safetensors&, const safetensors&) = default;
};

/// What pins the contents of a file.
struct file_digest {
  std::uint64_t bytes{0};
  std::string sha256; ///< 64 lower-case hexadecimal digits

  friend bool operator==(const file_digest&, const file_digest&) = default;
};

/// Writes `path` (created or replaced; not atomically, not synced: see
/// atomic_directory). Every tensor starts at a multiple of its element size.
///
/// @returns what was written; or errc::io_error; or errc::invalid_argument for
///   a name that comes twice or is `__metadata__`, text that is no UTF-8, or a
///   header above the limit.
expected<file_digest> write_safetensors(const std::filesystem::path& path,
                                        const safetensors& contents);

/// Reads the bytes of a safetensors file. The blobs share them and keep them
/// alive; only a tensor that another writer did not align is copied.
///
/// @param name What to call the file in errors.
/// @returns errc::corrupt_checkpoint naming the file and what is wrong.
expected<safetensors> parse_safetensors(const file_bytes& file,
                                        const std::string& name);

/// read_file() and parse_safetensors().
expected<safetensors> read_safetensors(const std::filesystem::path& path);

} // namespace posse
