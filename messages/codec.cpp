#include "messages/codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

namespace posse {

namespace {

static_assert(std::endian::native == std::endian::little,
              "integers and tensors are copied as they lie in memory");

/// What every encoding starts with; the last byte is the version.
constexpr std::array<char, 8> header{'p', 'o', 's', 's', 'e', '-', 'v', 1};

/// The type in a cell: the alternatives of `value` in their order, and the key
/// of a dict entry. Append only.
enum class tag : std::uint8_t {
  none,
  boolean,
  integer,
  real,
  string,
  tensor,
  list,
  dict,
  key,
};
static_assert(
    std::variant_size_v<value::variant> == static_cast<std::size_t>(tag::key));

/// How every value and every key starts.
struct cell {
  tag kind{tag::none};
  std::uint8_t type{0};  ///< dtype of a tensor.
  std::uint16_t zero{0}; ///< unused
  std::uint32_t rank{0}; ///< number of sizes of a tensor.
  /// The bool, the int, the double's bits, the bytes of a string or key, the
  /// elements of a list, the entries of a dict.
  std::uint64_t content{0};
  std::array<std::uint64_t, 2> reserved{}; ///< unused

  friend bool operator==(const cell&, const cell&) = default;
};
static_assert(sizeof(cell) == 32
              && std::has_unique_object_representations_v<cell>);
// Decoding must not allocate more than twice the bytes it reads.
static_assert(sizeof(value) <= 2 * sizeof(cell));

constexpr std::size_t padding(std::size_t size) noexcept {
  return (8 - size % 8) % 8;
}

constexpr std::size_t align_up(std::size_t offset, std::size_t to) noexcept {
  return (offset + to - 1) / to * to;
}

/// Where the next tensor starts in the buffer that decoded tensors share. Small
/// ones are packed more tightly, to stay within twice their bytes.
constexpr std::size_t tensor_offset(std::size_t used,
                                    std::size_t size) noexcept {
  return align_up(used, size < 64 ? 16 : 64);
}

// -- encoding ---------------------------------------------------------------

/// Adds up what an encoding takes and refuses what no decoder would accept.
class measurer {
public:
  explicit measurer(const codec_limits& limits) : limits_{limits} {}

  expected<void> add(const value& x, std::size_t depth) {
    if (depth > limits_.max_depth)
      return fail(errc::invalid_argument,
                  "value: nested deeper than "
                      + std::to_string(limits_.max_depth) + " levels");
    if (++elements_ > limits_.max_elements)
      return fail(errc::invalid_argument,
                  "value: more than " + std::to_string(limits_.max_elements)
                      + " elements");
    bytes_ += sizeof(cell);
    if (const auto* text = x.get_if<std::string>()) {
      add_padded(text->size());
    } else if (const auto* blob = x.get_if<tensor_blob>()) {
      bytes_ += blob->shape().size() * sizeof(std::int64_t);
      add_padded(blob->size_bytes());
    } else if (const auto* list = x.get_if<value_list>()) {
      for (const auto& element : *list)
        if (auto ok = add(element, depth + 1); !ok)
          return ok;
    } else if (const auto* dict = x.get_if<value_dict>()) {
      for (const auto& [key, entry] : *dict) {
        bytes_ += sizeof(cell);
        add_padded(key.size());
        if (auto ok = add(entry, depth + 1); !ok)
          return ok;
      }
    }
    if (bytes_ > limits_.max_bytes)
      return fail(errc::invalid_argument,
                  "value: takes more than " + std::to_string(limits_.max_bytes)
                      + " bytes");
    return {};
  }

  std::size_t bytes() const noexcept { return bytes_; }

private:
  void add_padded(std::size_t size) { bytes_ += size + padding(size); }

  const codec_limits& limits_;
  std::size_t bytes_{header.size()};
  std::size_t elements_{0};
};

class encoder {
public:
  explicit encoder(const byte_sink& sink) : sink_{sink} {
    put(std::as_bytes(std::span{header}));
  }

  void write(const value& x) {
    const auto kind = static_cast<tag>(x.data().index());
    std::visit([&](const auto& content) { write(kind, content); }, x.data());
  }

private:
  void write(tag kind, std::monostate) { put(cell{.kind = kind}); }

  void write(tag kind, bool x) { put(cell{.kind = kind, .content = x}); }

  void write(tag kind, std::int64_t x) {
    put(cell{.kind = kind, .content = static_cast<std::uint64_t>(x)});
  }

  void write(tag kind, double x) {
    put(cell{.kind = kind, .content = std::bit_cast<std::uint64_t>(x)});
  }

  void write(tag kind, const std::string& x) {
    put(cell{.kind = kind, .content = x.size()});
    put_padded(std::as_bytes(std::span{x}));
  }

  void write(tag kind, const tensor_blob& x) {
    put(cell{.kind = kind,
             .type = static_cast<std::uint8_t>(x.type()),
             .rank = static_cast<std::uint32_t>(x.shape().size())});
    put(std::as_bytes(std::span{x.shape()}));
    put_padded(x.bytes());
  }

  void write(tag kind, const value_list& x) {
    put(cell{.kind = kind, .content = x.size()});
    for (const auto& element : x)
      write(element);
  }

  void write(tag kind, const value_dict& x) {
    put(cell{.kind = kind, .content = x.size()});
    for (const auto& [key, entry] : x) {
      write(tag::key, key);
      write(entry);
    }
  }

  void put(std::span<const std::byte> bytes) {
    if (!bytes.empty())
      sink_(bytes);
  }

  void put(const cell& x) { put(std::as_bytes(std::span{&x, 1})); }

  void put_padded(std::span<const std::byte> bytes) {
    constexpr std::array<std::byte, 8> zeros{};
    put(bytes);
    put(std::span{zeros}.first(padding(bytes.size())));
  }

  const byte_sink& sink_;
};

// -- decoding ---------------------------------------------------------------

/// Walks over bytes that may be anything, checks all of it and allocates
/// nothing but the text of a failure.
class checker {
public:
  checker(std::span<const std::byte> bytes, const codec_limits& limits)
      : bytes_{bytes}, limits_{limits} {}

  /// @returns the bytes that the tensors need in their shared buffer.
  expected<std::size_t> check() {
    if (bytes_.size() > limits_.max_bytes)
      return malformed("expected at most " + std::to_string(limits_.max_bytes)
                       + " bytes, got " + std::to_string(bytes_.size()));
    if (left() < header.size()
        || std::memcmp(bytes_.data(), header.data(), header.size() - 1) != 0)
      return malformed("this is no encoded value");
    const auto version = std::to_integer<int>(bytes_[header.size() - 1]);
    if (version != header.back())
      return malformed("expected format version "
                       + std::to_string(header.back()) + ", got "
                       + std::to_string(version));
    at_ = header.size();
    if (auto ok = check_value(1); !ok)
      return fail(std::move(ok));
    if (left() != 0)
      return malformed(std::to_string(left()) + " bytes too many");
    return tensor_bytes_;
  }

private:
  expected<void> check_value(std::size_t depth) {
    if (depth > limits_.max_depth)
      return malformed("nested deeper than " + std::to_string(limits_.max_depth)
                       + " levels");
    if (++elements_ > limits_.max_elements)
      return malformed("more than " + std::to_string(limits_.max_elements)
                       + " elements");
    cell x;
    if (auto ok = take(x); !ok)
      return ok;
    switch (x.kind) {
    case tag::none:
      return check_cell(x, {});
    case tag::boolean:
      if (x.content > 1)
        return malformed("a bool that is neither 0 nor 1");
      return check_cell(x, {.content = x.content});
    case tag::integer:
    case tag::real:
      return check_cell(x, {.content = x.content});
    case tag::string:
      return check_text(x);
    case tag::tensor:
      return check_tensor(x);
    case tag::list:
      return check_list(x, depth);
    case tag::dict:
      return check_dict(x, depth);
    case tag::key:
      break;
    }
    return malformed("type " + std::to_string(static_cast<int>(x.kind))
                     + " is none of a value's");
  }

  expected<void> check_text(const cell& x) {
    if (auto ok = check_cell(x, {.content = x.content}); !ok)
      return ok;
    return skip_padded(x.content);
  }

  expected<void> check_tensor(const cell& x) {
    if (auto ok = check_cell(x, {.type = x.type, .rank = x.rank}); !ok)
      return ok;
    auto size = element_size(static_cast<dtype>(x.type));
    if (size == 0)
      return malformed("dtype " + std::to_string(x.type) + " is unknown");
    if (x.rank > left() / sizeof(std::int64_t))
      return too_short(x.rank, "sizes");
    // Without the zeros among them, so that no reader's strides overflow.
    bool empty = false;
    for (std::uint32_t i = 0; i < x.rank; ++i) {
      std::int64_t extent = 0;
      std::memcpy(&extent, bytes_.data() + at_, sizeof(extent));
      constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
      if (extent < 0
          || (extent > 0 && size > most / static_cast<std::uint64_t>(extent)))
        return malformed("a tensor with an impossible size of "
                         + std::to_string(extent));
      empty |= extent == 0;
      size *= static_cast<std::size_t>(std::max<std::int64_t>(extent, 1));
      at_ += sizeof(extent);
    }
    if (empty)
      return {};
    if (auto ok = skip_padded(size); !ok)
      return ok;
    tensor_bytes_ = tensor_offset(tensor_bytes_, size) + size;
    return {};
  }

  expected<void> check_list(const cell& x, std::size_t depth) {
    if (auto ok = check_cell(x, {.content = x.content}); !ok)
      return ok;
    if (x.content > left() / sizeof(cell))
      return too_short(x.content, "elements");
    for (std::uint64_t i = 0; i < x.content; ++i)
      if (auto ok = check_value(depth + 1); !ok)
        return ok;
    return {};
  }

  expected<void> check_dict(const cell& x, std::size_t depth) {
    if (auto ok = check_cell(x, {.content = x.content}); !ok)
      return ok;
    if (x.content > left() / (2 * sizeof(cell)))
      return too_short(x.content, "entries");
    std::string_view previous;
    for (std::uint64_t i = 0; i < x.content; ++i) {
      cell key;
      if (auto ok = take(key); !ok)
        return ok;
      if (key.kind != tag::key)
        return malformed("expected the key of a dict entry");
      const auto* text = reinterpret_cast<const char*>(bytes_.data() + at_);
      if (auto ok = check_text(key); !ok)
        return ok;
      const std::string_view current{text, key.content};
      if (i > 0 && current <= previous)
        return malformed("the keys of a dict are not in ascending order");
      previous = current;
      if (auto ok = check_value(depth + 1); !ok)
        return ok;
    }
    return {};
  }

  expected<void> take(cell& x) {
    if (left() < sizeof(cell))
      return malformed("expected a cell of 32 bytes, " + std::to_string(left())
                       + " are left");
    std::memcpy(&x, bytes_.data() + at_, sizeof(cell));
    at_ += sizeof(cell);
    return {};
  }

  /// Refuses a cell that uses more than `used`, which leaves out the type.
  expected<void> check_cell(const cell& x, cell used) const {
    used.kind = x.kind;
    if (x != used)
      return malformed("unused bytes of a cell are not zero");
    return {};
  }

  expected<void> skip_padded(std::uint64_t size) {
    if (size > left() || padding(size) > left() - size)
      return too_short(size, "bytes");
    at_ += size;
    for (auto i = padding(size); i > 0; --i)
      if (bytes_[at_++] != std::byte{0})
        return malformed("padding that is not zero");
    return {};
  }

  std::size_t left() const noexcept { return bytes_.size() - at_; }

  tl::unexpected<failure> malformed(const std::string& why) const {
    return fail(errc::malformed, "encoded value, before byte "
                                     + std::to_string(at_) + ": " + why);
  }

  tl::unexpected<failure> too_short(std::uint64_t count,
                                    const char* things) const {
    return malformed("expected " + std::to_string(count) + ' ' + things + ", "
                     + std::to_string(left()) + " bytes are left");
  }

  std::span<const std::byte> bytes_;
  const codec_limits& limits_;
  std::size_t at_{0};
  std::size_t elements_{0};
  std::size_t tensor_bytes_{0};
};

/// Builds the value from bytes that `checker` has accepted.
class builder {
public:
  builder(const std::byte* bytes, std::size_t tensor_bytes)
      : at_{bytes + header.size()} {
    constexpr std::align_val_t alignment{64};
    if (tensor_bytes > 0)
      tensors_.reset(
          static_cast<std::byte*>(::operator new(tensor_bytes, alignment)),
          [](std::byte* p) { ::operator delete(p, alignment); });
  }

  value build() {
    const auto x = take();
    switch (x.kind) {
    case tag::boolean:
      return x.content != 0;
    case tag::integer:
      return static_cast<std::int64_t>(x.content);
    case tag::real:
      return std::bit_cast<double>(x.content);
    case tag::string:
      return take_text(x);
    case tag::tensor:
      return build_tensor(x);
    case tag::list: {
      value_list list;
      list.reserve(x.content);
      for (std::uint64_t i = 0; i < x.content; ++i)
        list.push_back(build());
      return list;
    }
    case tag::dict: {
      value_dict dict;
      for (std::uint64_t i = 0; i < x.content; ++i) {
        auto key = take_text(take());
        dict.emplace_hint(dict.end(), std::move(key), build());
      }
      return dict;
    }
    case tag::none:
    case tag::key:
      break;
    }
    return {};
  }

private:
  cell take() noexcept {
    cell x;
    std::memcpy(&x, at_, sizeof(cell));
    at_ += sizeof(cell);
    return x;
  }

  std::string take_text(const cell& x) {
    std::string text(reinterpret_cast<const char*>(at_), x.content);
    at_ += x.content + padding(x.content);
    return text;
  }

  tensor_blob build_tensor(const cell& x) {
    const auto type = static_cast<dtype>(x.type);
    std::vector<std::int64_t> shape(x.rank);
    auto size = element_size(type);
    for (auto& extent : shape) {
      std::memcpy(&extent, at_, sizeof(extent));
      at_ += sizeof(extent);
      size *= static_cast<std::size_t>(extent);
    }
    if (size == 0)
      return {type, std::move(shape), nullptr};
    used_ = tensor_offset(used_, size);
    tensor_blob::bytes_ptr bytes{tensors_, tensors_.get() + used_};
    std::memcpy(tensors_.get() + used_, at_, size);
    at_ += size + padding(size);
    used_ += size;
    return {type, std::move(shape), std::move(bytes)};
  }

  const std::byte* at_;
  std::shared_ptr<std::byte> tensors_;
  std::size_t used_{0};
};

} // namespace

expected<std::size_t> encoded_size(const value& x, const codec_limits& limits) {
  measurer size{limits};
  if (auto ok = size.add(x, 1); !ok)
    return fail(std::move(ok));
  return size.bytes();
}

expected<void> encode_to(const value& x, const byte_sink& sink,
                         const codec_limits& limits) {
  if (auto size = encoded_size(x, limits); !size)
    return fail(std::move(size));
  encoder{sink}.write(x);
  return {};
}

expected<std::vector<std::byte>> encode(const value& x,
                                        const codec_limits& limits) {
  auto size = encoded_size(x, limits);
  if (!size)
    return fail(std::move(size));
  std::vector<std::byte> bytes;
  bytes.reserve(*size);
  const byte_sink append = [&](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  encoder{append}.write(x);
  return bytes;
}

expected<value> decode_value(std::span<const std::byte> bytes,
                             const codec_limits& limits) {
  auto tensor_bytes = checker{bytes, limits}.check();
  if (!tensor_bytes)
    return fail(std::move(tensor_bytes));
  try {
    return builder{bytes.data(), *tensor_bytes}.build();
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory, "encoded value: no memory for its "
                                         + std::to_string(bytes.size())
                                         + " bytes");
  }
}

expected<tensor_blob> decode_tensor(std::span<const std::byte> bytes,
                                    const codec_limits& limits) {
  auto x = decode_value(bytes, limits);
  if (!x)
    return fail(std::move(x));
  if (auto* blob = x->get_if<tensor_blob>())
    return std::move(*blob);
  return fail(errc::malformed, "encoded value: expected a tensor, got a "
                                   + std::string{type_name(*x)});
}

} // namespace posse
