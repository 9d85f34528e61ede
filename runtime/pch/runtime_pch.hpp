// Compiled once a library: torch/torch.h alone costs 13 s a file.
#include <tl/expected.hpp>
#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>
