#include "runtime/core/shared_object.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <elf.h>

namespace posse {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t max_text = 1000;

tl::unexpected<failure> no_library() {
  return fail(errc::invalid_data, "not a shared library");
}

/// The bytes of a file, of which nothing is believed.
class elf_file {
public:
  explicit elf_file(std::span<const std::byte> bytes) : bytes_{bytes} {}

  /// The `index`-th `T` of a table at `offset`; none if the file ends before.
  template <class T>
  std::optional<T> read(std::uint64_t offset, std::uint64_t index = 0) const {
    const auto size = bytes_.size();
    if (offset > size || index >= (size - offset) / sizeof(T))
      return {};
    T out;
    std::memcpy(&out, bytes_.data() + offset + index * sizeof(T), sizeof(T));
    return out;
  }

  /// The text at `offset` up to its NUL, which has to come within `limit`.
  std::optional<std::string_view> text(std::uint64_t offset,
                                       std::uint64_t limit) const {
    if (offset >= bytes_.size())
      return {};
    const auto* first = reinterpret_cast<const char*>(bytes_.data() + offset);
    const auto most = std::min<std::uint64_t>(bytes_.size() - offset, limit);
    const std::string_view rest{first, static_cast<std::size_t>(most)};
    const auto end = rest.find('\0');
    if (end == rest.npos)
      return {};
    return rest.substr(0, end);
  }

private:
  std::span<const std::byte> bytes_;
};

bool is_shared_library(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0
         && header.e_ident[EI_CLASS] == ELFCLASS64
         && header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_type == ET_DYN;
}

/// The section of the dynamic symbols.
std::optional<Elf64_Shdr> dynamic_symbols(const elf_file& file,
                                          const Elf64_Ehdr& header) {
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = file.read<Elf64_Shdr>(header.e_shoff, i);
    if (section && section->sh_type == SHT_DYNSYM)
      return section;
  }
  return {};
}

/// Where the file has what lies at `address` once it is loaded.
std::optional<std::uint64_t> offset_of(const elf_file& file,
                                       const Elf64_Ehdr& header,
                                       std::uint64_t address) {
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = file.read<Elf64_Phdr>(header.e_phoff, i);
    if (segment && segment->p_type == PT_LOAD && address >= segment->p_vaddr
        && address - segment->p_vaddr < segment->p_filesz)
      return segment->p_offset + (address - segment->p_vaddr);
  }
  return {};
}

} // namespace

expected<std::optional<std::string>>
text_in_shared_object(std::span<const std::byte> bytes,
                      std::string_view symbol) {
  const elf_file file{bytes};
  const auto header = file.read<Elf64_Ehdr>(0);
  if (!header || !is_shared_library(*header))
    return no_library();
  const auto table = dynamic_symbols(file, *header);
  if (!table)
    return std::optional<std::string>{};
  const auto names = file.read<Elf64_Shdr>(header->e_shoff, table->sh_link);
  if (!names)
    return no_library();
  for (std::uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); ++i) {
    const auto entry = file.read<Elf64_Sym>(table->sh_offset, i);
    if (!entry)
      return no_library();
    if (entry->st_shndx == SHN_UNDEF
        || file.text(names->sh_offset + entry->st_name, symbol.size() + 1)
               != symbol)
      continue;
    const auto at = offset_of(file, *header, entry->st_value);
    const auto found = at ? file.text(*at, max_text + 1) : std::nullopt;
    if (!found)
      return fail(errc::invalid_data,
                  std::string{symbol} + " is not a text of it");
    return std::optional{std::string{*found}};
  }
  return std::optional<std::string>{};
}

} // namespace posse
