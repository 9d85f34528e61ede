#pragma once

#include "messages/failure.hpp"
#include "messages/tensor_blob.hpp"
#include "messages/value.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/meta/annotation.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

/// Values and tensors taken out of a message, so that they can travel by
/// another way than the rest of it, and put back.
namespace posse {

/// An inspector that calls `f` for each value and tensor that `inspect` visits.
template <class F>
class value_visitor {
public:
  static constexpr bool reads_state = true;
  static constexpr bool writes_state = true;

  explicit value_visitor(F& f) : f_{f} {}

  template <class... Ts>
  void operator()(Ts&&... xs) {
    (visit(xs), ...);
  }

private:
  template <class T>
  void visit(T& x) {
    using type = std::remove_cv_t<T>;
    if constexpr (std::same_as<type, value> || std::same_as<type, tensor_blob>)
      f_(x);
    else if constexpr (
        std::is_arithmetic_v<
            type> || std::is_enum_v<type> || std::same_as<type, std::string> || std::same_as<type, caf::strong_actor_ptr> || caf::meta::is_annotation<type>::value)
      return;
    else if constexpr (requires { typename type::value_type; })
      for (auto& element : x)
        visit(element);
    else
      inspect(*this, x);
  }

  F& f_;
};

/// Calls f(value&) or f(tensor_blob&) for each of them in `message`, in the
/// order of its members. Tensors inside a value are the value's own affair.
template <class Message, class F>
void for_each_value(Message& message, F f) {
  value_visitor<F> visitor{f};
  inspect(visitor, message);
}

/// Leaves the message with empty values and tensors.
template <class Message>
value_list take_values(Message& message) {
  value_list out;
  for_each_value(
      message, [&]<class T>(T& x) { out.emplace_back(std::exchange(x, T{})); });
  return out;
}

/// The inverse of take_values().
/// @returns errc::malformed if `values` were not taken from such a message;
///   it is then left in part as it was.
template <class Message>
expected<void> put_values(Message& message, value_list values) {
  std::size_t used = 0;
  bool fits = true;
  for_each_value(message, [&]<class T>(T& x) {
    if (used == values.size()) {
      fits = false;
      return;
    }
    auto& from = values[used++];
    if constexpr (std::same_as<T, value>)
      x = std::move(from);
    else if (auto* tensor = from.template get_if<tensor_blob>())
      x = std::move(*tensor);
    else
      fits = false;
  });
  if (fits && used == values.size())
    return {};
  return fail(errc::malformed, "peer: expected the values of a message, got "
                                   + std::to_string(values.size())
                                   + " that do not fit it");
}

} // namespace posse
