#pragma once

#include <string>

namespace posse::report {

/// A figure of the report, or why it is not there. Texts are plain.
struct block {
  std::string title;
  std::string svg;  ///< empty: left out
  std::string text; ///< how to read it, or why it is left out
};

} // namespace posse::report
