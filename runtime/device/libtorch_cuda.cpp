#include "runtime/device/libtorch_cuda.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <dlfcn.h>
#include <filesystem>

namespace posse {

namespace {

constexpr std::string_view not_found = ": cannot open shared object file";

/// The CUDA library that belongs to the LibTorch this program runs on: it lies
/// beside libtorch_cpu.so. By its bare name, dlopen() might find another one,
/// and would find none under a sanitizer, which calls it from a library of its
/// own.
std::string cuda_library() {
  Dl_info self{};
  auto* inside = reinterpret_cast<void*>(&at::get_cpu_capability);
  if (dladdr(inside, &self) == 0 || !self.dli_fname)
    return "libtorch_cuda.so";
  return std::filesystem::path{self.dli_fname}.replace_filename(
      "libtorch_cuda.so");
}

expected<int> load() {
  if (!dlopen(cuda_library().c_str(), RTLD_NOW | RTLD_GLOBAL))
    return fail(errc::device_unavailable, explain_cuda_failure(dlerror()));
  auto gpus = guarded("CUDA", [] {
    const auto& hooks = at::detail::getCUDAHooks();
    hooks.init(); // says why there is none, where getNumGPUs() says 0
    return hooks.getNumGPUs();
  });
  if (!gpus)
    return fail(errc::device_unavailable,
                explain_cuda_failure(gpus.error().message));
  if (*gpus == 0)
    return fail(errc::device_unavailable, "no CUDA GPU on this machine");
  return gpus;
}

} // namespace

expected<int> load_libtorch_cuda() {
  static const expected<int> gpus = load();
  return gpus;
}

std::string explain_cuda_failure(std::string_view message) {
  auto says = [message](std::string_view part) {
    return message.find(part) != std::string_view::npos;
  };
  if (says("Found no NVIDIA driver"))
    return "no NVIDIA driver on this machine";
  if (says("driver on your system is too old"))
    return "the NVIDIA driver is older than this LibTorch's CUDA needs";
  if (says("might not have a CUDA gpu") || says("No CUDA GPUs are available")
      || says("no CUDA-capable device"))
    return "no CUDA GPU on this machine";
  if (says("without ATen_cuda library"))
    return "LibTorch was asked about CUDA before its CUDA library was loaded";
  if (auto end = message.find(not_found); end != std::string_view::npos) {
    auto library = message.substr(0, end);
    if (library.ends_with("libtorch_cuda.so"))
      return "this LibTorch was built without CUDA (it has no "
             "libtorch_cuda.so)";
    return "LibTorch's CUDA library needs " + std::string{library}
           + ", which is not here: the complete `pip install torch==2.11.0` "
             "brings it";
  }
  return std::string{message.substr(0, message.find('\n'))};
}

} // namespace posse
