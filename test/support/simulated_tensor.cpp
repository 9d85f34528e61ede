#include "test/support/simulated_tensor.hpp"

#include "test/support/simulated_machine.hpp"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <torch/library.h>

#include <cstdint>
#include <optional>
#include <utility>

// Tensors and views of simulated devices: what must not run as a kernel.

namespace posse::test {

namespace {

constexpr c10::DispatchKeySet device_key{c10::DispatchKey::HPU};

simulated_unit& unit_for(std::optional<at::Device> device) {
  return unit_of(device && device->has_index() ? *device : current_device());
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type,
                 std::optional<at::Layout>, std::optional<at::Device> device,
                 std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &unit_for(device).allocator,
                                   device_key, c10::dtype_or_default(type),
                                   format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                         std::optional<at::ScalarType> type,
                         std::optional<at::Layout>,
                         std::optional<at::Device> device,
                         std::optional<bool>) {
  return empty_on(unit_for(device).device, sizes, strides,
                  c10::dtype_or_default(type));
}

at::Tensor as_strided(const at::Tensor& self, at::IntArrayRef sizes,
                      at::IntArrayRef strides,
                      std::optional<std::int64_t> offset) {
  return at::native::as_strided_tensorimpl(self, sizes, strides, offset);
}

at::Tensor view(const at::Tensor& self, at::IntArrayRef sizes) {
  return at::native::view(self, sizes);
}

at::Tensor reshape_alias(const at::Tensor& self, at::IntArrayRef sizes,
                         at::IntArrayRef strides) {
  return at::native::_reshape_alias(self, sizes, strides);
}

const at::Tensor& resize(const at::Tensor& self, at::IntArrayRef sizes,
                         std::optional<at::MemoryFormat> format) {
  auto* impl = self.unsafeGetTensorImpl();
  grow(self.storage(), at::detail::computeStorageNbytesContiguous(
                           sizes, self.itemsize(),
                           static_cast<std::size_t>(self.storage_offset())));
  impl->set_sizes_contiguous(sizes);
  if (format && *format != at::MemoryFormat::Preserve)
    impl->empty_tensor_restride(*format);
  return self;
}

at::Tensor& set_to_part(at::Tensor& self, at::Storage source,
                        std::int64_t offset, at::IntArrayRef sizes,
                        at::IntArrayRef strides) {
  TORCH_CHECK(source.device() == self.device(), "set_: expected a storage on ",
              self.device(), ", got one on ", source.device());
  grow(source,
       at::detail::computeStorageNbytes(sizes, strides, self.itemsize(),
                                        static_cast<std::size_t>(offset)));
  auto* impl = self.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(std::move(source));
  impl->set_sizes_and_strides(sizes, strides, offset);
  return self;
}

at::Tensor& set_to_storage(at::Tensor& self, at::Storage source) {
  const auto count =
      static_cast<std::int64_t>(source.nbytes() / self.itemsize());
  return set_to_part(self, std::move(source), 0, {count}, {1});
}

at::Tensor& set_to_tensor(at::Tensor& self, const at::Tensor& source) {
  return set_to_part(self, source.storage(), source.storage_offset(),
                     source.sizes(), source.strides());
}

at::Tensor& set_to_nothing(at::Tensor& self) {
  return set_to_tensor(self, at::empty({0}, self.options()));
}

// The queue keeps alive what it works on.
void record_stream(at::Tensor&, at::Stream) {}

} // namespace

at::Tensor empty_on(c10::Device device, at::IntArrayRef sizes,
                    at::IntArrayRef strides, at::ScalarType type) {
  return at::detail::empty_strided_generic(
      sizes, strides, &unit_of(device).allocator, device_key, type);
}

void grow(const c10::Storage& storage, std::size_t bytes) {
  if (bytes <= storage.nbytes())
    return;
  TORCH_CHECK(storage.resizable(), "cannot resize a storage of foreign memory");
  auto& unit = unit_of(storage.device());
  auto memory = unit.allocator.allocate(bytes);
  // In the stream's order: what is queued before may still use the old place.
  current_stream(unit).run([&] {
    unit.allocator.copy_data(memory.get(), storage.data(), storage.nbytes());
    storage.unsafeGetStorageImpl()->set_data_ptr_noswap(std::move(memory));
    storage.unsafeGetStorageImpl()->set_nbytes(bytes);
  });
}

c10::Storage host_storage(const c10::Storage& storage) {
  auto& unit = unit_of(storage.device());
  c10::DataPtr memory{
      unit.memory.shadow(storage.data()), new c10::Storage{storage},
      [](void* kept) { delete static_cast<c10::Storage*>(kept); }, c10::kCPU};
  return {c10::Storage::use_byte_size_t{}, storage.nbytes(), std::move(memory),
          c10::GetCPUAllocator(), /*resizable=*/true};
}

at::Tensor host_view(const at::Tensor& tensor, const c10::Storage& storage) {
  auto view = at::detail::make_tensor<c10::TensorImpl>(
      c10::Storage{storage}, c10::DispatchKeySet{c10::DispatchKey::CPU},
      tensor.dtype());
  view.unsafeGetTensorImpl()->set_sizes_and_strides(
      tensor.sizes(), tensor.strides(), tensor.storage_offset());
  return view;
}

void register_tensor_ops() {
  auto& ops = device_ops();
  ops.impl("empty.memory_format", &empty);
  ops.impl("empty_strided", &empty_strided);
  ops.impl("as_strided", &as_strided);
  ops.impl("view", &view);
  ops.impl("_reshape_alias", &reshape_alias);
  ops.impl("resize_", &resize);
  ops.impl("set_.source_Storage_storage_offset", &set_to_part);
  ops.impl("set_.source_Storage", &set_to_storage);
  ops.impl("set_.source_Tensor", &set_to_tensor);
  ops.impl("set_", &set_to_nothing);
  ops.impl("record_stream", &record_stream);
}

} // namespace posse::test
