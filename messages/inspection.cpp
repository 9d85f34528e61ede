#include "messages/inspection.hpp"

#include "messages/codec.hpp"
#include "messages/transfer/chunk_memory.hpp"
#include "messages/transfer/transfer_limits.hpp"

#include <caf/binary_deserializer.hpp>

namespace posse {

namespace {

/// Reads a length and hands the bytes it counts to `decode`.
template <class T, class Decode>
caf::error load_with(caf::deserializer& source, T& x, Decode decode) {
  std::size_t size = 0;
  if (auto err = source.begin_sequence(size))
    return err;
  // The only one that CAF reads messages with. Where the end of the input is
  // not known, a length cannot be checked before memory is spent on it.
  auto* wire = dynamic_cast<caf::binary_deserializer*>(&source);
  if (!wire)
    return to_error({errc::malformed, "values are read from memory only"});
  if (size > wire->remaining())
    return to_error({errc::malformed, "encoded value: expected "
                                          + std::to_string(size) + " bytes, "
                                          + std::to_string(wire->remaining())
                                          + " are left"});
  const auto bytes = wire->remainder();
  auto decoded =
      decode(std::span{reinterpret_cast<const std::byte*>(bytes.data()), size});
  if (!decoded)
    return to_error(decoded.error());
  wire->skip(size);
  x = std::move(*decoded);
  return source.end_sequence();
}

} // namespace

caf::error save(caf::serializer& sink, const value& x) {
  const auto size = encoded_size(x);
  if (!size)
    return to_error(size.error());
  auto count = *size;
  if (auto err = sink.begin_sequence(count))
    return err;
  caf::error result;
  const auto written = encode_to(x, [&](std::span<const std::byte> part) {
    if (!result) // CAF takes what it writes as non-const and leaves it alone
      result = sink.apply_raw(part.size(), const_cast<std::byte*>(part.data()));
  });
  if (!written)
    return to_error(written.error());
  return result ? result : sink.end_sequence();
}

caf::error save(caf::serializer& sink, const tensor_blob& x) {
  return save(sink, value{x});
}

caf::error load(caf::deserializer& source, value& x) {
  return load_with(source, x, [](auto bytes) { return decode_value(bytes); });
}

caf::error load(caf::deserializer& source, tensor_blob& x) {
  return load_with(source, x, [](auto bytes) { return decode_tensor(bytes); });
}

caf::error save(caf::serializer& sink, const shared_bytes& x) {
  auto size = x.size;
  if (auto err = sink.begin_sequence(size))
    return err;
  // CAF takes what it writes as non-const and leaves it alone.
  if (x.size > 0)
    if (auto err = sink.apply_raw(x.size, const_cast<std::byte*>(x.data.get())))
      return err;
  return sink.end_sequence();
}

caf::error load(caf::deserializer& source, shared_bytes& x) {
  return load_with(source, x, [](auto bytes) -> expected<shared_bytes> {
    if (bytes.size() > max_chunk_bytes)
      return fail(errc::malformed,
                  "chunk: expected at most " + std::to_string(max_chunk_bytes)
                      + " bytes, got " + std::to_string(bytes.size()));
    return copy_chunk(bytes);
  });
}

} // namespace posse
