// The characters of literals: what docs/analyzer.md calls A, D, l, H and a chunk.
// Thread rule: pure functions; the vectors belong to the caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pyengine {

enum CharFlag : std::uint8_t {
  kAlnum = 1,      // A: category L, M or N
  kDigit = 2,      // D: ASCII 0-9, also kAlnum
  kUpperCase = 4,  // Lu or Lt, also kAlnum
  kLowerCase = 8,  // Ll, also kAlnum
  kUnderscore = 16,
  kHyphen = 32,     // H: - and U+2010, U+2011, which word processors write for it
  kConnector = 64,  // . / \ : @ # $ + ~
};

struct Char {
  std::uint32_t at;    // byte offset in the text
  char unit;           // the ASCII character, '-' for any hyphen, 0 for the rest
  std::uint8_t flags;  // CharFlag

  [[nodiscard]] bool is(unsigned mask) const { return (flags & mask) != 0; }
  [[nodiscard]] bool is_letter() const { return is(kAlnum) && !is(kDigit); }  // l: A without D
  [[nodiscard]] bool is_ascii_letter() const { return is_letter() && unit != 0; }
  [[nodiscard]] bool is_ascii_alnum() const { return is(kAlnum) && unit != 0; }
  [[nodiscard]] bool is_caps() const { return is(kUpperCase) && unit != 0; }
  [[nodiscard]] bool is_name() const { return is(kAlnum | kUnderscore); }
};

// A run of characters followed by one more Char, whose `at` is where the run ends in the text.
using Chars = std::span<const Char>;

[[nodiscard]] inline std::uint32_t end_of(Chars chars) { return chars.data()[chars.size()].at; }

// Flags of every byte below 0x80.
inline constexpr std::array<std::uint8_t, 128> kAsciiFlags = [] {
  std::array<std::uint8_t, 128> flags{};
  for (std::size_t c = '0'; c <= '9'; ++c) flags[c] = kAlnum | kDigit;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) flags[c] = kAlnum | kUpperCase;
  for (std::size_t c = 'a'; c <= 'z'; ++c) flags[c] = kAlnum | kLowerCase;
  flags['_'] = kUnderscore;
  flags['-'] = kHyphen;
  for (const char c : {'.', '/', '\\', ':', '@', '#', '$', '+', '~'}) {
    flags[static_cast<unsigned char>(c)] = kConnector;
  }
  return flags;
}();

struct ReadChar {
  Char value;
  std::uint32_t size;  // bytes
};

// The character at `at`. REQUIRES: at < text.size().
[[nodiscard]] ReadChar read_char(std::string_view text, std::size_t at) noexcept;

// The flags of the character at `at`, or 0 at the end of the text.
[[nodiscard]] inline std::uint8_t flags_at(std::string_view text, std::size_t at) noexcept {
  return at < text.size() ? read_char(text, at).value.flags : std::uint8_t{0};
}

// Whether a name goes on at `at`: A or an underscore.
[[nodiscard]] inline bool is_name_at(std::string_view text, std::size_t at) noexcept {
  return (flags_at(text, at) & (kAlnum | kUnderscore)) != 0;
}

// Replaces `out` with the characters of [begin, end) and the closing one.
void read_chars(std::string_view text, std::size_t begin, std::size_t end, std::vector<Char>& out);

// Replaces `out` with the chunk that begins at `begin`: characters with any flag, and the closing one.
void read_chunk(std::string_view text, std::size_t begin, std::vector<Char>& out);

// Without the leading and the trailing characters that are connectors or hyphens.
[[nodiscard]] Chars trim_left(Chars chars) noexcept;
[[nodiscard]] Chars trim_right(Chars chars) noexcept;

// Equal to `lower`, ASCII case aside. REQUIRES: `lower` is lower-case ASCII.
[[nodiscard]] bool equals_ignoring_case(Chars chars, std::string_view lower) noexcept;

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// How many leading characters carry a flag of `mask`.
[[nodiscard]] std::size_t count_leading(Chars chars, unsigned mask) noexcept;

}  // namespace pyengine
