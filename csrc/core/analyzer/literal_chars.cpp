#include "core/analyzer/literal_chars.hpp"

#include <algorithm>

#include "core/analyzer/unicode.hpp"

namespace pyengine {

ReadChar read_char(std::string_view text, std::size_t at) noexcept {
  const auto where = static_cast<std::uint32_t>(at);
  const auto byte = static_cast<std::uint8_t>(text[at]);
  if (byte < 0x80) return {{where, text[at], kAsciiFlags[byte]}, 1};
  const Decoded d = decode(text, at);
  if (d.code_point == kMalformed) return {{where, 0, 0}, d.size};
  if (d.code_point == 0x2010 || d.code_point == 0x2011) return {{where, '-', kHyphen}, d.size};
  const Properties p = properties(d.code_point);
  unsigned flags = p.word_char() ? kAlnum : 0;
  if (p.upper()) flags |= kUpperCase;
  if (p.lower()) flags |= kLowerCase;
  return {{where, 0, static_cast<std::uint8_t>(flags)}, d.size};
}

void read_chars(std::string_view text, std::size_t begin, std::size_t end, std::vector<Char>& out) {
  out.clear();
  for (std::size_t at = begin; at < end;) {
    const ReadChar c = read_char(text, at);
    out.push_back(c.value);
    at += c.size;
  }
  out.push_back({static_cast<std::uint32_t>(end), 0, 0});
}

void read_chunk(std::string_view text, std::size_t begin, std::vector<Char>& out) {
  out.clear();
  std::size_t at = begin;
  while (at < text.size()) {
    const ReadChar c = read_char(text, at);
    if (c.value.flags == 0) break;
    out.push_back(c.value);
    at += c.size;
  }
  out.push_back({static_cast<std::uint32_t>(at), 0, 0});
}

Chars trim_left(Chars chars) noexcept { return chars.subspan(count_leading(chars, kConnector | kHyphen)); }

Chars trim_right(Chars chars) noexcept {
  while (!chars.empty() && chars.back().is(kConnector | kHyphen)) chars = chars.first(chars.size() - 1);
  return chars;
}

bool equals_ignoring_case(Chars chars, std::string_view lower) noexcept {
  return chars.size() == lower.size() &&
         std::equal(chars.begin(), chars.end(), lower.begin(),
                    [](const Char& c, char expected) { return to_lower(c.unit) == expected; });
}

std::size_t count_leading(Chars chars, unsigned mask) noexcept {
  std::size_t n = 0;
  while (n < chars.size() && chars[n].is(mask)) ++n;
  return n;
}

}  // namespace pyengine
