#include "core/sentences.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "core/analyzer/unicode.hpp"

namespace pyengine {

namespace {

// What ends a sentence where white space follows: the full stops, question and exclamation marks of scripts
// that put a space behind them.
constexpr std::array<char32_t, 18> kMarks = {U'!',   U'.',   U'?',   0x0589, 0x061F, 0x06D4,
                                             0x0964, 0x0965, 0x104A, 0x104B, 0x1362, 0x17D4,
                                             0x17D5, 0x2026, 0x203C, 0x2047, 0x2048, 0x2049};
// And what ends one whatever follows: those of scripts written without spaces.
constexpr std::array<char32_t, 5> kWideMarks = {0x3002, 0xFF01, 0xFF0E, 0xFF1F, 0xFF61};
constexpr std::array<char32_t, 19> kClosers = {U'"',   U'\'',  U')',   U']',   U'}',   0x00BB, 0x2019,
                                               0x201C, 0x201D, 0x203A, 0x3009, 0x300B, 0x300D, 0x300F,
                                               0x3011, 0x3015, 0xFF09, 0xFF3D, 0xFF63};
// Titles and the like, which a name or a sentence goes on behind.
constexpr std::array<std::string_view, 23> kTitles = {
    "capt", "cf", "cmdr", "col",  "dr",  "gen", "gov", "hon", "lt", "maj", "messrs", "mr",
    "mrs",  "ms", "mx",   "prof", "rep", "rev", "sen", "sgt", "st", "viz", "vs"};
// What a number follows: "No. 5", "Fig. 3", "Jan. 2".
constexpr std::array<std::string_view, 51> kBeforeNumbers = {
    "al",  "ann",  "app", "approx", "apr",  "art", "arts", "aug", "bd",   "ca",   "ch",  "chap", "cl",
    "dec", "ed",   "eds", "eq",     "eqs",  "ex",  "feb",  "fig", "figs", "jan",  "jul", "jun",  "mar",
    "no",  "nos",  "nov", "nr",     "num",  "oct", "op",   "par", "para", "pp",   "pt",  "ref",  "refs",
    "reg", "regs", "sec", "secs",   "sect", "sep", "sept", "tab", "ver",  "vers", "vol", "vols"};

template <class List, class Value>
bool contains(const List& list, const Value& value) {
  return std::binary_search(list.begin(), list.end(), value);
}

static_assert(std::is_sorted(kMarks.begin(), kMarks.end()) &&
              std::is_sorted(kWideMarks.begin(), kWideMarks.end()) &&
              std::is_sorted(kClosers.begin(), kClosers.end()) &&
              std::is_sorted(kTitles.begin(), kTitles.end()) &&
              std::is_sorted(kBeforeNumbers.begin(), kBeforeNumbers.end()));

bool is_line_feed(char32_t c) { return c == U'\n' || c == 0x85 || c == 0x2028; }

std::size_t skip_white_space(std::string_view text, std::size_t at, std::size_t end) {
  for (; at < end; at += decode(text, at).size) {
    if (!is_white_space(decode(text, at))) break;
  }
  return at;
}

// Digits, or capitals that may be a Roman number.
bool is_number(std::string_view word) {
  return (word[0] >= '0' && word[0] <= '9') || word.find_first_not_of("IVXLCDM") == std::string_view::npos;
}

// Whether a token stands first in its line, but for spaces.
bool begins_line(std::string_view text, std::size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  return at == 0 || text[at - 1] == '\n';
}

// Whether a full stop right behind `last` belongs to the word and ends nothing.
bool abbreviates(std::string_view text, const TokenBuffer& buffer, const Token& last, const Token& next) {
  if (last.kind != Kind::kWord) return false;
  const std::string_view word = text.substr(last.start, last.end - last.start);
  const Decoded first = decode(text, last.start);
  const bool letter = first.code_point != kMalformed &&
                      (properties(first.code_point).upper() || properties(first.code_point).lower());
  if (first.size == word.size() && letter) return true;                 // J. Smith
  if (letter && word.find('.') != std::string_view::npos) return true;  // e.g, U.S
  const bool digits = word.size() <= 3 && word.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits) return begins_line(text, last.start);  // 1. First item
  const std::string_view term = buffer.term(last);
  if (contains(kTitles, term)) return true;
  return contains(kBeforeNumbers, term) && is_number(text.substr(next.start, next.end - next.start));
}

// Where a paragraph ends in [begin, end): the white space that holds a separator or a second line feed.
bool paragraph_end(std::string_view text, std::size_t begin, std::size_t end, Cut& cut) {
  for (std::size_t at = begin; at < end;) {
    if (!is_white_space(decode(text, at))) {
      at += decode(text, at).size;
      continue;
    }
    const std::size_t left = at;
    unsigned feeds = 0;
    for (Decoded d = decode(text, at); is_white_space(d); d = decode(text, at)) {
      feeds += d.code_point == 0x2029 ? 2U : unsigned{is_line_feed(d.code_point)};
      at += d.size;
      if (at == end) break;
    }
    if (feeds >= 2) {
      cut = {left, at};
      return true;
    }
  }
  return false;
}

}  // namespace

bool sentence_end(std::string_view text, const TokenBuffer& buffer, const Token& last, const Token& next,
                  Cut& cut) {
  const std::size_t begin = last.end;
  const std::size_t end = next.start;
  if (end - begin == 1 && static_cast<std::uint8_t>(text[begin]) < 0x80) return false;  // nearly every gap
  const Decoded after = decode(text, end);
  const bool lower = after.code_point != kMalformed && properties(after.code_point).lower();
  for (std::size_t at = begin; at < end;) {
    const Decoded first = decode(text, at);
    const bool is_wide = contains(kWideMarks, first.code_point);
    if (!is_wide && !contains(kMarks, first.code_point)) {
      at += first.size;
      continue;
    }
    const std::size_t mark = at;
    unsigned marks = 0;
    bool wide = false;
    for (Decoded d = first; at < end; d = decode(text, at)) {
      const bool one = contains(kWideMarks, d.code_point);
      if (!one && !contains(kMarks, d.code_point)) break;
      wide = wide || one;
      ++marks;
      at += d.size;
    }
    while (at < end && contains(kClosers, decode(text, at).code_point)) at += decode(text, at).size;
    const bool spaced = at < end && is_white_space(decode(text, at));
    if (!wide && (!spaced || lower)) continue;
    const bool lone_stop = marks == 1 && first.code_point == U'.' && mark == begin;
    if (lone_stop && abbreviates(text, buffer, last, next)) continue;
    cut = {at, skip_white_space(text, at, end)};
    return true;
  }
  return paragraph_end(text, begin, end, cut);
}

Cut word_cut(std::string_view text, const Token& last, const Token& next) noexcept {
  Cut cut{next.start, next.start};
  for (std::size_t at = last.end; at < next.start;) {
    const Decoded d = decode(text, at);
    if (!is_white_space(d)) {
      at += d.size;
      continue;
    }
    cut.left = at;
    at = cut.right = skip_white_space(text, at, next.start);
  }
  return cut;
}

Cut trimmed(std::string_view text, std::size_t begin, std::size_t end) noexcept {
  const std::size_t first = skip_white_space(text, begin, end);
  if (first == end) return {begin, begin};
  std::size_t last = end;
  while (last > first) {
    std::size_t at = last - 1;
    while (at > first && is_continuation(text[at])) --at;
    const Decoded d = decode(text, at);
    if (!is_white_space(d) || at + d.size != last) break;  // a malformed byte may stand behind white space
    last = at;
  }
  return {first, last};
}

}  // namespace pyengine
