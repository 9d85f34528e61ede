#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace posse {

/// The first word of every hello.
inline constexpr std::string_view hello_magic = "posse";

/// What peers say to each other; it grows with every change that an older peer
/// would misread.
inline constexpr std::uint32_t protocol_version = 1;

/// What two processes tell each other before anything else, and what must agree
/// for them to work on one run.
struct hello {
  std::string magic{hello_magic};
  std::uint32_t protocol{protocol_version};
  std::string build;   ///< build_name() of the process.
  std::string cpu;     ///< Instruction set: it decides the last bits.
  std::string cluster; ///< cluster_hash() of the configuration.
  std::string node;    ///< Which node speaks, or is meant.
  /// Drawn when the process starts: tells a node from its predecessor on the
  /// same port.
  std::uint64_t incarnation{0};
  std::string secret; ///< Of the cluster; never written to any log.

  friend bool operator==(const hello&, const hello&) = default;
};

/// What a hello says of its program, from the versions of what it is made of:
/// "posse 0.1.0, LibTorch 2.11.0, CAF 1706".
std::string build_name(std::string_view posse, std::string_view libtorch,
                       std::string_view caf);

/// Whether a peer that says `theirs` may work with the process that would say
/// `mine`. The incarnations are not compared.
///
/// @returns errc::refused for the first thing that differs, with both values,
///   or, of the secret, only that it does. The secret comes first, right after
///   magic and protocol: who lacks it learns nothing else.
expected<void> check_hello(const hello& mine, const hello& theirs);

} // namespace posse
