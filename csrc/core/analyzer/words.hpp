// Word segmentation after UAX #29 (Unicode 15.0), rules WB1 to WB999, untailored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/analyzer/ascii.hpp"

namespace pyengine {

struct Segment {
  std::size_t begin;
  std::size_t end;
  bool is_word;   // holds a letter or a number (category L or N)
  bool is_ascii;  // every byte is below 0x80
};

// The segment that begins at `begin`, by the full rules. A malformed byte is a segment of its own.
// REQUIRES: begin < text.size(), and begin is 0 or the end of a segment of `text`.
[[nodiscard]] Segment segment_at(std::string_view text, std::size_t begin) noexcept;

namespace words {

enum AsciiClass : std::uint8_t { kBreak = 0, kLetter = 1, kDigit = 2, kUnderscore = 4, kMid = 8, kHigh = 16 };
inline constexpr unsigned kCore = kLetter | kDigit | kUnderscore;

inline constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = kLetter;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = kDigit;
  for (std::size_t c = 0x80; c < 256; ++c) table[c] = kHigh;
  table['_'] = kUnderscore;
  for (const char c : {'.', ':', ',', ';', '\''}) table[static_cast<std::uint8_t>(c)] = kMid;
  return table;
}();

[[nodiscard]] inline unsigned class_of(char c) noexcept { return kClasses[static_cast<std::uint8_t>(c)]; }

// WB6, WB7, WB11, WB12 in ASCII: a mark between two letters or two digits.
[[nodiscard]] inline bool bridges(char mark, unsigned left, unsigned right) noexcept {
  if (left != right) return false;
  if (left == kLetter) return mark == '.' || mark == ':' || mark == '\'';
  return left == kDigit && mark != ':';
}

// The word segment of ASCII core characters at `begin`, or what the full rules say where one beyond
// ASCII may take part. REQUIRES: text[begin] is of kCore.
[[nodiscard]] inline Segment core_segment(std::string_view text, std::size_t begin) noexcept {
  const std::size_t size = text.size();
  std::size_t at = begin;
  unsigned seen = 0;
  while (true) {
    unsigned last = 0;
    unsigned next = kBreak;
    if (const std::size_t run = ascii::alnum_end(text, at); run != at) {
      at = run;
      last = class_of(text[at - 1]);
      seen |= last;
    }
    while (at < size && ((next = class_of(text[at])) & kCore) != 0) {
      last = next;
      seen |= next;
      ++at;
    }
    if (at == size || next == kBreak) break;
    if (next == kHigh) return segment_at(text, begin);
    const unsigned right = at + 1 < size ? class_of(text[at + 1]) : unsigned{kBreak};
    if (right == kHigh) return segment_at(text, begin);
    if (!bridges(text[at], last, right)) break;
    ++at;
  }
  return {begin, at, (seen & (kLetter | kDigit)) != 0, true};
}

}  // namespace words

// Calls `use` with every segment of [begin, text.size()) that is a word, in order: those that repeated
// calls of segment_at would return, with ASCII decided by one table.
// REQUIRES: as segment_at, but begin may be text.size().
template <class F>
void for_each_word(std::string_view text, std::size_t begin, F&& use) {
  const std::size_t size = text.size();
  std::size_t done = begin;  // the end of the last segment seen
  std::size_t at = begin;
  while (at < size) {
    const unsigned c = words::class_of(text[at]);
    if ((c & (words::kCore | words::kHigh)) == 0) {
      ++at;
      continue;
    }
    if (c == words::kHigh && at > done) {
      // A mark may attach to what stands before it (WB3c, WB4): one character, or a run of spaces (WB3d).
      --at;
      while (at > done && text[at] == ' ' && text[at - 1] == ' ') --at;
    }
    const Segment segment = (c & words::kCore) != 0 ? words::core_segment(text, at) : segment_at(text, at);
    if (segment.is_word) use(segment);
    at = done = segment.end;
  }
}

}  // namespace pyengine
