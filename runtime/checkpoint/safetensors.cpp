#include "runtime/checkpoint/safetensors.hpp"

#include "runtime/checkpoint/safetensors_header.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/sha256.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace posse {

namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t max_header_bytes = 16 << 20;

/// The header's length as the file's first eight bytes, little-endian.
std::array<std::byte, length_bytes> encode_length(std::uint64_t length) {
  std::array<std::byte, length_bytes> bytes;
  for (auto& byte : bytes) {
    byte = static_cast<std::byte>(length & 0xff);
    length >>= 8;
  }
  return bytes;
}

std::uint64_t decode_length(std::span<const std::byte, length_bytes> bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return length;
}

/// A file whose bytes are counted and hashed on their way.
class hashed_file {
public:
  explicit hashed_file(output_file file) : file_{std::move(file)} {}

  expected<void> write(std::span<const std::byte> bytes) {
    hash_.update(bytes);
    written_ += bytes.size();
    return file_.write(bytes);
  }

  expected<file_digest> close() {
    if (auto x = file_.close(); !x)
      return fail(std::move(x));
    return file_digest{written_, hash_.hex()};
  }

private:
  output_file file_;
  sha256 hash_;
  std::uint64_t written_{0};
};

/// A blob on the file's own bytes, or on a copy where they are not aligned to
/// the elements.
tensor_blob blob_at(const file_bytes& file, const std::byte* start,
                    tensor_entry entry) {
  auto offset = static_cast<std::size_t>(start - file.data.get());
  if (offset % element_size(entry.type) == 0)
    return {entry.type, std::move(entry.shape), {file.data, start}};
  auto copy = std::make_shared<std::vector<std::byte>>(
      start, start + entry.size_bytes());
  return {entry.type, std::move(entry.shape), {copy, copy->data()}};
}

expected<safetensors> parse(const file_bytes& file, const std::string& name) {
  auto corrupt = [&name](const std::string& what) {
    return fail(errc::corrupt_checkpoint, name + ": " + what);
  };
  if (file.size < length_bytes)
    return corrupt("expected at least 8 bytes, got "
                   + std::to_string(file.size));
  auto length = decode_length(file.bytes().first<length_bytes>());
  if (length > max_header_bytes)
    return corrupt("expected a header of at most "
                   + std::to_string(max_header_bytes) + " bytes, got "
                   + std::to_string(length));
  auto behind = file.size - length_bytes;
  if (length > behind)
    return corrupt("expected a header of " + std::to_string(length)
                   + " bytes, got " + std::to_string(behind));
  auto header =
      parse_header(file.text().substr(length_bytes, length), behind - length);
  if (!header)
    return corrupt(header.error().message);
  safetensors result;
  result.metadata = std::move(header->metadata);
  result.tensors.reserve(header->tensors.size());
  const auto* data = file.data.get() + length_bytes + length;
  for (auto& x : header->tensors) {
    const auto* start = data + x.begin;
    auto tensor_name = std::move(x.name);
    result.tensors.emplace_back(std::move(tensor_name),
                                blob_at(file, start, std::move(x)));
  }
  return result;
}

expected<file_digest> write(const std::filesystem::path& path,
                            const safetensors& contents) {
  safetensors_header header{contents.metadata, {}};
  header.tensors.reserve(contents.tensors.size());
  for (const auto& [name, blob] : contents.tensors)
    header.tensors.push_back({name, blob.type(), blob.shape(), 0, 0});
  auto order = lay_out(header.tensors);
  auto json = format_header(header);
  if (!json)
    return fail(json.error().code, path.string() + ": " + json.error().message);
  if (json->size() > max_header_bytes)
    return fail(errc::invalid_argument,
                path.string() + ": expected a header of at most "
                    + std::to_string(max_header_bytes) + " bytes, got "
                    + std::to_string(json->size()));
  auto created = output_file::create(path);
  if (!created)
    return fail(std::move(created));
  hashed_file file{std::move(*created)};
  if (auto x = file.write(encode_length(json->size())); !x)
    return fail(std::move(x));
  if (auto x = file.write(std::as_bytes(std::span{*json})); !x)
    return fail(std::move(x));
  for (auto i : order)
    if (auto x = file.write(contents.tensors[i].second.bytes()); !x)
      return fail(std::move(x));
  return file.close();
}

} // namespace

expected<file_digest> write_safetensors(const std::filesystem::path& path,
                                        const safetensors& contents) {
  return guarded(path.string(), [&] { return write(path, contents); });
}

expected<safetensors> parse_safetensors(const file_bytes& file,
                                        const std::string& name) {
  return guarded(name, [&] { return parse(file, name); });
}

expected<safetensors> read_safetensors(const std::filesystem::path& path) {
  return guarded(path.string(), [&]() -> expected<safetensors> {
    auto file = read_file(path);
    if (!file)
      return fail(std::move(file));
    return parse(*file, path.string());
  });
}

} // namespace posse
