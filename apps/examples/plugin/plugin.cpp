#include "parts.hpp"

POSSE_PLUGIN("gossip", posse::plugin_parts& parts) {
  gossip::add_parts(parts);
}
