#pragma once

#include "messages/failure.hpp"
#include "messages/tensor_blob.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace posse {

class value;
using value_list = std::vector<value>;
/// Sorted by key, so that equal dicts have equal bytes.
using value_dict = std::map<std::string, value, std::less<>>;

/// What arguments, states and results are made of: none, bool, int, double,
/// string, tensor, list or dict, nested. Plain data, the same on every node.
class value {
public:
  using variant =
      std::variant<std::monostate, bool, std::int64_t, double, std::string,
                   tensor_blob, value_list, value_dict>;

  value() = default; ///< none
  value(bool x) : data_{x} {}
  value(int x) : data_{std::int64_t{x}} {}
  value(std::int64_t x) : data_{x} {}
  value(double x) : data_{x} {}
  value(const char* x) : data_{std::string{x}} {}
  value(std::string x) : data_{std::move(x)} {}
  value(tensor_blob x) : data_{std::move(x)} {}
  value(value_list x) : data_{std::move(x)} {}
  value(value_dict x) : data_{std::move(x)} {}

  const variant& data() const noexcept { return data_; }
  bool is_none() const noexcept {
    return std::holds_alternative<std::monostate>(data_);
  }

  /// The alternative `T`, or nullptr if the value holds another one.
  template <class T>
  const T* get_if() const noexcept {
    return std::get_if<T>(&data_);
  }
  template <class T>
  T* get_if() noexcept {
    return std::get_if<T>(&data_);
  }

  /// The alternative `T` (an int also answers for a double), or
  /// errc::invalid_argument naming `what`, the type expected and the type that
  /// came.
  template <class T>
  expected<T> to(std::string_view what) const;

  /// Entry `key` of a dict as a `T`; errc::invalid_argument if this is no
  /// dict, has no such entry, or the entry is of another type.
  template <class T>
  expected<T> at(std::string_view key) const;

  /// Entry `key` of a dict as a `T`, or `otherwise` if there is none.
  template <class T>
  expected<T> at_or(std::string_view key, T otherwise) const;

  /// Deep equality; doubles and tensors compare by bits.
  friend bool operator==(const value& a, const value& b) noexcept;

private:
  variant data_;
};

/// "none", "bool", "int", "double", "string", "tensor", "list" or "dict".
std::string_view type_name(const value& x) noexcept;

/// For logs and errors: JSON-like, tensors as `f32[3,2]`, cut after
/// `max_chars` characters.
std::string to_string(const value& x, std::size_t max_chars = 200);

} // namespace posse
