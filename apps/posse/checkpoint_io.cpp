#include "apps/posse/checkpoint_io.hpp"

#include "messages/codec.hpp"
#include "runtime/checkpoint/checkpoint_writer.hpp"
#include "runtime/core/guarded.hpp"

#include <charconv>
#include <optional>

namespace posse {

namespace {

const std::string cursor_prefix = "cursor.";
const std::string parameter_count = "parameters";

std::optional<std::int64_t> parse_integer(const std::string& text) {
  std::int64_t out = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc{} || stop != end)
    return std::nullopt;
  return out;
}

// Cursors hold integers and truth values alone (runtime/compute/state.cpp).
std::string cursor_text(const value& x) {
  if (const auto* flag = x.get_if<bool>())
    return *flag ? "true" : "false";
  const auto* number = x.get_if<std::int64_t>();
  return number == nullptr ? std::string{type_name(x)}
                           : std::to_string(*number);
}

std::optional<value> cursor_value(const std::string& text) {
  if (text == "true" || text == "false")
    return value{text == "true"};
  if (auto number = parse_integer(text))
    return value{*number};
  return std::nullopt;
}

tl::unexpected<failure> damaged(particle_id pid, const std::string& what) {
  return fail(errc::corrupt_checkpoint,
              particle_file_name(pid) + ": metadata: " + what);
}

bool is_finished(const particle_snapshot& state) {
  return value{state.cursor}.at_or<bool>("finished", false).value_or(false);
}

std::int64_t steps_of(const particle_snapshot& state) {
  return value{state.cursor}.at_or<std::int64_t>("steps", 0).value_or(0);
}

} // namespace

particle_record to_record(const particle_snapshot& state) {
  particle_record out{state.pid, {}, {}};
  for (const auto* list : {&state.parameters, &state.others})
    for (const auto& tensor : *list)
      out.tensors.emplace_back(tensor.name, tensor.blob);
  out.metadata[parameter_count] = std::to_string(state.parameters.size());
  for (const auto& [key, x] : state.cursor)
    out.metadata[cursor_prefix + key] = cursor_text(x);
  return out;
}

expected<particle_snapshot> to_snapshot(const particle_record& record) {
  particle_snapshot out{record.pid, {}, {}, {}};
  std::optional<std::int64_t> count;
  for (const auto& [key, text] : record.metadata) {
    if (key == parameter_count)
      count = parse_integer(text);
    if (!key.starts_with(cursor_prefix))
      continue;
    auto x = cursor_value(text);
    if (!x)
      return damaged(record.pid, key + ": expected an integer, true or false");
    out.cursor[key.substr(cursor_prefix.size())] = std::move(*x);
  }
  if (!count || *count < 0
      || *count > static_cast<std::int64_t>(record.tensors.size()))
    return damaged(record.pid,
                   parameter_count + ": expected the number of parameters");
  for (const auto& [name, blob] : record.tensors)
    (--*count >= 0 ? out.parameters : out.others).push_back({name, blob});
  return out;
}

expected<void> state_fingerprint::add(const particle_snapshot& state) {
  return guarded("sha256", [&]() -> expected<void> {
    for (const auto& tensor : state.parameters) {
      parameters_.update(tensor.blob.bytes());
      all_.update(tensor.blob.bytes());
    }
    for (const auto& tensor : state.others)
      all_.update(tensor.blob.bytes());
    auto cursor = encode(value{state.cursor});
    if (!cursor)
      return fail(std::move(cursor));
    all_.update(*cursor);
    return {};
  });
}

expected<saved_state> save_checkpoint(const std::filesystem::path& directory,
                                      std::span<const particle_id> pids,
                                      const state_source& source,
                                      const info_maker& info) {
  return guarded("checkpoint", [&]() -> expected<saved_state> {
    auto writer = checkpoint_writer::open(directory);
    if (!writer)
      return fail(std::move(writer));
    state_fingerprint prints;
    saved_state out;
    for (auto pid : pids) {
      auto state = source(pid);
      if (!state)
        return fail(std::move(state));
      if (auto added = prints.add(*state); !added)
        return fail(std::move(added));
      if (auto added = writer->add_particle(to_record(*state)); !added)
        return fail(std::move(added));
      out.particle_steps += steps_of(*state);
      out.finished = out.finished && is_finished(*state);
    }
    out.parameters_sha256 = prints.parameters();
    out.state_sha256 = prints.all();
    if (auto done = writer->commit(info(out)); !done)
      return fail(std::move(done));
    return out;
  });
}

} // namespace posse
