#include "runtime/checkpoint/learning_file.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace posse {

namespace {

constexpr std::string_view header = "particle,step,loss,validation";

template <class T>
void append(std::string& text, T x) {
  std::array<char, 32> digits; // the longest double takes 24
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), x).ptr;
  text.append(digits.data(), end);
}

template <class T>
std::optional<T> parse(std::string_view text) {
  T out{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc{} || stop != end)
    return std::nullopt;
  return out;
}

/// Adds what a line says; false if that is nothing.
bool add_line(learning_curves& out, std::string_view line) {
  const auto pid = parse<std::uint32_t>(take_until(line, ','));
  const auto step = parse<std::int64_t>(take_until(line, ','));
  const auto loss = parse<double>(take_until(line, ','));
  const auto validation = parse<double>(line);
  if (!pid || !step || !loss || (!validation && !line.empty()))
    return false;
  auto& curve = out[particle_id{*pid}];
  if (*step < 1 || (!curve.empty() && curve.back().step >= *step))
    return false;
  curve.push_back({*step, *loss, validation});
  return true;
}

} // namespace

expected<void> write_learning(const std::filesystem::path& path,
                              const learning_curves& curves) {
  return guarded(path.string(), [&] {
    std::string text{header};
    text += '\n';
    for (const auto& [pid, points] : curves)
      for (const auto& point : points) {
        append(text, pid.number);
        append(text += ',', point.step);
        append(text += ',', point.loss);
        text += ',';
        if (point.validation)
          append(text, *point.validation);
        text += '\n';
      }
    return write_file_atomically(path, text);
  });
}

expected<learning_curves> read_learning(const std::filesystem::path& path) {
  return guarded(path.string(), [&]() -> expected<learning_curves> {
    auto text = read_data_file(path);
    if (!text)
      return fail(std::move(text));
    std::string_view left = *text;
    if (take_until(left, '\n') != header)
      return fail(errc::invalid_data, path.string() + ":1: expected the line \""
                                          + std::string{header} + '"');
    learning_curves out;
    for (int line = 2; !left.empty(); ++line)
      if (const auto each = take_until(left, '\n'); !add_line(out, each))
        return fail(errc::invalid_data,
                    concat(path.string(), ":", line,
                           ": expected particle, step, loss and validation, by "
                           "rising step, got ",
                           excerpt(each)));
    return out;
  });
}

learning_curves
join_learning(learning_curves earlier,
              const std::map<particle_id, std::int64_t>& steps_done,
              const learning_curves& later) {
  for (auto& [pid, points] : earlier) {
    const auto done = steps_done.find(pid);
    const auto steps = done == steps_done.end() ? 0 : done->second;
    std::erase_if(points, [steps](const auto& x) { return x.step > steps; });
  }
  for (const auto& [pid, points] : later) {
    auto& all = earlier[pid];
    all.insert(all.end(), points.begin(), points.end());
  }
  return earlier;
}

} // namespace posse
