#include "actors/courier_link.hpp"
#include "messages/transfer/payload_codec.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <string>
#include <vector>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

// A payload of the tests takes several windows.
constexpr transfer_limits limits{.chunk_bytes = 4096, .window = 3};
constexpr std::size_t floats = 20'000;

value_list payload(float first) {
  std::vector<float> elements(floats);
  std::iota(elements.begin(), elements.end(), first);
  return {
      samples::blob(dtype::f32, {static_cast<std::int64_t>(floats)}, elements)};
}

/// Both ends of a link, and what is on its way between them.
class two_ends {
public:
  two_ends(bool a_shares, bool b_shares)
      : a{{limits, a_shares}, [this](const link_frame& x) { sent(to_b_, x); }},
        b{{limits, b_shares}, [this](const link_frame& x) { sent(to_a_, x); }} {
  }

  courier_link a;
  courier_link b;

  /// Sends `values` from a to b. @returns what arrived, or why it did not.
  expected<value_list> send(value_list values) {
    expected<value_list> out = fail(errc::timed_out, "nothing came");
    auto packed = pack(value{std::move(values)});
    REQUIRE(packed);
    const auto failed = [&](const failure& why) {
      out = fail(why.code, why.message);
    };
    a.send(
        std::move(*packed),
        [&](transfer_id id) {
          b.expect(
              id, [&](value_list x) { out = std::move(x); }, failed);
        },
        failed);
    run();
    return out;
  }

  void run() {
    while (!to_a_.empty() || !to_b_.empty()) {
      deliver(to_b_, b);
      deliver(to_a_, a);
    }
  }

  /// What anybody on this machine can read of the window of `a`.
  expected<window_reader> window() const {
    return window_reader::open(window_, limits);
  }

  /// How many frames of type `T` have been sent.
  template <class T>
  int count() const {
    const auto found = counts_.find(link_frame{T{}}.index());
    return found == counts_.end() ? 0 : found->second;
  }

private:
  void sent(std::deque<link_frame>& to, const link_frame& x) {
    ++counts_[x.index()];
    if (const auto* window = std::get_if<window_frame>(&x))
      window_ = window->place;
    to.push_back(x);
  }

  static void deliver(std::deque<link_frame>& frames, courier_link& to) {
    if (frames.empty())
      return;
    const auto x = std::move(frames.front());
    frames.pop_front();
    const auto taken =
        std::visit([&](const auto& frame) { return to.take(frame); }, x);
    INFO((taken ? std::string{} : taken.error().message));
    REQUIRE(taken);
  }

  std::deque<link_frame> to_a_;
  std::deque<link_frame> to_b_;
  std::map<std::size_t, int> counts_;
  window_place window_;
};

template <class Frame>
void check_malformed(courier_link& link, const Frame& x, const char* why) {
  const auto taken = link.take(x);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == errc::malformed);
  CHECK_THAT(taken.error().message, ContainsSubstring(why));
}

} // namespace

TEST_CASE("chunks go through memory that both ends share", "[courier_link]") {
  two_ends link{true, true};
  CHECK(link.send(payload(0)) == payload(0));
  // The first window's chunks did not wait for the answer.
  CHECK(link.count<chunk_frame>() == 3);
  CHECK(link.count<placed_chunk_frame>() > 10);
  const auto before = link.count<placed_chunk_frame>();
  CHECK(link.send(payload(1)) == payload(1));
  CHECK(link.send(payload(2)) == payload(2));
  CHECK(link.count<chunk_frame>() == 3);
  CHECK(link.count<placed_chunk_frame>() > 3 * before - 3);
  CHECK(link.count<window_frame>() == 1);
}

TEST_CASE("chunks go in frames if one end shares no memory", "[courier_link]") {
  for (const bool a_shares : {true, false}) {
    two_ends link{a_shares, false};
    CHECK(link.send(payload(0)) == payload(0));
    CHECK(link.send(payload(1)) == payload(1));
    CHECK(link.count<placed_chunk_frame>() == 0);
    CHECK(link.count<window_frame>() == (a_shares ? 1 : 0));
  }
}

TEST_CASE("chunks go in frames if the window is on another machine",
          "[courier_link]") {
  std::vector<link_frame> from_b;
  courier_link b{{limits, true},
                 [&](link_frame x) { from_b.push_back(std::move(x)); }};
  REQUIRE(b.take(window_frame{{1, 999'999, 7}}));
  REQUIRE(from_b.size() == 1);
  REQUIRE(std::holds_alternative<window_answer_frame>(from_b[0]));
  CHECK_FALSE(std::get<window_answer_frame>(from_b[0]).readable);
  check_malformed(b, placed_chunk_frame{}, "a window that cannot be read");
}

TEST_CASE("transfers share the window's slots", "[courier_link]") {
  two_ends link{true, true};
  REQUIRE(link.send(payload(0)));
  std::map<int, value_list> arrived;
  for (int i = 0; i < 4; ++i) {
    auto packed = pack(value{payload(static_cast<float>(i))});
    REQUIRE(packed);
    const auto failed = [](const failure& why) { FAIL(why.message); };
    link.a.send(
        std::move(*packed),
        [&, i](transfer_id id) {
          link.b.expect(
              id, [&, i](value_list x) { arrived[i] = std::move(x); }, failed);
        },
        failed);
  }
  link.run();
  REQUIRE(arrived.size() == 4);
  for (int i = 0; i < 4; ++i)
    CHECK(arrived[i] == payload(static_cast<float>(i)));
  CHECK(link.count<chunk_frame>() == 3); // of the very first payload
}

TEST_CASE("what no peer says about windows ends the link", "[courier_link]") {
  two_ends link{true, true};
  check_malformed(link.b, window_answer_frame{true}, "was not offered");
  REQUIRE(link.send(payload(0)));
  check_malformed(link.b, window_frame{}, "expected one window, got another");
  placed_chunk_frame beyond{{.transfer = 2, .total = 8, .size = 8}, 3};
  check_malformed(link.b, beyond, "a slot below 3");
  beyond.slot = 0;
  beyond.header.checksum = 1;
  check_malformed(link.b, beyond, "checksum");
}

TEST_CASE("a closed link gives its window back", "[courier_link]") {
  two_ends link{true, true};
  REQUIRE(link.send(payload(0)));
  const auto is_empty = [&] {
    const auto window = link.window();
    REQUIRE(window);
    return std::ranges::all_of(*window->slot(0, 4096), [](std::byte each) {
      return each == std::byte{0};
    });
  };
  CHECK_FALSE(is_empty());
  link.a.free_unused();
  link.a.free_unused();
  CHECK(is_empty());
  CHECK(link.send(payload(1)) == payload(1));
  const failure why{errc::node_lost, "gone"};
  link.a.close(why);
  link.b.close(why);
  link.a.free_unused();
  CHECK_FALSE(link.window());
  check_malformed(link.b, placed_chunk_frame{}, "cannot be read");
  CHECK(link.send(payload(2)).error() == why);
}
