#pragma once

#include "messages/caf_errors.hpp"
#include "messages/particle_id.hpp"
#include "messages/tensor_blob.hpp"
#include "messages/transfer/shared_bytes.hpp"
#include "messages/value.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/deserializer.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/serializer.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

/// How the CAF-free vocabulary crosses the wire: what every header of messages
/// includes.
namespace posse {

/// Writes the codec's bytes, after their number, without a copy of their own.
/// errc::invalid_argument if `x` is over the codec's limits.
caf::error save(caf::serializer& sink, const value& x);
caf::error save(caf::serializer& sink, const tensor_blob& x);

/// Reads them back; errc::malformed if they are not what save() wrote. Decodes
/// from where CAF received them: only what `x` keeps is allocated.
caf::error load(caf::deserializer& source, value& x);
caf::error load(caf::deserializer& source, tensor_blob& x);

/// Writes the bytes after their number.
caf::error save(caf::serializer& sink, const shared_bytes& x);

/// Reads at most max_chunk_bytes of them into memory of their own;
/// errc::malformed for more, or more than there are.
caf::error load(caf::deserializer& source, shared_bytes& x);

/// For logs: their number.
inline std::string to_string(const shared_bytes& x) {
  return std::to_string(x.size) + " bytes";
}

template <class Inspector, class T>
requires std::same_as<T, value> || std::same_as<T, tensor_blob> || std::same_as<
    T, shared_bytes>
auto inspect(Inspector& f, T& x) {
  if constexpr (std::is_base_of_v<caf::serializer, Inspector>)
    return save(f, x);
  else if constexpr (std::is_base_of_v<caf::deserializer, Inspector>)
    return load(f, x);
  else
    return f(to_string(x));
}

/// To be named in `inspect` after a member `x`: an enumerator that this program
/// does not know ends the reading with errc::malformed.
template <class Enum>
auto refuse_unknown(const Enum& x) {
  return caf::meta::load_callback([&x]() -> caf::error {
    if (is_known(x))
      return caf::none;
    return to_error(
        {errc::malformed, "enumerator "
                              + std::to_string(static_cast<std::uint64_t>(x))
                              + " is unknown"});
  });
}

/// The first elements of a list that may have thousands, for logs: CAF would
/// print them all.
template <class T>
requires(!std::is_arithmetic_v<T>) std::string
    to_string(const std::vector<T>& xs) {
  constexpr std::size_t shown = 4;
  if (xs.size() <= shown + 1) {
    std::string text = "[";
    for (const auto& x : xs)
      text += (text.size() > 1 ? ", " : "") + caf::deep_to_string(x);
    return text + ']';
  }
  const std::vector<T> first(xs.begin(), xs.begin() + shown);
  auto text = to_string(first);
  text.pop_back();
  return text + ", ... " + std::to_string(xs.size() - shown) + " more]";
}

} // namespace posse
