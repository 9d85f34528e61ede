#include "messages/value.hpp"

#include "messages/overloaded.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

namespace posse {

namespace {

/// How errors name the alternatives, in the variant's order.
constexpr std::array<std::string_view, 8> with_article{
    "none",     "a bool",   "an int", "a double",
    "a string", "a tensor", "a list", "a dict",
};
static_assert(with_article.size() == std::variant_size_v<value::variant>);

template <class T, class... Ts>
constexpr std::size_t index_in(const std::variant<Ts...>*) {
  std::size_t index = 0;
  static_cast<void>(((std::is_same_v<T, Ts> || (++index, false)) || ...));
  return index;
}

template <class T>
constexpr std::string_view expected_type =
    with_article[index_in<T>(static_cast<const value::variant*>(nullptr))];

/// 'a string "fast"': the type and the thing, for the end of a message.
std::string described(const value& x) {
  if (x.is_none())
    return "none";
  constexpr std::size_t shown_chars = 60;
  return std::string{with_article[x.data().index()]} + ' '
         + to_string(x, shown_chars);
}

/// Collects text up to a limit and then only remembers that there was more, so
/// that naming a huge value stays cheap.
class bounded_text {
public:
  explicit bounded_text(std::size_t max_chars) : room_{max_chars} {}

  bool full() const noexcept { return cut_; }

  void add(std::string_view text) {
    if (cut_)
      return;
    if (text.size() > room_) {
      cut_ = true;
      text = text.substr(0, whole_characters(text, room_));
    }
    room_ -= text.size();
    text_ += text;
  }

  std::string take() && {
    if (cut_)
      text_ += "...";
    return std::move(text_);
  }

private:
  /// The largest length <= `limit` that splits no UTF-8 sequence of `text`.
  static std::size_t whole_characters(std::string_view text,
                                      std::size_t limit) {
    while (limit > 0
           && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80)
      --limit;
    return limit;
  }

  std::string text_;
  std::size_t room_;
  bool cut_{false};
};

template <class Number>
void add_number(bounded_text& out, Number x) {
  std::array<char, 32> digits; // the shortest form of a double needs 24
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), x).ptr;
  out.add({digits.data(), end});
}

void add_double(bounded_text& out, double x) {
  bounded_text digits{32};
  add_number(digits, x);
  auto text = std::move(digits).take();
  // "1" would read as an int; "1e+20", "inf" and "nan" would not.
  if (text.find_first_not_of("-0123456789") == std::string::npos)
    text += ".0";
  out.add(text);
}

void add_quoted(bounded_text& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out.add("\"");
  while (!text.empty() && !out.full()) {
    const auto plain = std::min(
        text.size(), static_cast<std::size_t>(
                         std::find_if(text.begin(), text.end(),
                                      [](char c) {
                                        return c == '"' || c == '\\'
                                               || static_cast<unsigned char>(c)
                                                      < 0x20;
                                      })
                         - text.begin()));
    out.add(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty())
      break;
    const auto c = static_cast<unsigned char>(text.front());
    if (c == '"')
      out.add("\\\"");
    else if (c == '\\')
      out.add("\\\\");
    else if (c == '\n')
      out.add("\\n");
    else
      out.add(std::string{"\\u00"} + hex[c >> 4] + hex[c & 15]);
    text.remove_prefix(1);
  }
  out.add("\"");
}

void add(bounded_text& out, const value& x) {
  std::visit(overloaded{
                 [&](std::monostate) { out.add("none"); },
                 [&](bool b) { out.add(b ? "true" : "false"); },
                 [&](std::int64_t i) { add_number(out, i); },
                 [&](double d) { add_double(out, d); },
                 [&](const std::string& s) { add_quoted(out, s); },
                 [&](const tensor_blob& t) { out.add(to_string(t)); },
                 [&](const value_list& list) {
                   out.add("[");
                   const char* separator = "";
                   for (const auto& element : list) {
                     if (out.full())
                       return;
                     out.add(std::exchange(separator, ", "));
                     add(out, element);
                   }
                   out.add("]");
                 },
                 [&](const value_dict& dict) {
                   out.add("{");
                   const char* separator = "";
                   for (const auto& [key, entry] : dict) {
                     if (out.full())
                       return;
                     out.add(std::exchange(separator, ", "));
                     add_quoted(out, key);
                     out.add(": ");
                     add(out, entry);
                   }
                   out.add("}");
                 },
             },
             x.data());
}

template <class T>
tl::unexpected<failure> wrong_type(std::string_view what, const value& got) {
  return fail(errc::invalid_argument, std::string{what} + ": expected "
                                          + std::string{expected_type<T>}
                                          + ", got " + described(got));
}

/// "; it has: lr, momentum" for the dict's keys, which is where a typing error
/// shows.
std::string known_keys(const value_dict& dict) {
  if (dict.empty())
    return "; it is empty";
  bounded_text keys{200};
  const char* separator = "; it has: ";
  for (const auto& [key, entry] : dict) {
    keys.add(std::exchange(separator, ", "));
    keys.add(key);
  }
  return std::move(keys).take();
}

tl::unexpected<failure> not_a_dict(std::string_view key, const value& got) {
  return fail(errc::invalid_argument,
              std::string{key} + ": expected a dict with this entry, got "
                  + described(got));
}

} // namespace

template <class T>
expected<T> value::to(std::string_view what) const {
  if (const auto* x = get_if<T>())
    return *x;
  if constexpr (std::is_same_v<T, double>) {
    // Beyond this a double skips ints, and the caller would get another one.
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    if (const auto* i = get_if<std::int64_t>();
        i && *i >= -exact && *i <= exact)
      return static_cast<double>(*i);
  }
  return wrong_type<T>(what, *this);
}

template <class T>
expected<T> value::at(std::string_view key) const {
  const auto* dict = get_if<value_dict>();
  if (!dict)
    return not_a_dict(key, *this);
  const auto entry = dict->find(key);
  if (entry == dict->end())
    return fail(errc::invalid_argument,
                std::string{key} + ": expected " + std::string{expected_type<T>}
                    + ", but there is no such entry" + known_keys(*dict));
  return entry->second.to<T>(key);
}

template <class T>
expected<T> value::at_or(std::string_view key, T otherwise) const {
  const auto* dict = get_if<value_dict>();
  if (!dict)
    return not_a_dict(key, *this);
  const auto entry = dict->find(key);
  if (entry == dict->end())
    return otherwise;
  return entry->second.to<T>(key);
}

#define POSSE_INSTANTIATE(T)                                                   \
  template expected<T> value::to<T>(std::string_view) const;                   \
  template expected<T> value::at<T>(std::string_view) const;                   \
  template expected<T> value::at_or<T>(std::string_view, T) const;
POSSE_INSTANTIATE(bool)
POSSE_INSTANTIATE(std::int64_t)
POSSE_INSTANTIATE(double)
POSSE_INSTANTIATE(std::string)
POSSE_INSTANTIATE(tensor_blob)
POSSE_INSTANTIATE(value_list)
POSSE_INSTANTIATE(value_dict)
#undef POSSE_INSTANTIATE

bool operator==(const value& a, const value& b) noexcept {
  if (a.data_.index() != b.data_.index())
    return false;
  if (const auto* x = a.get_if<double>())
    return std::bit_cast<std::uint64_t>(*x)
           == std::bit_cast<std::uint64_t>(*b.get_if<double>());
  return a.data_ == b.data_;
}

std::string_view type_name(const value& x) noexcept {
  std::string_view name = with_article[x.data().index()];
  return name.substr(name.find(' ') + 1); // npos + 1 keeps "none" whole
}

std::string to_string(const value& x, std::size_t max_chars) {
  bounded_text out{max_chars};
  add(out, x);
  return std::move(out).take();
}

} // namespace posse
