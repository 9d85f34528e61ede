#pragma once

#include "messages/inspection.hpp"

#include <string>

namespace posse {

/// A thing that every node makes itself, since functions do not travel: its
/// name in a registry (optimizer, scheduler, prior, behaviour) and the
/// arguments it is made with, a dict. An empty name stands for none.
struct by_name {
  std::string name;
  value args{value_dict{}};
};

template <class Inspector>
auto inspect(Inspector& f, by_name& x) {
  return f(caf::meta::type_name("by_name"), x.name, x.args);
}

} // namespace posse
