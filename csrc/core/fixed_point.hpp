// Scores as integers: every algorithm may add contributions in any order and gets the same bits.
//
// A contribution is rounded once to a multiple of 2^-exponent, the sum of such integers is exact, and the sum
// is rounded once to float32. The exponent is chosen per query, from its weights alone, so that no sum can
// leave 2^51: every sum is then also exact as a float64. With n terms a score is off by at most
// n * 2^-51 of the greatest score the query could give, before the rounding to float32.
// The greatest score is below 2^52 units: rounding of a contribution adds at most half a unit each.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/types.hpp"

namespace pyengine {

using FixedScore = std::int64_t;

class FixedPoint {
 public:
  // `magnitude`: no sum of the query's contributions is greater, in absolute value.
  explicit FixedPoint(double magnitude) noexcept {
    // Bounded so that both scales are normal numbers; a query whose scores are below 2^-900 has none.
    const int exponent = magnitude > 0.0 ? std::clamp(50 - std::ilogb(magnitude), -900, 900) : 0;
    scale_ = std::ldexp(1.0, exponent);
    unit_ = std::ldexp(1.0, -exponent);
  }

  [[nodiscard]] FixedScore contribution(double weighted_idf, double saturation) const noexcept {
    // Adding 1.5 * 2^52 leaves the nearest integer, halves to even, in the low bits of the significand.
    constexpr double kShift = 0x1.8p52;
    return std::bit_cast<std::int64_t>(weighted_idf * saturation * scale_ + kShift) -
           std::bit_cast<std::int64_t>(kShift);
  }

  // What contribution() multiplies by.
  [[nodiscard]] double scale() const noexcept { return scale_; }

  // Exact.
  [[nodiscard]] double value(FixedScore sum) const noexcept { return static_cast<double>(sum) * unit_; }

  [[nodiscard]] Score score(FixedScore sum) const noexcept { return static_cast<Score>(value(sum)); }

  // The least sum whose score is at least `score`. REQUIRES: score > 0.
  [[nodiscard]] FixedScore least_sum(Score score) const noexcept {
    if (score == std::numeric_limits<Score>::infinity()) return std::numeric_limits<FixedScore>::max();
    const auto below = static_cast<double>(std::nextafter(score, 0.0F));
    const double middle = (below + static_cast<double>(score)) * 0.5 * scale_;
    if (middle >= 0x1p62) return std::numeric_limits<FixedScore>::max();
    auto sum = static_cast<FixedScore>(std::ceil(middle));
    while (this->score(sum) < score) ++sum;  // at most once: a tie may round down
    return sum;
  }

 private:
  double scale_;
  double unit_;
};

}  // namespace pyengine
