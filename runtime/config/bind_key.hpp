#pragma once

#include "runtime/config/schema.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <type_traits>
#include <utility>

/// From a field of a config to a key of its schema. Only the .cpp files of this
/// room that make a schema include this.
namespace posse {

namespace bind_key_detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

/// By fuse_mode.
inline constexpr std::array<std::string_view, 3> fuse_words{"auto", "off",
                                                            "on"};

template <class T>
std::optional<config_value> packed(const T& field) {
  if constexpr (is_optional<T>::value)
    return field ? packed(*field) : std::nullopt;
  else if constexpr (std::is_same_v<T, fuse_mode>)
    return config_value{
        std::string{fuse_words[static_cast<std::size_t>(field)]}};
  else
    return config_value{field};
}

template <class T>
void unpack(T& field, const config_value& x) {
  if constexpr (is_optional<T>::value) {
    field = std::get<typename T::value_type>(x);
  } else if constexpr (std::is_same_v<T, fuse_mode>) {
    auto word = std::find(fuse_words.begin(), fuse_words.end(),
                          std::get<std::string>(x));
    assert(word != fuse_words.end());
    field = static_cast<fuse_mode>(word - fuse_words.begin());
  } else {
    field = std::get<T>(x);
  }
}

template <class T>
constexpr value_kind kind_of() {
  if constexpr (is_optional<T>::value)
    return kind_of<typename T::value_type>();
  else if constexpr (std::is_same_v<T, bool>)
    return value_kind::boolean;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return value_kind::integer;
  else if constexpr (std::is_same_v<T, double>)
    return value_kind::real;
  else if constexpr (std::is_same_v<T, std::filesystem::path>)
    return value_kind::path;
  else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
    return value_kind::integer_list;
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return value_kind::text_list;
  else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>)
    return value_kind::path_list;
  else if constexpr (std::is_same_v<T, std::vector<device_entry>>)
    return value_kind::device_list;
  else
    return value_kind::text;
}

template <class T>
struct owner_of;
template <class Owner, class T>
struct owner_of<T Owner::*> {
  using type = Owner;
};

template <auto Section, auto... Field>
auto& field_of(auto& owner) {
  if constexpr (sizeof...(Field) == 0)
    return owner.*Section;
  else
    return field_of<Field...>(owner.*Section);
}

} // namespace bind_key_detail

/// Completes a row of a schema: its field is `owner.*Section.*Field`, and its
/// kind follows from the field's type unless it says a special one.
template <auto Section, auto... Field>
auto bind_key(config_key key) {
  using namespace bind_key_detail;
  using owner = typename owner_of<decltype(Section)>::type;
  using field_type = std::remove_cvref_t<decltype(field_of<Section, Field...>(
      std::declval<owner&>()))>;
  if (key.kind == value_kind::text)
    key.kind = kind_of<field_type>();
  bound_key<owner> bound{std::move(key), nullptr, nullptr};
  bound.get = [](const owner& x) {
    return packed(field_of<Section, Field...>(x));
  };
  bound.set = [](owner& x, const config_value& value) {
    unpack(field_of<Section, Field...>(x), value);
  };
  return bound;
}

} // namespace posse
