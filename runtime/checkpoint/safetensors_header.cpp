#include "runtime/checkpoint/safetensors_header.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

namespace posse {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view metadata_key = "__metadata__";

std::optional<dtype> dtype_named(std::string_view name) {
  for (auto type :
       {dtype::f32, dtype::f64, dtype::f16, dtype::bf16, dtype::i64, dtype::i32,
        dtype::i16, dtype::i8, dtype::u8, dtype::boolean})
    if (to_string(type) == name)
      return type;
  return std::nullopt;
}

/// Bytes of a tensor, or nothing if they do not fit into 63 bits. An overflow
/// counts even where another size is 0: strides would overflow too.
std::optional<std::uint64_t> checked_size(dtype type,
                                          const std::vector<int64_t>& shape) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  std::uint64_t bytes = element_size(type);
  bool empty = false;
  for (auto signed_size : shape) {
    auto size = static_cast<std::uint64_t>(signed_size);
    empty = empty || size == 0;
    if (size == 0)
      continue;
    if (bytes > most / size)
      return std::nullopt;
    bytes *= size;
  }
  return empty ? 0 : bytes;
}

/// Takes the JSON event by event, so that a hostile header costs no more than
/// its own length: nothing deeper or other than the format's three levels is
/// ever stored.
class header_events : public nlohmann::json_sax<nlohmann::json> {
public:
  safetensors_header header;
  std::string problem; ///< empty while all is well

  bool start_object(std::size_t) override {
    switch (place_) {
    case place::start:
      place_ = place::top;
      return true;
    case place::top:
      if (key_ == metadata_key) {
        place_ = place::metadata;
      } else {
        header.tensors.emplace_back().name = key_;
        seen_ = {};
        place_ = place::entry;
      }
      return true;
    default:
      return unexpected("an object");
    }
  }

  bool key(string_t& name) override {
    key_ = name;
    switch (place_) {
    case place::top:
      return names_.insert(name).second || refuse("comes twice");
    case place::metadata:
      return header.metadata.try_emplace(name).second
             || refuse("comes twice in the metadata");
    default: {
      auto* seen = name == "dtype"          ? &seen_.dtype
                   : name == "shape"        ? &seen_.shape
                   : name == "data_offsets" ? &seen_.offsets
                                            : nullptr;
      if (seen == nullptr)
        return refuse("is not known in \"" + entry().name + '"');
      if (std::exchange(*seen, true))
        return refuse("comes twice in \"" + entry().name + '"');
      return true;
    }
    }
  }

  bool end_object() override {
    if (place_ == place::entry
        && !(seen_.dtype && seen_.shape && seen_.offsets)) {
      key_ = entry().name;
      return refuse("lacks dtype, shape or data_offsets");
    }
    place_ = place::top; // the outermost object ends the document
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == place::entry && key_ == "shape") {
      place_ = place::shape;
      return true;
    }
    if (place_ == place::entry && key_ == "data_offsets") {
      place_ = place::offsets;
      offsets_read_ = 0;
      return true;
    }
    return unexpected("an array");
  }

  bool end_array() override {
    if (place_ == place::offsets && offsets_read_ != 2)
      return unexpected("an array of another length than 2");
    place_ = place::entry;
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == place::metadata) {
      header.metadata[key_] = std::move(text);
      return true;
    }
    if (place_ != place::entry || key_ != "dtype")
      return unexpected("a string");
    auto type = dtype_named(text);
    if (!type)
      return unexpected("the unknown dtype " + text);
    entry().type = *type;
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ == place::shape) {
      if (number > std::numeric_limits<std::int64_t>::max())
        return unexpected(std::to_string(number));
      entry().shape.push_back(static_cast<std::int64_t>(number));
      return true;
    }
    if (place_ == place::offsets && offsets_read_ < 2) {
      (offsets_read_++ == 0 ? entry().begin : entry().end) = number;
      return true;
    }
    return unexpected("a number");
  }

  bool number_integer(number_integer_t number) override {
    return unexpected(std::to_string(number));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected(text);
  }
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    problem = "the header is no JSON at its byte " + std::to_string(position);
    return false;
  }

private:
  enum class place { start, top, metadata, entry, shape, offsets };
  struct parts {
    bool dtype{false};
    bool shape{false};
    bool offsets{false};
  };

  tensor_entry& entry() { return header.tensors.back(); }

  bool refuse(const std::string& what) {
    problem = "the header's \"" + key_ + "\" " + what;
    return false;
  }

  bool unexpected(const std::string& what) {
    switch (place_) {
    case place::start:
      problem = "expected an object as header, got " + what;
      return false;
    case place::top:
    case place::metadata:
      return refuse("holds " + what);
    default:
      problem =
          "tensor \"" + entry().name + "\": its " + key_ + " holds " + what;
      return false;
    }
  }

  place place_{place::start};
  std::string key_;
  std::set<std::string> names_; ///< at the top level
  parts seen_;                  ///< of the current entry
  int offsets_read_{0};
};

/// What is wrong with the extents, or an empty text.
std::string check_extents(const std::vector<tensor_entry>& tensors,
                          std::uint64_t data_bytes) {
  std::vector<const tensor_entry*> by_offset;
  for (const auto& x : tensors) {
    auto say = [&](const std::string& what) {
      return "tensor \"" + x.name + "\": " + what;
    };
    if (x.end < x.begin || x.end > data_bytes)
      return say("bytes " + std::to_string(x.begin) + " to "
                 + std::to_string(x.end) + " are not in the file's "
                 + std::to_string(data_bytes) + " bytes of data");
    auto size = checked_size(x.type, x.shape);
    if (!size)
      return say("its shape is too large");
    if (*size != x.size_bytes())
      return say("dtype and shape need " + std::to_string(*size)
                 + " bytes, its offsets hold "
                 + std::to_string(x.size_bytes()));
    by_offset.push_back(&x);
  }
  std::ranges::sort(by_offset, {}, [](const tensor_entry* x) {
    return std::pair{x->begin, x->end};
  });
  std::uint64_t next = 0;
  for (const auto* x : by_offset) {
    if (x->begin != next)
      return "tensor \"" + x->name + "\": starts at byte "
             + std::to_string(x->begin) + ", the one before it ends at "
             + std::to_string(next);
    next = x->end;
  }
  if (next != data_bytes)
    return "the tensors end at byte " + std::to_string(next) + " of "
           + std::to_string(data_bytes) + " bytes of data";
  return {};
}

} // namespace

std::vector<std::size_t> lay_out(std::vector<tensor_entry>& tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) {
    return element_size(tensors[i].type);
  });
  std::uint64_t next = 0;
  for (auto i : order) {
    auto& x = tensors[i];
    x.begin = next;
    next += checked_size(x.type, x.shape).value(); // it is in memory: it fits
    x.end = next;
  }
  return order;
}

expected<std::string> format_header(const safetensors_header& header) {
  // Not one ordered_json object: it would search its keys for every new one.
  std::string text = "{";
  std::set<std::string_view> names{metadata_key};
  auto add = [&text](std::string_view key, const ordered_json& what) {
    text += text.size() > 1 ? "," : "";
    text += ordered_json(key).dump() + ':' + what.dump();
  };
  try {
    if (!header.metadata.empty())
      add(metadata_key, ordered_json(header.metadata));
    for (const auto& x : header.tensors) {
      if (!names.insert(x.name).second)
        return fail(errc::invalid_argument,
                    "tensor \"" + x.name
                        + "\": a name may come once and not be __metadata__");
      add(x.name, {{"dtype", to_string(x.type)},
                   {"shape", x.shape},
                   {"data_offsets", {x.begin, x.end}}});
    }
  } catch (const ordered_json::type_error&) {
    return fail(errc::invalid_argument,
                "names and metadata of a safetensors file are UTF-8");
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

expected<safetensors_header> parse_header(std::string_view json,
                                          std::uint64_t data_bytes) {
  if (!json.starts_with('{'))
    return fail(errc::corrupt_checkpoint, "the header does not start with {");
  header_events events;
  nlohmann::json::sax_parse(json, &events);
  if (events.problem.empty())
    events.problem = check_extents(events.header.tensors, data_bytes);
  if (!events.problem.empty())
    return fail(errc::corrupt_checkpoint, std::move(events.problem));
  return std::move(events.header);
}

} // namespace posse
