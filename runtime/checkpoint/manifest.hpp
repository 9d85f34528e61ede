#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "runtime/checkpoint/safetensors.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <string_view>

namespace posse {

/// What a checkpoint is of. The objects belong to those who write and read
/// them; a non-finite number in them becomes null.
struct checkpoint_info {
  std::string version;          ///< of the posse that wrote it
  nlohmann::ordered_json step;  ///< how far the run has come
  nlohmann::ordered_json model; ///< what the particles are
  nlohmann::ordered_json data;  ///< how rows were encoded for them
};

/// `manifest.json` of a checkpoint: what it is of, and what its files hold.
struct checkpoint_manifest {
  checkpoint_info info;
  std::map<particle_id, file_digest> particles;
};

/// "manifest.json"
inline constexpr std::string_view manifest_name = "manifest.json";

/// "particle-00000.safetensors"; longer from 100000 on.
std::string particle_file_name(particle_id pid);

/// The manifest as JSON. Its last entry, `sha256`, is the hash of the whole
/// text with zeros for these 64 digits: every byte is covered, whichever
/// program reads it.
/// @returns errc::invalid_argument for text that is no UTF-8.
expected<std::string> format_manifest(const checkpoint_manifest& manifest);

/// Reads what format_manifest() wrote.
/// @returns errc::corrupt_checkpoint with what is wrong.
expected<checkpoint_manifest> parse_manifest(std::string_view text);

} // namespace posse
