// Linked into the programs that use mimalloc. Before main() LibTorch fills 55
// MiB with the tables of its operators; in pages of 4 KiB that is 13,600 page
// faults, two fifths of the time of a short command. So mimalloc asks for large
// pages until then, and no longer: what is in them is never given back to the
// system.
// And freed pages go back to the system after a second, not after mimalloc's 25
// ms: a step that needs them again pays for their faults again.
#include <mimalloc.h>

namespace {

constexpr long milliseconds_kept = 1000;

// MIMALLOC_LARGE_OS_PAGES and MIMALLOC_DECOMMIT_DELAY have the last word.
void choose_options(int, char**, char**) {
  mi_option_set_default(mi_option_large_os_pages, 1);
  mi_option_set_default(mi_option_decommit_delay, milliseconds_kept);
}

using initializer = void (*)(int, char**, char**);
// Only programs have these; they run before the constructors of all libraries.
[[gnu::section(".preinit_array"), gnu::used]] initializer before_libraries =
    choose_options;

[[gnu::constructor]] void no_longer() {
  mi_option_set_default(mi_option_large_os_pages, 0);
}

} // namespace
