// What AVX-512 VBMI adds: a table of 256 bytes looked up 64 bytes at a time.
#include "core/simd/tables.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace pyengine::simd {

std::size_t scan_columns_vbmi(const std::uint8_t* const* columns, const ByteWorth* worth, std::size_t lists,
                              std::size_t first, std::size_t count, std::uint8_t least,
                              std::uint32_t* positions) {
  const __m512i floor = _mm512_set1_epi8(static_cast<char>(least));
  const __m512i ascending = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += 64) {
    const std::size_t left = count - i;
    const __mmask64 inside = left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    __m512i sum = _mm512_setzero_si512();
    for (std::size_t list = 0; list < lists; ++list) {
      const __m512i codes = _mm512_maskz_loadu_epi8(inside, columns[list] + first + i);
      const std::uint8_t* table = worth[list].bytes;
      const __m512i lower =
          _mm512_permutex2var_epi8(_mm512_loadu_si512(table), codes, _mm512_loadu_si512(table + 64));
      const __m512i upper =
          _mm512_permutex2var_epi8(_mm512_loadu_si512(table + 128), codes, _mm512_loadu_si512(table + 192));
      sum = _mm512_adds_epu8(sum, _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), lower, upper));
    }
    std::uint64_t bits = _mm512_mask_cmpge_epu8_mask(inside, sum, floor);
    __m512i places = _mm512_add_epi32(ascending, _mm512_set1_epi32(static_cast<int>(i)));
    for (; bits != 0; bits >>= 16) {
      const auto part = static_cast<__mmask16>(bits);
      _mm512_storeu_si512(positions + found, _mm512_maskz_compress_epi32(part, places));
      found += static_cast<std::size_t>(__builtin_popcount(part));
      places = _mm512_add_epi32(places, _mm512_set1_epi32(16));
    }
  }
  return found;
}

}  // namespace pyengine::simd
#endif
