#include "runtime/core/registry.hpp"

#include "runtime/core/nearest_name.hpp"

namespace posse {

failure unknown_name(std::string_view noun, std::string_view name,
                     const std::vector<std::string>& known) {
  auto text = "unknown " + std::string{noun} + " \"" + std::string{name} + "\"";
  auto hint = nearest_hint(name, known);
  text += hint.empty() ? ";" : hint;
  text += " known: ";
  if (known.empty())
    text += "none";
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i == 0 ? "" : ", ") + known[i];
  return {errc::unknown_name, std::move(text)};
}

} // namespace posse
