#include "messages/transfer/scattered_payload.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace posse {

void scattered_payload::append(shared_bytes part) {
  if (part.size == 0)
    return;
  ends_.push_back(size() + part.size);
  parts_.push_back(std::move(part));
}

shared_bytes scattered_payload::slice(std::uint64_t offset,
                                      std::size_t count) const {
  assert(count > 0 && offset <= size() && count <= size() - offset);
  const auto end = std::ranges::upper_bound(ends_, offset);
  auto part = parts_.begin() + (end - ends_.begin());
  auto at = static_cast<std::size_t>(offset - (*end - part->size));
  if (part->size - at >= count)
    return part->part(at, count);
  const auto joined = std::make_shared_for_overwrite<std::byte[]>(count);
  for (std::size_t done = 0; done < count; ++part, at = 0) {
    const auto step = std::min(part->size - at, count - done);
    std::memcpy(joined.get() + done, part->data.get() + at, step);
    done += step;
  }
  return {{joined, joined.get()}, count};
}

} // namespace posse
