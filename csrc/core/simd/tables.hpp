// The tables there are; core/simd/dispatch.cpp chooses among them.
#pragma once

#include "core/simd/kernels.hpp"

namespace pyengine::simd {

extern const Kernels kScalarKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#elif defined(__aarch64__)
extern const Kernels kNeonKernels;
#endif

}  // namespace pyengine::simd
