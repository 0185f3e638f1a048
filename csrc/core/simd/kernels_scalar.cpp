// The table every CPU can run, and the slow twin of the others.
#include "core/simd/tables.hpp"

namespace pyengine::simd {
namespace {

std::size_t scan_codes(const std::uint8_t* codes, std::size_t count, std::uint8_t least,
                       std::uint32_t* positions) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    positions[found] = static_cast<std::uint32_t>(i);
    found += codes[i] >= least ? 1U : 0U;
  }
  return found;
}

inline std::uint32_t find_low(const std::uint16_t* low, std::uint32_t begin, std::uint32_t end,
                              std::uint16_t target) {
  while (begin < end && low[begin] != target) ++begin;
  return begin < end ? begin : end;
}

#include "core/simd/passes.inc"

}  // namespace

const Kernels kScalarKernels{"scalar", scan_codes, round_products, add_column,
                             add_body, find_codes, keep_by_range,  nullptr};

}  // namespace pyengine::simd
