// Linked into the programs that use mimalloc. Before main() LibTorch fills 55
// MiB with the tables of its operators; in pages of 4 KiB that is 13,600 page
// faults, two fifths of the time of a short command. So mimalloc asks for large
// pages until then, and no longer: what is in them is never given back to the
// system.
#include <mimalloc.h>

namespace {

// mimalloc's own default is no; MIMALLOC_LARGE_OS_PAGES has the last word.
void ask_for_large_pages(int, char**, char**) {
  mi_option_set_default(mi_option_large_os_pages, 1);
}

using initializer = void (*)(int, char**, char**);
// Only programs have these; they run before the constructors of all libraries.
[[gnu::section(".preinit_array"), gnu::used]] initializer before_libraries =
    ask_for_large_pages;

[[gnu::constructor]] void no_longer() {
  mi_option_set_default(mi_option_large_os_pages, 0);
}

} // namespace
