#include "runtime/data/csv.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace posse {

namespace {

/// Parses one file; keeps the line it is in for the messages.
class csv_parser {
public:
  csv_parser(std::string file, std::string_view text)
      : file_{std::move(file)}, text_{text} {}

  expected<table> parse() {
    if (auto ok = check_text(); !ok)
      return fail(std::move(ok));
    if (auto ok = parse_header(next_line()); !ok)
      return fail(std::move(ok));
    // A number and its comma take about 6 bytes: one allocation as a rule.
    table_.values.reserve(text_.size() / 6);
    while (!text_.empty()) {
      if (auto ok = parse_row(next_line()); !ok)
        return fail(std::move(ok));
      ++table_.rows;
    }
    if (table_.rows == 0)
      return fail(errc::invalid_data,
                  file_
                      + ": expected rows of numbers after the header line, "
                        "got none");
    return std::move(table_);
  }

private:
  tl::unexpected<failure> fail_file(std::string_view why) const {
    return fail(errc::invalid_data, concat(file_, ": ", why));
  }

  tl::unexpected<failure> fail_line(std::string_view why) const {
    return fail(errc::invalid_data, concat(file_, ":", line_, ": ", why));
  }

  tl::unexpected<failure> fail_field(std::size_t column,
                                     std::string_view why) const {
    return fail_line(concat("column \"", table_.columns[column], "\": ", why));
  }

  /// Drops the byte order mark and the newlines at the end.
  expected<void> check_text() {
    if (auto nul = text_.find('\0'); nul != std::string_view::npos)
      return fail_file(
          concat("expected comma-separated text, got a binary file (byte ", nul,
                 " is zero)"));
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text_.starts_with(byte_order_mark))
      text_.remove_prefix(byte_order_mark.size());
    auto last = text_.find_last_not_of("\r\n");
    text_ = text_.substr(0, last == std::string_view::npos ? 0 : last + 1);
    if (trimmed(text_).empty())
      return fail_file("expected a header line, got an empty file");
    return {};
  }

  std::string_view next_line() {
    ++line_;
    auto line = take_until(text_, '\n');
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    return line;
  }

  expected<void> parse_header(std::string_view line) {
    for (bool more = true; more;) {
      auto name = take_name(line, more);
      if (!name)
        return fail(std::move(name));
      if (auto ok = add_column(std::move(*name)); !ok)
        return ok;
    }
    const auto& first = table_.columns.front();
    if (table_.columns.size() == 1
        && first.find_first_of(";\t") != std::string::npos)
      return fail_line("expected names separated by commas, got "
                       + excerpt(first));
    return {};
  }

  /// Takes one name off `line`; `more` says whether a comma followed it.
  expected<std::string> take_name(std::string_view& line, bool& more) const {
    auto column = table_.columns.size() + 1;
    auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] != '"') {
      more = line.find(',') != std::string_view::npos;
      return std::string{trimmed(take_until(line, ','))};
    }
    std::string name;
    line.remove_prefix(start + 1);
    for (;;) {
      auto end = line.find('"');
      if (end == std::string_view::npos)
        return fail_line(
            concat("name of column ", column,
                   ": expected a closing quote, got the line's end"));
      name += line.substr(0, end);
      line.remove_prefix(end + 1);
      if (!line.starts_with('"'))
        break;
      name += '"'; // a doubled quote stands for one
      line.remove_prefix(1);
    }
    more = line.find(',') != std::string_view::npos;
    if (auto rest = trimmed(take_until(line, ',')); !rest.empty())
      return fail_line(concat(
          "name of column ", column,
          ": expected a comma after the closing quote, got ", excerpt(rest)));
    return std::string{trimmed(name)};
  }

  expected<void> add_column(std::string name) {
    auto column = table_.columns.size() + 1;
    if (name.empty())
      return fail_line(
          concat("column ", column, ": expected a name, got none"));
    if (!is_clean_utf8(name))
      return fail_line(concat("column ", column,
                              ": expected a name in UTF-8, got ",
                              excerpt(name)));
    if (auto twin = table_.find(name))
      return fail_line(
          concat("column \"", name,
                 "\": expected a name of its own, got that of column ",
                 *twin + 1, " again in column ", column));
    table_.columns.push_back(std::move(name));
    return {};
  }

  expected<void> parse_row(std::string_view line) {
    const auto columns = table_.columns.size();
    const auto whole_line = line;
    for (std::size_t column = 0; column < columns; ++column) {
      bool last = line.find(',') == std::string_view::npos;
      if (last != (column + 1 == columns))
        return fail_ragged(whole_line);
      if (auto ok = parse_field(trimmed(take_until(line, ',')), column); !ok)
        return ok;
    }
    return {};
  }

  tl::unexpected<failure> fail_ragged(std::string_view line) const {
    const auto columns = table_.columns.size();
    std::size_t fields = 0;
    if (!trimmed(line).empty())
      fields = 1 + static_cast<std::size_t>(std::ranges::count(line, ','));
    const auto* where = fields < columns ? "no column" : "fields after column";
    const auto& name = table_.columns[std::min(fields, columns - 1)];
    return fail_line(concat("expected ", columns, " fields, got ", fields, " (",
                            where, " \"", name, "\")"));
  }

  expected<void> parse_field(std::string_view field, std::size_t column) {
    if (field.empty())
      return fail_field(column, "expected a number, got an empty field");
    auto digits = field;
    if (digits.starts_with('+') && !digits.starts_with("+-"))
      digits.remove_prefix(1);
    double number = 0;
    const auto* end = digits.data() + digits.size();
    auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error == std::errc::result_out_of_range && stop == end)
      return fail_field(column, "expected a number in a double's range, got "
                                    + excerpt(field));
    if (error != std::errc{} || stop != end)
      return fail_field(column, "expected a number, got " + excerpt(field));
    if (!std::isfinite(number))
      return fail_field(column,
                        "expected a finite number, got " + excerpt(field));
    table_.values.push_back(number);
    return {};
  }

  std::string file_;
  std::string_view text_; ///< what is not parsed yet
  std::size_t line_{0};   ///< of the line being parsed, from 1
  table table_;
};

} // namespace

expected<table> read_csv(const std::filesystem::path& path) {
  auto text = read_data_file(path);
  if (!text)
    return fail(std::move(text));
  return guarded("read csv", [&] {
    return csv_parser{path.string(), *text}.parse();
  });
}

} // namespace posse
