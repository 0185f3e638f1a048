// Codes of fixed form: addresses, versions, ICD codes, section numbers, CVE ids, dates, tickers.
#include <algorithm>
#include <array>

#include "core/analyzer/literal_lists.hpp"
#include "core/analyzer/literal_shapes.hpp"

namespace pyengine {

namespace {

// Reads a run from the left. Every take_ returns how many characters it took.
class Reader {
 public:
  explicit Reader(Chars run) : run_(run) {}

  [[nodiscard]] bool done() const { return at_ == run_.size(); }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] bool sees(char unit, std::size_t ahead = 0) const {
    return at_ + ahead < run_.size() && run_[at_ + ahead].unit == unit;
  }
  [[nodiscard]] bool sees_digit(std::size_t ahead = 0) const {
    return at_ + ahead < run_.size() && run_[at_ + ahead].is(kDigit);
  }
  bool take(char unit) {
    const bool seen = sees(unit);
    at_ += seen ? 1 : 0;
    return seen;
  }
  bool take_letter(char lower) {
    const bool seen = at_ < run_.size() && to_lower(run_[at_].unit) == lower;
    at_ += seen ? 1 : 0;
    return seen;
  }
  std::size_t take_digits() {
    return take_if([](const Char& c) { return c.is(kDigit); });
  }
  std::size_t take_ascii_letters() {
    return take_if([](const Char& c) { return c.is_ascii_letter(); });
  }
  std::size_t take_ascii_alnums() {
    return take_if([](const Char& c) { return c.is_ascii_alnum(); });
  }
  std::size_t take_alnums() {
    return take_if([](const Char& c) { return c.is(kAlnum); });
  }
  // What the last take_ took.
  [[nodiscard]] Chars last(std::size_t taken) const { return run_.subspan(at_ - taken, taken); }

 private:
  template <class P>
  std::size_t take_if(P&& wanted) {
    const std::size_t from = at_;
    while (at_ < run_.size() && wanted(run_[at_])) ++at_;
    return at_ - from;
  }

  Chars run_;
  std::size_t at_ = 0;
};

// D+(.D+)*: how many numbers.
std::size_t take_dotted_numbers(Reader& r) {
  if (r.take_digits() == 0) return 0;
  std::size_t numbers = 1;
  while (r.sees('.') && r.sees_digit(1)) {
    r.take('.');
    r.take_digits();
    ++numbers;
  }
  return numbers;
}

void take_dotted_rest(Reader& r) {
  while (r.sees('.') && r.sees_digit(1)) {
    r.take('.');
    r.take_digits();
  }
}

// KW D*: a word of the list, and digits glued to it.
template <class P>
bool is_keyword_and_digits(Chars run, P&& in_list) {
  while (!run.empty() && run.back().is(kDigit)) run = run.first(run.size() - 1);
  return in_list(run);
}

// (-SUFFIX)*, SUFFIX = KW D* (.D+)* or D A* (.D+)*; `first_is_keyword` demands the former of the first.
bool take_hyphen_suffixes(Reader& r, bool first_is_keyword) {
  while (r.take('-')) {
    const bool number = r.sees_digit();
    const std::size_t taken = r.take_ascii_alnums();
    if (taken == 0) return false;
    if (number ? first_is_keyword : !is_keyword_and_digits(r.last(taken), is_version_suffix)) return false;
    take_dotted_rest(r);
    first_is_keyword = false;
  }
  return true;
}

// +A+ ([.-] A+)*
bool take_build(Reader& r) {
  if (!r.take('+')) return true;
  if (r.take_alnums() == 0) return false;
  while (r.sees('.') || r.sees('-')) {
    if (!r.take('.')) r.take('-');
    if (r.take_alnums() == 0) return false;
  }
  return true;
}

// What may stand between the numbers and the hyphens of v2.0.1 or 1.2.3: .post1, or letters glued on.
bool take_middle(Reader& r) {
  if (r.take('.')) {
    const std::size_t taken = r.take_ascii_alnums();
    return taken != 0 && !r.last(taken)[0].is(kDigit) &&
           is_keyword_and_digits(r.last(taken), is_version_suffix);
  }
  const std::size_t letters = r.take_ascii_letters();
  if (letters > 6) return false;
  if (letters != 0) r.take_digits();
  return true;
}

// 2.0b1, 3.11rc1, 1.0-beta: two numbers are a version only with a suffix that says so.
bool take_two_number_suffix(Reader& r) {
  const std::size_t letters = r.take_ascii_letters();
  if (letters == 0) return r.sees('-') && take_hyphen_suffixes(r, true);
  return is_glued_version_suffix(r.last(letters)) && r.take_digits() != 0 && take_hyphen_suffixes(r, false);
}

bool is_capital(const Char& c) { return c.is_caps(); }

bool is_icd_category(Chars run) {
  const auto in_ab = [](char c) { return to_lower(c) == 'a' || to_lower(c) == 'b'; };
  return run.size() == 3 && run[0].is_ascii_letter() && run[1].is(kDigit) &&
         (run[2].is(kDigit) || (run[2].is_ascii_letter() && in_ab(run[2].unit)));
}

// F33.1, S72.001A; C84.AA, where capitals say so. Not v10.2, which is a version, nor a10.net.
bool is_icd(Chars run) {
  if (run.size() < 5 || run.size() > 8 || run[3].unit != '.' || !is_icd_category(run.first(3))) return false;
  const Chars detail = run.subspan(4);
  const auto digits = static_cast<std::size_t>(
      std::count_if(detail.begin(), detail.end(), [](const Char& c) { return c.is(kDigit); }));
  if (digits == 0) {
    return run[0].is_caps() && run[2].is(kDigit) && detail.size() <= 2 &&
           std::all_of(detail.begin(), detail.end(), is_capital);
  }
  const bool version = run[0].unit == 'v' && run[2].is(kDigit) && digits == detail.size();
  return !version &&
         std::all_of(detail.begin(), detail.end(), [](const Char& c) { return c.is_ascii_alnum(); });
}

bool is_icd_range(Chars run) {
  const auto hyphen = std::find_if(run.begin(), run.end(), [](const Char& c) { return c.is(kHyphen); });
  if (hyphen == run.end()) return false;
  const auto left = static_cast<std::size_t>(hyphen - run.begin());
  const auto is_end = [](Chars code) { return is_icd_category(code) || is_icd(code); };
  return is_end(run.first(left)) && is_end(run.subspan(left + 1));
}

// 240.10b-5: a section of the CFR without its title.
bool is_section_number(Chars run) {
  Reader r(run);
  return take_dotted_numbers(r) == 2 && r.take_ascii_letters() == 1 && r.take('-') && r.take_digits() != 0 &&
         r.take_ascii_letters() <= 1 && r.done();
}

bool is_cve(Chars run) {
  Reader r(run);
  if (r.take_letter('c')) {
    return r.take_letter('v') && r.take_letter('e') && r.take('-') && r.take_digits() == 4 && r.take('-') &&
           r.take_digits() >= 4 && r.done();
  }
  for (const char c : {'g', 'h', 's', 'a'}) {
    if (!r.take_letter(c)) return false;
  }
  for (int group = 0; group < 3; ++group) {
    if (!r.take('-') || r.take_ascii_alnums() != 4) return false;
  }
  return r.done();
}

bool is_hex_digit(const Char& c) {
  return c.is(kDigit) || (c.unit != 0 && to_lower(c.unit) >= 'a' && to_lower(c.unit) <= 'f');
}

// Groups of hexadecimal digits of the given lengths, joined by `joint`.
bool is_hex_groups(Chars run, std::initializer_list<std::size_t> lengths, char joint) {
  std::size_t at = 0;
  for (const std::size_t length : lengths) {
    if (at != 0) {
      if (at >= run.size() || run[at].unit != joint) return false;
      ++at;
    }
    if (at + length > run.size()) return false;
    const Chars group = run.subspan(at, length);
    if (!std::all_of(group.begin(), group.end(), is_hex_digit)) return false;
    at += length;
  }
  return at == run.size();
}

bool is_roman_number(Chars run) {
  return std::all_of(run.begin(), run.end(), [](const Char& c) {
    return c.unit != 0 && std::string_view("IVXLCDM").find(c.unit) != std::string_view::npos;
  });
}

// $MSFT, BRK.B, NYSE:IBM. Capitals only: everything else with these marks is prose or code.
bool is_ticker(Chars run) {
  const auto caps = [&](std::size_t from) {
    std::size_t n = 0;
    while (from + n < run.size() && run[from + n].is_caps()) ++n;
    return n;
  };
  const auto share_class = [&](std::size_t from) {
    return from + 2 == run.size() && run[from].unit == '.' && run[from + 1].is_caps();
  };
  if (run[0].unit == '$') {
    const std::size_t symbol = caps(1);
    const std::size_t end = 1 + symbol;
    if (symbol < 2 || symbol > 5) return false;
    return share_class(end) || (end == run.size() && !is_shell_variable(run.subspan(1)));
  }
  const std::size_t first = caps(0);
  if (first >= 2 && first <= 5 && share_class(first)) return !is_roman_number(run.first(first));
  if (first == 0 || first >= run.size() || run[first].unit != ':' || !is_exchange(run.first(first)))
    return false;
  const std::size_t symbol = caps(first + 1);
  const std::size_t end = first + 1 + symbol;
  return symbol >= 1 && symbol <= 6 && (end == run.size() || share_class(end));
}

// HTTP/1.1, TLS/1.3, Mozilla/5.0, OS/2; not min/1.73.
bool is_protocol(Chars run) {
  Reader r(run);
  const std::size_t letters = r.take_ascii_letters();
  if (letters < 2 || !r.take('/')) return false;
  const std::size_t numbers = take_dotted_numbers(r);
  if (!r.done() || numbers == 0) return false;
  const Chars name = run.first(letters);
  if (std::all_of(name.begin(), name.end(), is_capital)) return true;
  if (equals_ignoring_case(name, "http") || equals_ignoring_case(name, "tls")) return true;
  return name[0].is_caps() && numbers >= 2;
}

}  // namespace

bool is_version(Chars run) noexcept {
  Reader r(run);
  const bool marked = r.take_letter('v');
  const std::size_t numbers = take_dotted_numbers(r);
  if (numbers < 2) return false;
  if (marked || numbers > 2) {
    return take_middle(r) && take_hyphen_suffixes(r, false) && take_build(r) && r.done();
  }
  return take_two_number_suffix(r) && take_build(r) && r.done();
}

bool is_ip_address(Chars run, bool in_doubt) noexcept {
  std::size_t at = 0;
  std::array<int, 4> values{};
  for (std::size_t number = 0; number < values.size(); ++number) {
    if (number != 0) {
      if (at >= run.size() || run[at].unit != '.') return false;
      ++at;
    }
    const std::size_t digits = std::min<std::size_t>(count_leading(run.subspan(at), kDigit), 4);
    if (digits == 0 || digits > 3) return false;
    for (const Char& c : run.subspan(at, digits)) values[number] = values[number] * 10 + (c.unit - '0');
    at += digits;
  }
  if (at != run.size() || *std::max_element(values.begin(), values.end()) > 255) return false;
  // 5.12.3.6 is a rule of a rule book; 10.0.0.1, 192.168.1.1 and 8.8.8.8 are machines.
  const bool typical = std::any_of(values.begin(), values.end(), [](int v) { return v == 0 || v >= 100; }) ||
                       std::all_of(values.begin(), values.end(), [&](int v) { return v == values[0]; });
  return typical || in_doubt;
}

std::optional<Shape> slashed_code_shape(Chars run) noexcept {
  Reader r(run);
  std::size_t numbers = 0;
  while (r.take_digits() != 0) {
    ++numbers;
    if (!r.take('/')) break;
  }
  if (numbers >= 3 && r.done() && run.back().is(kDigit)) return Shape{Kind::kNumber, Parts::kTree};
  return is_protocol(run) ? std::optional(Shape{Kind::kVersion, Parts::kTree}) : std::nullopt;
}

std::optional<Shape> code_shape(Chars run) noexcept {
  if (is_hex_groups(run, {8, 4, 4, 4, 12}, '-')) return Shape{Kind::kHex, Parts::kTree};
  if (is_hex_groups(run, {2, 2, 2, 2, 2, 2}, ':')) return Shape{Kind::kHex, Parts::kTree};
  if (is_ip_address(run, false)) return Shape{Kind::kHost, Parts::kVersion};
  if (is_icd(run) || is_icd_range(run)) return Shape{Kind::kIcd, Parts::kIcd};
  if (is_version(run)) return Shape{Kind::kVersion, Parts::kVersion};
  if (is_section_number(run)) return Shape{Kind::kStatute, Parts::kSection};
  if (is_cve(run)) return Shape{Kind::kCve, Parts::kTree};
  if (is_ticker(run)) return Shape{Kind::kTicker, Parts::kTree};
  return std::nullopt;
}

}  // namespace pyengine
