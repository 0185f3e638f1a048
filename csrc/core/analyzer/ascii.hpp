// ASCII letters and digits, sixteen at a time, with what every CPU of its kind has (SSE2, NEON).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/analyzer/literal_chars.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace pyengine::ascii {

inline constexpr std::size_t kBlock = 16;

[[nodiscard]] constexpr bool is_alnum(char c) noexcept {
  return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9');
}

// How many of the 16 bytes at `text`, counted from the first, are letters or digits.
[[nodiscard]] inline std::size_t alnum_prefix(const char* text) noexcept {
#if defined(__SSE2__)
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  // "x - first <= count" of unsigned bytes, written as a minimum.
  const auto within = [](__m128i bytes, char first, char count) {
    const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(count)), shifted);
  };
  const __m128i letters = within(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 25);
  const __m128i found = _mm_or_si128(letters, within(block, '0', 9));
  const auto bits = static_cast<std::uint32_t>(_mm_movemask_epi8(found));
  return static_cast<std::size_t>(std::countr_one(bits));
#elif defined(__aarch64__)
  const uint8x16_t block = vld1q_u8(reinterpret_cast<const std::uint8_t*>(text));
  const uint8x16_t letters =
      vcleq_u8(vsubq_u8(vorrq_u8(block, vdupq_n_u8(0x20)), vdupq_n_u8('a')), vdupq_n_u8(25));
  const uint8x16_t digits = vcleq_u8(vsubq_u8(block, vdupq_n_u8('0')), vdupq_n_u8(9));
  const uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(vorrq_u8(letters, digits)), 4);
  return static_cast<std::size_t>(std::countr_one(vget_lane_u64(vreinterpret_u64_u8(nibbles), 0))) / 4;
#else
  std::size_t at = 0;
  while (at < kBlock && is_alnum(text[at])) ++at;
  return at;
#endif
}

// The end of the letters and digits that stand from `at` on.
[[nodiscard]] inline std::size_t alnum_end(std::string_view text, std::size_t at) noexcept {
  while (at + kBlock <= text.size()) {
    const std::size_t run = alnum_prefix(text.data() + at);
    at += run;
    if (run < kBlock) return at;
  }
  while (at < text.size() && is_alnum(text[at])) ++at;
  return at;
}

// Appends text with its letters in lower case. REQUIRES: every byte is ASCII.
inline void append_lower(std::string_view text, std::string& out) {
  const std::size_t from = out.size();
  out.resize(from + text.size());
  char* to = out.data() + from;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    // Eight at once: bit 7 of a sum tells the letters, whose bit 5 is then set.
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, 8);
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const std::uint64_t from_a = bytes + (0x80 - 'A') * kOnes;
    const std::uint64_t after_z = bytes + (0x7F - 'Z') * kOnes;
    bytes |= ((from_a & ~after_z) & (0x80 * kOnes)) >> 2;
    std::memcpy(to + at, &bytes, 8);
  }
  for (; at < text.size(); ++at) to[at] = to_lower(text[at]);
}

}  // namespace pyengine::ascii
