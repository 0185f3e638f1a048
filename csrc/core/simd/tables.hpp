// The tables there are; core/simd/dispatch.cpp chooses among them.
#pragma once

#include "core/simd/kernels.hpp"

namespace pyengine::simd {

extern const Kernels kScalarKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
std::size_t scan_columns_vbmi(const std::uint8_t* const* columns, const ByteWorth* worth, std::size_t lists,
                              std::size_t first, std::size_t count, std::uint8_t least,
                              std::uint32_t* positions);
#elif defined(__aarch64__)
extern const Kernels kNeonKernels;
#endif

}  // namespace pyengine::simd
