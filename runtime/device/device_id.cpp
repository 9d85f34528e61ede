#include "runtime/device/device_id.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace posse {

namespace {

constexpr std::array<std::pair<std::string_view, device_kind>, 3> kinds{{
    {"cpu", device_kind::cpu},
    {"cuda", device_kind::cuda},
    {"sim", device_kind::sim},
}};

tl::unexpected<failure> malformed_name(std::string_view text) {
  return fail(errc::invalid_argument,
              "device: expected cpu:N or cuda:N with N in [0, "
                  + std::to_string(max_device_index) + "], got \""
                  + std::string{text} + '"');
}

} // namespace

expected<device_id> parse_device(std::string_view text) {
  auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return malformed_name(text);
  auto number = text.substr(colon + 1);
  int index = 0;
  auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), index);
  auto has_one_spelling =
      number.size() == 1 || (!number.empty() && number.front() != '0');
  if (error != std::errc{} || end != number.data() + number.size()
      || !has_one_spelling || index < 0 || index > max_device_index)
    return malformed_name(text);
  for (const auto& [name, kind] : kinds)
    if (text.substr(0, colon) == name)
      return device_id{kind, index};
  return malformed_name(text);
}

std::string to_string(device_id id) {
  std::string result{kinds[static_cast<std::size_t>(id.kind)].first};
  result += ':';
  result += std::to_string(id.index);
  return result;
}

c10::Device to_torch(device_id id) noexcept {
  auto index = static_cast<c10::DeviceIndex>(id.index);
  switch (id.kind) {
  case device_kind::cuda:
    return {c10::DeviceType::CUDA, index};
  case device_kind::sim:
    return {c10::DeviceType::HPU, index};
  case device_kind::cpu:
    break;
  }
  return {c10::DeviceType::CPU};
}

} // namespace posse
