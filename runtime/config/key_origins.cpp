#include "runtime/config/key_origins.hpp"

namespace posse {

void key_origins::record_line(std::string key, std::size_t line) {
  lines_.insert_or_assign(std::move(key), line);
}

void key_origins::record_set(std::string key) {
  lines_.insert_or_assign(std::move(key), 0);
}

bool key_origins::given(std::string_view key) const {
  return lines_.contains(key);
}

std::string key_origins::where(std::string_view key) const {
  std::size_t line = 1;
  if (auto found = lines_.find(key); found != lines_.end()) {
    if (found->second == 0)
      return "--set " + std::string{key};
    line = found->second;
  } else if (auto section = lines_.find(key.substr(0, key.find('.')));
             section != lines_.end()) {
    line = section->second;
  }
  if (file_.empty())
    return std::string{key};
  return file_ + ":" + std::to_string(line) + ": " + std::string{key};
}

} // namespace posse
