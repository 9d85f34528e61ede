#pragma once

#include "messages/failure.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st; // libcrypto's EVP_MD_CTX

namespace posse {

/// SHA-256 (FIPS 180-4) of bytes that come piece by piece. Throws
/// std::runtime_error where libcrypto cannot compute (no memory, no provider):
/// use it inside guarded().
class sha256 {
public:
  sha256();

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);

  /// The hash of everything so far as 64 lower-case hexadecimal digits; more
  /// updates may follow.
  std::string hex() const;

private:
  struct free_context {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  using context_ptr = std::unique_ptr<evp_md_ctx_st, free_context>;
  static context_ptr make_context();

  context_ptr context_;
};

/// The SHA-256 of a file's bytes as 64 lower-case hexadecimal digits.
///
/// @returns errc::io_error if the file cannot be opened or read.
expected<std::string> sha256_of_file(const std::filesystem::path& path);

} // namespace posse
