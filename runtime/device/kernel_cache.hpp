#pragma once

namespace posse {

/// Has LibTorch remember which of its CPU kernels suit this processor.
///
/// It means to remember a kernel at its first use, but version 2.11 stores the
/// null that it has just read (pytorch/pytorch, pull request 195328): every
/// call of every operation chooses again, and writes to memory that all threads
/// read.
///
/// Settles the instruction set: call pin_portable_bits() before. Thread-safe;
/// the choice is LibTorch's own, so that nothing else changes. Does nothing
/// with a LibTorch that is not built for x86-64.
void remember_kernels();

} // namespace posse
