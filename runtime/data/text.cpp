#include "runtime/data/text.hpp"

#include "runtime/core/guarded.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

namespace posse {

namespace {

struct file_closer {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

expected<std::string> read_all(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(errc::invalid_data,
                path.string() + ": expected a file, got a folder");
  std::unique_ptr<std::FILE, file_closer> file{std::fopen(path.c_str(), "rb")};
  if (!file)
    return fail(errc::invalid_data, path.string() + ": cannot open the file: "
                                        + std::strerror(errno));
  std::string bytes;
  std::size_t size = 0;
  do {
    constexpr std::size_t step = std::size_t{1} << 20;
    bytes.resize(size + step);
    size += std::fread(bytes.data() + size, 1, step, file.get());
  } while (size == bytes.size());
  if (std::ferror(file.get()))
    return fail(errc::invalid_data, path.string() + ": cannot read the file: "
                                        + std::strerror(errno));
  bytes.resize(size);
  return bytes;
}

} // namespace

expected<std::string> read_data_file(const std::filesystem::path& path) {
  return guarded("read data file", [&] { return read_all(path); });
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t";
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view take_until(std::string_view& text, char separator) noexcept {
  auto end = text.find(separator);
  auto head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t max_bytes = 40;
  std::string result{'"'};
  for (char c : text.substr(0, max_bytes))
    result += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > max_bytes)
    result += "...";
  return result + '"';
}

bool is_clean_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f)
        return false;
      continue;
    }
    std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || text.size() - i < more)
      return false;
    std::uint32_t point = lead & (0x3fu >> more);
    for (; more > 0; --more) {
      auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xc0) != 0x80)
        return false;
      point = (point << 6) | (next & 0x3fu);
    }
    // The shortest form of each length, by lead byte; no surrogates.
    if ((lead == 0xe0 && point < 0x800) || (lead == 0xf0 && point < 0x10000)
        || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
      return false;
  }
  return true;
}

} // namespace posse
