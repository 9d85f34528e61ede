#include "apps/posse/figure/markup.hpp"
#include "apps/posse/figure/picture.hpp"
#include "apps/posse/figure/plot.hpp"
#include "apps/posse/figure/scale.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <limits>

using namespace posse::figure;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double huge = std::numeric_limits<double>::max();

using numbers = std::vector<double>;
using texts = std::vector<std::string>;

plot unit_plot() {
  return {{0, 0, 100, 100}, {"", 0, 1}, {"", 0, 1}};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t out = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    ++out;
  return out;
}

} // namespace

TEST_CASE("ticks are round numbers that cover the axis", "[apps][figure]") {
  CHECK(linear_ticks(0, 1, 5)
        == numbers{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(linear_ticks(-3, 17, 4) == numbers{0, 5, 10, 15});
  CHECK(linear_ticks(0.1, 0.3, 2) == numbers{0.1, 0.2, 0.30000000000000004});
  CHECK(linear_ticks(99, 101, 2) == numbers{99, 100, 101});
  CHECK(std::signbit(linear_ticks(-1, 1, 2)[1]) == false); // no "-0"
}

TEST_CASE("ticks stay few, whatever the axis", "[apps][figure]") {
  const numbers ends{-huge, -1e300,    -1, 0,     1e-300,
                     1,     1 + 1e-15, 3,  1e300, huge};
  for (const auto low : ends)
    for (const auto high : ends)
      for (const std::size_t wanted : {1, 3, 6}) {
        INFO(low << " to " << high << ", " << wanted);
        const scale at{spacing::linear, low, high, 0, 100};
        const auto ticks = at.ticks(wanted);
        CHECK(!ticks.empty());
        CHECK(ticks.size() <= 2 * wanted + 1);
        for (const auto x : ticks)
          CHECK(std::isfinite(at(x)));
      }
}

TEST_CASE("logarithmic ticks are powers of ten, with 2 and 5 if there is room",
          "[apps][figure]") {
  CHECK(log_ticks(1, 10, 6) == numbers{1, 2, 5, 10});
  CHECK(log_ticks(0.01, 3, 4) == numbers{0.01, 0.1, 1});
  CHECK(log_ticks(1e-6, 1e6, 5) == numbers{1e-6, 1e-3, 1, 1e3, 1e6});
}

TEST_CASE("tick labels have the decimals that tell them apart",
          "[apps][figure]") {
  CHECK(tick_labels(numbers{0, 0.2, 0.4}) == texts{"0.0", "0.2", "0.4"});
  CHECK(tick_labels(numbers{0, 50, 100}) == texts{"0", "50", "100"});
  CHECK(tick_labels(numbers{0.05, 0.1, 0.15}) == texts{"0.05", "0.10", "0.15"});
  CHECK(tick_labels(numbers{0.1, 1, 10, 100})
        == texts{"0.1", "1", "10", "100"});
  CHECK(tick_labels(numbers{0, 1e6, 2e6}) == texts{"0", "1e+06", "2e+06"});
  CHECK(tick_labels(numbers{0, 1e-6}) == texts{"0", "1e-06"});
  CHECK(tick_labels(numbers{}).empty());
}

TEST_CASE("a scale puts its ends where they belong", "[apps][figure]") {
  const scale up{spacing::linear, 2, 4, 100, 0};
  CHECK(up(2) == Approx(100));
  CHECK(up(3) == Approx(50));
  CHECK(up(4) == Approx(0).margin(1e-9));
  const scale log{spacing::logarithmic, 1, 100, 0, 100};
  CHECK(log(10) == Approx(50));
}

TEST_CASE("a scale has no place for what is no number", "[apps][figure]") {
  const scale linear{spacing::linear, 0, 1, 0, 100};
  const scale log{spacing::logarithmic, 1, 10, 0, 100};
  for (const auto x : {not_a_number, infinity, -infinity}) {
    CHECK(std::isnan(linear(x)));
    CHECK(std::isnan(log(x)));
  }
  CHECK(std::isnan(log(0)));
  CHECK(std::isnan(log(-1)));
  // Far outside, but drawable.
  CHECK(linear(huge) == 1100);
  CHECK(linear(-huge) == -1000);
}

TEST_CASE("a scale of one number, or of none, has some width",
          "[apps][figure]") {
  for (const auto how : {spacing::linear, spacing::logarithmic})
    for (const auto& [low, high] :
         {std::pair{3.0, 3.0}, std::pair{0.0, 0.0},
          std::pair{not_a_number, not_a_number}, std::pair{infinity, -infinity},
          std::pair{5.0, 2.0}, std::pair{5e-324, 5e-324},
          std::pair{-2.0, -2.0}}) {
      INFO(low << " to " << high);
      const scale at{how, low, high, 0, 100};
      CHECK(at.low() < at.high());
      CHECK(std::isfinite(at(at.low())));
      CHECK(at(at.high()) == Approx(100));
    }
}

TEST_CASE("text is escaped, and bytes that XML cannot hold are replaced",
          "[apps][figure]") {
  CHECK(escaped("a<b>&\"c'") == "a&lt;b&gt;&amp;&quot;c&#39;");
  CHECK(escaped("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\x8E")
        == "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\x8E");
  const std::string lost = "\xEF\xBF\xBD";
  CHECK(escaped(std::string_view{"a\0b", 3}) == "a" + lost + "b");
  CHECK(escaped("\x1B") == lost);
  CHECK(escaped("\xFF") == lost);
  CHECK(escaped("\xC3") == lost);                       // cut
  CHECK(escaped("\xC0\xAF") == lost + lost);            // an overlong "/"
  CHECK(escaped("\xED\xA0\x80") == lost + lost + lost); // half a surrogate pair
  CHECK(escaped("a\tb\n") == "a\tb\n");
}

TEST_CASE("coordinates have a tenth of a pixel", "[apps][figure]") {
  CHECK(pixels(12) == "12");
  CHECK(pixels(0.26) == "0.3");
  CHECK(pixels(-0.01) == "0");
  CHECK(pixels(1234.56) == "1234.6");
}

TEST_CASE("a line is broken where a value is no number", "[apps][figure]") {
  auto plot = unit_plot();
  plot.line(std::vector<point>{{0, 0},
                               {0.2, 1},
                               {0.4, not_a_number},
                               {0.6, infinity},
                               {0.8, 1},
                               {1, 0},
                               {not_a_number, 0.5},
                               {1, 1}},
            {});
  const auto svg = plot.svg("p");
  CHECK(count(svg, "<polyline") == 3);
  CHECK_THAT(svg, !ContainsSubstring("nan") && !ContainsSubstring("inf"));
}

TEST_CASE("marks without a place are left out", "[apps][figure]") {
  auto plot = unit_plot();
  plot.dots(std::vector<point>{{0.5, 0.5}, {not_a_number, 1}, {1, infinity}},
            {});
  plot.bars(
      std::vector<bar>{{0, 1, 0, 1}, {0, 1, 0, not_a_number}, {0, 1, 0, 0}},
      {});
  plot.strokes(std::vector<range_at>{{0.5, 0, 1}, {0.5, not_a_number, 1}}, {});
  plot.band(std::vector<range_at>{{0, 0, 1}, {0.5, -infinity, 1}, {1, 0, 1}},
            {});
  const auto svg = plot.svg("p");
  CHECK(count(svg, "<circle") == 1);
  CHECK(count(svg, "<rect") == 2); // the frame's clip is one, too
  CHECK(count(svg, "<polygon") == 1);
  CHECK_THAT(svg, !ContainsSubstring("nan") && !ContainsSubstring("inf"));
  auto empty = unit_plot();
  empty.line({}, {});
  empty.dots(std::vector<point>{{not_a_number, not_a_number}}, {});
  empty.band({}, {});
  CHECK_THAT(empty.svg("p"), !ContainsSubstring("<polyline")
                                 && !ContainsSubstring("<circle")
                                 && !ContainsSubstring("<polygon"));
}

TEST_CASE("what lies beyond the axes is cut off at the frame",
          "[apps][figure]") {
  auto plot = unit_plot();
  plot.line(std::vector<point>{{0, 0}, {1, huge}}, {});
  const auto svg = plot.svg("some-id");
  CHECK_THAT(svg, ContainsSubstring("<clipPath id=\"some-id\">")
                      && ContainsSubstring("clip-path=\"url(#some-id)\"")
                      && !ContainsSubstring("e+"));
}

TEST_CASE("a picture names itself and escapes what it is told",
          "[apps][figure]") {
  picture p;
  p.id = "a";
  p.title = "<1>";
  p.description = "\"&\"";
  p.plots.push_back(
      {{0, 0, 420, 290}, {"<x>", 0, 1}, {"<y>", 0, 1}, "<title>"});
  p.legend = {{"<name>", {}, sample::line}};
  const auto svg = to_svg(p);
  CHECK_THAT(svg, ContainsSubstring("<title id=\"a-title\">&lt;1&gt;</title>")
                      && ContainsSubstring("&quot;&amp;&quot;</desc>")
                      && ContainsSubstring("aria-labelledby=\"a-title a-desc\"")
                      && ContainsSubstring(">&lt;x&gt;<")
                      && ContainsSubstring(">&lt;y&gt;<")
                      && ContainsSubstring(">&lt;name&gt;<")
                      && ContainsSubstring(">&lt;title&gt;<"));
}

TEST_CASE("a legend that is too long goes on in the next line",
          "[apps][figure]") {
  picture p;
  p.id = "a";
  p.plots.push_back(unit_plot());
  const auto bare = to_svg(p);
  CHECK_THAT(bare, ContainsSubstring("viewBox=\"0 0 420 290\""));
  p.legend.assign(2, {"short", {}, sample::line});
  CHECK_THAT(to_svg(p), ContainsSubstring("viewBox=\"0 0 420 316\""));
  p.legend.assign(2, {std::string(40, 'a'), {}, sample::line});
  CHECK_THAT(to_svg(p), ContainsSubstring("viewBox=\"0 0 420 336\""));
}
