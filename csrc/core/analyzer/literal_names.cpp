// Names: hosts, files, paths, identifiers, and designators made of hyphened groups.
#include <algorithm>

#include "core/analyzer/literal_lists.hpp"
#include "core/analyzer/literal_shapes.hpp"

namespace pyengine {

namespace {

bool all(Chars run, bool (*wanted)(const Char&)) { return std::all_of(run.begin(), run.end(), wanted); }
bool any(Chars run, bool (*wanted)(const Char&)) { return std::any_of(run.begin(), run.end(), wanted); }
bool is_alnum(const Char& c) { return c.is(kAlnum); }
bool is_caps(const Char& c) { return c.is_caps(); }
bool is_letter(const Char& c) { return c.is_letter(); }
bool is_digit(const Char& c) { return c.is(kDigit); }
bool is_lower(const Char& c) { return c.is(kLowerCase); }
bool is_underscore(const Char& c) { return c.is(kUnderscore); }
std::size_t count_alnums(Chars run) {
  return static_cast<std::size_t>(std::count_if(run.begin(), run.end(), is_alnum));
}

// Length of the characters before the first `unit`, or of the whole run.
std::size_t length_before(Chars run, char unit) {
  const auto at = std::find_if(run.begin(), run.end(), [unit](const Char& c) { return c.unit == unit; });
  return static_cast<std::size_t>(at - run.begin());
}

// A+(H+A+)*(.A+(H+A+)*)+ with a known last label.
bool is_domain_name(Chars run) {
  std::size_t labels = 0;
  while (true) {
    const Chars label = run.first(length_before(run, '.'));
    const bool sound =
        !label.empty() && label.front().is(kAlnum) && label.back().is(kAlnum) &&
        std::all_of(label.begin(), label.end(), [](const Char& c) { return c.is(kAlnum | kHyphen); });
    if (!sound) return false;
    ++labels;
    if (label.size() == run.size()) return labels >= 2 && is_top_level_domain(label);
    run = run.subspan(label.size() + 1);
  }
}

// One group between hyphens.
enum class Group : std::uint8_t { kNumber, kLetters, kMixed, kOther };

Group group_of(Chars group) {
  if (group.empty()) return Group::kOther;
  if (group.front().is(kDigit)) {
    std::size_t at = count_leading(group, kDigit);
    if (is_ordinal_suffix(group.subspan(at))) return Group::kOther;
    while (at + 1 < group.size() && group[at].unit == '.' && group[at + 1].is(kDigit)) {
      at += 1 + count_leading(group.subspan(at + 1), kDigit);
    }
    if (at == group.size()) return Group::kNumber;
  }
  if (!all(group, is_alnum)) return Group::kOther;
  return any(group, is_digit) ? Group::kMixed : Group::kLetters;
}

// Walks over the groups of a run from left to right.
class Groups {
 public:
  explicit Groups(Chars run) : run_(run) { load(0); }

  [[nodiscard]] bool done() const { return begin_ > run_.size(); }
  [[nodiscard]] Chars group() const { return run_.subspan(begin_, end_ - begin_); }
  [[nodiscard]] Group type() const { return done() ? Group::kOther : type_; }
  [[nodiscard]] std::size_t end() const { return end_; }  // of this group, in the run
  [[nodiscard]] bool is_letter() const { return type() == Group::kLetters && group().size() == 1; }
  [[nodiscard]] bool is_short_caps() const {
    return type() == Group::kLetters && group().size() <= 5 && all(group(), is_caps);
  }
  [[nodiscard]] bool is_code() const { return type() == Group::kMixed || is_letter() || is_short_caps(); }
  void next() { load(end_ + 1); }

 private:
  void load(std::size_t begin) {
    begin_ = begin;
    if (done()) return;
    end_ = begin + length_before(run_.subspan(begin), '-');
    type_ = group_of(group());
  }

  Chars run_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Group type_ = Group::kOther;
};

Kind kind_of_designator(Chars run, bool numbers_only) {
  if (numbers_only) return Kind::kNumber;
  const std::size_t first = length_before(run, '-');
  if (is_error_series(run.first(first)) && all(run.subspan(first + 1), is_digit)) {
    return Kind::kErrorCode;
  }
  for (Groups g(run); !g.done(); g.next()) {
    const Chars group = g.group();
    const auto dots = std::count_if(group.begin(), group.end(), [](const Char& c) { return c.unit == '.'; });
    if (dots >= 2) return Kind::kVersion;
  }
  return Kind::kSku;
}

// Takes the groups a designator must begin with; false where the run begins with none.
bool take_head(Groups& g, std::size_t& end, bool& numbers_only) {
  std::size_t count = 0;
  if (g.type() == Group::kLetters) {
    for (; g.type() == Group::kLetters; g.next()) {
      ++count;
      if (count > 2 || (count == 2 && g.group().size() > 4)) return false;
    }
    if (g.type() != Group::kNumber && g.type() != Group::kMixed) return false;
  } else if (g.type() == Group::kMixed) {
    g.next();
    if (g.type() != Group::kNumber && !g.is_code()) return false;
  } else if (g.type() == Group::kNumber) {
    for (; g.type() == Group::kNumber; g.next()) {
      ++count;
      end = g.end();
    }
    if (count >= 3) {
      numbers_only = true;
      return true;
    }
    if (!g.is_code()) return false;
  } else {
    return false;
  }
  end = g.end();
  g.next();
  return true;
}

bool is_hex_digit(const Char& c) {
  return c.is(kDigit) || (c.unit != 0 && to_lower(c.unit) >= 'a' && to_lower(c.unit) <= 'f');
}

// 7 to 64 hexadecimal digits of one case that change twice or more between letters and digits: a commit, a
// checksum. Not abc2009.
bool is_hash(Chars run) {
  if (run.size() < 7 || run.size() > 64 || !all(run, is_hex_digit)) return false;
  std::size_t changes = 0;
  for (std::size_t i = 1; i < run.size(); ++i)
    changes += run[i].is(kDigit) != run[i - 1].is(kDigit) ? 1U : 0U;
  return changes >= 2 && !(any(run, is_caps) && any(run, is_lower));
}

bool begins_with(Chars run, std::string_view lower) {
  return run.size() >= lower.size() && equals_ignoring_case(run.first(lower.size()), lower);
}

// E1101, W0611, TS2345.
bool is_error_number(Chars run) {
  const std::size_t letters = count_leading(run, kUpperCase | kLowerCase);
  const Chars digits = run.subspan(letters);
  if (!all(digits, is_digit)) return false;
  if (letters == 1) {
    const char c = to_lower(run[0].unit);
    if (c == 'e') return digits.size() >= 3 && digits.size() <= 5;
    return (c == 'w' || c == 'c' || c == 'r' || c == 'f') && digits.size() == 4;
  }
  if (digits.size() < 3 || digits.size() > 7) return false;
  const Chars series = run.first(letters);
  return equals_ignoring_case(series, "ts") || equals_ignoring_case(series, "cs") ||
         equals_ignoring_case(series, "lnk") || equals_ignoring_case(series, "msb") ||
         equals_ignoring_case(series, "kb");
}

// ERR_CONNECTION_REFUSED: capitals, digits and underscores after a prefix that says error.
bool is_error_name(Chars run) {
  const bool capitals = all(run, [](const Char& c) { return c.is_caps() || c.is(kDigit | kUnderscore); });
  return capitals && (begins_with(run, "err_") || begins_with(run, "error_") || begins_with(run, "e_") ||
                      begins_with(run, "status_") || begins_with(run, "hresult_"));
}

}  // namespace

bool is_host(Chars run) noexcept {
  const std::size_t authority = length_before(run, '/');
  const Chars path = run.subspan(authority);
  Chars name = run.first(authority);
  const std::size_t colon = length_before(name, ':');
  const bool has_port = colon < name.size();
  if (has_port) {
    const Chars port = name.subspan(colon + 1);
    if (port.empty() || port.size() > 5 || !all(port, is_digit)) return false;
    name = name.first(colon);
  }
  if (equals_ignoring_case(name, "localhost")) return has_port || !path.empty();
  return is_ip_address(name, has_port || !path.empty()) || is_domain_name(name);
}

bool is_file_name(Chars run) noexcept {
  bool long_stem = false;
  bool lettered = false;
  while (true) {
    const Chars part = run.first(length_before(run, '.'));
    if (!any(part, is_alnum)) return false;
    if (!std::all_of(part.begin(), part.end(),
                     [](const Char& c) { return c.is(kAlnum | kUnderscore | kHyphen); })) {
      return false;
    }
    if (part.size() == run.size()) {
      // U.S.C and VII.C are no C sources.
      const bool short_form = part.size() == 1 && !(long_stem && (is_lower(part[0]) || part[0].unit == 'R'));
      return lettered && is_file_extension(part) && !short_form;
    }
    long_stem = long_stem || (count_alnums(part) >= 2 && any(part, is_letter));
    lettered = lettered || any(part, is_letter);
    run = run.subspan(part.size() + 1);
  }
}

bool is_relative_path(Chars run) noexcept {
  std::size_t segments = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= run.size(); ++i) {
    if (i < run.size() && run[i].unit != '/' && run[i].unit != '\\') continue;
    const Chars segment = run.subspan(begin, i - begin);
    if (segment.empty()) return false;
    if (i == run.size()) return segments > 0 && is_file_name(segment);
    ++segments;
    begin = i + 1;
  }
  return false;
}

bool is_unix_path(Chars run) noexcept {
  std::size_t at = 0;
  if (!run.empty() && run[0].unit == '~') {
    at = 1 + count_leading(run.subspan(1), kAlnum | kUnderscore);
  } else {
    while (at < run.size() && at < 2 && run[at].unit == '.') ++at;
  }
  if (at >= run.size() || run[at].unit != '/') return false;
  for (std::size_t i = at; i < run.size(); ++i) {
    if (run[i].unit == '/' && (i + 1 == run.size() || run[i + 1].unit == '/')) return false;
  }
  return count_alnums(run) >= 2 && any(run, is_letter);
}

bool is_windows_path(Chars run) noexcept {
  const bool drive = run.size() > 2 && run[0].is_ascii_letter() && run[1].unit == ':' &&
                     (run[2].unit == '\\' || run[2].unit == '/');
  if (drive) return any(run.subspan(3), is_alnum);
  return run.size() > 2 && run[0].unit == '\\' && run[1].unit == '\\' && run[2].is(kAlnum);
}

bool is_option(Chars run) noexcept {
  if (run.size() < 5 || run[0].unit != '-' || run[1].unit != '-' || !run[2].is_letter()) return false;
  std::size_t groups = 0;
  for (Groups g(run.subspan(2)); !g.done(); g.next()) {
    if (g.group().empty() || !all(g.group(), is_alnum)) return false;
    ++groups;
  }
  return groups >= 2;
}

bool is_dot_file(Chars run) noexcept {
  return run.size() > 1 && run[0].unit == '.' && run[1].is(kLowerCase) && run[1].unit != 0 &&
         count_alnums(run) >= 3 && std::all_of(run.begin() + 1, run.end(), [](const Char& c) {
           return c.is(kAlnum | kUnderscore | kHyphen) || c.unit == '.';
         });
}

Lead leading_designator(Chars run) noexcept {
  Groups g(run);
  std::size_t end = 0;
  bool numbers_only = false;
  if (!take_head(g, end, numbers_only)) return {0, Kind::kSku};
  for (; g.type() == Group::kNumber || g.is_code(); g.next()) {
    end = g.end();
    numbers_only = numbers_only && g.type() == Group::kNumber;
  }
  return {end, kind_of_designator(run.first(end), numbers_only)};
}

bool begins_with_word_prefix(Chars run) noexcept {
  const std::size_t length = length_before(run, '-');
  return length < run.size() && is_word_prefix(run.first(length));
}

bool is_slashed_designator(Chars run) noexcept {
  const std::size_t slash = length_before(run, '/');
  const Chars head = run.first(slash);
  if (head.size() == run.size() || leading_designator(head).length != head.size() || head.empty())
    return false;
  Chars rest = run.subspan(slash + 1);
  for (int more = 0; more < 2; ++more) {
    const std::size_t length = length_before(rest, '/');
    const Groups group(rest.first(length));
    const bool plain = group.end() == length && length_before(rest.first(length), '.') == length;
    if (!plain || !(group.type() == Group::kNumber || group.is_code())) return false;
    if (length == rest.size()) return true;
    rest = rest.subspan(length + 1);
  }
  return false;
}

std::optional<Kind> names_kind(Chars run, bool called) noexcept {
  std::size_t names = 0;     // all of them
  std::size_t lettered = 0;  // that begin with a letter or an underscore
  bool telling = called;     // one of them is longer than an abbreviation's
  bool numbered = false;     // python3.11: a number follows a first name with a digit in it
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= run.size(); ++i) {
    if (i < run.size() && run[i].is_name()) continue;
    const Chars name = run.subspan(begin, i - begin);
    if (name.empty()) return std::nullopt;
    const bool begins_lettered = !name[0].is(kDigit);
    numbered =
        numbered || (names == 1 && lettered == 1 && !begins_lettered && any(run.first(begin), is_digit));
    telling = telling || (name.size() >= 3 && name[0].is_letter()) || any(name, is_underscore);
    lettered += begins_lettered ? 1 : 0;
    ++names;
    if (i == run.size()) break;
    if (run[i].unit != '.' && run[i].unit != ':') return std::nullopt;
    if (run[i].unit == ':' && i + 1 < run.size() && run[i + 1].unit == ':') ++i;
    begin = i + 1;
  }
  const bool joined = names >= 2 && (lettered >= 2 || numbered);
  return joined && telling && any(run, is_alnum) ? std::optional(Kind::kIdentifier) : std::nullopt;
}

std::optional<Kind> name_kind(Chars run, bool called) noexcept {
  if (!any(run, is_alnum)) return std::nullopt;
  if (any(run, is_underscore)) {
    return is_error_name(run) ? Kind::kErrorCode : Kind::kIdentifier;
  }
  if (is_hex_number(run)) {
    const bool hresult = run.size() == 10 && (run[2].unit == '8' || to_lower(run[2].unit) == 'c');
    return hresult ? Kind::kErrorCode : Kind::kHex;
  }
  if (is_error_number(run)) return Kind::kErrorCode;
  if (is_hash(run)) return Kind::kHex;
  if (is_camel(run) || (called && run[0].is_letter())) return Kind::kIdentifier;
  return std::nullopt;
}

bool is_hex_number(Chars run) noexcept {
  return run.size() > 2 && begins_with(run, "0x") && all(run.subspan(2), is_hex_digit);
}

std::size_t language_length(Chars run) noexcept {
  std::size_t end = 0;
  if (begins_with(run, ".net")) {
    end = 4;
  } else if (run.size() > 1 && run[1].unit == '#' && run[0].unit != 0 &&
             std::string_view("cfjq").find(to_lower(run[0].unit)) != std::string_view::npos) {
    end = 2;
  } else {
    const std::size_t name = length_before(run, '+');
    if (name + 1 >= run.size() || run[name + 1].unit != '+' || !is_plus_plus_name(run.first(name))) return 0;
    end = name + 2;
    if (end + 1 < run.size() && run[end].is(kDigit) && run[end + 1].is_ascii_alnum()) end += 2;
  }
  const bool ends =
      end == run.size() || !(run[end].is_name() || run[end].unit == '+' || run[end].unit == '#');
  return ends ? end : 0;
}

bool is_hump_start(Chars run, std::size_t i) noexcept {
  if (!run[i].is(kUpperCase)) return false;
  const auto lower_at = [&](std::size_t at) { return at < run.size() && run[at].is(kLowerCase); };
  const Char& before = run[i - 1];
  if (before.is(kLowerCase)) return true;
  if (before.is(kDigit)) return lower_at(i + 1);
  return before.is(kUpperCase) && lower_at(i + 1) && lower_at(i + 2);
}

bool is_camel(Chars run) noexcept {
  std::size_t begin = 0;
  std::size_t humps = 0;
  for (std::size_t i = 1; i <= run.size(); ++i) {
    if (i < run.size() && !is_hump_start(run, i)) continue;
    humps += i - begin >= 2 ? 1 : 0;
    begin = i;
  }
  return begin > 0 && humps >= 2;
}

}  // namespace pyengine
