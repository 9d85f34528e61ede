#include "runtime/store/particle_layout.hpp"
#include "test/support/catch.hpp"

using namespace posse;

namespace {

std::vector<named_tensor> parameters() {
  return {{"weight", at::zeros({3, 5})}, {"bias", at::zeros({3})}};
}

std::vector<named_tensor> buffers() {
  return {{"running_mean", at::zeros({3})},
          {"num_batches_tracked", at::zeros({}, at::kLong)}};
}

} // namespace

TEST_CASE("every tensor of a row starts at a multiple of 64 bytes",
          "[runtime][layout]") {
  const particle_layout layout{
      parameters(), buffers(), {{"exp_avg", "exp_avg_sq"}, true, true, {}}};
  CHECK(layout.row_bytes() % 64 == 0);
  for (const auto& section : layout.sections()) {
    CHECK(section.offset_bytes % 64 == 0);
    for (const auto& place : section.tensors)
      CHECK(place.offset
                * static_cast<std::int64_t>(at::elementSize(section.type)) % 64
            == 0);
  }
  CHECK(layout.parameter_count() == 18);
  CHECK(layout.parameter_width() == 32); // 15 and 3 floats, 16 each
}

TEST_CASE("a row holds every part of a particle once", "[runtime][layout]") {
  const particle_layout layout{
      parameters(), buffers(), {{"exp_avg", "exp_avg_sq"}, true, true, {}}};
  std::vector<std::string> names;
  for (const auto& section : layout.sections())
    for (const auto& place : section.tensors)
      names.push_back(section.prefix + place.name);
  const std::vector<std::string> expected{"weight",
                                          "bias",
                                          "running_mean",
                                          "num_batches_tracked",
                                          "optimizer.exp_avg.weight",
                                          "optimizer.exp_avg.bias",
                                          "optimizer.exp_avg_sq.weight",
                                          "optimizer.exp_avg_sq.bias",
                                          "gradient.weight",
                                          "gradient.bias",
                                          "best.weight",
                                          "best.bias",
                                          "best.running_mean",
                                          "best.num_batches_tracked"};
  CHECK(std::set(names.begin(), names.end())
        == std::set(expected.begin(), expected.end()));
  CHECK(names.size() == expected.size());
}

TEST_CASE("views of a row share its memory and nothing else",
          "[runtime][layout]") {
  const particle_layout layout{parameters(), buffers(), {{}, false, false, {}}};
  auto row = at::zeros({layout.row_bytes()}, at::kByte);
  for (const auto& section : layout.sections())
    for (const auto& place : section.tensors) {
      auto view = tensor_view(row, section, place);
      CHECK(view.sizes().vec() == place.shape);
      view.fill_(1);
    }
  double sum = 0;
  for (const auto& section : layout.sections())
    sum += section_view(row, section).to(at::kDouble).sum().item<double>();
  CHECK(sum == 15 + 3 + 3 + 1); // padding stays zero
}

TEST_CASE("a network of mixed dtypes is refused by name", "[runtime][layout]") {
  std::vector<named_tensor> mixed{{"a", at::zeros({2})},
                                  {"b", at::zeros({2}, at::kDouble)}};
  CHECK_THROWS_WITH((particle_layout{mixed, {}, {}}),
                    Catch::Matchers::ContainsSubstring("parameter b"));
}
