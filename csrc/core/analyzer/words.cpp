#include "core/analyzer/words.hpp"

#include <cstdint>

#include "core/analyzer/unicode.hpp"

namespace pyengine {

namespace {

using enum WordBreak;

struct Point {
  WordBreak word_break;
  bool letter_or_number;
  bool pictographic;
  std::uint32_t size;
};

// A malformed byte breaks on both sides, as WB3a and WB3b have a newline do.
Point read(std::string_view text, std::size_t at) noexcept {
  const Decoded d = decode(text, at);
  if (d.code_point == kMalformed) return {kNewline, false, false, d.size};
  const Properties p = properties(d.code_point);
  return {p.word_break(), p.letter_or_number(), p.pictographic(), d.size};
}

constexpr bool is_newline(WordBreak c) { return c == kCr || c == kLf || c == kNewline; }
constexpr bool is_ignored(WordBreak c) { return c == kExtend || c == kFormat || c == kZwj; }
constexpr bool is_letter(WordBreak c) { return c == kALetter || c == kHebrewLetter; }
constexpr bool is_mid_letter(WordBreak c) { return c == kMidLetter || c == kMidNumLet || c == kSingleQuote; }
constexpr bool is_mid_number(WordBreak c) { return c == kMidNum || c == kMidNumLet || c == kSingleQuote; }

// The class of the first code point at or after `at` that WB4 does not ignore.
WordBreak peek(std::string_view text, std::size_t at) noexcept {
  while (at < text.size()) {
    const Point p = read(text, at);
    if (!is_ignored(p.word_break)) return p.word_break;
    at += p.size;
  }
  return kNewline;
}

// WB5 to WB13b: whether no boundary stands between `last` and `next`, code points ignored by WB4
// left out; `before` is what precedes `last` in the segment, `rest` where the text after `next` is.
bool joins(WordBreak before, WordBreak last, WordBreak next, std::string_view text,
           std::size_t rest) noexcept {
  if (is_letter(last)) {
    if (is_letter(next) || next == kNumeric || next == kExtendNumLet) return true;  // WB5, WB9, WB13a
    if (last == kHebrewLetter && next == kSingleQuote) return true;                 // WB7a
    if (is_mid_letter(next)) return is_letter(peek(text, rest));                    // WB6
    return last == kHebrewLetter && next == kDoubleQuote && peek(text, rest) == kHebrewLetter;  // WB7b
  }
  if (last == kNumeric) {
    if (is_letter(next) || next == kNumeric || next == kExtendNumLet) return true;  // WB8, WB10, WB13a
    return is_mid_number(next) && peek(text, rest) == kNumeric;                     // WB12
  }
  if (is_letter(next) && is_letter(before) && is_mid_letter(last)) return true;               // WB7
  if (next == kHebrewLetter && before == kHebrewLetter && last == kDoubleQuote) return true;  // WB7c
  if (next == kNumeric && before == kNumeric && is_mid_number(last)) return true;             // WB11
  if (last == kKatakana) return next == kKatakana || next == kExtendNumLet;                   // WB13
  if (last != kExtendNumLet) return false;
  return next == kExtendNumLet || is_letter(next) || next == kNumeric || next == kKatakana;  // WB13a, b
}

}  // namespace

Segment segment_at(std::string_view text, std::size_t begin) noexcept {
  const Point first = read(text, begin);
  std::size_t at = begin + first.size;
  if (is_newline(first.word_break)) {
    const bool crlf = first.word_break == kCr && at < text.size() && text[at] == '\n';  // WB3
    return {begin, at + (crlf ? 1 : 0), false, false};
  }
  bool is_word = first.letter_or_number;
  WordBreak before = kOther;
  WordBreak last = first.word_break;
  WordBreak adjacent = last;  // the code point right before, ignored by WB4 or not
  bool pair_open = last == kRegionalIndicator;
  while (at < text.size()) {
    const Point p = read(text, at);
    const WordBreak next = p.word_break;
    if (is_newline(next)) break;  // WB3a
    const bool ignored = is_ignored(next);
    const bool joined = (adjacent == kZwj && p.pictographic) ||                                   // WB3c
                        (adjacent == kWSegSpace && next == kWSegSpace) ||                         // WB3d
                        ignored ||                                                                // WB4
                        joins(before, last, next, text, at + p.size) ||                           // WB5-WB13b
                        (next == kRegionalIndicator && last == kRegionalIndicator && pair_open);  // WB15
    if (!joined) break;
    if (!ignored) {
      pair_open = next == kRegionalIndicator && !(last == kRegionalIndicator && pair_open);
      before = last;
      last = next;
    }
    adjacent = next;
    is_word = is_word || p.letter_or_number;
    at += p.size;
  }
  return {begin, at, is_word, false};
}

}  // namespace pyengine
