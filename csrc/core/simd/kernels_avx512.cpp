#include "core/simd/tables.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace pyengine::simd {
namespace {

std::size_t scan_codes(const std::uint8_t* codes, std::size_t count, std::uint8_t least,
                       std::uint32_t* positions) {
  const __m512i floor = _mm512_set1_epi8(static_cast<char>(least));
  const __m512i step = _mm512_set1_epi32(16);
  const __m512i first = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += 64) {
    const __m512i block = _mm512_loadu_si512(codes + i);
    std::uint64_t bits = _mm512_cmpge_epu8_mask(block, floor);
    if (count - i < 64) bits &= (std::uint64_t{1} << (count - i)) - 1U;
    if (bits == 0) continue;
    __m512i places = _mm512_add_epi32(first, _mm512_set1_epi32(static_cast<int>(i)));
    for (int quarter = 0; quarter < 4; ++quarter) {
      const auto part = static_cast<__mmask16>(bits);
      _mm512_storeu_si512(positions + found, _mm512_maskz_compress_epi32(part, places));
      found += static_cast<std::size_t>(__builtin_popcount(part));
      places = _mm512_add_epi32(places, step);
      bits >>= 16;
    }
  }
  return found;
}

inline std::uint32_t find_low(const std::uint16_t* low, std::uint32_t begin, std::uint32_t end,
                              std::uint16_t target) {
  const __m512i wanted = _mm512_set1_epi16(static_cast<short>(target));
  do {
    const std::uint32_t left = end > begin ? end - begin : 0;
    const __mmask32 inside = left >= 32 ? 0xFFFFFFFFU : (1U << left) - 1U;
    const __mmask32 bits =
        _mm512_mask_cmpeq_epu16_mask(inside, _mm512_maskz_loadu_epi16(inside, low + begin), wanted);
    if (bits != 0) return begin + static_cast<std::uint32_t>(__builtin_ctz(bits));
    begin += 32;
  } while (begin < end);
  return end;
}

#include "core/simd/passes.inc"

}  // namespace

const Kernels kAvx512Kernels{"avx512", scan_codes, round_products, add_column,
                             add_body, find_codes, keep_by_range,  nullptr};

}  // namespace pyengine::simd
#endif
