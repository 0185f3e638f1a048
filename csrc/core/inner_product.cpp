#include "core/inner_product.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pyengine {
namespace {

constexpr std::size_t kLanes = 32;

struct Half {
  static constexpr std::size_t kBytes = 2;
  static float load(const std::byte* at) noexcept {
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return from_half(bits);
  }
};

struct Single {
  static constexpr std::size_t kBytes = 4;
  static float load(const std::byte* at) noexcept {
    float value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
};

using Lanes = std::array<float, kLanes>;

// Adds the components from `start` on, fewer than kLanes, each to its own sum.
template <class T>
inline void add_rest(Lanes& sums, const float* query, const std::byte* stored, std::size_t start,
                     std::size_t dim) noexcept {
  for (std::size_t i = start; i < dim; ++i) sums[i - start] += query[i] * T::load(stored + i * T::kBytes);
}

template <class T>
float portable(const float* query, const std::byte* stored, std::size_t dim) noexcept {
  Lanes sums{};
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += query[i + lane] * T::load(stored + (i + lane) * T::kBytes);
    }
  }
  add_rest<T>(sums, query, stored, i, dim);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

template <class T>
double sum_of_squares(const std::byte* stored, std::size_t dim) noexcept {
  // Four sums, so that one addition need not wait for the last.
  std::array<double, 4> sums{};
  for (std::size_t i = 0; i < dim; ++i) {
    const double value = T::load(stored + i * T::kBytes);
    sums[i % 4] += value * value;
  }
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

#if defined(__x86_64__)

// Without "fma" in the target the compiler cannot fuse, whatever its flags.
#define PYENGINE_AVX2 __attribute__((target("avx2,f16c")))

struct HalfAvx2 : Half {
  PYENGINE_AVX2 static __m256 load8(const std::byte* at) noexcept {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
};

struct SingleAvx2 : Single {
  PYENGINE_AVX2 static __m256 load8(const std::byte* at) noexcept {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(at));
  }
};

template <class T>
PYENGINE_AVX2 float avx2(const float* query, const std::byte* stored, std::size_t dim) noexcept {
  constexpr std::size_t kWidth = 8;
  __m256 sum0 = _mm256_setzero_ps();
  __m256 sum1 = sum0;
  __m256 sum2 = sum0;
  __m256 sum3 = sum0;
  std::size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    const float* q = query + i;
    const std::byte* s = stored + i * T::kBytes;
    constexpr std::size_t kStep = kWidth * T::kBytes;
    sum0 = _mm256_add_ps(sum0, _mm256_mul_ps(_mm256_loadu_ps(q), T::load8(s)));
    sum1 = _mm256_add_ps(sum1, _mm256_mul_ps(_mm256_loadu_ps(q + kWidth), T::load8(s + kStep)));
    sum2 = _mm256_add_ps(sum2, _mm256_mul_ps(_mm256_loadu_ps(q + 2 * kWidth), T::load8(s + 2 * kStep)));
    sum3 = _mm256_add_ps(sum3, _mm256_mul_ps(_mm256_loadu_ps(q + 3 * kWidth), T::load8(s + 3 * kStep)));
  }
  if (i < dim) {
    Lanes sums;
    _mm256_storeu_ps(sums.data(), sum0);
    _mm256_storeu_ps(sums.data() + kWidth, sum1);
    _mm256_storeu_ps(sums.data() + 2 * kWidth, sum2);
    _mm256_storeu_ps(sums.data() + 3 * kWidth, sum3);
    add_rest<T>(sums, query, stored, i, dim);
    sum0 = _mm256_loadu_ps(sums.data());
    sum1 = _mm256_loadu_ps(sums.data() + kWidth);
    sum2 = _mm256_loadu_ps(sums.data() + 2 * kWidth);
    sum3 = _mm256_loadu_ps(sums.data() + 3 * kWidth);
  }
  // Folds 16 + 16, 8 + 8, 4 + 4, 2 + 2, 1 + 1.
  const __m256 eight = _mm256_add_ps(_mm256_add_ps(sum0, sum2), _mm256_add_ps(sum1, sum3));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

bool has_avx2() noexcept {
  static const bool answer = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("f16c") != 0;
  return answer;
}

#endif

}  // namespace

float from_half(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
  }
  const std::uint32_t widened = exponent == 0x1FU ? 0xFFU : exponent + 112U;
  return std::bit_cast<float>(sign | (widened << 23U) | (mantissa << 13U));
}

double squared_length(const std::byte* stored, VectorType type, std::size_t dim) noexcept {
  return type == VectorType::kFloat16 ? sum_of_squares<Half>(stored, dim)
                                      : sum_of_squares<Single>(stored, dim);
}

InnerProduct portable_inner_product_for(VectorType type) noexcept {
  return type == VectorType::kFloat16 ? &portable<Half> : &portable<Single>;
}

InnerProduct inner_product_for(VectorType type) noexcept {
#if defined(__x86_64__)
  if (has_avx2()) return type == VectorType::kFloat16 ? &avx2<HalfAvx2> : &avx2<SingleAvx2>;
#endif
  return portable_inner_product_for(type);
}

}  // namespace pyengine
