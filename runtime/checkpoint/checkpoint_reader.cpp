#include "runtime/checkpoint/checkpoint_reader.hpp"

#include "runtime/core/atomic_directory.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/sha256.hpp"

#include <system_error>

namespace posse {

namespace {

/// A manifest takes about 200 bytes a particle; 1 000 000 are allowed.
constexpr std::uint64_t max_manifest_bytes = 512 << 20;

tl::unexpected<failure> corrupt(const std::filesystem::path& path,
                                const std::string& what) {
  return fail(errc::corrupt_checkpoint, path.string() + ": " + what);
}

/// A file that belongs to the checkpoint: if it is missing, that is damage.
expected<file_bytes> read_part(const std::filesystem::path& path,
                               std::uint64_t max_bytes = UINT64_MAX) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found)
    return corrupt(path, "missing");
  return read_file(path, max_bytes);
}

expected<file_bytes> read_verified(const std::filesystem::path& path,
                                   const file_digest& stated) {
  auto file = read_part(path);
  if (!file)
    return file;
  if (file->size != stated.bytes)
    return corrupt(path, "expected " + std::to_string(stated.bytes)
                             + " bytes, got " + std::to_string(file->size));
  sha256 hash;
  hash.update(file->bytes());
  if (auto actual = hash.hex(); actual != stated.sha256)
    return corrupt(path,
                   "expected sha256 " + stated.sha256 + ", got " + actual);
  return file;
}

} // namespace

expected<checkpoint_reader>
checkpoint_reader::open(const std::filesystem::path& directory) {
  return guarded(directory.string(), [&]() -> expected<checkpoint_reader> {
    auto found = find_directory(directory);
    if (!found)
      return fail(errc::io_error,
                  directory.string() + ": there is no checkpoint");
    auto path = *found / manifest_name;
    auto file = read_part(path, max_manifest_bytes);
    if (!file)
      return fail(std::move(file));
    auto manifest = parse_manifest(file->text());
    if (!manifest)
      return corrupt(path, manifest.error().message);
    return checkpoint_reader{std::move(*found), std::move(*manifest)};
  });
}

std::vector<particle_id> checkpoint_reader::particle_ids() const {
  std::vector<particle_id> pids;
  pids.reserve(manifest_.particles.size());
  for (const auto& [pid, digest] : manifest_.particles)
    pids.push_back(pid);
  return pids;
}

expected<particle_record> checkpoint_reader::particle(particle_id pid) const {
  auto path = directory_ / particle_file_name(pid);
  return guarded(path.string(), [&]() -> expected<particle_record> {
    auto known = manifest_.particles.find(pid);
    if (known == manifest_.particles.end())
      return fail(errc::unknown_particle, directory_.string()
                                              + ": holds no particle "
                                              + to_string(pid));
    auto file = read_verified(path, known->second);
    if (!file)
      return fail(std::move(file));
    auto contents = parse_safetensors(*file, path.string());
    if (!contents)
      return fail(std::move(contents));
    return particle_record{pid, std::move(contents->metadata),
                           std::move(contents->tensors)};
  });
}

} // namespace posse
