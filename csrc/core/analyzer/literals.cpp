#include "core/analyzer/literals.hpp"

#include <algorithm>

#include "core/analyzer/literal_lists.hpp"
#include "core/analyzer/literal_phrases.hpp"
#include "core/analyzer/literal_shapes.hpp"
#include "core/analyzer/unicode.hpp"

namespace pyengine {

namespace {

// Calls `use` with each run between characters that `separates`.
template <class P, class F>
void for_each_run(Chars run, P&& separates, F&& use) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= run.size(); ++i) {
    if (i < run.size() && !separates(run[i])) continue;
    if (i > begin) use(run.subspan(begin, i - begin));
    begin = i + 1;
  }
}

bool is_slash(const Char& c) { return c.unit == '/' || c.unit == '\\'; }
bool is_hyphen(const Char& c) { return c.is(kHyphen); }
bool is_dot(const Char& c) { return c.unit == '.'; }
bool is_colon(const Char& c) { return c.unit == ':'; }
bool is_loose_mark(const Char& c) {
  return c.unit != 0 && std::string_view("@#$~+").find(c.unit) != std::string_view::npos;
}
bool is_no_name(const Char& c) { return !c.is_name(); }

// Nothing, or what ends a sentence or a clause.
bool is_full_stop(Chars run) {
  return std::all_of(run.begin(), run.end(), [](const Char& c) { return c.unit == '.' || c.unit == ':'; });
}

Chars trim(Chars run) { return trim_left(trim_right(run)); }

std::size_t find(Chars run, bool (*wanted)(const Char&)) {
  return static_cast<std::size_t>(std::find_if(run.begin(), run.end(), wanted) - run.begin());
}

// The literals of one chunk. Each step either takes the whole of what it is given or divides it and
// hands on the pieces, so that a character is looked at a bounded number of times.
class ChunkReader {
 public:
  ChunkReader(std::string_view text, std::size_t begin, LiteralScratch& scratch)
      : text_(text), found_(scratch.found) {
    read_chunk(text, begin, scratch.chunk);
    chunk_ = Chars(scratch.chunk.data(), scratch.chunk.size() - 1);
    called_ = text.substr(end_of(chunk_)).starts_with("()");
  }

  // Returns where the text goes on: behind the chunk, or behind a literal that reaches beyond it.
  std::size_t read() {
    const std::size_t end = end_of(chunk_);
    const Chars body = trim_left(chunk_);
    if (body.empty()) return end;
    if (const std::size_t phrase = take_phrase(body[0]); phrase != 0) return finish(phrase);
    if (const std::size_t length = count_leading(chunk_, kAlnum | kUnderscore);
        is_full_stop(chunk_.subspan(length))) {
      name(chunk_.first(length));
      return end;
    }
    if (const Slice url = find_url(text_, chunk_); !url.empty()) {
      pieces(before(url.begin));
      found_.push_back({url.begin, url.end, Kind::kHost, Parts::kTree});
      return finish(url.end);
    }
    if (const std::size_t path = take_path(); path != 0) return std::max(path, end);
    if (!take_email() && !take_slashed()) pieces(chunk_);
    return end;
  }

 private:
  void add(Chars run, Kind kind, Parts parts = Parts::kTree) {
    found_.push_back({run[0].at, end_of(run), kind, parts});
  }
  void add(Chars run, Shape shape) { add(run, shape.kind, shape.parts); }

  [[nodiscard]] std::size_t index_of(std::size_t at) const {
    const auto* const c =
        std::lower_bound(chunk_.data(), chunk_.data() + chunk_.size(), at,
                         [](const Char& left, std::size_t right) { return left.at < right; });
    return static_cast<std::size_t>(c - chunk_.data());
  }
  [[nodiscard]] Chars before(std::size_t at) const { return chunk_.first(index_of(at)); }

  // After a literal that began in this chunk and ends at `at`.
  std::size_t finish(std::size_t at) {
    const std::size_t end = end_of(chunk_);
    if (at < end) pieces(chunk_.subspan(index_of(at)));
    return std::max(at, end);
  }

  std::size_t take_phrase(const Char& first) {
    const char letter = to_lower(first.unit);
    if (!first.is(kDigit) && letter != 's' && letter != 'a' && letter != 'h') return 0;
    const std::size_t at = first.at;
    const std::uint32_t begin = first.at;
    const auto take = [&](std::uint32_t end, Kind kind, Parts parts) {
      found_.push_back({begin, end, kind, parts});
      return end;
    };
    if (const auto citation = parse_citation(text_, at)) {
      return take(citation->paragraph.end, Kind::kStatute, Parts::kCitation);
    }
    if (const auto quantity = parse_quantity(text_, at)) {
      return take(quantity->unit.end, Kind::kQuantity, Parts::kQuantity);
    }
    if (const auto status = parse_http_status(text_, at)) {
      return take(status->number.end, Kind::kErrorCode, Parts::kHttpStatus);
    }
    return 0;
  }

  // The end of a path that fills the chunk, or 0.
  std::size_t take_path() {
    const Chars run = trim_right(chunk_);
    if (run.empty()) return 0;
    if (is_windows_path(run)) {
      add(run, Kind::kPath);
      return end_of(run);
    }
    if (!is_unix_path(run) || !may_begin_path(text_, run[0].at)) return 0;
    const std::size_t route = skip_route(text_, end_of(chunk_));
    const std::size_t end = route > end_of(chunk_) ? route : end_of(run);
    found_.push_back({run[0].at, static_cast<std::uint32_t>(end), Kind::kPath, Parts::kTree});
    return end;
  }

  // user@host around the first @ of the chunk.
  bool take_email() {
    const std::size_t at = find(chunk_, [](const Char& c) { return c.unit == '@'; });
    if (at == chunk_.size() || at == 0 || !chunk_[at - 1].is_name()) return false;
    std::size_t begin = at;
    while (begin > 0 && (chunk_[begin - 1].is(kAlnum | kUnderscore | kHyphen) ||
                         chunk_[begin - 1].unit == '.' || chunk_[begin - 1].unit == '+')) {
      --begin;
    }
    while (!chunk_[begin].is_name()) ++begin;
    const std::size_t end = end_of_labels(at + 1);
    if (end == at + 1 || (end < chunk_.size() && chunk_[end].is(kUnderscore))) return false;
    pieces(chunk_.first(begin));
    add(chunk_.subspan(begin, end - begin), Kind::kEmail);
    pieces(chunk_.subspan(end));
    return true;
  }

  // A+ ([.H]+ A+)* without two dots in a row: where the labels of a host that begins at `at` end.
  [[nodiscard]] std::size_t end_of_labels(std::size_t at) const {
    std::size_t end = at + count_leading(chunk_.subspan(at), kAlnum);
    if (end == at) return at;
    while (end < chunk_.size()) {
      const std::size_t joint = chunk_[end].unit == '.' ? 1 : count_leading(chunk_.subspan(end), kHyphen);
      const std::size_t label = joint == 0 ? 0 : count_leading(chunk_.subspan(end + joint), kAlnum);
      if (label == 0) break;
      end += joint + label;
    }
    return end;
  }

  // What holds a slash and is one literal all the same.
  bool take_slashed() {
    const Chars run = trim(chunk_);
    if (find(run, is_slash) == run.size()) return false;
    if (const auto shape = slashed_code_shape(run)) {
      add(run, *shape);
    } else if (is_slashed_designator(run)) {
      add(run, Kind::kSku);
    } else if (is_host(run)) {
      add(run, Kind::kHost);
    } else if (is_relative_path(run)) {
      add(run, Kind::kPath);
    } else {
      return false;
    }
    return true;
  }

  void pieces(Chars run) {
    for_each_run(run, is_slash, [&](Chars p) { piece(p); });
  }

  // A piece without slashes, its punctuation still around it.
  void piece(Chars raw) {
    if (const std::size_t length = language_length(raw); length != 0) {
      add(raw.first(length), Kind::kIdentifier);
      raw = raw.subspan(length);
    }
    const Chars run = trim_right(raw);
    if (run.empty()) return;
    if (run[0].unit == '$') {
      if (const auto shape = code_shape(run); shape && shape->kind == Kind::kTicker) return add(run, *shape);
    }
    if ((run[0].unit == '-' || run[0].unit == '.') && may_begin_path(text_, run[0].at)) {
      if (is_option(run)) return add(run, Kind::kIdentifier);
      if (is_dot_file(run)) return add(run, Kind::kPath);
    }
    const Chars body = trim_left(run);
    const bool has_build = find(body, [](const Char& c) { return c.unit == '+'; }) != body.size();
    if (has_build && is_version(body)) return add(body, Kind::kVersion, Parts::kVersion);
    for_each_run(body, is_loose_mark, [&](Chars p) { unit(trim(p)); });
  }

  // Letters, digits, underscores, hyphens, dots and colons.
  void unit(Chars run) {
    if (run.empty()) return;
    const bool dots = std::any_of(run.begin(), run.end(), is_dot);
    const bool colons = std::any_of(run.begin(), run.end(), is_colon);
    const bool hyphens = std::any_of(run.begin(), run.end(), is_hyphen);
    if (!dots && !colons && !hyphens) return name(run);
    if (const auto shape = code_shape(run)) return add(run, *shape);
    if (dots || colons) {
      if (is_host(run)) return add(run, Kind::kHost);
      if (is_file_name(run)) return add(run, Kind::kPath);
      const bool called = called_ && end_of(run) == end_of(chunk_);
      if (const auto kind = names_kind(run, called)) return add(run, *kind);
    }
    if (colons) {
      for_each_run(run, is_colon, [&](Chars p) { unit(trim(p)); });
    } else if (hyphens) {
      groups(run);
    } else {
      for_each_run(run, is_no_name, [&](Chars p) { name(p); });
    }
  }

  // Letters, digits and underscores.
  void name(Chars run) {
    if (const auto kind = name_kind(run, called_ && end_of(run) == end_of(chunk_))) add(run, *kind);
  }

  // Groups joined by hyphens: designators where they begin, single groups elsewhere.
  void groups(Chars run) {
    bool after_word = false;
    while (!run.empty()) {
      std::size_t taken = find(run, is_hyphen);
      const Chars group = run.first(taken);
      const bool prefix = begins_with_word_prefix(run);
      const bool word = std::all_of(group.begin(), group.end(), [](const Char& c) { return c.is_letter(); });
      // A designator begins with its first word: aspect-ratio-2 holds none.
      const Lead lead = prefix || (word && after_word) ? Lead{0, Kind::kSku} : leading_designator(run);
      if (lead.length != 0) {
        taken = lead.length;
        add(run.first(taken), lead.kind);
      } else {
        unit(trim(group));
      }
      after_word = word && !prefix && lead.length == 0;
      run = run.subspan(taken);
      run = run.subspan(count_leading(run, kHyphen));
    }
  }

  std::string_view text_;
  std::vector<Literal>& found_;
  Chars chunk_;
  bool called_ = false;
};

// The end of plain ASCII words, alone or joined by - and /, that no literal can begin with or be part
// of; 0 where only a closer look can tell. Most of a text is read here.
std::size_t plain_words_end(std::string_view text, std::size_t begin) {
  std::size_t at = begin;
  while (true) {
    const std::size_t end = simple_word_end(text, at);
    if (end == at) return 0;
    const std::uint8_t next = byte_flags(text, end);
    const bool joint = next != 0 && (text[end] == '-' || text[end] == '/');
    if (joint && (byte_flags(text, end + 1) & (kUpperCase | kLowerCase)) != 0) {
      at = end + 1;
      continue;
    }
    const bool stops =
        next == 0 || ((text[end] == '.' || text[end] == ':') && byte_flags(text, end + 1) == 0);
    return stops && !may_go_on(text, begin, end) ? end : 0;
  }
}

// The end of D+ or D+.D+ where no literal begins with it, else 0.
std::size_t plain_number_end(std::string_view text, std::size_t begin) {
  const auto digits_end = [&](std::size_t at) {
    while (byte_flags(text, at) & kDigit) ++at;
    return at;
  };
  std::size_t end = digits_end(begin);
  if (byte_flags(text, end) != 0 && text[end] == '.' && (byte_flags(text, end + 1) & kDigit) != 0) {
    end = digits_end(end + 1);
  }
  const std::uint8_t next = byte_flags(text, end);
  const bool marked = next != 0 && text[end] == '.' && byte_flags(text, end + 1) == 0;
  if ((next != 0 && !marked) || parse_citation(text, begin) || parse_quantity(text, begin)) return 0;
  return end + (marked ? 1 : 0);
}

// A citation that begins with a section sign at `at`, or nothing; the run of signs is passed either way.
std::size_t read_section_signs(std::string_view text, std::size_t at, std::vector<Literal>& found) {
  constexpr std::string_view kSign = "\xC2\xA7";
  std::size_t end = at;
  while (text.substr(end).starts_with(kSign)) end += kSign.size();
  if (end - at > 2 * kSign.size()) return end;
  const auto citation = parse_citation(text, at);
  if (!citation) return end;
  found.push_back(
      {static_cast<std::uint32_t>(at), citation->paragraph.end, Kind::kStatute, Parts::kCitation});
  return citation->paragraph.end;
}

}  // namespace

bool may_go_on(std::string_view text, std::size_t begin, std::size_t end) {
  if (end >= text.size()) return false;
  if (text[end] == '(') return end + 1 < text.size() && text[end + 1] == ')';
  const std::size_t length = end - begin;
  if (length < 3 || length > 8) return false;
  const char first = to_lower(text[begin]);
  const char second = to_lower(text[begin + 1]);
  const bool keyword =
      (first == 's' && second == 'e') || (first == 'a' && second == 'r') || (first == 'h' && second == 't');
  if (!keyword) return false;
  // A dot, white space of any kind, and the number.
  std::size_t at = end + (text[end] == '.' ? 1 : 0);
  const auto is_between = [&] {
    return at < text.size() && (text[at] == ' ' || static_cast<std::uint8_t>(text[at]) >= 0x80 ||
                                (text[at] >= '\t' && text[at] <= '\r'));
  };
  constexpr std::size_t kReach = 10;  // a dot, and three spaces of three bytes
  while (at - end < kReach && is_between()) ++at;
  return (byte_flags(text, at) & kDigit) != 0;
}

std::size_t read_literals(std::string_view text, std::size_t at, LiteralScratch& scratch) {
  scratch.found.clear();
  const auto byte = static_cast<std::uint8_t>(text[at]);
  if (byte < 0x80) {
    const std::uint8_t flags = kAsciiFlags[byte];
    const bool lone_mark = (flags & (kConnector | kHyphen)) != 0 && byte_flags(text, at + 1) == 0;
    if (flags == 0 || lone_mark) return at + 1;
    std::size_t end = 0;
    if ((flags & (kUpperCase | kLowerCase)) != 0) end = plain_words_end(text, at);
    if ((flags & kDigit) != 0) end = plain_number_end(text, at);
    if (end != 0) return end;
  } else {
    const Decoded d = decode(text, at);
    if (d.code_point == 0xA7) return read_section_signs(text, at, scratch.found);
    if (read_char(text, at).value.flags == 0) return at + d.size;
  }
  return ChunkReader(text, at, scratch).read();
}

}  // namespace pyengine
