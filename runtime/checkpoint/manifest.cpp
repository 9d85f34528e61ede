#include "runtime/checkpoint/manifest.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/core/sha256.hpp"

#include <cstdint>
#include <limits>

namespace posse {

namespace {

using nlohmann::ordered_json;

constexpr int schema = 1;
const std::string no_checksum(64, '0');

std::string hash_of(std::string_view text) {
  sha256 hash;
  hash.update(text);
  return hash.hex();
}

tl::unexpected<failure> corrupt(std::string message) {
  return fail(errc::corrupt_checkpoint, std::move(message));
}

/// Compares the text's checksum with its bytes.
expected<void> verify(std::string_view text, const ordered_json& json) {
  auto found = json.find("sha256");
  if (found == json.end() || !found->is_string())
    return corrupt("expected a checksum \"sha256\"");
  auto stated = found->get<std::string>();
  auto place = text.rfind(stated);
  if (stated.size() != no_checksum.size() || place == std::string_view::npos)
    return corrupt("expected a checksum of 64 hexadecimal digits, got \""
                   + stated + '"');
  std::string unsigned_text{text};
  unsigned_text.replace(place, stated.size(), no_checksum);
  if (auto actual = hash_of(unsigned_text); actual != stated)
    return corrupt("expected sha256 " + stated + ", got " + actual);
  return {};
}

/// Throws ordered_json's exceptions for entries that lack or are of another
/// type.
expected<checkpoint_manifest> read_entries(const ordered_json& json) {
  if (auto found = json.at("schema").get<int>(); found != schema)
    return corrupt("expected schema " + std::to_string(schema) + ", got schema "
                   + std::to_string(found));
  checkpoint_manifest manifest;
  json.at("version").get_to(manifest.info.version);
  manifest.info.step = json.at("step");
  manifest.info.model = json.at("model");
  manifest.info.data = json.at("data");
  for (const auto& x : json.at("particles")) {
    auto number = x.at("pid").get<std::uint64_t>();
    if (number > std::numeric_limits<std::uint32_t>::max())
      return corrupt(std::to_string(number) + " is no particle id");
    particle_id pid{static_cast<std::uint32_t>(number)};
    // Never a path out of the checkpoint: the name follows from the id.
    if (auto name = x.at("file").get<std::string>();
        name != particle_file_name(pid))
      return corrupt("expected the file " + particle_file_name(pid) + ", got "
                     + name);
    file_digest digest{x.at("bytes").get<std::uint64_t>(),
                       x.at("sha256").get<std::string>()};
    if (!manifest.particles.emplace(pid, std::move(digest)).second)
      return corrupt("particle " + std::to_string(number) + " comes twice");
  }
  return manifest;
}

} // namespace

std::string particle_file_name(particle_id pid) {
  auto number = to_string(pid);
  auto zeros = number.size() < 5 ? 5 - number.size() : 0;
  return "particle-" + std::string(zeros, '0') + number + ".safetensors";
}

expected<std::string> format_manifest(const checkpoint_manifest& manifest) {
  return guarded("manifest.json", [&]() -> expected<std::string> {
    auto particles = ordered_json::array();
    for (const auto& [pid, digest] : manifest.particles)
      particles.push_back({{"pid", pid.number},
                           {"file", particle_file_name(pid)},
                           {"bytes", digest.bytes},
                           {"sha256", digest.sha256}});
    ordered_json json{
        {"schema", schema},           {"version", manifest.info.version},
        {"step", manifest.info.step}, {"model", manifest.info.model},
        {"data", manifest.info.data}, {"particles", std::move(particles)},
        {"sha256", no_checksum}};
    try {
      auto text = json.dump(1) + '\n';
      text.replace(text.rfind(no_checksum), no_checksum.size(), hash_of(text));
      return text;
    } catch (const ordered_json::type_error&) {
      return fail(errc::invalid_argument, "manifest.json: expected UTF-8 text");
    }
  });
}

expected<checkpoint_manifest> parse_manifest(std::string_view text) {
  return guarded("manifest", [&]() -> expected<checkpoint_manifest> {
    try {
      auto json = ordered_json::parse(text);
      if (auto x = verify(text, json); !x)
        return fail(std::move(x));
      return read_entries(json);
    } catch (const ordered_json::exception& e) {
      return corrupt(e.what());
    }
  });
}

} // namespace posse
