#include "core/simd/tables.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace pyengine::simd {
namespace {

// Four bits for each of 16 bytes that are all ones or all zeros.
inline std::uint64_t nibbles(uint8x16_t mask) {
  return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(mask), 4)), 0);
}

std::size_t scan_codes(const std::uint8_t* codes, std::size_t count, std::uint8_t least,
                       std::uint32_t* positions) {
  const uint8x16_t floor = vdupq_n_u8(least);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += 16) {
    std::uint64_t bits = nibbles(vcgeq_u8(vld1q_u8(codes + i), floor)) & 0x1111111111111111U;
    if (count - i < 16) bits &= (std::uint64_t{1} << (4 * (count - i))) - 1U;
    for (; bits != 0; bits &= bits - 1) {
      positions[found++] =
          static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctzll(bits)) / 4;
    }
  }
  return found;
}

inline std::uint32_t find_low(const std::uint16_t* low, std::uint32_t begin, std::uint32_t end,
                              std::uint16_t target) {
  const uint16x8_t wanted = vdupq_n_u16(target);
  for (; begin < end; begin += 8) {
    const uint16x8_t equal = vceqq_u16(vld1q_u16(low + begin), wanted);
    const std::uint64_t bits = nibbles(vreinterpretq_u8_u16(equal));
    if (bits != 0) {
      const std::uint32_t at = begin + static_cast<std::uint32_t>(__builtin_ctzll(bits)) / 8;
      return at < end ? at : end;
    }
  }
  return end;
}

#include "core/simd/passes.inc"

}  // namespace

const Kernels kNeonKernels{"neon",   scan_codes, round_products, add_column,
                           add_body, find_codes, keep_by_range,  nullptr};

}  // namespace pyengine::simd
#endif
