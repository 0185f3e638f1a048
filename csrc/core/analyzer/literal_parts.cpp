#include "core/analyzer/literal_parts.hpp"

#include <algorithm>

#include "core/analyzer/literal_phrases.hpp"
#include "core/analyzer/literal_shapes.hpp"

namespace pyengine {

namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// NFKC leaves U+2010, and makes it of U+2011: in a literal both are the hyphen of the keyboard.
void write_keyboard_hyphens(std::string& terms, std::size_t from) {
  constexpr std::string_view kUnicodeHyphen = "\xE2\x80\x90";
  std::size_t written = from;
  for (std::size_t at = from; at < terms.size();) {
    const bool hyphen = terms.compare(at, kUnicodeHyphen.size(), kUnicodeHyphen) == 0;
    terms[written++] = hyphen ? '-' : terms[at];
    at += hyphen ? kUnicodeHyphen.size() : 1;
  }
  terms.resize(written);
}

// Builds the tokens of one literal.
class Writer {
 public:
  Writer(std::string_view text, const Literal& literal, TokenBuffer& out)
      : text_(text), literal_(literal), out_(out) {}

  // The term of the token being written: normalised text and punctuation as it is.
  void append(Slice slice) {
    const std::string_view text = slice.of(text_);
    if (is_ascii(text)) {
      for (const char c : text) out_.terms.push_back(to_lower(c));
      return;
    }
    const std::size_t from = out_.terms.size();
    append_term(text, out_.terms, out_.normalize);
    write_keyboard_hyphens(out_.terms, from);
  }
  void append(std::string_view as_it_is) { out_.terms.append(as_it_is); }

  void finish_whole() {
    whole_start_ = start_;
    whole_length_ = out_.terms.size() - start_;
    push({literal_.begin, literal_.end}, false);
  }
  void finish_part(Slice span) {
    const std::string_view terms = out_.terms;
    const std::string_view term = terms.substr(start_);
    if (term.empty() || term == terms.substr(whole_start_, whole_length_)) {
      out_.terms.resize(start_);
      return;
    }
    push(span, true);
  }
  void part(Slice slice) {
    if (slice.empty()) return;
    append(slice);
    finish_part(slice);
  }
  void part(Chars chars) { part({chars.data()->at, end_of(chars)}); }

  // The pieces of a span by ever finer separators: see Parts::kTree.
  void tree(Slice span, Parts order) {
    read_chars(text_, span.begin, span.end, out_.literals.span);
    order_ = order;
    divide(Chars(out_.literals.span.data(), out_.literals.span.size() - 1), 0);
  }
  void version(Slice span);
  void citation();
  void quantity();
  void http_status();

 private:
  enum Level : std::uint8_t { kMarks, kDots, kHyphens, kUnderscores, kLeaf };

  [[nodiscard]] Level level(std::size_t depth) const {
    constexpr Level kUsual[] = {kMarks, kDots, kHyphens, kUnderscores, kLeaf};
    constexpr Level kRange[] = {kMarks, kHyphens, kDots, kUnderscores, kLeaf};
    return order_ == Parts::kIcd ? kRange[depth] : kUsual[depth];
  }

  void push(Slice span, bool is_part) {
    out_.tokens.push_back({span.begin, span.end, static_cast<std::uint32_t>(start_),
                           static_cast<std::uint32_t>(out_.terms.size() - start_), literal_.kind, is_part});
    start_ = out_.terms.size();
  }

  [[nodiscard]] bool separates(Chars run, std::size_t i, Level level) const {
    const Char& c = run[i];
    if (level == kHyphens) return c.is(kHyphen);
    if (level == kUnderscores) return c.is(kUnderscore);
    if (level == kMarks) return !c.is(kAlnum | kUnderscore | kHyphen) && c.unit != '.';
    if (c.unit != '.') return false;
    const bool decimal = i > 0 && i + 1 < run.size() && run[i - 1].is(kDigit) && run[i + 1].is(kDigit);
    return order_ != Parts::kTree || !decimal;
  }

  void divide(Chars run, std::size_t depth) {
    if (level(depth) == kLeaf) return divide_leaf(run);
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= run.size(); ++i) {
      if (i < run.size() && !separates(run, i, level(depth))) continue;
      const Chars piece = run.subspan(begin, i - begin);
      begin = i + 1;
      if (std::none_of(piece.begin(), piece.end(), [](const Char& c) { return c.is(kAlnum); })) continue;
      if (piece.size() != run.size()) part(piece);
      divide(piece, depth + 1);
    }
  }

  // Letters and digits, perhaps with decimals among them: python3.11, getUserById.
  void divide_leaf(Chars run) {
    std::size_t begin = 0;
    const auto cut = [&](std::size_t at) {
      if (at - begin != run.size()) part(run.subspan(begin, at - begin));
      begin = at;
    };
    if (std::any_of(run.begin(), run.end(), [](const Char& c) { return c.unit == '.'; })) {
      for (std::size_t i = 1; i < run.size(); ++i) {
        if (run[i - 1].is_letter() && run[i].is(kDigit)) cut(i);
      }
    } else if (is_hex_number(run)) {
      return part(run.subspan(2));
    } else {
      for_each_hump(run, cut);
    }
    cut(run.size());
  }

  std::string_view text_;
  const Literal& literal_;
  TokenBuffer& out_;
  std::size_t start_ = out_.terms.size();
  std::size_t whole_start_ = 0;
  std::size_t whole_length_ = 0;
  Parts order_ = Parts::kTree;
};

// 1.2.3-rc.1 -> 1.2.3, 1.2, 1, rc, 1; v2.0.1 -> v2, 2.0.1, 2.0. At most three leading numbers, so that the
// parts of a chain of any length stay linear in it.
void Writer::version(Slice span) {
  read_chars(text_, span.begin, span.end, out_.literals.span);
  const Chars run(out_.literals.span.data(), out_.literals.span.size() - 1);
  const std::size_t first = run[0].is(kDigit) ? 0 : 1;
  std::size_t ends[3] = {};  // of the first, the first two, the first three numbers
  std::size_t numbers = 0;
  std::size_t at = first;
  while (true) {
    at += count_leading(run.subspan(at), kDigit);
    if (numbers < 3) ends[numbers] = at;
    ++numbers;
    if (at + 1 >= run.size() || run[at].unit != '.' || !run[at + 1].is(kDigit)) break;
    ++at;
  }
  if (first != 0) part(run.first(ends[0]));
  part(run.subspan(first, at - first));
  if (numbers > 3) part(run.subspan(first, ends[2] - first));
  if (numbers > 2) part(run.subspan(first, ends[1] - first));
  if (first == 0 && numbers > 1) part(run.first(ends[0]));
  while (at < run.size()) {
    const std::size_t taken = count_leading(run.subspan(at), kAlnum);
    if (taken != 0) part(run.subspan(at, taken));
    at += taken + 1;
  }
}

void Writer::citation() {
  using enum Citation::Form;
  const std::optional<Citation> found = parse_citation(text_, literal_.begin);
  if (!found) return;
  const Citation& c = *found;
  const auto base = [&] {
    if (!c.title.empty()) {
      append(c.title);
      append(c.form == kUsCode ? std::string_view(" usc ") : std::string_view(" cfr "));
    } else {
      append(c.form == kArticle ? std::string_view("art ") : std::string_view("\xC2\xA7"));
    }
    append(c.section);
  };
  base();
  append(c.paragraph);
  finish_whole();
  base();
  finish_part({literal_.begin, c.section.end});
  part(c.title);
  if (c.form == kUsCode || c.form == kFederalRegulations) {
    append(c.form == kUsCode ? std::string_view("usc") : std::string_view("cfr"));
    finish_part(c.keyword);
  } else {
    part(c.keyword);
  }
  const std::string_view section = c.section.of(text_);
  const bool numbers_only = std::all_of(section.begin(), section.end(),
                                        [](char ch) { return (ch >= '0' && ch <= '9') || ch == '.'; });
  if (numbers_only) {
    version(c.section);
  } else {
    part(c.section);
    tree(c.section, Parts::kSection);
  }
  for (std::uint32_t at = c.paragraph.begin; at < c.paragraph.end;) {
    const auto close = static_cast<std::uint32_t>(text_.find(')', at));
    part(Slice{at + 1, close});
    at = close + 1;
  }
}

void Writer::quantity() {
  const std::optional<Quantity> q = parse_quantity(text_, literal_.begin);
  if (!q) return;
  for (const char c : q->number.of(text_)) {
    if (c != ',') out_.terms.push_back(c);
  }
  const std::size_t unit = out_.terms.size();
  append(q->unit);
  const std::string_view spelled = std::string_view(out_.terms).substr(unit);
  if (spelled == "ug" || spelled == "mcg") {
    out_.terms.resize(unit);
    append(std::string_view("\xCE\xBCg"));
  }
  finish_whole();
  part(q->number);
  part(q->unit);
}

void Writer::http_status() {
  const std::optional<HttpStatus> status = parse_http_status(text_, literal_.begin);
  if (!status) return;
  append(status->name);
  append(std::string_view(" "));
  append(status->number);
  finish_whole();
  part(status->name);
  part(status->number);
}

}  // namespace

void append_literal(std::string_view text, const Literal& literal, TokenBuffer& out) {
  Writer writer(text, literal, out);
  switch (literal.parts) {
    case Parts::kCitation:
      return writer.citation();
    case Parts::kQuantity:
      return writer.quantity();
    case Parts::kHttpStatus:
      return writer.http_status();
    default:
      break;
  }
  const bool cash_tag = literal.kind == Kind::kTicker && text[literal.begin] == '$';
  writer.append(Slice{literal.begin + (cash_tag ? 1 : 0), literal.end});
  writer.finish_whole();
  if (literal.parts == Parts::kVersion) return writer.version({literal.begin, literal.end});
  writer.tree({literal.begin, literal.end}, literal.parts);
}

}  // namespace pyengine
