#include "runtime/store/bank.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>

namespace posse {

namespace {

// A tensor that shares the view's memory but is no view to autograd, which
// would refuse in-place updates and set_data.
at::Tensor detached_alias(const at::Tensor& view) {
  auto out = at::empty({0}, view.options());
  out.set_data(view);
  return out;
}

// The same bytes under a storage of its own: every view of a parameter counts
// its storage's references, and slots that share one would make lanes wait for
// one another's cache line.
at::Tensor own_storage(const at::Tensor& row) {
  return at::from_blob(
      row.mutable_data_ptr(), row.sizes(), [kept = row](void*) {},
      row.options());
}

} // namespace

std::vector<named_tensor> parameters_of(const network& net) {
  std::vector<named_tensor> out;
  for (const auto& item : net.named_parameters())
    out.push_back({item.key(), item.value()});
  return out;
}

std::vector<named_tensor> buffers_of(const network& net) {
  std::vector<named_tensor> out;
  for (const auto& item : net.named_buffers())
    out.push_back({item.key(), item.value()});
  return out;
}

void tie_to_row(network& net, const at::Tensor& row,
                const particle_layout& layout) {
  auto parameters = net.named_parameters();
  auto buffers = net.named_buffers();
  for (const auto& section : layout.sections())
    for (const auto& place : section.tensors)
      if (section.role == section_role::parameters)
        parameters[place.name].set_data(tensor_view(row, section, place));
      else if (section.role == section_role::buffers)
        buffers[place.name].set_data(tensor_view(row, section, place));
}

bool is_tied_to_row(const network& net, const at::Tensor& row,
                    const particle_layout& layout) {
  const auto parameters = net.named_parameters();
  const auto buffers = net.named_buffers();
  const auto lies_at = [&](const at::Tensor* tensor, const row_section& section,
                           const tensor_place& place) {
    if (tensor == nullptr || tensor->scalar_type() != section.type
        || tensor->sizes() != at::IntArrayRef{place.shape})
      return false;
    return tensor->const_data_ptr()
           == tensor_view(row, section, place).const_data_ptr();
  };
  for (const auto& section : layout.sections()) {
    const bool is_buffers = section.role == section_role::buffers;
    if (section.role != section_role::parameters && !is_buffers)
      continue;
    for (const auto& place : section.tensors)
      if (!lies_at((is_buffers ? buffers : parameters).find(place.name),
                   section, place))
        return false;
  }
  return true;
}

slot::slot(std::shared_ptr<network> net, at::Tensor row,
           const particle_layout& layout)
    : net_{std::move(net)}, row_{std::move(row)} {
  const at::NoGradGuard no_grad;
  tie_to_row(*net_, row_, layout);
  parameters_ = net_->parameters();
  flat_.push_back(
      detached_alias(section_view(row_, layout.sections().front())));
  for (const auto& section : layout.sections()) {
    if (section.role != section_role::moment)
      continue;
    flat_.push_back(detached_alias(section_view(row_, section)));
    auto& moment = moments_.emplace_back();
    for (const auto& place : section.tensors)
      moment.push_back(detached_alias(tensor_view(row_, section, place)));
  }
  net_->train(training_);
}

void slot::set_training(bool on) {
  if (on == training_)
    return;
  net_->train(on);
  training_ = on;
}

bank_rows::bank_rows(std::size_t count, std::int64_t row_bytes,
                     c10::Device device)
    : count_{count} {
  const auto options = at::device(device).dtype(at::kByte);
  if (device.is_cpu()) {
    together_ =
        at::empty({static_cast<std::int64_t>(count), row_bytes}, options);
    return;
  }
  apart_.reserve(count);
  while (apart_.size() < count)
    apart_.push_back(at::empty({row_bytes}, options));
}

at::Tensor bank_rows::operator[](std::size_t index) const {
  return together_.defined()
             ? together_.select(0, static_cast<std::int64_t>(index))
             : apart_[index];
}

void bank_rows::give_back(std::size_t index) {
  if (!together_.defined())
    apart_[index].reset();
}

bank::bank(model_spec model, std::shared_ptr<const particle_layout> layout,
           bank_rows rows)
    : model_{std::move(model)}, layout_{std::move(layout)}, rows_{std::move(
                                                                rows)},
      slots_(rows_.size()) {}

expected<bank> bank::make(model_spec model,
                          std::shared_ptr<const particle_layout> layout,
                          std::size_t capacity, c10::Device device) {
  return guarded("bank of " + std::to_string(capacity) + " slots", [&] {
    bank_rows rows{capacity, layout->row_bytes(), device};
    return bank{std::move(model), std::move(layout), std::move(rows)};
  });
}

at::Tensor bank::row(std::size_t index) const {
  return rows_[index];
}

void bank::close(std::size_t index) {
  slots_[index].reset();
  rows_.give_back(index);
}

expected<slot*> bank::open(std::size_t index) {
  auto& place = slots_[index];
  if (!place) {
    auto net = make_network(model_);
    if (!net)
      return fail(std::move(net));
    auto made = guarded("slot " + std::to_string(index), [&] {
      auto bytes = own_storage(row(index)).zero_();
      place =
          std::make_unique<slot>(std::move(*net), std::move(bytes), *layout_);
    });
    if (!made)
      return fail(std::move(made));
  }
  return place.get();
}

} // namespace posse
