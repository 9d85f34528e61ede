#include "apps/posse/value_json.hpp"

#include <limits>

namespace posse {

namespace {

using json = nlohmann::ordered_json;

struct json_maker {
  json operator()(std::monostate) const { return nullptr; }
  json operator()(bool x) const { return x; }
  json operator()(std::int64_t x) const { return x; }
  json operator()(double x) const { return x; }
  json operator()(const std::string& x) const { return x; }
  json operator()(const tensor_blob& x) const { return to_string(x); }
  json operator()(const value_list& x) const {
    auto out = json::array();
    for (const auto& each : x)
      out.push_back(to_json(each));
    return out;
  }
  json operator()(const value_dict& x) const {
    auto out = json::object();
    for (const auto& [key, each] : x)
      out[key] = to_json(each);
    return out;
  }
};

} // namespace

json to_json(const value& x) {
  return std::visit(json_maker{}, x.data());
}

expected<value> value_from_json(const json& x) {
  switch (x.type()) {
  case json::value_t::boolean:
    return value{x.get<bool>()};
  case json::value_t::number_integer:
    return value{x.get<std::int64_t>()};
  case json::value_t::number_unsigned: {
    const auto number = x.get<std::uint64_t>();
    if (number > std::numeric_limits<std::int64_t>::max())
      return fail(errc::malformed, "expected an integer of 64 bits, got "
                                       + std::to_string(number));
    return value{static_cast<std::int64_t>(number)};
  }
  case json::value_t::number_float:
    return value{x.get<double>()};
  case json::value_t::string:
    return value{x.get<std::string>()};
  case json::value_t::array: {
    value_list out;
    for (const auto& each : x) {
      auto item = value_from_json(each);
      if (!item)
        return item;
      out.push_back(std::move(*item));
    }
    return value(std::move(out)); // braces would nest the list
  }
  case json::value_t::object: {
    value_dict out;
    for (const auto& [key, each] : x.items()) {
      auto item = value_from_json(each);
      if (!item)
        return item;
      out[key] = std::move(*item);
    }
    return value{std::move(out)};
  }
  default:
    return value{};
  }
}

} // namespace posse
