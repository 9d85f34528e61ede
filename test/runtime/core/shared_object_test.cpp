#include "runtime/core/shared_object.hpp"
#include "test/support/catch.hpp"

#include <cstring>
#include <elf.h>
#include <vector>

using namespace posse;

namespace {

/// A library of headers alone: one segment, which maps the file to `base`; a
/// table of names; one symbol.
struct tiny_library {
  static constexpr std::uint64_t base = 0x4000;

  Elf64_Ehdr header{};
  Elf64_Phdr segment{};
  Elf64_Shdr sections[3]{};
  Elf64_Sym symbols[2]{};
  char names[16]{"\0mine"};
  char text[16]{"hello"};

  tiny_library() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_phoff = offsetof(tiny_library, segment);
    header.e_phnum = 1;
    header.e_shoff = offsetof(tiny_library, sections);
    header.e_shnum = 3;
    segment.p_type = PT_LOAD;
    segment.p_vaddr = base;
    segment.p_filesz = sizeof(tiny_library);
    sections[1].sh_type = SHT_DYNSYM;
    sections[1].sh_link = 2;
    sections[1].sh_offset = offsetof(tiny_library, symbols);
    sections[1].sh_size = sizeof symbols;
    sections[2].sh_type = SHT_STRTAB;
    sections[2].sh_offset = offsetof(tiny_library, names);
    symbols[1].st_name = 1;
    symbols[1].st_shndx = 1;
    symbols[1].st_value = base + offsetof(tiny_library, text);
  }

  expected<std::optional<std::string>> find(std::string_view symbol) const {
    return text_in_shared_object(std::as_bytes(std::span{this, 1}), symbol);
  }
};

using found = std::optional<std::string>;

} // namespace

TEST_CASE("a text is found by its symbol", "[core][shared_object]") {
  tiny_library library;
  CHECK(library.find("mine").value() == found{"hello"});
  CHECK(library.find("min").value() == found{});
  CHECK(library.find("mine2").value() == found{});
  SECTION("one that it wants from others is not its own") {
    library.symbols[1].st_shndx = SHN_UNDEF;
    CHECK(library.find("mine").value() == found{});
  }
  SECTION("a library may have no table of symbols") {
    library.header.e_shnum = 0;
    CHECK(library.find("mine").value() == found{});
  }
}

TEST_CASE("what is no shared library is refused", "[core][shared_object]") {
  tiny_library library;
  const auto is_refused = [&] {
    return library.find("mine").error().code == errc::invalid_data;
  };
  SECTION("text") {
    library.header.e_ident[0] = '#';
    CHECK(is_refused());
  }
  SECTION("32 bits") {
    library.header.e_ident[EI_CLASS] = ELFCLASS32;
    CHECK(is_refused());
  }
  SECTION("an object file") {
    library.header.e_type = ET_REL;
    CHECK(is_refused());
  }
  SECTION("names beyond the end") {
    library.sections[1].sh_link = 1000;
    CHECK(is_refused());
  }
  SECTION("symbols beyond the end") {
    library.sections[1].sh_offset = UINT64_MAX - 5;
    CHECK(is_refused());
  }
  SECTION("a text beyond the end") {
    library.symbols[1].st_value = tiny_library::base + sizeof library - 1;
    library.text[15] = 'x';
    CHECK(is_refused());
  }
  SECTION("a text outside of the segments") {
    library.symbols[1].st_value = 3;
    CHECK(is_refused());
  }
}

TEST_CASE("a library that was cut off is read without harm",
          "[core][shared_object]") {
  const tiny_library library;
  const auto bytes = std::as_bytes(std::span{&library, 1});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of its own, so that a sanitizer sees what is read beyond it.
    const std::vector<std::byte> part{
        bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
    const auto text = text_in_shared_object(part, "mine");
    // Behind "hello" and its NUL nothing is needed.
    if (size < offsetof(tiny_library, text) + 6)
      CHECK((!text || !*text));
    else
      CHECK(text.value() == found{"hello"});
  }
}
