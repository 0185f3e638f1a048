// Finds the literals of a text: docs/analyzer.md has the grammar and the order of precedence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/analyzer/literal_chars.hpp"
#include "core/analyzer/token_buffer.hpp"

namespace pyengine {

// Replaces scratch.found with the literals of what stands at `at`: one character, a stretch that holds none,
// or a chunk. They are ascending and disjoint. Returns the place to go on from, behind all of them; reading
// a text step by step takes time linear in it.
// REQUIRES: `at` < text.size() is 0, or what the last call returned, or behind one character without flags or
// one plain word that stands there.
[[nodiscard]] std::size_t read_literals(std::string_view text, std::size_t at, LiteralScratch& scratch);

// Whether a plain word that ends at `end` may begin a literal all the same: name(), "Section 3", "HTTP 404".
[[nodiscard]] bool may_go_on(std::string_view text, std::size_t begin, std::size_t end);

// The flags of the byte at `at`, kAlnum where it is beyond ASCII, 0 at the end of the text.
[[nodiscard]] inline std::uint8_t byte_flags(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) return 0;
  const auto byte = static_cast<std::uint8_t>(text[at]);
  return byte < 0x80 ? kAsciiFlags[byte] : std::uint8_t{kAlnum};
}

// The end of ASCII letters, all capitals or none behind the first; `begin` where they are mixed.
[[nodiscard]] inline std::size_t simple_word_end(std::string_view text, std::size_t begin) noexcept {
  constexpr unsigned kLetter = kUpperCase | kLowerCase;
  std::size_t end = begin + 1;
  unsigned seen = 0;
  for (unsigned flags = 0; ((flags = byte_flags(text, end)) & kLetter) != 0; ++end) seen |= flags;
  if ((seen & kUpperCase) == 0) return end;
  const bool capitals = (byte_flags(text, begin) & kUpperCase) != 0 && (seen & kLowerCase) == 0;
  return capitals ? end : begin;
}

// The end of a plain ASCII word at `begin` that is no part of a literal and of no longer word, whatever
// stands behind it; 0 where only a closer look can tell.
[[nodiscard]] inline std::size_t plain_word_end(std::string_view text, std::size_t begin) noexcept {
  const std::size_t end = simple_word_end(text, begin);
  if (end == begin) return 0;
  if (end == text.size()) return end;
  const char next = text[end];
  if (next == ' ' && (byte_flags(text, end + 1) & (kUpperCase | kLowerCase)) != 0) return end;
  const bool full_stop =
      next == '.' && end + 1 < text.size() && (text[end + 1] == ' ' || text[end + 1] == '\n');
  const bool ends = full_stop || (byte_flags(text, end) == 0 && next != '\'');
  return ends && !may_go_on(text, begin, end) ? end : 0;
}

}  // namespace pyengine
