// The inner product of a float32 query and a stored float16 or float32 vector.
//
// One definition, the same bits on every CPU: 32 running sums, of which sum l takes the products of the
// components l, l + 32, l + 64, ... in order, each product and each addition rounded to float32 (no fused
// multiply-add); then the sums are folded in halves, 16 + 16, 8 + 8, ... The AVX2 kernel and the portable one
// both do exactly this, and a test compares them bit for bit.
// Threads: all functions are pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pyengine {

enum class VectorType : std::uint8_t { kFloat16, kFloat32 };

[[nodiscard]] constexpr std::size_t size_of(VectorType type) noexcept {
  return type == VectorType::kFloat16 ? 2 : 4;
}

// REQUIRES: `query` has `dim` floats, `stored` has `dim` components of the kernel's type, aligned to it.
using InnerProduct = float (*)(const float* query, const std::byte* stored, std::size_t dim) noexcept;

// The kernel to use on this CPU.
[[nodiscard]] InnerProduct inner_product_for(VectorType type) noexcept;

// The kernel that runs on every CPU.
[[nodiscard]] InnerProduct portable_inner_product_for(VectorType type) noexcept;

// Of a stored vector, in double precision.
[[nodiscard]] double squared_length(const std::byte* stored, VectorType type, std::size_t dim) noexcept;

// IEEE 754 binary16 to binary32; exact for every value.
[[nodiscard]] float from_half(std::uint16_t half) noexcept;

}  // namespace pyengine
