#include "runtime/device/compute_thread.hpp"

#include <ATen/Parallel.h>

namespace posse {

void prepare_compute_thread() {
  thread_local bool prepared = false;
  if (prepared)
    return;
  at::set_num_threads(1);
  prepared = true;
}

} // namespace posse
