#include "messages/tensor_blob.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace posse {

std::size_t element_size(dtype type) noexcept {
  switch (type) {
  case dtype::f64:
  case dtype::i64:
    return 8;
  case dtype::f32:
  case dtype::i32:
    return 4;
  case dtype::f16:
  case dtype::bf16:
  case dtype::i16:
    return 2;
  case dtype::i8:
  case dtype::u8:
  case dtype::boolean:
    return 1;
  }
  return 0;
}

std::string_view to_string(dtype type) noexcept {
  switch (type) {
  case dtype::f32:
    return "F32";
  case dtype::f64:
    return "F64";
  case dtype::f16:
    return "F16";
  case dtype::bf16:
    return "BF16";
  case dtype::i64:
    return "I64";
  case dtype::i32:
    return "I32";
  case dtype::i16:
    return "I16";
  case dtype::i8:
    return "I8";
  case dtype::u8:
    return "U8";
  case dtype::boolean:
    return "BOOL";
  }
  return "unknown dtype";
}

tensor_blob::tensor_blob(dtype type, std::vector<std::int64_t> shape,
                         bytes_ptr bytes)
    : type_{type}, shape_{std::move(shape)}, numel_{1}, bytes_{
                                                            std::move(bytes)} {
  assert(element_size(type_) > 0 && "not a dtype");
  for (const auto size : shape_) {
    assert(size >= 0 && "a tensor has no negative size");
    numel_ *= static_cast<std::size_t>(size);
  }
  assert((numel_ == 0 || bytes_) && "elements without bytes");
}

bool operator==(const tensor_blob& a, const tensor_blob& b) noexcept {
  if (a.type_ != b.type_ || a.shape_ != b.shape_)
    return false;
  return a.bytes_ == b.bytes_ || a.size_bytes() == 0
         || std::memcmp(a.bytes_.get(), b.bytes_.get(), a.size_bytes()) == 0;
}

std::string to_string(const tensor_blob& x) {
  std::string text{to_string(x.type())};
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  text += '[';
  const char* separator = "";
  for (const auto size : x.shape())
    text += std::exchange(separator, ",") + std::to_string(size);
  return text + ']';
}

} // namespace posse
