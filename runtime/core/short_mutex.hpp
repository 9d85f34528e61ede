#pragma once

#include <mutex>

namespace posse {

/// A mutex for sections of a fraction of a microsecond: who finds it taken
/// spins a little, since going to sleep and being woken takes ten times as
/// long as waiting does. BasicLockable.
class short_mutex {
public:
  void lock() {
    for (int i = 0; i < spins; ++i) {
      if (mutex_.try_lock())
        return;
    }
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

private:
  static constexpr int spins = 200;
  std::mutex mutex_;
};

} // namespace posse
