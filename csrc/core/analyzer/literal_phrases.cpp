#include "core/analyzer/literal_phrases.hpp"

#include <algorithm>

#include "core/analyzer/literal_lists.hpp"
#include "core/analyzer/unicode.hpp"

namespace pyengine {

namespace {

constexpr std::string_view kSectionSign = "\xC2\xA7";

Slice slice(std::size_t begin, std::size_t end) {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

// A cursor over the bytes of a text.
class Cursor {
 public:
  Cursor(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  void move(std::size_t at) { at_ = at; }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool at_name() const { return is_name_at(text_, at_); }

  bool take(char c) {
    const bool seen = at_ < text_.size() && text_[at_] == c;
    at_ += seen ? 1 : 0;
    return seen;
  }
  bool take(std::string_view s) {
    const bool seen = text_.substr(std::min(at_, text_.size())).starts_with(s);
    at_ += seen ? s.size() : 0;
    return seen;
  }
  bool take_letter(char lower) {
    const bool seen = at_ < text_.size() && to_lower(text_[at_]) == lower;
    at_ += seen ? 1 : 0;
    return seen;
  }
  // `lower` in any case, not followed by more of a name.
  bool take_word(std::string_view lower) {
    const std::size_t from = at_;
    const bool all = std::all_of(lower.begin(), lower.end(), [&](char c) { return take_letter(c); });
    if (all && !at_name()) return true;
    at_ = from;
    return false;
  }
  std::size_t take_digits() {
    const std::size_t from = at_;
    while (is_digit(peek())) ++at_;
    return at_ - from;
  }
  // Up to `most` white-space characters: how many there were.
  std::size_t take_white(std::size_t most) {
    std::size_t n = 0;
    for (; n < most && at_ < text_.size(); ++n) {
      const Decoded d = decode(text_, at_);
      if (!is_white_space(d)) break;
      at_ += d.size;
    }
    return n;
  }
  bool take_hyphen() {
    if (at_ >= text_.size()) return false;
    const ReadChar c = read_char(text_, at_);
    if (!c.value.is(kHyphen)) return false;
    at_ += c.size;
    return true;
  }

 private:
  std::string_view text_;
  std::size_t at_;
};

// D+ and up to three ASCII letters, then no more of a name.
bool take_section_component(Cursor& c) {
  const std::size_t from = c.at();
  if (c.take_digits() == 0) return false;
  for (int letters = 0; letters < 3 && is_ascii_letter(c.peek()); ++letters) c.move(c.at() + 1);
  if (!c.at_name()) return true;
  c.move(from);
  return false;
}

bool take_section(Cursor& c, Citation& out) {
  const std::size_t from = c.at();
  if (!take_section_component(c)) return false;
  while (true) {
    const std::size_t before = c.at();
    if ((c.take('.') || c.take_hyphen()) && take_section_component(c)) continue;
    c.move(before);
    break;
  }
  out.section = slice(from, c.at());
  return true;
}

// ( 1 to 5 ASCII letters or digits ), as often as they come.
void take_paragraph(Cursor& c, Citation& out) {
  const std::size_t from = c.at();
  while (c.peek() == '(') {
    std::size_t inside = 1;
    while (inside <= 5 && (is_digit(c.peek(inside)) || is_ascii_letter(c.peek(inside)))) ++inside;
    if (inside == 1 || c.peek(inside) != ')') break;
    c.move(c.at() + inside + 1);
  }
  out.paragraph = slice(from, c.at());
}

// U.S.C., USC, U. S. C., U.S.C.A.; C.F.R., CFR.
bool take_code(Cursor& c, Citation& out) {
  const std::size_t from = c.at();
  const auto letters = [&](std::string_view name) {
    c.move(from);
    for (std::size_t i = 0; i < name.size(); ++i) {
      if (i != 0) c.take(' ');
      if (!c.take_letter(name[i])) return false;
      c.take('.');
    }
    return true;
  };
  if (letters("usc")) {
    out.form = Citation::Form::kUsCode;
    if (c.take_letter('a')) c.take('.');
  } else if (letters("cfr")) {
    out.form = Citation::Form::kFederalRegulations;
  } else {
    return false;
  }
  out.keyword = slice(from, c.at());
  return !c.at_name();
}

bool take_section_sign(Cursor& c) {
  if (!c.take(kSectionSign)) return false;
  c.take(kSectionSign);
  return true;
}

// What may stand between a code and its section: a section sign, or a word that says section or part.
void take_section_word(Cursor& c) {
  const std::size_t from = c.at();
  if (take_section_sign(c)) {
    c.take_white(3);
    return;
  }
  for (const std::string_view word : {"section", "sections", "sec", "secs", "part", "parts", "pt"}) {
    c.move(from);
    if (!c.take_word(word)) continue;
    if (word == "sec" || word == "secs" || word == "pt") c.take('.');
    if (c.take_white(3) != 0) return;
  }
  c.move(from);
}

bool take_after_title(Cursor& c, Citation& out) {
  const std::size_t from = c.at();
  const std::size_t digits = c.take_digits();
  if (digits == 0 || digits > 3) return false;
  out.title = slice(from, c.at());
  if (c.take_white(3) == 0 || !take_code(c, out)) return false;
  c.take_white(3);
  take_section_word(c);
  return true;
}

bool take_after_keyword(Cursor& c, Citation& out) {
  const std::size_t from = c.at();
  struct Word {
    std::string_view spelling;
    bool may_have_dot;
    Citation::Form form;
  };
  using enum Citation::Form;
  constexpr Word kWords[] = {{"section", false, kSection}, {"sections", false, kSection},
                             {"sec", true, kSection},      {"secs", true, kSection},
                             {"article", false, kArticle}, {"articles", false, kArticle},
                             {"art", true, kArticle},      {"arts", true, kArticle}};
  for (const Word& word : kWords) {
    c.move(from);
    if (!c.take_word(word.spelling)) continue;
    out.form = word.form;
    out.keyword = slice(from, c.at());
    const bool dot = word.may_have_dot && c.take('.');
    return c.take_white(3) != 0 || dot;
  }
  return false;
}

bool is_url_mark(char c) {
  return std::string_view("-_.~:/?#[]@!$&()*+,;=%").find(c) != std::string_view::npos;
}

std::size_t url_end(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const ReadChar c = read_char(text, at);
    const bool part =
        c.value.is(kAlnum) || (static_cast<std::uint8_t>(text[at]) < 0x80 && is_url_mark(text[at]));
    if (!part) break;
    at += c.size;
  }
  return at;
}

// Without the punctuation of the sentence around it: a closing bracket stays where its opening one is inside.
std::size_t trim_url(std::string_view text, std::size_t begin, std::size_t end) {
  const auto surplus = [&](char open, char close) {
    const std::string_view url = text.substr(begin, end - begin);
    return std::count(url.begin(), url.end(), close) - std::count(url.begin(), url.end(), open);
  };
  auto round = surplus('(', ')');
  auto square = surplus('[', ']');
  while (end > begin) {
    const char last = text[end - 1];
    if (last == '(') ++round;
    if (last == '[') ++square;
    const bool closes = (last == ')' && round-- > 0) || (last == ']' && square-- > 0);
    if (!closes && std::string_view(".,;:!?*/#([").find(last) == std::string_view::npos) break;
    --end;
  }
  return end;
}

bool may_begin_path_after_ascii(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte < 0x80 &&
         (properties(byte).white_space() || std::string_view("([{=,;|>!&").find(c) != std::string_view::npos);
}

}  // namespace

std::optional<Citation> parse_citation(std::string_view text, std::size_t at) noexcept {
  Cursor c(text, at);
  Citation out;
  if (is_digit(c.peek())) {
    if (!take_after_title(c, out)) return std::nullopt;
  } else if (take_section_sign(c)) {
    c.take_white(3);
  } else if (!take_after_keyword(c, out)) {
    return std::nullopt;
  }
  if (!take_section(c, out)) return std::nullopt;
  take_paragraph(c, out);
  return out;
}

std::optional<Quantity> parse_quantity(std::string_view text, std::size_t at) noexcept {
  // 1,000 mg read from its second number, or .5mg without its point, would be another quantity.
  const bool inside =
      at >= 1 && (text[at - 1] == '.' || (text[at - 1] == ',' && at >= 2 && is_digit(text[at - 2])));
  if (inside) return std::nullopt;
  Cursor c(text, at);
  std::size_t digits = c.take_digits();
  if (digits == 0) return std::nullopt;
  while (digits <= 3 && c.peek() == ',' && is_digit(c.peek(1)) && is_digit(c.peek(2)) &&
         is_digit(c.peek(3)) && !is_digit(c.peek(4))) {
    c.move(c.at() + 4);
  }
  if (c.peek() == '.' && is_digit(c.peek(1))) {
    c.take('.');
    c.take_digits();
  }
  Quantity out{slice(at, c.at()), {}};
  if (!c.take_hyphen()) c.take_white(1);
  std::size_t end = c.at();
  constexpr std::size_t kLongestUnit = 8;
  while (end < text.size() && end - c.at() <= kLongestUnit && is_name_at(text, end))
    end += read_char(text, end).size;
  out.unit = slice(c.at(), end);
  if (!is_unit(out.unit.of(text)) || is_name_at(text, end)) return std::nullopt;
  return out;
}

std::optional<HttpStatus> parse_http_status(std::string_view text, std::size_t at) noexcept {
  Cursor c(text, at);
  if (!c.take_word("http")) return std::nullopt;
  HttpStatus out{slice(at, c.at()), {}};
  if (c.take_white(1) != 1) return std::nullopt;
  const std::size_t from = c.at();
  const bool known = c.peek() >= '1' && c.peek() <= '5' && c.take_digits() == 3;
  if (!known || c.at_name() || (c.peek() == '.' && is_digit(c.peek(1)))) return std::nullopt;
  out.number = slice(from, c.at());
  return out;
}

Slice find_url(std::string_view text, Chars chunk) noexcept {
  const auto is_scheme = [](const Char& c) {
    return c.is_ascii_alnum() || c.unit == '+' || c.unit == '.' || c.unit == '-';
  };
  for (std::size_t colon = 0; colon + 3 < chunk.size(); ++colon) {
    if (chunk[colon].unit != ':' || chunk[colon + 1].unit != '/' || chunk[colon + 2].unit != '/') continue;
    std::size_t scheme = colon;
    while (scheme > 0 && is_scheme(chunk[scheme - 1])) --scheme;
    while (scheme < colon && !chunk[scheme].is_ascii_letter()) ++scheme;
    std::size_t first = colon + 3;
    if (chunk[first].unit == '/') ++first;
    if (colon - scheme < 2 || first >= chunk.size() || !chunk[first].is(kAlnum)) return {};
    const std::size_t begin = chunk[scheme].at;
    return slice(begin, trim_url(text, begin, url_end(text, chunk[first].at)));
  }
  return {};
}

bool may_begin_path(std::string_view text, std::size_t at) noexcept {
  if (at == 0) return true;
  const char before = text[at - 1];
  if (static_cast<std::uint8_t>(before) < 0x80) {
    const bool quote = before == '"' || before == '\'' || before == '`';
    // A quote opens where the quoted thing could have begun; "".join is no file.
    if (quote) return at < 2 || text[at - 2] == ':' || may_begin_path_after_ascii(text[at - 2]);
    return may_begin_path_after_ascii(before);
  }
  std::size_t lead = at - 1;
  while (lead > 0 && at - lead < 4 && is_continuation(text[lead])) --lead;
  const Decoded d = decode(text, lead);
  if (d.code_point == kMalformed || lead + d.size != at) return true;
  const bool quote = d.code_point == 0x2018 || d.code_point == 0x201C || d.code_point == 0xAB;
  return quote || properties(d.code_point).white_space();
}

std::size_t skip_route(std::string_view text, std::size_t end) noexcept {
  std::size_t solid = end;  // behind the last character that is no punctuation
  while (end < text.size() && text[end] == '{') {
    std::size_t close = end + 1;
    while (is_name_at(text, close)) close += read_char(text, close).size;
    if (close == end + 1 || close >= text.size() || text[close] != '}') break;
    solid = end = close + 1;
    for (std::uint8_t flags = 0; (flags = flags_at(text, end)) != 0;) {
      end += read_char(text, end).size;
      if ((flags & (kConnector | kHyphen)) == 0) solid = end;
    }
  }
  return solid;
}

std::size_t skip_possessive(std::string_view text, std::size_t end) noexcept {
  Cursor c(text, end);
  if (!c.take('\'') && !c.take("\xE2\x80\x99")) return end;
  if (!c.take_letter('s')) return end;
  std::size_t behind = c.at();
  while ((flags_at(text, behind) & (kConnector | kHyphen)) != 0) behind += read_char(text, behind).size;
  return is_name_at(text, behind) ? end : c.at();
}

}  // namespace pyengine
