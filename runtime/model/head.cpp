#include "runtime/model/head.hpp"

#include "runtime/core/registry.hpp"

namespace posse {

std::string_view to_string(head_kind head) noexcept {
  switch (head) {
  case head_kind::point:
    return "point";
  case head_kind::gaussian:
    return "gaussian";
  case head_kind::gaussian_shared:
    return "gaussian_shared";
  case head_kind::categorical:
    return "categorical";
  }
  return "unknown head";
}

expected<head_kind> parse_head(std::string_view name) {
  std::vector<std::string> known;
  for (auto head : {head_kind::point, head_kind::gaussian,
                    head_kind::gaussian_shared, head_kind::categorical}) {
    if (name == to_string(head))
      return head;
    known.emplace_back(to_string(head));
  }
  return tl::unexpected<failure>{unknown_name("head", name, known)};
}

} // namespace posse
