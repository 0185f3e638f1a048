// What the analyzer asks of one code point, and strict UTF-8 decoding.
// Thread rule: pure functions over constant tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pyengine {

// UAX #29, table 3. The order is the one csrc/tools/make_unicode_tables.py writes.
enum class WordBreak : std::uint8_t {
  kOther,
  kCr,
  kLf,
  kNewline,
  kExtend,
  kZwj,
  kFormat,
  kRegionalIndicator,
  kKatakana,
  kHebrewLetter,
  kALetter,
  kSingleQuote,
  kDoubleQuote,
  kMidNumLet,
  kMidLetter,
  kMidNum,
  kNumeric,
  kExtendNumLet,
  kWSegSpace,
};

// One code point's properties: the word-break class in the low five bits, then one bit each.
class Properties {
 public:
  constexpr explicit Properties(std::uint16_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr WordBreak word_break() const { return static_cast<WordBreak>(bits_ & 31U); }
  [[nodiscard]] constexpr bool letter_or_number() const { return has(5); }  // category L or N
  [[nodiscard]] constexpr bool word_char() const { return has(6); }         // category L, M or N
  [[nodiscard]] constexpr bool upper() const { return has(7); }             // Lu or Lt
  [[nodiscard]] constexpr bool lower() const { return has(8); }             // Ll
  [[nodiscard]] constexpr bool white_space() const { return has(9); }
  [[nodiscard]] constexpr bool pictographic() const { return has(10); }
  // Its term depends on its neighbours: a combining mark, or a letter that composes with one.
  [[nodiscard]] constexpr bool context_dependent() const { return has(11); }
  [[nodiscard]] constexpr bool assigned() const { return has(12); }

 private:
  [[nodiscard]] constexpr bool has(unsigned bit) const { return ((bits_ >> bit) & 1U) != 0; }
  std::uint16_t bits_;
};

// REQUIRES: code_point < 0x110000.
[[nodiscard]] Properties properties(char32_t code_point) noexcept;

// Version of the Unicode Character Database behind the tables.
[[nodiscard]] std::array<std::uint8_t, 3> unicode_version() noexcept;

inline constexpr char32_t kMalformed = 0xFFFFFFFF;

struct Decoded {
  char32_t code_point;  // kMalformed: one byte that begins no well-formed sequence
  std::uint32_t size;   // bytes, at least 1
};

[[nodiscard]] constexpr bool is_continuation(char byte) noexcept {
  return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80U;
}

// Decodes the code point at `at`. Overlong forms, surrogates and values above U+10FFFF are malformed
// (Unicode Standard 15.0, table 3-7), and each byte of a malformed sequence is reported by itself.
// REQUIRES: at < text.size().
[[nodiscard]] inline Decoded decode(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t left = text.size() - at;
  const auto tail = [&](std::size_t i) { return static_cast<char32_t>(byte(i) & 0x3FU); };
  const auto follows = [&](std::size_t i) { return i < left && (byte(i) & 0xC0U) == 0x80U; };
  if (lead >= 0xC2 && lead < 0xE0 && follows(1)) {
    return {(static_cast<char32_t>(lead & 0x1FU) << 6) | tail(1), 2};
  }
  if (lead >= 0xE0 && lead < 0xF0 && follows(1) && follows(2)) {
    const char32_t cp = (static_cast<char32_t>(lead & 0x0FU) << 12) | (tail(1) << 6) | tail(2);
    if (cp >= 0x800 && (cp < 0xD800 || cp > 0xDFFF)) return {cp, 3};
  }
  if (lead >= 0xF0 && lead < 0xF5 && follows(1) && follows(2) && follows(3)) {
    const char32_t cp =
        (static_cast<char32_t>(lead & 0x07U) << 18) | (tail(1) << 12) | (tail(2) << 6) | tail(3);
    if (cp >= 0x10000 && cp < 0x110000) return {cp, 4};
  }
  return {kMalformed, 1};
}

[[nodiscard]] inline bool is_white_space(const Decoded& d) noexcept {
  return d.code_point != kMalformed && properties(d.code_point).white_space();
}

}  // namespace pyengine
