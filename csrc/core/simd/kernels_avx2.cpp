#include "core/simd/tables.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

namespace pyengine::simd {
namespace {

std::size_t scan_codes(const std::uint8_t* codes, std::size_t count, std::uint8_t least,
                       std::uint32_t* positions) {
  const __m256i floor = _mm256_set1_epi8(static_cast<char>(least));
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + i));
    auto bits = static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(block, floor), block)));
    if (count - i < 32) bits &= (1U << (count - i)) - 1U;
    for (; bits != 0; bits &= bits - 1) {
      positions[found++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctz(bits));
    }
  }
  return found;
}

inline std::uint32_t find_low(const std::uint16_t* low, std::uint32_t begin, std::uint32_t end,
                              std::uint16_t target) {
  const __m256i wanted = _mm256_set1_epi16(static_cast<short>(target));
  for (; begin < end; begin += 16) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(low + begin));
    const auto bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(block, wanted)));
    if (bits != 0) {
      const std::uint32_t at = begin + static_cast<std::uint32_t>(__builtin_ctz(bits)) / 2;
      return at < end ? at : end;
    }
  }
  return end;
}

#include "core/simd/passes.inc"

}  // namespace

const Kernels kAvx2Kernels{"avx2",   scan_codes, round_products, add_column,
                           add_body, find_codes, keep_by_range,  nullptr};

}  // namespace pyengine::simd
#endif
