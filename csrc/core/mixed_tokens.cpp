#include "core/mixed_tokens.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pyengine {

namespace {

constexpr std::size_t kBlock = 64;

// One bit a byte of a block.
struct Classes {
  std::uint64_t separator = 0;
  std::uint64_t letter = 0;
  std::uint64_t digit = 0;
};

#if defined(__SSE2__)

Classes classify(const char* block) noexcept {
  Classes found;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + std::size_t{16} * i));
    const auto bits = [i](__m128i mask) {
      return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(mask))} << (16 * i);
    };
    const auto is = [bytes](char wanted) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)); };
    // In [low, high]: signed comparison after a shift that puts `low` at the least value.
    const auto within = [](__m128i value, char low, char high) {
      const __m128i shifted = _mm_add_epi8(value, _mm_set1_epi8(static_cast<char>(-128 - low)));
      return _mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(-128 + (high - low) + 1)));
    };
    found.separator |= bits(_mm_or_si128(_mm_or_si128(is(' '), is('\t')), is('\n')));
    found.letter |= bits(within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z'));
    found.digit |= bits(within(bytes, '0', '9'));
  }
  return found;
}

#else

Classes classify(const char* block) noexcept {
  Classes found;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const auto byte = static_cast<unsigned char>(block[i]);
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (byte == ' ' || byte == '\t' || byte == '\n') found.separator |= bit;
    if ((byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z') found.letter |= bit;
    if (byte >= '0' && byte <= '9') found.digit |= bit;
  }
  return found;
}

#endif

// Marks the separators behind those runs of `inside` that hold a bit of `marks`: adding a mark to a run of
// ones carries out of the run. `carry` goes from block to block.
std::uint64_t behind_marked(std::uint64_t inside, std::uint64_t marks, std::uint64_t& carry) noexcept {
  const std::uint64_t once = inside + marks;
  const std::uint64_t sum = once + carry;
  carry = static_cast<std::uint64_t>(once < inside) | static_cast<std::uint64_t>(sum < once);
  return sum & ~inside;
}

}  // namespace

void MixedTokens::add(std::string_view text) noexcept {
  std::uint64_t with_letter = 0;  // carries
  std::uint64_t with_digit = 0;
  std::uint64_t with_other = 0;
  std::uint64_t open = 0;  // whether the last byte of the block before was inside of a token
  std::array<char, kBlock> last;
  // One block more than the text has, at least one separator behind it: the last token ends there.
  for (std::size_t at = 0; at <= text.size(); at += kBlock) {
    const char* block = text.data() + at;
    if (text.size() - at < kBlock) {
      last.fill(' ');
      std::memcpy(last.data(), block, text.size() - at);
      block = last.data();
    }
    const Classes found = classify(block);
    const std::uint64_t inside = ~found.separator;
    const std::uint64_t ends = ((inside << 1) | open) & found.separator;
    open = inside >> (kBlock - 1);
    const std::uint64_t letters = behind_marked(inside, found.letter, with_letter) & ends;
    const std::uint64_t digits = behind_marked(inside, found.digit, with_digit) & ends;
    const std::uint64_t others =
        behind_marked(inside, inside & ~(found.letter | found.digit), with_other) & ends;
    mixed += static_cast<unsigned>(std::popcount(letters & digits & ~others));
    kept += static_cast<unsigned>(std::popcount((letters | digits) & ~others));
  }
}

}  // namespace pyengine
