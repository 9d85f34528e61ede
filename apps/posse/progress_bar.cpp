#include "apps/posse/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace posse {

namespace {

constexpr std::chrono::milliseconds bar_interval{100};
constexpr std::chrono::seconds line_interval{5};
constexpr int bar_width = 24;

double share(const run_progress& x) {
  return x.total > 0 ? std::clamp(static_cast<double>(x.done)
                                      / static_cast<double>(x.total),
                                  0.0, 1.0)
                     : 0.0;
}

std::string duration_text(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds + 0.5);
  return s < 3600
             ? fmt::format("{}:{:02}", s / 60, s % 60)
             : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

} // namespace

std::string progress_text(const run_progress& x, double per_second) {
  auto out = fmt::format("{} of {} steps", x.done / x.particles,
                         x.total / x.particles);
  if (per_second > 0)
    out += fmt::format(
        ", {:.0f} particle-steps/s, {} left", per_second,
        duration_text(static_cast<double>(x.total - x.done) / per_second));
  if (x.loss)
    out += fmt::format(", loss {:.4g}", *x.loss);
  return out;
}

std::string bar_text(const run_progress& x, int width) {
  const auto filled = static_cast<int>(share(x) * width);
  std::string out;
  for (int i = 0; i < width; ++i)
    out += i < filled ? "━" : "·";
  return out;
}

progress_bar::style progress_bar::style_for_stderr() {
  return isatty(STDERR_FILENO) != 0 ? style::bar : style::lines;
}

progress_bar::progress_bar(std::string title, style how)
    : title_{std::move(title)}, style_{how},
      next_{clock::now()
            + (how == style::bar ? clock::duration{bar_interval}
                                 : clock::duration{line_interval})} {}

void progress_bar::update(const run_progress& x) {
  const auto now = clock::now();
  if (!first_)
    first_ = {now, x.done};
  if (style_ == style::none || now < next_)
    return;
  const std::chrono::duration<double> passed = now - first_->first;
  const auto speed =
      passed.count() > 0
          ? static_cast<double>(x.done - first_->second) / passed.count()
          : 0;
  const auto text = progress_text(x, speed);
  if (style_ == style::lines) {
    fmt::print(stderr, "{}: {}\n", title_, text);
    next_ = now + line_interval;
    return;
  }
  // Back to the line's start; clear what is left of a longer line.
  fmt::print(stderr, "\r{} {} {:3.0f}%  {}\x1b[K", title_,
             bar_text(x, bar_width), 100 * share(x), text);
  std::fflush(stderr);
  shown_ = true;
  next_ = now + bar_interval;
}

void progress_bar::clear() {
  if (!shown_)
    return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

} // namespace posse
