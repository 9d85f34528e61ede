#pragma once

namespace posse {

/// Makes the calling thread compute alone: LibTorch's operations use no other
/// thread from it. To be called by every thread that may call LibTorch (lanes,
/// scheduler threads, main) before its first operation; further calls cost one
/// read of a thread-local.
///
/// Parallelism comes from running many particles at once, and a particle's bits
/// depend on the number of threads inside an operation. How denormal numbers
/// are treated, which is set per thread too, stays as it is: not flushed.
void prepare_compute_thread();

} // namespace posse
