#include "actors/group_member.hpp"

#include "actors/particle_state.hpp"
#include "runtime/compute/group_rules.hpp"

#include <caf/all.hpp>

#include <algorithm>

namespace posse {

namespace {

const std::string partial_message = "posse.GROUP_PARTIAL";
const std::string directions_message = "posse.GROUP_DIRECTIONS";

// Rows of all particles together, in bytes, above which devices share the work.
// On two nodes of one machine sharing costs 1.5 ms for its rounds (3.8 against
// 5.3 ms for 51 KB of rows) and saves 1.5 ms a MB (88 against 68 ms for 13 MB).
constexpr std::uint64_t shared_bytes_at_least = std::uint64_t{1} << 20;

// What all_reduce() holds of all rows at a time.
constexpr std::uint64_t reduced_bytes_at_once = std::uint64_t{64} << 20;

constexpr std::uint64_t element_bytes = 4; // of a parameter

value to_value(const std::vector<particle_id>& pids) {
  value_list out;
  for (auto pid : pids)
    out.emplace_back(std::int64_t{pid.number});
  return out;
}

expected<std::vector<std::int64_t>> numbers_at(const value& x,
                                               std::string_view key) {
  auto list = x.at<value_list>(key);
  if (!list)
    return fail(std::move(list));
  std::vector<std::int64_t> out;
  for (const auto& element : *list) {
    auto number = element.to<std::int64_t>(key);
    if (!number)
      return fail(std::move(number));
    if (*number < 0)
      return fail(errc::invalid_argument, std::string{key}
                                              + ": expected numbers >= 0, got "
                                              + std::to_string(*number));
    out.push_back(*number);
  }
  return out;
}

/// Some neighbouring segments.
struct segment_share {
  row_columns columns;
  value_list widths;
};

/// Splits the segments among `parts` devices, as evenly as whole ones allow;
/// who gets none has a width of 0.
std::vector<segment_share>
share_segments(const std::vector<column_range>& segments, std::size_t parts) {
  std::vector<segment_share> out(parts);
  for (std::size_t k = 0; k < parts; ++k) {
    const auto first = segments.size() * k / parts;
    const auto end = segments.size() * (k + 1) / parts;
    for (auto i = first; i < end; ++i) {
      if (i == first)
        out[k].columns.first = static_cast<std::uint64_t>(segments[i].first);
      out[k].columns.width += static_cast<std::uint64_t>(segments[i].width);
      out[k].widths.emplace_back(segments[i].width);
    }
  }
  return out;
}

/// Deals rows out to devices, in the order of their particles.
class row_dealer {
public:
  explicit row_dealer(const std::vector<tensor_blob>& rows)
      : next_{rows.begin()} {}

  std::vector<tensor_blob> next(std::size_t count) {
    const auto first = next_;
    next_ += static_cast<std::ptrdiff_t>(count);
    return {first, next_};
  }

private:
  std::vector<tensor_blob>::const_iterator next_;
};

task<value> serve_partial(particle& self, value order) {
  return self.group().partial(std::move(order));
}

task<value> serve_directions(particle& self, value plan) {
  return self.group().directions(std::move(plan));
}

} // namespace

const std::map<std::string, handler, std::less<>>& group_member::handlers() {
  static const std::map<std::string, handler, std::less<>> known{
      {partial_message, serve_partial}, {directions_message, serve_directions}};
  return known;
}

// -- who is where
// ----------------------------------------------------------------

expected<group_member::device_groups>
group_member::by_device(const std::vector<particle_id>& pids,
                        const char* what) const {
  device_groups out;
  for (auto pid : pids) {
    const auto* entry =
        self_.directory_ ? self_.directory_->find(pid) : nullptr;
    if (entry == nullptr)
      return fail(errc::unknown_particle,
                  std::string{what} + ": no particle " + to_string(pid));
    auto at = std::ranges::find_if(out, [&](const device_group& x) {
      return x.at.worker == entry->worker;
    });
    if (at == out.end())
      at = out.insert(out.end(), {*entry, {}});
    at->pids.push_back(pid);
  }
  return out;
}

bool group_member::is_own(const device_group& group) const {
  return group.at.worker == self_.options_.worker;
}

std::uint64_t group_member::row_length() const {
  return self_.options_.shared->schedule.with_store([&](particle_store& store) {
    const auto* entry = store.find(self_.options_.pid);
    return static_cast<std::uint64_t>(
        entry->family->recipe->layout.sections().front().width);
  });
}

// -- rows
// ------------------------------------------------------------------------

task<particle_rows_copy>
group_member::gather_columns(device_groups groups,
                             std::vector<particle_id> pids, bool with_gradients,
                             row_columns columns) {
  std::vector<response<gather_rows_ack>> asked;
  for (const auto& group : groups)
    asked.push_back(self_.ask_worker<gather_rows_ack>(
        group.at, gather_rows_msg{group.pids, with_gradients, columns}));
  auto gathered = co_await when_all(std::move(asked));
  particle_rows_copy out;
  out.parameters.resize(pids.size());
  out.gradients.resize(with_gradients ? pids.size() : 0);
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t i = 0; i < groups[g].pids.size(); ++i) {
      const auto at = static_cast<std::size_t>(
          std::ranges::find(pids, groups[g].pids[i]) - pids.begin());
      out.parameters[at] = std::move(gathered[g].parameters.at(i));
      if (with_gradients)
        out.gradients[at] = std::move(gathered[g].gradients.at(i));
    }
  co_return out;
}

task<particle_rows_copy> group_member::gather(std::vector<particle_id> pids,
                                              bool with_gradients) {
  auto groups = value_or_throw(by_device(pids, "gather"));
  auto rows = co_await gather_columns(std::move(groups), std::move(pids),
                                      with_gradients, row_columns{});
  co_return rows;
}

task<value> group_member::write_columns(device_groups groups,
                                        row_columns columns, tensor_blob row) {
  std::vector<response<write_rows_ack>> asked;
  for (const auto& group : groups)
    asked.push_back(self_.ask_worker<write_rows_ack>(
        group.at, write_rows_msg{group.pids, false, columns, {row}}));
  (void)co_await when_all(std::move(asked));
  co_return value{};
}

task<value> group_member::broadcast(std::vector<particle_id> pids,
                                    tensor_blob row) {
  auto groups = value_or_throw(by_device(pids, "broadcast"));
  auto done =
      co_await write_columns(std::move(groups), row_columns{}, std::move(row));
  co_return done;
}

task<value> group_member::all_reduce(std::vector<particle_id> pids,
                                     reduction how) {
  const auto groups = value_or_throw(by_device(pids, "all_reduce"));
  if (pids.empty())
    co_return value{};
  const auto length = row_length();
  const auto step = std::max<std::uint64_t>(
      reduced_bytes_at_once / (element_bytes * pids.size()), 1);
  for (std::uint64_t first = 0; first < length; first += step) {
    const row_columns columns{first, std::min(step, length - first)};
    auto rows = co_await gather_columns(groups, pids, false, columns);
    // Named: GCC 12 destroys an aggregate inside a co_await twice.
    reduce_rows_msg order{std::move(rows.parameters), how == reduction::mean};
    auto sum = co_await self_.ask_own_worker<reduce_rows_ack>(std::move(order));
    (void)co_await write_columns(groups, columns, std::move(sum.row));
  }
  co_return value{};
}

// -- moving together
// -------------------------------------------------------------

task<value> group_member::update(std::string rule,
                                 std::vector<particle_id> pids, value args) {
  const auto groups = value_or_throw(by_device(pids, "update_group"));
  const auto known = value_or_throw(group_rules().find(rule));
  const bool worth =
      row_length() * element_bytes * pids.size() >= shared_bytes_at_least;
  if (groups.size() > 1 && known->sliced && worth) {
    auto shared = co_await update_shared(groups, rule, pids, args);
    if (shared)
      co_return std::move(*shared);
  }
  auto done = co_await update_here(groups, std::move(rule), std::move(pids),
                                   std::move(args));
  co_return done;
}

task<value> group_member::update_here(device_groups groups, std::string rule,
                                      std::vector<particle_id> pids,
                                      value args) {
  // Rows that lie on other devices come here first.
  std::erase_if(groups, [this](const auto& group) { return is_own(group); });
  group_update_msg order{
      std::move(pids), std::move(rule), std::move(args), {}, {}, {}};
  for (const auto& group : groups)
    order.others.insert(order.others.end(), group.pids.begin(),
                        group.pids.end());
  auto rows =
      co_await gather_columns(groups, order.others, true, row_columns{});
  order.parameters = std::move(rows.parameters);
  order.gradients = std::move(rows.gradients);
  auto moved =
      co_await self_.ask_own_worker<group_update_ack>(std::move(order));

  std::vector<response<ascend_ack>> told;
  row_dealer directions{moved.directions};
  for (const auto& group : groups)
    told.push_back(self_.ask_worker<ascend_ack>(
        group.at, ascend_msg{group.pids, directions.next(group.pids.size())}));
  (void)co_await when_all(std::move(told));
  co_return std::move(moved.diagnostics);
}

task<std::optional<value>>
group_member::update_shared(device_groups groups, std::string rule,
                            std::vector<particle_id> pids, value args) {
  const auto stages = value_or_throw(group_rules().find(rule));
  const auto shares = share_segments(
      stages->sliced->segments(static_cast<std::int64_t>(pids.size()),
                               static_cast<std::int64_t>(row_length())),
      groups.size());
  device_groups busy;
  value_list orders;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (shares[i].columns.width == 0)
      continue;
    busy.push_back(groups[i]);
    orders.push_back(value_dict{
        {"rule", rule},
        {"pids", to_value(pids)},
        {"first", static_cast<std::int64_t>(shares[i].columns.first)},
        {"widths", shares[i].widths}});
  }
  auto added = co_await ask_first(busy, partial_message, std::move(orders));
  group_combine_msg combine{rule, std::move(args), {}};
  for (const auto& x : added)
    combine.partials.push_back(value_or_throw(x.to<tensor_blob>("partial")));
  auto made =
      co_await self_.ask_own_worker<group_combine_ack>(std::move(combine));
  if (made.needs_whole)
    co_return std::optional<value>{};

  auto largest = co_await ask_first(busy, directions_message,
                                    value_list(busy.size(), made.plan));
  std::vector<response<ascend_ack>> told;
  for (const auto& group : groups)
    told.push_back(
        self_.ask_worker<ascend_ack>(group.at, ascend_msg{group.pids, {}}));
  (void)co_await when_all(std::move(told));

  auto diagnostics = value_or_throw(made.diagnostics.to<value_dict>("svgd"));
  double peak = 0;
  for (const auto& x : largest)
    peak = std::max(peak, value_or_throw(x.to<double>("largest")));
  diagnostics["max_direction"] = peak;
  co_return std::optional<value>{std::move(diagnostics)};
}

/// Asks the first particle of each device, this one if it is one of them.
task<value_list> group_member::ask_first(device_groups groups, std::string msg,
                                         value_list args) {
  std::vector<response<value>> asked;
  for (std::size_t i = 0; i < groups.size(); ++i)
    asked.push_back(
        self_.verbs_.send(groups[i].pids.front(), msg, std::move(args[i])));
  auto answers = co_await when_all(std::move(asked));
  co_return answers;
}

task<value> group_member::partial(value order) {
  group_partial_msg request;
  auto& slice = request.slice;
  slice.name = value_or_throw(order.at<std::string>("rule"));
  for (auto number : value_or_throw(numbers_at(order, "pids")))
    slice.pids.push_back({static_cast<std::uint32_t>(number)});
  slice.columns.first = static_cast<std::uint64_t>(
      value_or_throw(order.at<std::int64_t>("first")));
  for (auto width : value_or_throw(numbers_at(order, "widths"))) {
    request.widths.push_back(static_cast<std::uint64_t>(width));
    slice.columns.width += static_cast<std::uint64_t>(width);
  }
  auto groups = value_or_throw(by_device(slice.pids, "update_group"));
  std::erase_if(groups, [this](const auto& group) { return is_own(group); });
  for (const auto& group : groups)
    slice.others.insert(slice.others.end(), group.pids.begin(),
                        group.pids.end());
  auto rows = co_await gather_columns(std::move(groups), slice.others, true,
                                      slice.columns);
  slice.parameters = std::move(rows.parameters);
  slice.gradients = std::move(rows.gradients);
  slice_ = slice;
  auto done =
      co_await self_.ask_own_worker<group_partial_ack>(std::move(request));
  co_return value{std::move(done.partial)};
}

task<value> group_member::directions(value plan) {
  if (!slice_)
    co_return fail(errc::invalid_argument,
                   "update_group: directions were asked for before a plan");
  group_directions_msg request{std::move(*slice_), std::move(plan)};
  slice_.reset();
  auto groups = value_or_throw(by_device(request.slice.others, "update_group"));
  const auto columns = request.slice.columns;
  auto made =
      co_await self_.ask_own_worker<group_directions_ack>(std::move(request));
  // In the order of the slice's others, which is that of the groups.
  std::vector<response<write_rows_ack>> told;
  row_dealer directions{made.directions};
  for (const auto& group : groups)
    told.push_back(self_.ask_worker<write_rows_ack>(
        group.at, write_rows_msg{group.pids, true, columns,
                                 directions.next(group.pids.size())}));
  (void)co_await when_all(std::move(told));
  co_return value{double{made.largest}};
}

} // namespace posse
