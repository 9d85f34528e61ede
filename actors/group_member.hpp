#pragma once

#include "actors/behavior.hpp"
#include "actors/particle.hpp"
#include "actors/particle_directory.hpp"
#include "actors/task.hpp"
#include "messages/group_messages.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace posse {

class particle_state;

/// One particle's part in what several particles do together: it leads an
/// operation that its behaviour asked for, or serves one that another leads,
/// on behalf of all particles of its device.
///
/// A rule that devices share (sliced_rule) takes three rounds: every device
/// gathers its columns of all rows and adds its share to the plan; it computes
/// its columns of all directions and hands them out; all particles move. No row
/// is written before every device has gathered, since the leader waits for all
/// in between.
class group_member {
public:
  explicit group_member(particle_state& self) : self_{self} {}
  group_member(const group_member&) = delete;
  group_member& operator=(const group_member&) = delete;

  // What a behaviour asks for: see the verbs of particle.
  task<value> update(std::string rule, std::vector<particle_id> pids,
                     value args);
  task<particle_rows_copy> gather(std::vector<particle_id> pids,
                                  bool with_gradients);
  task<value> broadcast(std::vector<particle_id> pids, tensor_blob row);
  task<value> all_reduce(std::vector<particle_id> pids, reduction how);

  // What a leader asks for.
  task<value> partial(value order);
  task<value> directions(value plan);

  /// The messages that every particle answers, whatever its behaviour.
  static const std::map<std::string, handler, std::less<>>& handlers();

private:
  /// The particles of a group that share a device.
  struct device_group {
    particle_address at;
    std::vector<particle_id> pids;
  };
  using device_groups = std::vector<device_group>;

  /// In the order in which `pids` name them first.
  expected<device_groups> by_device(const std::vector<particle_id>& pids,
                                    const char* what) const;
  bool is_own(const device_group& group) const;
  /// Elements of a row of parameters, as of this particle.
  std::uint64_t row_length() const;
  task<particle_rows_copy> gather_columns(device_groups groups,
                                          std::vector<particle_id> pids,
                                          bool with_gradients,
                                          row_columns columns);
  task<value> write_columns(device_groups groups, row_columns columns,
                            tensor_blob row);
  /// All on this particle's device.
  task<value> update_here(device_groups groups, std::string rule,
                          std::vector<particle_id> pids, value args);
  /// Shared by the devices; none if the rule cannot do it this time.
  task<std::optional<value>> update_shared(device_groups groups,
                                           std::string rule,
                                           std::vector<particle_id> pids,
                                           value args);
  task<value_list> ask_first(device_groups groups, std::string msg,
                             value_list args);

  particle_state& self_;
  /// From the first round of a shared update to its second one.
  std::optional<group_slice> slice_;
};

} // namespace posse
