#include "messages/hello.hpp"

#include <cstddef>

namespace posse {

namespace {

// Takes as long for a wrong first byte as for a wrong last one.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

expected<void> same(std::string_view what, const std::string& mine,
                    const std::string& theirs) {
  if (mine == theirs)
    return {};
  return fail(errc::refused, "hello: " + std::string{what} + ": expected \""
                                 + mine + "\", got \"" + theirs + "\"");
}

} // namespace

std::string build_name(std::string_view posse, std::string_view libtorch,
                       std::string_view caf) {
  std::string out{"posse "};
  return out.append(posse)
      .append(", LibTorch ")
      .append(libtorch)
      .append(", CAF ")
      .append(caf);
}

expected<void> check_hello(const hello& mine, const hello& theirs) {
  if (auto ok = same("magic", mine.magic, theirs.magic); !ok)
    return ok;
  if (auto ok = same("protocol version", std::to_string(mine.protocol),
                     std::to_string(theirs.protocol));
      !ok)
    return ok;
  if (!same_secret(mine.secret, theirs.secret))
    return fail(errc::refused, "hello: the secret of [cluster] differs");
  if (auto ok = same("cluster", mine.cluster, theirs.cluster); !ok)
    return ok;
  if (auto ok = same("node", mine.node, theirs.node); !ok)
    return ok;
  if (auto ok = same("build", mine.build, theirs.build); !ok)
    return ok;
  return same("instruction set", mine.cpu, theirs.cpu);
}

} // namespace posse
