#include "messages/messages.hpp"
#include "messages/register_messages.hpp"
#include "messages/wire_check.hpp"
#include "test/messages/message_samples.hpp"
#include "test/messages/testing_system.hpp"
#include "test/support/catch.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/message.hpp>

#include <map>
#include <set>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using block = caf::id_block::posse_messages;

namespace {

using wire_bytes = std::vector<char>;

template <class F>
void for_each_type(F f) {
  wire::for_each_type<block>([&]<class T>() {
    INFO(caf::type_name<T>::value);
    f.template operator()<T>();
  });
}

/// Writes and reads as CAF's network does; handles need a system for it.
struct wire_fixture : testing_system {
  template <class T>
  wire_bytes written(T x) {
    wire_bytes bytes;
    caf::binary_serializer sink{sys, bytes};
    CHECK(sink(x) == caf::none);
    return bytes;
  }

  template <class T>
  caf::error read(const wire_bytes& bytes, T& x) {
    caf::binary_deserializer source{sys, bytes};
    if (auto err = source(x))
      return err;
    CHECK(source.remaining() == 0);
    return caf::none;
  }

  /// Equal bytes and equal text; that no member is missing from them was
  /// checked when messages were compiled.
  template <class T>
  void check_round_trip(const T& x) {
    const auto bytes = written(x);
    T y{};
    REQUIRE(read(bytes, y) == caf::none);
    CHECK(written(y) == bytes);
    CHECK(caf::deep_to_string(y) == caf::deep_to_string(x));
  }
};

} // namespace

TEST_CASE_METHOD(wire_fixture, "every message survives CAF's wire format",
                 "[messages]") {
  for_each_type([this]<class T>() {
    this->check_round_trip(T{});
    this->check_round_trip(samples::filled<T>());
    for (const auto x : samples::hard_doubles())
      this->check_round_trip(samples::with_real<T>(x));
  });
}

TEST_CASE_METHOD(wire_fixture, "a filled sample differs from the default",
                 "[messages]") {
  for_each_type([this]<class T>() {
    if constexpr (!std::is_empty_v<T>)
      CHECK(written(samples::filled<T>()) != written(T{}));
  });
}

TEST_CASE_METHOD(wire_fixture, "a message cut at any byte is an error",
                 "[messages]") {
  for_each_type([this]<class T>() {
    const auto whole = written(samples::filled<T>());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      T y{};
      INFO(size);
      REQUIRE(read(wire_bytes(whole.begin(), whole.begin() + size), y));
    }
  });
}

TEST_CASE_METHOD(wire_fixture,
                 "a message with any byte changed is read or refused",
                 "[messages]") {
  for_each_type([this]<class T>() {
    const auto whole = written(samples::filled<T>());
    for (std::size_t at = 0; at < whole.size(); ++at) {
      auto changed = whole;
      changed[at] = static_cast<char>(~changed[at]);
      T y{};
      caf::binary_deserializer source{sys, changed};
      if (!source(y)) // what is read can be written again
        CHECK_FALSE(written(y).empty());
    }
  });
  SUCCEED();
}

TEST_CASE_METHOD(
    wire_fixture,
    "a length that the input does not have is refused, not allocated",
    "[messages]") {
  // 4 GiB - 1 as CAF writes it: seven bits a byte.
  const wire_bytes huge{'\xff', '\xff', '\xff', '\xff', '\x0f', 'x'};
  value x;
  const auto err = read(huge, x);
  REQUIRE(err);
  CHECK(from_error(err).code == errc::malformed);
  CHECK_THAT(from_error(err).message, ContainsSubstring("4294967295 bytes"));
}

TEST_CASE_METHOD(wire_fixture, "an unknown part of the data is refused",
                 "[messages]") {
  step_msg x{{1}, {static_cast<data_part>(3), 0, 0}};
  const auto err = read(written(x), x);
  REQUIRE(err);
  CHECK(from_error(err).code == errc::malformed);
  CHECK_THAT(from_error(err).message, ContainsSubstring("enumerator 3"));
}

TEST_CASE_METHOD(wire_fixture,
                 "a value over the codec's limits is refused by its sender",
                 "[messages]") {
  value deep = value_list{};
  for (int i = 0; i < 40; ++i)
    deep = value_list{deep};
  receive_func_msg x{{1}, "STEP", deep};
  wire_bytes bytes;
  caf::binary_serializer sink{sys, bytes};
  const auto err = sink(x);
  REQUIRE(err);
  CHECK(from_error(err).code == errc::invalid_argument);
}

TEST_CASE_METHOD(wire_fixture,
                 "decoded tensors do not need the bytes they came in",
                 "[messages]") {
  tensor_blob y;
  {
    const auto bytes = written(samples::tensor());
    REQUIRE_FALSE(read(bytes, y));
  }
  CHECK(y == samples::tensor());
}

TEST_CASE("every message prints shortly and under its name", "[messages]") {
  for_each_type([]<class T>() {
    const auto text = caf::deep_to_string(samples::filled<T>());
    CHECK_FALSE(text.empty());
    CHECK(text.size() < 1500);
    if constexpr (!std::same_as<T, errc>) // its names are string_views
      CHECK_THAT(text, !ContainsSubstring("unprintable"));
    if constexpr (
        std::is_aggregate_v<
            T> && !std::same_as<T, particle_id> && !std::same_as<T, batch_ref>) {
      const std::string name = caf::type_name<T>::value;
      CHECK("posse::" + text.substr(0, text.find('(')) == name);
    }
  });
  gather_rows_ack many;
  many.parameters.assign(10'000, samples::tensor());
  CHECK(caf::deep_to_string(many)
        == "gather_rows_ack([f32[2,3], f32[2,3], f32[2,3], f32[2,3], ... 9996 "
           "more], [])");
}

TEST_CASE("a step prints its particle, batch and loss", "[messages]") {
  CHECK(caf::deep_to_string(step_msg{{7}, {data_part::train, 2, 31}})
        == "step_msg(7, train epoch 2 batch 31)");
  CHECK(caf::deep_to_string(step_ack{0.5, 3}) == "step_ack(0.5, 3)");
}

TEST_CASE("every message is registered under its name", "[messages]") {
  caf::actor_system_config config;
  register_messages(config);
  std::set<std::string> names;
  for_each_type([&]<class T>() {
    const std::string name = caf::type_name<T>::value;
    CHECK(name.starts_with("posse::"));
    CHECK(config.value_factories_by_name.contains(name));
    names.insert(name);
  });
  CHECK(names.size() == block::end - block::begin);
}

TEST_CASE("the first ids are what they always were", "[messages]") {
  // Ids are the wire format: types are appended, never moved.
  CHECK(caf::type_id<errc>::value == 200);
  CHECK(caf::type_id<value>::value == 206);
  CHECK(caf::type_id<node_evt_loop_init_msg>::value == 209);
  CHECK(caf::type_id<step_msg>::value == 234);
  CHECK(caf::type_id<status_ack>::value == 266);
}

TEST_CASE("every request has its answer", "[messages]") {
  std::map<std::string, int> parts;
  for_each_type([&]<class T>() {
    const std::string name = caf::type_name<T>::value;
    if (name.ends_with("_msg"))
      parts[name.substr(0, name.size() - 4)] |= 1;
    else if (name.ends_with("_ack"))
      parts[name.substr(0, name.size() - 4)] |= 2;
  });
  // progress and learning have no answers, and forward_part is answered as
  // forward is.
  for (const auto& [name, seen] : parts) {
    INFO(name);
    const bool alone = name == "posse::progress" || name == "posse::learning"
                       || name == "posse::forward_part";
    CHECK(seen == (alone ? 1 : 3));
  }
}

namespace {

struct bare {
  double x;
};
template <class Inspector>
auto inspect(Inspector& f, bare& x) {
  return f(x.x);
}

struct nested {
  std::map<std::string, std::vector<bare>> xs;
};
template <class Inspector>
auto inspect(Inspector& f, nested& x) {
  return f(x.xs);
}

struct forgetful {
  int a;
  std::string b;
};
template <class Inspector>
auto inspect(Inspector& f, forgetful& x) {
  return f(caf::meta::type_name("forgetful"), x.a);
}

} // namespace

TEST_CASE("the compiler finds a bare double however nested", "[messages]") {
  STATIC_CHECK(wire::holds_floating_point<bare>());
  STATIC_CHECK(wire::holds_floating_point<nested>());
  STATIC_CHECK(wire::holds_floating_point<std::chrono::duration<double>>());
  STATIC_CHECK_FALSE(wire::holds_floating_point<std::chrono::nanoseconds>());
  STATIC_CHECK_FALSE(wire::holds_floating_point<step_ack>());
  STATIC_CHECK_FALSE(wire::holds_floating_point<load_state_msg>());
}

TEST_CASE("the compiler finds a member that inspect forgets", "[messages]") {
  STATIC_CHECK_FALSE(wire::inspects_all_members<forgetful>());
  STATIC_CHECK(wire::inspects_all_members<nested>());
}
