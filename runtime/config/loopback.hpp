#pragma once

#include <optional>
#include <string>

namespace posse {

/// The address that `host` means, if only this machine reaches it: one of
/// 127.0.0.0/8 in four decimal numbers, ::1 in any spelling, or "localhost",
/// which is 127.0.0.1. Asks no name server.
std::optional<std::string> loopback_address(const std::string& host);

} // namespace posse
