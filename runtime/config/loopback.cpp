#include "runtime/config/loopback.hpp"

#include <arpa/inet.h>
#include <cstdint>
#include <netinet/in.h>

namespace posse {

std::optional<std::string> loopback_address(const std::string& host) {
  constexpr std::uint32_t first_byte = 127;
  if (host.find('\0') != std::string::npos)
    return std::nullopt;
  if (host == "localhost")
    return "127.0.0.1";
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1)
    return ntohl(four.s_addr) >> 24 == first_byte ? std::optional{host}
                                                  : std::nullopt;
  in6_addr six{};
  if (inet_pton(AF_INET6, host.c_str(), &six) == 1
      && IN6_IS_ADDR_LOOPBACK(&six))
    return "::1";
  return std::nullopt;
}

} // namespace posse
