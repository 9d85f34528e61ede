#pragma once

#include "messages/tensor_blob.hpp"
#include "messages/transfer/shared_bytes.hpp"
#include "messages/value.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/meta/annotation.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

/// What the compiler can say about messages, from their `inspect` functions.
namespace posse::wire {

/// An inspector whose answer is a type: the list of what it was given, without
/// annotations. Nothing is ever run.
struct member_lister {
  static constexpr bool reads_state = true;
  static constexpr bool writes_state = false;

  template <class T>
  using listed = std::conditional_t<
      caf::meta::is_annotation<std::remove_cvref_t<T>>::value, std::tuple<>,
      std::tuple<std::remove_cvref_t<T>>>;

  template <class... Ts>
  auto operator()(Ts&&...) const
      -> decltype(std::tuple_cat(std::declval<listed<Ts>>()...));
};

/// The members that `inspect` visits, as a tuple.
template <class T>
using members_of =
    decltype(inspect(std::declval<member_lister&>(), std::declval<T&>()));

template <class T>
struct is_duration : std::false_type {};
template <class Rep, class Period>
struct is_duration<std::chrono::duration<Rep, Period>> : std::true_type {};

template <class T>
concept pair_like = requires {
  typename T::first_type;
  typename T::second_type;
};

/// Whether a float or double is in `T`, in its elements or in the members that
/// its `inspect` visits. A type that is none of these does not compile.
template <class T>
consteval bool holds_floating_point() {
  if constexpr (std::is_floating_point_v<T>)
    return true;
  else if constexpr (
      std::is_arithmetic_v<
          T> || std::is_enum_v<T> || std::same_as<T, std::string> || std::same_as<T, caf::strong_actor_ptr>)
    return false;
  else if constexpr (
      std::same_as<
          T,
          value> || std::same_as<T, tensor_blob> || std::same_as<T, shared_bytes>)
    return false; // bytes of our own
  else if constexpr (is_duration<T>::value)
    return holds_floating_point<typename T::rep>();
  else if constexpr (pair_like<T>)
    return holds_floating_point<std::remove_const_t<typename T::first_type>>()
           || holds_floating_point<typename T::second_type>();
  else if constexpr (requires { typename T::value_type; })
    return holds_floating_point<typename T::value_type>();
  else
    return []<class... Ms>(std::type_identity<std::tuple<Ms...>>) {
      return (holds_floating_point<Ms>() || ...);
    }(std::type_identity<members_of<T>>{});
}

/// Converts to any member, to count those of an aggregate.
struct any_member {
  template <class T>
  operator T() const;
};

/// How many members the aggregate `T` has.
template <class T, class... Members>
consteval std::size_t member_count() {
  if constexpr (requires { T{Members{}..., any_member{}}; })
    return member_count<T, Members..., any_member>();
  else
    return sizeof...(Members);
}

/// Whether `inspect` visits as many members as `T` has; classes with private
/// members answer for themselves.
template <class T>
consteval bool inspects_all_members() {
  if constexpr (std::is_aggregate_v<T>)
    return std::tuple_size_v<members_of<T>> == member_count<T>();
  else
    return true;
}

/// Calls `f.template operator()<T>()` for each type of a block of type ids.
template <class IdBlock, class F>
constexpr void for_each_type(F f) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    (f.template
     operator()<typename caf::type_by_id<IdBlock::begin + Is>::type>(),
     ...);
  }
  (std::make_index_sequence<IdBlock::end - IdBlock::begin>{});
}

template <class IdBlock>
consteval bool no_floating_point() {
  bool none = true;
  for_each_type<IdBlock>(
      [&]<class T>() { none = none && !holds_floating_point<T>(); });
  return none;
}

template <class IdBlock>
consteval bool all_members_inspected() {
  bool all = true;
  for_each_type<IdBlock>(
      [&]<class T>() { all = all && inspects_all_members<T>(); });
  return all;
}

} // namespace posse::wire
