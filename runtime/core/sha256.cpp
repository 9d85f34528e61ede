#include "runtime/core/sha256.hpp"

#include "runtime/core/file_descriptor.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/io_failure.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdexcept>
#include <vector>

namespace posse {

namespace {

void require(int ok) {
  if (ok != 1)
    throw std::runtime_error{"libcrypto cannot compute SHA-256"};
}

} // namespace

void sha256::free_context::operator()(EVP_MD_CTX* context) const noexcept {
  EVP_MD_CTX_free(context);
}

sha256::context_ptr sha256::make_context() {
  context_ptr context{EVP_MD_CTX_new()};
  require(context != nullptr);
  return context;
}

sha256::sha256() : context_{make_context()} {
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

void sha256::update(std::string_view text) {
  update(std::as_bytes(std::span{text}));
}

std::string sha256::hex() const {
  auto copy = make_context(); // finishing would end the original
  require(EVP_MD_CTX_copy_ex(copy.get(), context_.get()));
  std::array<unsigned char, 32> hash{};
  require(EVP_DigestFinal_ex(copy.get(), hash.data(), nullptr));
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * hash.size());
  for (auto byte : hash) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

expected<std::string> sha256_of_file(const std::filesystem::path& path) {
  return guarded("sha256", [&]() -> expected<std::string> {
    file_descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.is_open())
      return io_fail(path, "open", errno);
    sha256 hash;
    std::vector<std::byte> chunk(1 << 20);
    for (;;) {
      auto got = ::read(file.get(), chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return io_fail(path, "read", errno);
      if (got == 0)
        return hash.hex();
      hash.update(std::span{chunk}.first(static_cast<std::size_t>(got)));
    }
  });
}

} // namespace posse
